import importlib.metadata
import sys
from types import SimpleNamespace

import pytest

from fer_helpers import doctor, paths
from fer_helpers.doctor import Check


def test_report_and_exit_code():
    found = [
        Check("OK", "python", "3.12.1"),
        Check("WARN", "camera", "none: use files."),
        Check("OK", "x", "y"),
    ]
    lines = doctor.report(found).splitlines()
    assert lines[1] == "[WARN]  camera             none: use files."
    assert lines[-1] == "0 failed, 1 warned, 3 checked. Ready for the quick profile."
    assert doctor.exit_code(found) == 0
    found.append(Check("FAIL", "opencv", "too new: install 4.14."))
    assert doctor.report(found).endswith("1 failed, 1 warned, 4 checked. Not ready: mend what FAILs first.")
    assert doctor.exit_code(found) == 1


@pytest.mark.parametrize(
    ("version", "status"), [("3.10.9", "FAIL"), ("3.11.0", "OK"), ("3.13.2", "OK"), ("3.14.0", "FAIL")]
)
def test_python(version, status):
    assert doctor.check_python(">=3.11,<3.14", version).status == status


def test_packages(monkeypatch):
    versions = {"keras": "2.15.0", "numpy": "2.2.0"}

    def installed(name):
        try:
            return versions[name]
        except KeyError:
            raise importlib.metadata.PackageNotFoundError(name) from None

    monkeypatch.setattr(importlib.metadata, "version", installed)
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    needed = ["keras>=3.15,<4", "numpy>=2.1,<3", "tensorflow>=2.21,<3"]
    keras, tensorflow = doctor.check_packages(needed)
    assert (keras.status, keras.name) == ("FAIL", "keras") and "2.15.0" in keras.message
    assert tensorflow.status == "FAIL" and "not installed" in tensorflow.message
    assert all("pip install" in check.message for check in (keras, tensorflow))
    monkeypatch.setenv("KERAS_BACKEND", "jax")  # then TensorFlow may be missing
    assert doctor.check_packages(needed)[1].status == "WARN"
    assert [check.status for check in doctor.check_packages(["numpy>=2.1"])] == ["OK"]


def test_opencv_5_fails(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", SimpleNamespace(__version__="5.0.0"))
    (check,) = doctor.check_opencv()
    assert check.status == "FAIL" and "CascadeClassifier" in check.message and "<5" in check.message


def test_a_failing_import_is_a_finding(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)  # makes `import cv2` raise ImportError
    (check,) = doctor._guarded("opencv", doctor.check_opencv)
    assert (check.status, check.name) == ("FAIL", "opencv") and "pip install" in check.message


def test_a_broken_backend_fails(monkeypatch):
    broken = SimpleNamespace(backend=SimpleNamespace(backend=lambda: "no_such_backend"))
    monkeypatch.setitem(sys.modules, "keras", broken)
    (check,) = doctor.check_keras()
    assert check.status == "FAIL" and "KERAS_BACKEND" in check.message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("flags\t\t: fpu sse avx512_bf16\n", True),
        ("flags\t\t: fpu amx_bf16\n", True),
        ("flags\t\t: fpu avx512f avx512_bf16x\n", False),
        ("model name\t: avx512_bf16\n", False),
    ],
)
def test_bfloat16_of_the_processor(tmp_path, text, expected):
    (tmp_path / "cpuinfo").write_text("fpu\t\t: yes\n" + text)
    assert doctor._processor_has_bfloat16(tmp_path / "cpuinfo") is expected
    assert doctor._processor_has_bfloat16(tmp_path / "nothing") is False


def test_a_gpu_has_bfloat16(monkeypatch):
    monkeypatch.setattr(doctor, "_processor_has_bfloat16", lambda: False)
    monkeypatch.setattr(doctor, "gpus", lambda: [])
    assert doctor.has_bfloat16() is False
    monkeypatch.setattr(doctor, "gpus", lambda: ["gpu:0"])
    assert doctor.has_bfloat16() is True


def test_a_damaged_embedded_data_set_fails(monkeypatch, tmp_path):
    monkeypatch.setattr(paths, "DATA", tmp_path)
    assert doctor.check_embedded_data().status == "FAIL"
    (tmp_path / "facekit48.npz").write_bytes(b"half a download")
    check = doctor.check_embedded_data()
    assert check.status == "FAIL" and "git checkout" in check.message


def test_missing_fer2013_only_warns(monkeypatch, tmp_path):
    monkeypatch.setenv("FER_DATA_DIR", str(tmp_path))
    found = doctor.check_fer2013()
    assert [(check.status, check.name) for check in found] == [("WARN", "FER2013"), ("WARN", "FER+")]
    assert all("FER_DATA_DIR" in check.message for check in found)
    (tmp_path / "fer2013.csv").write_text("emotion,pixels,Usage\n")
    assert doctor.check_fer2013()[0] == Check("OK", "FER2013", str(tmp_path / "fer2013.csv"))


def test_a_missing_landmark_model_fails(monkeypatch, tmp_path):
    monkeypatch.setenv("FER_LANDMARK_MODEL", str(tmp_path / "nothing.dat"))
    (check,) = doctor._guarded("landmark model", doctor.check_landmark_model)
    assert check.status == "FAIL" and "pip install face_recognition_models" in check.message


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not list their cameras")
def test_no_camera_warns(tmp_path):
    (check,) = doctor.check_camera(tmp_path)
    assert check.status == "WARN" and "files" in check.message


@pytest.mark.parametrize(
    ("free", "status"), [(0.4e9, "FAIL"), (0.6e9, "WARN"), (4.9e9, "WARN"), (5.1e9, "OK")]
)
def test_disk(monkeypatch, tmp_path, free, status):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda folder: SimpleNamespace(free=free))
    check = doctor.check_disk("disk", tmp_path / "not" / "there" / "yet")
    assert check.status == status and ("free some" in check.message) == (status != "OK")


def test_an_unwritable_results_folder_fails(tmp_path):
    (tmp_path / "file").write_text("in the way")
    check = doctor.check_writable(tmp_path / "file" / "reports")
    assert check.status == "FAIL" and "FER_RESULTS_DIR" in check.message
    assert doctor.check_writable(tmp_path / "new" / "reports").status == "OK"
    assert not (tmp_path / "new").exists()


def test_this_machine():
    found = doctor.checks()
    names = [check.name for check in found]
    for name in (
        "python",
        "opencv",
        "keras",
        "gpu",
        "bfloat16",
        "embedded data",
        "FER2013",
        "FER+",
        "camera",
    ):
        assert name in names
    assert len(doctor.report(found).splitlines()) == len(found) + 1
    assert next(check for check in found if check.name == "keras").status == "OK"


def test_no_project_file_fails(monkeypatch, tmp_path):
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    assert [check.status for check in doctor.checks()] == ["FAIL"]
