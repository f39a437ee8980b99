"""The one exception that a user is meant to read."""


class FerError(Exception):
    """Something outside the code is wrong: a missing file, a bad row, a full disk.

    The message is one sentence that names what is wrong and what to do. The command line prints it without a
    traceback and ends with exit code 1.
    """
