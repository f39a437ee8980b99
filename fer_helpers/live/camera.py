"""Pictures in and out: camera, video file, picture or folder as one kind of source; video file and window.

Pictures are uint8 (h, w, 3) in OpenCV's order blue, green, red. OpenCV's headless build has no windows, so
tkinter shows them, where there is a display.
"""

import os
import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps

from fer_helpers import paths, pictures
from fer_helpers.datasets.image_folders import SUFFIXES
from fer_helpers.errors import FerError

USUAL_RATE = 25.0  # frames a second, where a camera or file does not tell
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # what is wrong with a file is said by our own messages


@dataclass(frozen=True)
class Frame:
    """One picture of a source."""

    index: int
    name: str  # of the camera or file
    time: float | None  # seconds since the first frame; None for single pictures
    image: np.ndarray  # (h, w, 3) uint8
    decode: float  # seconds that reading took, without the wait for a camera's next picture


@dataclass
class Source:
    """Frames that are read one by one as they are asked for."""

    name: str
    frames: Generator[Frame]
    rate: float | None = None  # frames a second; None for single pictures
    total: int | None = None  # frames to be expected; None for a camera
    folder: bool = False  # whether the pictures are those of a folder
    skipped: list[str] = field(default_factory=list)  # a sentence for each picture that could not be read


def open_source(source: int | str | Path) -> Source:
    """Open a camera (its number), a video file, a picture, or a folder of pictures (in order of their names).

    Raises FerError when there is no such thing or it does not open; its frames raise FerError when a camera
    goes away or a video ends too early.
    """
    if str(source).isdigit():
        return _camera(int(source))
    path = Path(source).expanduser()
    if path.is_dir():
        files = [file for file in sorted(path.iterdir()) if file.suffix.lower() in SUFFIXES]
        files = [file for file in files if not file.name.startswith(".")]
        if not files:
            raise FerError(f"{path} holds no pictures; put some there ({', '.join(sorted(SUFFIXES))}).")
        return stills(files, path.resolve().name, folder=True)
    if not path.exists():
        raise FerError(f"There is no {path}: give a camera's number, a video, a picture or a folder.")
    return stills([path], path.stem) if path.suffix.lower() in SUFFIXES else _video(path)


def read_picture(path: str | Path) -> np.ndarray:
    """Read a picture, upright as its EXIF data say. Raises FerError when it is missing or damaged."""
    try:
        with Image.open(path) as image:
            if image.mode.startswith("I"):  # 16 bits a pixel, which are always grey
                return cv2.cvtColor(pictures.read(path), cv2.COLOR_GRAY2BGR)
            return cv2.cvtColor(np.asarray(ImageOps.exif_transpose(image).convert("RGB")), cv2.COLOR_RGB2BGR)
    except FileNotFoundError as error:
        raise FerError(f"There is no picture {path}: check its name.") from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise FerError(
            f"{path} is not a readable picture (damaged, incomplete or of an unknown kind): save it again as "
            "JPEG or PNG."
        ) from error


def stills(files: Sequence[str | Path], name: str = "pictures", folder: bool = False) -> Source:
    """Take single pictures as a source; the unreadable ones are skipped, unless all are."""

    def frames() -> Generator[Frame]:
        for number, file in enumerate(files):
            began = time.perf_counter()
            try:
                image = read_picture(file)
            except FerError as error:
                source.skipped.append(str(error))
                continue
            index = number - len(source.skipped)
            yield Frame(index, str(file), None, image, time.perf_counter() - began)
        if len(source.skipped) == len(files):
            raise FerError(source.skipped.pop())

    source = Source(name, frames(), total=len(files), folder=folder)
    return source


def _video(path: Path) -> Source:
    capture = cv2.VideoCapture(str(path))  # turns the frames upright as the file says
    total = max(0, int(capture.get(cv2.CAP_PROP_FRAME_COUNT)))
    rate = capture.get(cv2.CAP_PROP_FPS)
    rate = rate if 1 <= rate <= 1000 else USUAL_RATE
    if not capture.isOpened():
        raise FerError(f"{path} is not a readable video (damaged, incomplete or no video): get it again.")

    def frames() -> Generator[Frame]:
        index = 0
        try:
            began = time.perf_counter()
            while (picture := capture.read())[0]:
                yield Frame(index, path.name, index / rate, picture[1], time.perf_counter() - began)
                index, began = index + 1, time.perf_counter()
        finally:
            capture.release()
        if index < max(1, 0.95 * total - 1):  # some formats only estimate the number of their frames
            raise FerError(f"{path} ends after {index} of {total} frames: it is incomplete; get it again.")

    return Source(path.stem, frames(), rate, total)


