"""The live demonstration on rendered films, a real free photograph, cameras that fail, and broken files."""

import io
import json
import os
import shutil
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from fer_helpers import live, pictures, trained
from fer_helpers.errors import FerError
from fer_helpers.live import camera, demonstration, faces

CLASSES = ("dark", "böse", "light")
FACE = np.array([217, 93, 342, 217])  # of the astronaut in `portrait`, by dlib at full size


def brightness(x):
    """A network that needs no training: the brighter the crop, the lighter its class."""
    mean = x.mean((1, 2, 3))
    shares = np.stack([1 - mean, 0.2 + 0 * mean, mean], axis=1)
    return (shares / shares.sum(1, keepdims=True)).astype(np.float32)


@pytest.fixture
def classifier():
    return trained.Classifier(CLASSES, lambda images: images[..., None].astype(np.float32) / 255, brightness)


@pytest.fixture(scope="module")
def portrait():
    """A photograph (480, 640, 3) with one real face, in OpenCV's order of colours."""
    return cv2.resize(np.ascontiguousarray(astronaut()[:384, :, ::-1]), (640, 480))


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """A film of two rendered faces, 5 frames a second, and where they are."""
    path = tmp_path_factory.mktemp("film") / "clip.mp4"
    return path, demonstration.demonstration_clip(path, rate=5)


def middle(box):
    return (np.asarray(box)[:2] + np.asarray(box)[2:]) / 2


def frames_of(path):
    return [frame.image for frame in camera.open_source(path).frames]


@pytest.mark.parametrize("detector", ["haar", "dlib"])
def test_both_detectors_draw_the_same_box_around_a_real_face(portrait, detector):
    grey = cv2.cvtColor(portrait, cv2.COLOR_BGR2GRAY)
    boxes = faces.detect(grey, detector)
    assert boxes.shape == (1, 4) and boxes.dtype == np.float32
    assert faces.overlaps(boxes, FACE[None].astype(np.float32))[0, 0] > 0.6


def test_a_4k_picture_is_searched_in_a_small_copy_and_gives_the_same_box(portrait, monkeypatch):
    grey, sizes = cv2.cvtColor(portrait, cv2.COLOR_BGR2GRAY), []
    monkeypatch.setitem(
        faces.DETECTORS, "noted", lambda copy: (sizes.append(copy.shape), faces._haar(copy))[1]
    )
    large = cv2.resize(grey, None, fx=6, fy=6)
    assert large.shape == (2880, 3840)
    assert np.allclose(faces.detect(large, "noted")[0] / 6, faces.detect(grey)[0], atol=12)
    assert sizes == [(240, 320)]


def test_no_face_many_faces_and_pictures_of_odd_shape(portrait):
    grey = cv2.cvtColor(portrait, cv2.COLOR_BGR2GRAY)
    assert faces.detect(np.full((480, 640), 128, np.uint8)).shape == (0, 4)
    assert faces.detect(np.zeros((1, 5000), np.uint8)).shape == (0, 4)
    smaller = cv2.copyMakeBorder(cv2.resize(grey, None, fx=0.7, fy=0.7), 144, 0, 0, 0, cv2.BORDER_REPLICATE)
    boxes = faces.detect(np.hstack([smaller, grey]), longest=960)
    assert len(boxes) == 2 and boxes[0, 0] > smaller.shape[1] > boxes[1, 2]  # the nearest comes first
    with pytest.raises(FerError, match="face detector 'hog': choose haar, dlib, whole"):
        faces.detect(grey, "hog")


def test_crop_frames_a_face_as_the_training_images_and_repeats_the_border():
    picture = np.zeros((200, 200), np.uint8)
    picture[:, :50] = 255
    cut = faces.crop(picture, np.array([-100.0, 0, 100, 200]), pictures.Frame(0, 0))
    assert cut.shape == (48, 48) and (cut[:, :35] > 250).all() and (cut[:, 37:] < 5).all()
    whole = faces.crop(picture, faces.detect(picture, "whole")[0], pictures.Frame(0.5, 0))
    assert np.array_equal(whole, pictures.resize(picture))
    assert faces.detect(picture[:48, :48]).tolist() == [[0, 0, 48, 48]]  # a crop as FER2013 has them


