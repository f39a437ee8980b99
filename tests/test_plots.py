"""What the figures show, read back from their axes."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fer_helpers import plots


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_confusion_rows_are_per_cent_and_an_empty_class_is_no_error():
    (axis,) = plots.confusion({"A": [[3, 1, 0], [0, 2, 0], [0, 0, 0]]}, "abc").axes
    assert [text.get_text() for text in axis.texts] == ["75", "25", "0", "0", "100", "0", "0", "0", "0"]
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("predicted, of 100", "true")


def test_image_grid_fills_rows_and_hides_the_rest():
    figure = plots.image_grid(np.full((5, 48, 48), 128, "uint8"), titles=list("abcde"), columns=3)
    assert len(figure.axes) == 6
    assert [len(axis.images) for axis in figure.axes] == [1, 1, 1, 1, 1, 0]
    assert [axis.get_title() for axis in figure.axes] == ["a", "b", "c", "d", "e", ""]
    assert figure.axes[0].images[0].get_clim() == (0, 255)  # grey stays grey
    assert len(plots.image_grid(np.zeros((1, 48, 48)), columns=1).axes) == 1


def test_class_counts_are_shares_of_a_split():
    counts = pd.DataFrame([[30, 10], [1, 3]], index=["Training", "PublicTest"], columns=["happy", "sad"])
    (axis,) = plots.class_counts(counts).axes
    heights = [[bar.get_height() for bar in container] for container in axis.containers]
    np.testing.assert_allclose(heights, [[0.75, 0.25], [0.25, 0.75]])


def test_learning_curves_pair_training_and_selection():
    history = {"accuracy": [0.1, 0.2], "val_accuracy": [0.3, 0.4]}
    (axis,) = plots.learning_curves({"A": history, "B": history}).axes
    assert [line.get_label() for line in axis.lines] == [
        "A: training",
        "A: selection",
        "B: training",
        "B: selection",
    ]
    assert list(axis.lines[1].get_ydata()) == [0.3, 0.4] and list(axis.lines[1].get_xdata()) == [1, 2]
    assert axis.lines[0].get_color() == axis.lines[1].get_color() != axis.lines[2].get_color()


def test_accuracies_with_a_missing_published_value():
    table = pd.DataFrame(
        {
            "name": ["A", "B"],
            "accuracy": [0.6, 0.5],
            "low": [0.58, 0.4],
            "high": [0.62, 0.6],
            "published": [0.61, None],
        }
    )
    (axis,) = plots.accuracies(table).axes
    assert [label.get_text() for label in axis.get_yticklabels()] == ["A", "B"]
    (bars,) = axis.containers[0][2]
    np.testing.assert_allclose([segment[:, 0] for segment in bars.get_segments()], [[0.58, 0.62], [0.4, 0.6]])


@pytest.mark.parametrize("size, zoom", [(0.9, 2), (1.15, 2), (1.9, 3)])
def test_an_enlarged_image_keeps_square_pixels(tmp_path, size, zoom):
    plots.use_style()
    images = np.random.default_rng(0).integers(0, 256, (5, 48, 48), "uint8")
    plots.image_grid(images, ["a", "two\nlines", "", "d", "e"], 3, size).savefig(
        tmp_path / "grid.png", bbox_inches="tight"
    )
    stored = np.asarray(Image.open(tmp_path / "grid.png").convert("L")).astype(int)
    for k, image in enumerate(images):
        enlarged = np.kron(image.astype(int), np.ones((zoom, zoom), int))
        x = 6 + k % 3 * (48 * zoom + 6)
        found = [
            np.abs(stored[y : y + 48 * zoom, x : x + 48 * zoom] - enlarged).max()
            for y in range(len(stored) - 48 * zoom)
        ]
        assert min(found) <= 1, k