def _camera(number: int) -> Source:
    log = cv2.utils.logging
    log.setLogLevel(log.LOG_LEVEL_SILENT)  # OpenCV writes ten lines about a camera that is not there
    capture = cv2.VideoCapture(number)
    if not capture.isOpened():
        raise FerError(_why_closed(number))
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # the newest picture, not the oldest that is waiting

    def frames() -> Generator[Frame]:
        index, start = 0, None
        try:
            while capture.grab():
                began = time.perf_counter()
                good, image = capture.retrieve()
                if not good:
                    break
                start = start or began
                yield Frame(index, f"camera {number}", began - start, image, time.perf_counter() - began)
                index += 1
        finally:
            capture.release()
        raise FerError(f"Camera {number} gives no more pictures: check its plug and permission, start again.")

    rate = capture.get(cv2.CAP_PROP_FPS)
    return Source(f"camera{number}", frames(), rate if 1 <= rate <= 240 else USUAL_RATE)


def _why_closed(number: int, devices: Path = Path("/dev")) -> str:
    device = devices / f"video{number}"
    if sys.platform == "linux" and not device.exists():
        return f"There is no camera {number} here: plug one in, or give a video, a picture or a folder."
    if sys.platform == "linux" and not os.access(device, os.R_OK | os.W_OK):
        return f"You may not use {device}: run `sudo usermod -aG video $USER` and log in again."
    return (
        f"Camera {number} does not open: close other programs that use it, and allow cameras for this one in the "
        "system's privacy settings."
    )


@contextmanager
def video_writer(path: Path, rate: float) -> Iterator[Callable[[np.ndarray, float], None]]:
    """Give `write(image, seconds)` for an mp4 file at `rate` frames a second, kept when the block ends well.

    A picture is repeated or left out so that the film runs as fast as the time given, whatever the speed of
    the loop. Raises FerError when the file cannot be written.
    """
    with ExitStack() as stack:
        writer, written = None, 0

        def write(image: np.ndarray, seconds: float) -> None:
            nonlocal writer, written
            if writer is None:
                temporary = stack.enter_context(paths.atomic_write(path))
                size = image.shape[1::-1]
                writer = cv2.VideoWriter(str(temporary), cv2.VideoWriter_fourcc(*"mp4v"), rate, size)
                stack.callback(writer.release)
                if not writer.isOpened():
                    raise FerError(f"OpenCV cannot write a video to {path}: give a name that ends in .mp4.")
            while written <= round(seconds * rate):
                writer.write(image)
                written += 1

        yield write


def write_picture(path: Path, image: np.ndarray) -> None:
    """Write a picture (h, w, 3) uint8 in the format that the name ends in. Raises FerError when it cannot."""
    if path.suffix.lower() not in SUFFIXES:
        raise FerError(f"{path} is no name for a picture: let it end in .png.")
    with paths.atomic_write(path) as temporary:
        cv2.imwrite(str(temporary), image)


class Window:
    """A window that shows pictures; q, Escape or its cross closes it, any other key goes on from a still."""

    def __init__(self, title: str):
        import tkinter

        self._root = tkinter.Tk()
        self._root.title(title)
        self._label = tkinter.Label(self._root, borderwidth=0)
        self._label.pack()
        self._root.bind("<Key>", self._pressed)
        self._root.protocol("WM_DELETE_WINDOW", self._close)
        self._room = 0.9 * self._root.winfo_screenwidth(), 0.85 * self._root.winfo_screenheight()
        self.closed, self._key = False, False

    @classmethod
    def open(cls, title: str) -> "Window | None":
        """Open a window, or give None where there is no display or Python has no tkinter."""
        try:
            import tkinter

            return cls(title)
        except (ImportError, tkinter.TclError):
            return None

    def show(self, image: np.ndarray, wait: bool = False) -> None:
        """Show a picture, made smaller if the screen is too small; `wait` for a key."""
        from PIL import ImageTk

        ratio = min(1.0, self._room[0] / image.shape[1], self._room[1] / image.shape[0])
        if ratio < 1:
            image = cv2.resize(image, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA)
        self._photo = ImageTk.PhotoImage(Image.fromarray(image[..., ::-1]), master=self._root)
        self._label.configure(image=self._photo)
        self._key = False
        self._root.update()
        while wait and not (self._key or self.closed):
            time.sleep(0.02)
            self._root.update()

    def destroy(self) -> None:
        """Take the window away."""
        self._root.destroy()

    def _pressed(self, event) -> None:
        self._key = True
        self.closed = self.closed or event.keysym in ("q", "Escape")

    def _close(self) -> None:
        self.closed = True