def test_smoothing_follows_a_face_forgets_it_and_does_not_depend_on_the_frame_rate():
    box, other = np.array([[0, 0, 10, 10]], np.float32), np.array([[50, 0, 60, 10]], np.float32)
    before, after = np.array([[1, 0]], np.float32), np.array([[0, 1]], np.float32)
    results = []
    for steps in (2, 20):
        smooth = faces.Smoother(memory=0.3)
        assert smooth(box, before, 0.0)[0].probabilities.tolist() == [1, 0]
        for step in range(steps):
            (face,) = smooth(box + 1, after, 0.2 * (step + 1) / steps)
        assert face.number == 0
        results.append(face.probabilities[0])
    assert np.allclose(results, np.exp(-0.2 / 0.3), atol=1e-6)
    both = smooth(np.vstack([other, box]), np.vstack([after, before]), 0.3)
    assert [face.number for face in both] == [1, 0]
    assert smooth(box, before, 2.0)[0].number == 2  # away too long: somebody new
    assert faces.Smoother(0)(box, after, 0.0)[0].probabilities.tolist() == [0, 1]


def test_boxes_are_paired_with_those_that_they_overlap_most():
    def box(left):
        return [left, 0, left + 10, 10]

    earlier = np.array([box(0), box(5), box(100)], np.float32)
    now = np.array([box(4), box(1), box(6.5), box(50)], np.float32)  # the first and third claim the same one
    assert faces.same_faces(now, earlier) == {0: 1, 1: 0}
    assert faces.same_faces(now, earlier[:0]) == {} == faces.same_faces(now[:0], earlier)


