"""The command line on bad input: one clear line on stderr, no traceback, exit code 1."""

import errno
import os
import re
import subprocess
import sys

import pytest

from fer_helpers import architectures, checkpoints, cli, datasets, paths, records, report, study, training

ID = "uvic_cnn/medium_n"


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    """Run a command in this process, state in an empty folder; gives exit code, stdout and stderr."""
    monkeypatch.setenv("FER_STATE_DIR", str(tmp_path / "state"))

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["fer_helpers", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            cli.main()
        return stop.value.code, *capsys.readouterr()

    return run


@pytest.fixture
def refused(command):
    """Run a command that must end in exit code 1 and one line that matches `pattern`."""

    def run(pattern: str, *arguments: object) -> None:
        code, out, err = command(*arguments)
        assert code == 1 and out == "" and err.count("\n") == 1, (code, out, err)
        assert re.match(f"Error: .*{pattern}", err), err

    return run


def process(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "fer_helpers", *arguments],
        cwd=paths.ROOT, env=os.environ | environment, capture_output=True, text=True,
    )  # fmt: skip


def test_the_real_command_prints_no_traceback(tmp_path):
    unknown = process("train", "uvic_cnn/huge")
    assert unknown.returncode == 1 and unknown.stdout == ""
    (line,) = unknown.stderr.splitlines()  # a misspelt name fails before TensorFlow starts and greets
    assert line.startswith(
        "Error: There is no experiment called 'uvic_cnn/huge'. The experiments are: ucf_keypoints/"
    )

    missing = process(
        "train", ID, "--profile", "full", FER_DATA_DIR=str(tmp_path), FER_RESULTS_DIR=str(tmp_path)
    )
    assert missing.returncode == 1 and "Traceback" not in missing.stderr, missing.stderr
    assert missing.stderr.splitlines()[-1].startswith(f"Error: FER2013 is not in {tmp_path} ")
    assert missing.stderr.count("Error: ") == 1


@pytest.mark.parametrize("name", ["train", "evaluate", "runs", "report", "index"])
def test_an_unknown_profile_is_refused_by_every_command(refused, tmp_path, name):
    argument = {"train": [ID], "evaluate": [ID], "report": ["--paper", "uvic_cnn"]}.get(name, [])
    for folder in ([], ["--results-dir", tmp_path]):
        refused(
            "no profile called 'fast'. The profiles are: quick, full",
            name,
            *argument,
            "--profile",
            "fast",
            *folder,
        )
    assert list(tmp_path.iterdir()) == []


def test_unknown_names(refused, tmp_path):
    refused("no paper called 'nonsense'", "report", "--paper", "nonsense")
    refused("no experiment called 'medium'", "evaluate", "medium")
    refused("no data set 'nonsense'", "audit", "nonsense")


def test_numbers_out_of_range_are_usage_errors(command):
    for option in (["--seed", "-1"], ["--epochs", "0"], ["--seed", "x"]):
        code, _, err = command("train", ID, *option)
        assert code == 2 and option[0] in err


@pytest.mark.parametrize("content", ["{ half a rec", '{"some": "other", "json": 1}'])
def test_a_corrupt_or_foreign_record(refused, tmp_path, content):
    path = records.path(tmp_path, ID, 0)
    path.parent.mkdir(parents=True)
    path.write_text(content)
    pattern = r"medium_n-seed0\.json .*Delete it"
    refused(pattern, "runs", "--results-dir", tmp_path)
    refused(pattern, "report", "--paper", "uvic_cnn", "--results-dir", tmp_path)
    refused(pattern, "evaluate", ID, "--results-dir", tmp_path)
    assert path.read_text() == content


