"""Is this machine ready for the course? Each check says what is wrong and what to do about it.

Nothing heavy is imported until a check needs it; Keras (8-11 s with TensorFlow) starts in one place.
"""

import importlib
import importlib.metadata
import os
import platform
import shutil
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from fer_helpers import paths
from fer_helpers.errors import FerError

REINSTALL = "run `pip install -r requirements.lock -e .` in the project folder"
GIGABYTE = 1e9


@dataclass(frozen=True)
class Check:
    """One line of the doctor's report: FAIL stops the course, WARN stops only a part of it."""

    status: Literal["OK", "WARN", "FAIL"]
    name: str
    message: str


def checks() -> list[Check]:
    """Examine Python, packages, processor, data, camera and disk; takes about 10 s, most of it Keras."""
    try:
        project = tomllib.loads((paths.ROOT / "pyproject.toml").read_text())["project"]
    except (OSError, KeyError, tomllib.TOMLDecodeError):
        return [Check("FAIL", "project", f"no readable pyproject.toml in {paths.ROOT}; clone it again.")]
    return [
        check_python(project["requires-python"], platform.python_version()),
        *check_packages(project["dependencies"]),
        *_guarded("opencv", check_opencv),
        *check_keras(),
        check_bfloat16(),
        check_embedded_data(),
        *_guarded("FER2013", check_fer2013),
        *_guarded("landmark model", check_landmark_model),
        *_guarded("camera", check_camera),
        check_disk("disk, caches", paths.state_dir()),
        check_disk("disk, project", paths.ROOT),
        check_writable(paths.results_dir("quick")),
    ]


def _guarded(name: str, check: Callable[[], list[Check]]) -> list[Check]:
    """Run a check of which an import may fail: that is a finding, not the doctor's end."""
    try:
        return check()
    except (ImportError, FerError) as error:
        remedy = "" if isinstance(error, FerError) else f": {REINSTALL}."
        return [Check("FAIL", name, f"{error}{remedy}")]


def report(found: list[Check]) -> str:
    """Lay the checks out as text, one a line, and a last line that says what it comes to."""
    lines = [f"{f'[{check.status}]':6}  {check.name:17}  {check.message}" for check in found]
    fails = sum(check.status == "FAIL" for check in found)
    warnings = sum(check.status == "WARN" for check in found)
    verdict = "Not ready: mend what FAILs first." if fails else "Ready for the quick profile."
    return "\n".join([*lines, f"{fails} failed, {warnings} warned, {len(found)} checked. {verdict}"])


def exit_code(found: list[Check]) -> int:
    """Give 1 when anything FAILs, else 0."""
    return int(any(check.status == "FAIL" for check in found))


def check_python(wanted: str, version: str) -> Check:
    """Compare Python's `version` with the specifier `wanted` of pyproject.toml."""
    if SpecifierSet(wanted).contains(version, prereleases=True):
        return Check("OK", "python", version)
    return Check("FAIL", "python", f"{version} is not {wanted}: make an environment with such a Python.")


def check_packages(requirements: list[str]) -> list[Check]:
    """Compare every installed version with its specifier; one FAIL each, or one OK for all."""
    wrong = []
    for requirement in map(Requirement, requirements):
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            version = None
        if version and requirement.specifier.contains(version, prereleases=True):
            continue
        have = f"{version} is installed" if version else "it is not installed"
        message = f"the course needs {requirement}, but {have}: {REINSTALL}."
        other_backend = os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow"
        status = "WARN" if requirement.name == "tensorflow" and other_backend else "FAIL"
        wrong.append(Check(status, requirement.name, message))
    return wrong or [Check("OK", "packages", f"all {len(requirements)} as pyproject.toml asks")]


def check_opencv() -> list[Check]:
    """Look for the Haar detector, which OpenCV 5 has dropped."""
    import cv2

    if not hasattr(cv2, "CascadeClassifier") or int(cv2.__version__.split(".")[0]) >= 5:
        remedy = "run `pip install 'opencv-python-headless>=4.14,<5'`"
        return [Check("FAIL", "opencv", f"{cv2.__version__} has no CascadeClassifier: {remedy}.")]
    return [Check("OK", "opencv", f"{cv2.__version__} with CascadeClassifier")]


def check_keras() -> list[Check]:
    """Start Keras and its backend; tell their versions and whether the backend sees a GPU."""
    try:
        keras = importlib.import_module("keras")
        backend = keras.backend.backend()
        version = importlib.import_module(backend).__version__
    except Exception as error:  # a broken backend can raise anything; the doctor must live to report it
        first = (str(error).splitlines() or [""])[0]
        remedy = f"set KERAS_BACKEND to tensorflow, jax or torch, or {REINSTALL}"
        return [Check("FAIL", "keras", f"does not start ({type(error).__name__}: {first}): {remedy}.")]
    started = Check("OK", "keras", f"{keras.__version__} on {backend} {version}")
    if found := gpus():
        return [started, Check("OK", "gpu", f"{len(found)} seen by {backend}")]
    advice = "not needed for the quick profile; for full runs install a backend's GPU build."
    return [started, Check("WARN", "gpu", f"none seen by {backend}: {advice}")]


