"""A program in a process of its own that answers requests with numbers: another environment, another backend."""

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import numpy as np


@contextmanager
def worker(command: list[str], **environment: str) -> Iterator[Callable[[bytes, int], np.ndarray]]:
    """Start a program that reads requests from its standard input and writes float64 numbers to its standard output.

    `environment`: variables beside the present ones. Gives a function: a request and how many numbers are expected ->
    these; it raises EOFError, with the last line that the program said, when the program has ended. Raises OSError
    where there is no such program.
    """
    with tempfile.TemporaryFile() as said:  # a pipe that nobody reads would fill up
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": said}
        running = subprocess.Popen(command, env=os.environ | environment, **pipes)

        def ask(request: bytes, numbers: int) -> np.ndarray:
            with suppress(BrokenPipeError):
                running.stdin.write(request)
                running.stdin.flush()
            answer = running.stdout.read(8 * numbers)
            if len(answer) < 8 * numbers:
                said.seek(0)
                lines = said.read().decode(errors="replace").strip().splitlines()
                raise EOFError(" ".join(lines[-1:]))
            return np.frombuffer(answer)

        try:
            yield ask
        finally:
            running.communicate()