def test_annotation_is_legible_at_any_size_and_leaves_the_picture_alone():
    for size in ((48, 48), (480, 640), (2160, 3840)):
        image = np.full((*size, 3), 90, np.uint8)
        face = faces.Face(np.array([0, 0, size[1], size[0] / 2]), np.array([0.1, 0.2, 0.7]), 0)
        drawn = faces.annotate(image, [face], CLASSES)
        assert (image == 90).all() and min(drawn.shape[:2]) >= 480
        label = drawn[: min(drawn.shape[:2]) // 24, : drawn.shape[1] // 8]
        assert (label > 200).all(-1).mean() > 0.05  # white letters, although the box touches the upper edge
        assert faces.annotate(image, [], CLASSES).shape == drawn.shape
    assert not np.array_equal(faces._lettering("böse", 20), faces._lettering("b?se", 20))


def test_a_film_is_read_annotated_and_reported(film, classifier, tmp_path):
    path, truth = film
    lines, output = io.StringIO(), tmp_path / "out.mp4"
    table = live.run(path, classifier, output, lines, window=False, everyone=True)
    rows = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert len(rows) == 35 == len(frames_of(output)) == table.attrs["frames"]
    assert [row["frame"] for row in rows] == list(range(35)) and rows[5]["time"] == 1.0
    found = 0
    for row, (_, people) in zip(rows, truth.groupby("frame"), strict=True):
        centres = people[["left", "top"]].to_numpy() + people[["side"]].to_numpy() / 2
        for face in row["faces"]:
            distance = np.linalg.norm(centres - middle(face["box"]), axis=1) / people["side"].to_numpy()
            assert distance.min() < 0.25, "a face where there is none"
            assert face["label"] in CLASSES and abs(sum(face["probabilities"].values()) - 1) < 1e-3
            found += 1
    assert found > 0.8 * len(truth) and table.attrs["faces"] == found
    assert table["stage"].tolist() == [*live.STAGES, "whole"]
    assert (table["p95_ms"] >= table["median_ms"]).all() and (table["median_ms"] > 0).all()
    assert table.set_index("stage")["median_ms"].drop("whole").max() < table["median_ms"].iloc[-1]


def test_a_film_that_lies_on_its_side_is_turned_upright(film, tmp_path):
    data = bytearray(film[0].read_bytes())
    matrix = data.index(b"tkhd") + 44
    quarter = (0, 0x10000, 0, -0x10000 & 0xFFFFFFFF, 0, 0, 0, 0, 0x40000000)
    data[matrix : matrix + 36] = np.array(quarter, ">u4").tobytes()
    (tmp_path / "phone.mp4").write_bytes(data)
    upright, turned = frames_of(film[0])[0], frames_of(tmp_path / "phone.mp4")[0]
    assert np.array_equal(turned, cv2.rotate(upright, cv2.ROTATE_90_CLOCKWISE))


def test_pictures_in_every_mode_and_turned_by_exif(portrait, tmp_path):
    rgb = Image.fromarray(np.ascontiguousarray(portrait[..., ::-1]))
    sideways, exif = rgb.rotate(90, expand=True), Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show it a quarter clockwise
    sideways.save(tmp_path / "phone.png", exif=exif)
    assert np.array_equal(camera.read_picture(tmp_path / "phone.png"), portrait)
    for name, image in (
        ("grey", rgb.convert("L")),
        ("palette", rgb.convert("P")),
        ("transparent", rgb.convert("RGBA")),
        ("deep", Image.fromarray(np.asarray(rgb.convert("L")).astype(np.uint16) * 257)),
    ):
        image.save(tmp_path / f"{name}.png")
        read = camera.read_picture(tmp_path / f"{name}.png")
        assert read.shape == portrait.shape and read.dtype == np.uint8
        assert np.abs(read.mean() - portrait.mean()) < 5, name


def test_a_folder_gives_a_picture_for_each_and_names_what_it_skips(portrait, classifier, tmp_path):
    folder, output = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for name in ("b.png", "a.jpg"):
        cv2.imwrite(str(folder / name), portrait)
    (folder / "c.jpg").write_bytes((folder / "a.jpg").read_bytes()[:5000])
    (folder / "notes.txt").write_text("no picture")
    table = live.run(folder, classifier, output, window=False)
    assert sorted(file.name for file in output.iterdir()) == ["a.jpg.png", "b.png.png"]
    assert table.attrs["frames"] == table.attrs["faces"] == 2
    assert len(table.attrs["skipped"]) == 1 and "c.jpg is not a readable picture" in table.attrs["skipped"][0]
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(folder / "b.png", alone)  # a folder stays one with a single picture in it
    live.run(alone, classifier, tmp_path / "one", window=False)
    assert [file.name for file in (tmp_path / "one").iterdir()] == ["b.png.png"]
    with pytest.raises(FerError, match="c.jpg is not a readable picture"):
        live.run(folder / "c.jpg", classifier, tmp_path / "c.png", window=False)
    with pytest.raises(FerError, match="holds no pictures"):
        (tmp_path / "empty").mkdir()
        camera.open_source(tmp_path / "empty")


def test_predict_says_what_it_sees_and_what_it_could_not_read(portrait, classifier, tmp_path):
    face, wall, missing = (str(tmp_path / name) for name in ("face.png", "wall.png", "missing.png"))
    cv2.imwrite(face, portrait)
    cv2.imwrite(wall, np.full((480, 640, 3), 255, np.uint8))
    said = list(live.predict([face, wall], classifier))
    assert said[0].startswith(f"{face}: ") and said[0].count("0.") == 3 and "no face found" in said[1]
    (line,) = live.predict([wall], classifier, as_json=True, detector="whole")
    (found,) = json.loads(line)["faces"]
    assert found["label"] == "light" and found["probabilities"]["light"] == 0.8333  # 1 / 1.2
    answers = live.predict([face, missing], classifier)
    assert next(answers) == said[0]
    with pytest.raises(FerError, match="1 of 2 pictures .* There is no picture .*missing.png"):
        next(answers)


def test_bad_videos_end_in_one_sentence_and_keep_what_was_read(film, classifier, tmp_path):
    broken, short, output = tmp_path / "broken.mp4", tmp_path / "short.avi", tmp_path / "out.mp4"
    broken.write_bytes(film[0].read_bytes()[:3000])
    with pytest.raises(FerError, match="broken.mp4 is not a readable video"):
        camera.open_source(broken)
    with pytest.raises(FerError, match="There is no .*nothing.mp4"):
        camera.open_source(tmp_path / "nothing.mp4")
    whole = tmp_path / "whole.avi"
    writer = cv2.VideoWriter(str(whole), cv2.VideoWriter_fourcc(*"MJPG"), 5, (640, 480))
    for image in frames_of(film[0]):
        writer.write(image)
    writer.release()
    short.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(FerError, match=r"ends after 1\d of 35 frames.* is kept in .*out.mp4\.$"):
        live.run(short, classifier, output, window=False)
    assert 10 <= len(frames_of(output)) < 20


class FakeCamera:
    """A camera that delivers pictures more slowly than it says, then is unplugged."""

    def __init__(self, pictures, opened=True):
        self.pictures, self.opened, self.released = list(pictures), opened, False

    def isOpened(self):  # noqa: N802
        return self.opened

    def get(self, _):
        return 30.0

    def set(self, *_):
        return True

    def grab(self):
        time.sleep(0.1)
        return bool(self.pictures)

    def retrieve(self):
        return True, self.pictures.pop(0)

    def release(self):
        self.released = True


def test_an_unplugged_camera_keeps_the_film_at_its_true_speed(portrait, classifier, tmp_path, monkeypatch):
    fake = FakeCamera([portrait] * 8)
    monkeypatch.setattr(cv2, "VideoCapture", lambda number: fake)
    with pytest.raises(FerError, match="Camera 0 gives no more pictures.*what came before \\(8\\) is kept"):
        live.run(0, classifier, tmp_path / "out.mp4", window=False)
    assert fake.released
    monkeypatch.undo()
    assert 8 * 2 < len(frames_of(tmp_path / "out.mp4"))  # 0.7 s at 30 frames a second, of 8 pictures


def test_ctrl_c_ends_a_camera_well(portrait, classifier, tmp_path, monkeypatch):
    fake, answers = FakeCamera([portrait] * 8), iter((True, True, True))
    monkeypatch.setattr(cv2, "VideoCapture", lambda number: fake)

    def grab():
        if next(answers, None) is None:
            raise KeyboardInterrupt
        return True

    monkeypatch.setattr(fake, "grab", grab)
    table = live.run("0", classifier, tmp_path / "out.mp4", window=False)
    assert table.attrs["frames"] == 3 and fake.released
    monkeypatch.undo()
    assert frames_of(tmp_path / "out.mp4")


def test_a_camera_that_does_not_open_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(cv2, "VideoCapture", lambda number: FakeCamera([], opened=False))
    with pytest.raises(FerError, match="[Cc]amera 7"):
        camera.open_source(7)
    if sys.platform != "linux":
        return
    assert camera._why_closed(0, tmp_path).startswith("There is no camera 0")
    (tmp_path / "video0").touch()
    assert "other programs" in camera._why_closed(0, tmp_path)
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert "usermod -aG video" in camera._why_closed(0, tmp_path)


def test_a_keras_network_gives_the_same_for_any_number_of_faces_and_in_time(film):
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    stack = [layers.Conv2D(width, 3, strides=2, activation="relu") for width in (16, 32, 64)]
    model = keras.Sequential([keras.Input((48, 48, 1)), *stack, layers.Flatten(), layers.Dense(3, "softmax")])
    prepare = live.standardise_each
    x = prepare(np.random.default_rng(0).integers(0, 256, (5, 48, 48), np.uint8))
    assert np.allclose(x.mean((1, 2)), 0, atol=1e-5) and np.allclose(x.std((1, 2)), 1, atol=1e-3)
    forward = trained.keras_forward(model)
    expected = keras.ops.convert_to_numpy(model(x))
    for n in (1, 2, 3, 5):
        assert forward(x[:n]).shape == (n, 3) and np.allclose(forward(x[:n]), expected[:n], atol=1e-5)
    classifier = trained.Classifier(CLASSES, prepare, forward)
    table = demonstration.compare(frames_of(film[0])[::7], classifier, model).set_index("loop")
    assert table["ratio"]["plain"] == 1 and table["frames"].min() >= 4
    if keras.backend.backend() == "tensorflow":  # whose `predict` is slow; about 5 is usual
        assert table["ratio"]["ours"] > 1.5, table
    preparations = {"training": prepare, "other": lambda images: 0 * prepare(images)}
    images = np.random.default_rng(1).integers(0, 256, (50, 48, 48), np.uint8)
    labels = forward(prepare(images)).argmax(1)
    told = demonstration.compare_preparations(preparations, forward, images, labels)
    assert told["accuracy"][0] == 1 and told["changed"][0] == 0
    assert told["accuracy"][1] < 1 and told["accuracy"][1] == pytest.approx(1 - told["changed"][1])


def test_the_result_goes_to_a_window_or_else_to_a_file(portrait, classifier, tmp_path, monkeypatch):
    monkeypatch.setattr(camera.Window, "open", lambda title: None)
    monkeypatch.chdir(tmp_path)
    cv2.imwrite("me.png", portrait)
    table = live.run("me.png", classifier)
    assert str(table.attrs["output"]) == "me_annotated.png" and cv2.imread("me_annotated.png") is not None
    with pytest.raises(FerError, match="let it end in .png"):
        live.run("me.png", classifier, tmp_path / "me.mp4", window=False)


SHOW = """
import numpy as np
from fer_helpers.live import camera
window = camera.Window.open("test")
window.show(np.zeros((4320, 7680, 3), np.uint8))
assert window._photo.width() <= window._root.winfo_screenwidth() and not window.closed
def press():  # again, because without a window manager the focus may take its time
    window._root.focus_force()
    window._root.event_generate("<Key>", keysym="space")
    window._root.after(200, press)
press()
window.show(np.zeros((480, 640, 3), np.uint8), wait=True)
assert not window.closed
window._root.event_generate("<Key>", keysym="q")
assert window.closed
window.destroy()
print("shown")
"""


@pytest.mark.skipif(not shutil.which("xvfb-run"), reason="no xvfb-run here to give a display")
def test_the_window_shows_waits_and_closes_by_key():
    pytest.importorskip("tkinter")
    done = subprocess.run(
        ["xvfb-run", "-a", sys.executable, "-c", SHOW], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == "shown", done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a display")
def test_without_a_display_there_is_no_window(monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    assert camera.Window.open("test") is None


def test_a_name_that_is_no_film_costs_nothing_that_stood_there(film, classifier, tmp_path):
    (kept := tmp_path / "notes.txt").write_text("notes")
    with pytest.raises(FerError, match="ends in .mp4"):
        live.run(film[0], classifier, kept, window=False)
    assert kept.read_text() == "notes"
