"""Own pictures and classes: trained, scored and used by the command line, and what is refused."""

import json
import shutil
import sys

import cv2
import numpy as np
import pytest

from fer_helpers import cli, datasets, own_pictures, pictures, records, trained

ID = "uvic_cnn/shallow_n"  # standardises, so that the network's folder must hold the numbers for it


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    """Run a command in this process, everything in an empty folder; gives exit code, stdout and stderr."""
    monkeypatch.setenv("FER_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("FER_RESULTS_DIR", str(tmp_path / "results"))

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["fer_helpers", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            cli.main()
        return stop.value.code, *capsys.readouterr()

    return run


@pytest.fixture
def faces(tmp_path):
    """A folder of 2 x 30 pictures, class folders without splits: rendered faces that smile or do not."""
    data = datasets.load("facekit")
    for name, label in (("smiling", 3), ("grave", 4)):
        (tmp_path / "faces" / name).mkdir(parents=True)
        for k, image in enumerate(data.images[data.labels == label][:30]):
            cv2.imwrite(str(tmp_path / "faces" / name / f"{k}.png"), image)
    return tmp_path / "faces"


@pytest.mark.filterwarnings("ignore:faces has no train and test folders")
def test_train_evaluate_and_use(command, faces, tmp_path):
    code, out, err = command("train", ID, "--data", faces, "--epochs", 2)
    assert code == 0, err
    results = tmp_path / "results" / "faces"
    network = results / "networks" / "uvic_cnn" / "shallow_n-seed0"
    assert f"Network: {network} " in out
    record = records.read(records.path(results, ID, 0))
    assert record["profile"] == "full" and record["dataset"]["name"] == "faces" and record["metrics"] == {}
    assert record["dataset"]["rows"] == {"Training": 48, "selection": 6, "PublicTest": 6, "PrivateTest": 6}
    assert record["config"]["rows"] == []  # no row of the paper's tables
    assert str(tmp_path) not in json.dumps(record)  # nor where the pictures lie

    (tmp_path / "elsewhere").mkdir()
    faces = faces.rename(tmp_path / "elsewhere" / "faces")  # the folder may move
    code, out, err = command("evaluate", ID, "--data", faces)
    assert code == 0 and "PrivateTest        n     6" in out, (out, err)
    assert trained.card(network)["n"]["PrivateTest"] == 6

    shutil.rmtree(tmp_path / "state")  # the folder is all that is needed
    classifier = trained.load(network)
    assert classifier.classes == ("grave", "smiling")
    data = datasets.load(faces)
    np.testing.assert_allclose(
        classifier(data.split("PrivateTest").images),
        records.read_probabilities(records.path(results, ID, 0))["PrivateTest"],
        atol=2e-3,
    )
    assert abs(classifier.frame.margin - pictures.FRAMES["facekit"].margin) < 0.04
    picture = faces / "smiling" / "0.png"
    code, out, _ = command("predict", picture, "--weights", network, "--json")
    assert code == 0 and set(json.loads(out)["faces"][0]["probabilities"]) == {"grave", "smiling"}

    (network / "weights.npz").write_bytes(b"half")
    code, _, err = command("predict", picture, "--weights", network)
    assert code == 1 and "weights.npz or its card is damaged" in err and "on its pictures again" in err

    (faces / "smiling" / "0.png").unlink()
    code, _, err = command("train", ID, "--data", faces)
    assert code == 1 and "is a run on other pictures" in err


def refused(command, faces, *arguments) -> str:
    code, out, err = command("train", *(arguments or (ID,)), "--data", faces)
    assert code == 1 and out == "" and err.count("\n") == 1 and err.startswith("Error: "), (code, out, err)
    return err


def test_refusals(command, faces, tmp_path, monkeypatch):
    assert "There is no data set" in refused(command, tmp_path / "none")
    for name, lacking in (
        ("ucf_keypoints/gap_keep", "landmarks"),
        ("emotionaldan/dan_facekit", "landmarks"),
        ("ljmu/tuned_gan", "generated images"),
        ("data240/resnet50v2_weighted", "the weights of another run"),
        ("compact/net_60k_distilled", "the weights of another run"),
        ("compact/ablation_votes", "annotators' votes"),
    ):
        assert f"needs more than pictures and classes: {lacking}." in refused(command, faces, name)

    one = tmp_path / "one"
    shutil.copytree(faces / "smiling", one / "smiling")
    assert "has the one class smiling" in refused(command, one)

    few = tmp_path / "few"
    shutil.copytree(faces, few)
    for file in sorted((few / "grave").iterdir())[1:]:
        file.unlink()
    assert "fewer than the 3 images" in refused(command, few)

    split = tmp_path / "split"
    shutil.copytree(few, split / "train")
    for folder in ("validation", "test"):
        shutil.copytree(faces, split / folder)
    assert "training pictures of the class grave: 1; a class needs 2" in refused(command, split)
    shutil.copy(faces / "grave" / "0.png", split / "train" / "grave" / "second.png")
    holds_out = "data240/simple_cnn"
    assert "grave: 2; a class needs 3" in refused(command, split, holds_out)
    shutil.rmtree(split / "train")
    shutil.copytree(faces, split / "train")
    shutil.rmtree(split / "test")
    assert "has no test pictures" in refused(command, split)

    (faces / "grave" / "5.png").write_bytes((faces / "grave" / "6.png").read_bytes()[:600])
    assert "5.png is not a readable image" in refused(command, faces)
    assert not (tmp_path / "results").exists() or not list((tmp_path / "results").rglob("*.json"))


@pytest.mark.filterwarnings("ignore:faces has no train and test folders")
def test_evaluate_before_train_names_the_folder(command, faces):
    code, _, err = command("evaluate", ID, "--data", faces)
    assert code == 1 and f"Run: python -m fer_helpers train {ID} --data {faces} --seed 0" in err


def test_how_pictures_frame_a_face():
    images = datasets.load("facekit").images[:100]
    margin, up = own_pictures.frame(images)
    assert abs(margin - 0.21) < 0.03 and abs(up) < 0.03
    closer = np.stack([pictures.resize(image[6:42, 6:42]) for image in images])  # 36 of 48 pixels
    assert own_pictures.frame(closer).margin == pytest.approx((1 + 2 * margin) * 36 / 48 / 2 - 0.5, abs=0.03)
    assert own_pictures.frame(np.zeros((3, 48, 48), np.uint8)) == pictures.FRAMES["fer2013"]