def test_a_results_folder_that_cannot_be_written(refused, tmp_path):
    (tmp_path / "file").write_text("")
    refused("cannot write into .*/file", "train", ID, "--results-dir", tmp_path / "file")
    refused("cannot write into .*/file", "train", ID, "--results-dir", tmp_path / "file" / "below")
    refused("cannot write into .*/file", "measure", "slips", "--results-dir", tmp_path / "file")
    refused("cannot write into .*/file", "gan", "--results-dir", tmp_path / "file")
    refused("no set of generated images called 'some'", "gan", "--generate", "some")
    refused("Cannot write .*/file/", "index", "--results-dir", tmp_path / "file")


def test_a_full_disk(refused, tmp_path, monkeypatch):
    def no_space(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", no_space)
    refused("No space left on device. Free some disk space", "index", "--results-dir", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_evaluate_before_train(refused, tmp_path):
    again = f"no quick record yet. Run: python -m fer_helpers train {ID} --profile quick --seed 0"
    refused(again, "evaluate", ID, "--results-dir", tmp_path)


def test_a_damaged_checkpoint_and_one_of_another_network(refused, tmp_path, monkeypatch):
    monkeypatch.setenv("FER_STATE_DIR", str(tmp_path / "state"))
    path = training.Job(study.get(ID), "quick", 0, tmp_path).checkpoint_path
    path.parent.mkdir(parents=True)
    path.write_bytes(b"PK\x03\x04 nothing")
    refused("checkpoint .* is damaged.*Delete it", "train", ID, "--results-dir", tmp_path)

    other = architectures.build("uvic_cnn.medium_as_published")
    other.compile("adam", "mse")
    state = {"history": {"loss": [1.0], "val_accuracy": [0.5]}}
    checkpoints.write(path, other, state, other.get_weights())
    refused("belong to another architecture", "train", ID, "--results-dir", tmp_path)
    assert not records.path(tmp_path, ID, 0).exists()


def test_params(command, monkeypatch):
    code, out, err = command("params", "--format", "csv")
    assert code == 0 and err == ""
    assert (
        out.splitlines()[0] == "net,published,expected,total,trainable,equal"
        and "2440615,2440615,2438311,True" in out
    )
    wrong = architectures.Net(architectures.NETS["uvic_cnn.medium"].build, 2_440_616, 2_438_311, "2.4 m")
    monkeypatch.setattr(architectures, "NETS", {"uvic_cnn.medium": wrong})
    code, out, err = command("params")
    assert code == 1 and "False" in out
    assert err == "Error: A network does not have its expected number of parameters.\n"


def test_export_names_the_files_that_it_has_written(command, monkeypatch, tmp_path):
    for kind in (".npz", ".json"):  # as on a backend that cannot write ONNX
        (tmp_path / f"net{kind}").write_bytes(bytes(20_000))
    monkeypatch.setattr("fer_helpers.trained.export", lambda *arguments: tmp_path / "net.npz")
    said = command("export", "compact/net_60k", "net")[1]
    assert "net.npz: 0.02 MB" in said and "net.json" in said and "onnx" not in said


def test_ctrl_c_says_that_nothing_is_lost(command, monkeypatch, tmp_path):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(report, "runs_table", interrupted)
    code, out, err = command("runs", "--results-dir", tmp_path)
    assert (code, out) == (130, "")
    assert err == "Interrupted. What was computed is kept; the same command goes on from there.\n"


def test_runs_audit_and_help(command, tmp_path, monkeypatch):
    assert command("runs", "--results-dir", tmp_path)[1] == f"There are no records in {tmp_path}.\n"
    small = datasets.load("facekit").subset(slice(0, 50))
    monkeypatch.setattr(datasets, "load", lambda name: small)
    code, out, _ = command("audit", "facekit")
    assert code == 0 and out
    usage = command("--help")[1]
    for name in ("train", "evaluate", "runs", "params", "audit", "landmarks", "doctor", "report", "index"):
        assert name in usage


def test_across_lists_the_forms_and_names_a_missing_folder(command, refused, tmp_path):
    code, listed, _ = command("across", "--layout", "list")
    assert code == 0 and "jaffe" in listed and "london" in listed
    refused("absent", "across", "--layout", "jaffe", "--data", tmp_path / "absent")