def gpus() -> list[str]:
    """Name the GPUs that Keras's backend sees; starts Keras."""
    import keras

    if keras.backend.backend() == "torch":  # for which Keras lists no devices
        cuda = importlib.import_module("torch").cuda
        return [f"gpu:{index}" for index in range(cuda.device_count())]
    try:
        return list(keras.distribution.list_devices("gpu"))
    except RuntimeError:  # how JAX says that there is none
        return []


def has_bfloat16() -> bool:
    """Say whether this machine computes in bfloat16 at speed: by its processor (Linux only) or by a GPU.

    Without it mixed_bfloat16 is emulated and slower than float32.
    """
    return _processor_has_bfloat16() or bool(gpus())


def _processor_has_bfloat16(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    try:
        lines = cpuinfo.read_text().splitlines()
    except OSError:
        return False  # not Linux
    flags = next((line.split(":", 1)[1].split() for line in lines if line.startswith("flags")), [])
    return not {"avx512_bf16", "amx_bf16"}.isdisjoint(flags)


def processor(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Name the processor."""
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def check_bfloat16() -> Check:
    """Say which precision full runs will use on this processor."""
    if _processor_has_bfloat16():
        return Check("OK", "bfloat16", "the processor has it: full runs use mixed_bfloat16, 2-3 times faster")
    return Check("WARN", "bfloat16", "not on this processor: full runs are 2-3 times slower; use a GPU.")


def check_embedded_data() -> Check:
    """Look for the data set that the quick profile trains on."""
    file = paths.DATA / "facekit48.npz"
    if not zipfile.is_zipfile(file):
        return Check("FAIL", "embedded data", f"{file} is missing or damaged: run `git checkout -- data`.")
    return Check("OK", "embedded data", str(file))


def check_fer2013() -> list[Check]:
    """Look for FER2013 and the votes of FER+, which only full runs need."""
    from fer_helpers.datasets import fer2013_files, ferplus

    folder = paths.data_dir()
    how = f"put it into {folder} or set FER_DATA_DIR, data/README.md says where to get it."
    try:
        copies = fer2013_files.find(folder)
        if not copies:
            raise FerError(f"FER2013 is not found: {how}")
        images = Check("OK", "FER2013", str(copies[0]))
    except FerError as error:
        images = Check("WARN", "FER2013", f"{error} Only full runs need it.")
    try:
        _, listed = ferplus.read_votes(folder)
        votes = Check("OK", "FER+", f"{listed.sum():,} images with votes")
    except FerError as error:
        votes = Check("WARN", "FER+", f"{error} Only full runs need it.")
    return [images, votes]


def check_landmark_model() -> list[Check]:
    """Look for dlib and its 68-point model."""
    import dlib  # noqa: F401

    from fer_helpers import landmarks

    return [Check("OK", "landmark model", str(landmarks.model_path()))]


def check_camera(devices: Path = Path("/dev")) -> list[Check]:
    """Open the first camera, if the system lists one."""
    import cv2

    alternative = "the live demo then runs on pictures and video files"
    if sys.platform == "linux" and not list(devices.glob("video*")):
        return [Check("WARN", "camera", f"none on this machine: {alternative}.")]
    camera = cv2.VideoCapture(0)
    opened = camera.isOpened()
    camera.release()
    if opened:
        return [Check("OK", "camera", "opens")]
    return [Check("WARN", "camera", f"does not open: close its other users, allow access; {alternative}.")]


def check_disk(name: str, folder: Path) -> Check:
    """Look at the free bytes where `folder` is or will be: WARN under 5 GB, FAIL under 0.5 GB."""
    free = shutil.disk_usage(_existing(folder)).free
    status = "FAIL" if free < 0.5 * GIGABYTE else "WARN" if free < 5 * GIGABYTE else "OK"
    advice = "" if status == "OK" else ": free some, or move FER_STATE_DIR and FER_RESULTS_DIR."
    return Check(status, name, f"{free / GIGABYTE:.1f} GB free in {folder}{advice}")


def check_writable(folder: Path) -> Check:
    """Write a temporary file where results will go."""
    try:
        with tempfile.TemporaryFile(dir=_existing(folder)):
            return Check("OK", "results folder", str(folder))
    except OSError as error:
        remedy = "set FER_RESULTS_DIR to a folder you may write to"
        return Check("FAIL", "results folder", f"cannot write into {folder} ({error.strerror}): {remedy}.")


def _existing(folder: Path) -> Path:
    return next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
