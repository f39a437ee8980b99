"""The course's figures in one style: legible in print and for colour-blind readers, small enough for a code host."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure


def use_style() -> None:
    """Set the style of every later figure of this process."""
    sns.set_theme(context="notebook", style="whitegrid", palette="colorblind")
    plt.rcParams.update({"figure.dpi": 72, "savefig.dpi": 72, "figure.constrained_layout.use": True})
    plt.rcParams["savefig.pad_inches"] = 6 / 72  # whole pixels: what `image_grid` aligns stays aligned


def image_grid(
    images: np.ndarray, titles: Sequence[str] = (), columns: int = 7, size: float = 1.15
) -> Figure:
    """Draw images in rows of `columns`, each with its title if there is one.

    Grey ones are (n, height, width), from 0 to 255; those in colour (n, height, width, 3) uint8. Each is about `size`
    inches wide. One that is enlarged takes a whole number of screen pixels for each of its own, two at least: its
    pixels stay squares, and the stored figure is a third smaller than a smoothed one.
    """
    height, width = np.shape(images)[1:3]
    dots = plt.rcParams["figure.dpi"]
    zoom = size * dots / width
    zoom = max(2, round(zoom)) if zoom > 1 else zoom
    rows, wide, high = -(-len(images) // columns), round(zoom * width), round(zoom * height)
    gap, lines = 6, max((str(title).count("\n") + 1 for title in titles), default=0)
    above = gap + 16 * lines  # above each row
    whole = columns * (wide + gap) - gap, rows * (high + above)  # pixels, as all of these
    figure, axes = plt.subplots(rows, columns, figsize=np.divide(whole, dots), layout="none")
    figure.subplots_adjust(0, 0, 1, 1 - above / whole[1], gap / wide, above / high)
    for axis in np.ravel(axes):
        axis.axis("off")
    for k, (axis, image) in enumerate(zip(np.ravel(axes), images, strict=False)):
        axis.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="nearest" if zoom > 1 else None)
        if len(titles):
            axis.set_title(titles[k], fontsize=10, pad=4)
    return figure


def class_counts(counts: pd.DataFrame) -> Figure:
    """Draw the share of each class within each split; `counts` has splits as rows and classes as columns."""
    shares = counts.div(counts.sum(axis=1), axis=0).rename_axis(index="split", columns="class")
    figure, axis = plt.subplots(figsize=(8, 3.2))
    sns.barplot(shares.stack().rename("share").reset_index(), x="class", y="share", hue="split", ax=axis)
    axis.set(xlabel="", ylabel="share of the split")
    return figure


def learning_curves(histories: dict[str, dict[str, list[float]]]) -> Figure:
    """Draw accuracy by epoch, training dashed and selection solid, one colour a run."""
    figure, axis = plt.subplots(figsize=(7, 3.5))
    for colour, (name, history) in zip(sns.color_palette(), histories.items(), strict=False):
        epochs = range(1, len(history["accuracy"]) + 1)
        axis.plot(epochs, history["accuracy"], "--", color=colour, label=f"{name}: training")
        axis.plot(epochs, history["val_accuracy"], "-", color=colour, label=f"{name}: selection")
    axis.set(xlabel="epoch", ylabel="accuracy")
    axis.legend(fontsize=9)
    return figure


def confusion(matrices: dict[str, Sequence[Sequence[int]]], classes: Sequence[str]) -> Figure:
    """Draw confusion matrices side by side; each row is a true class and sums to 100 %."""
    figure, axes = plt.subplots(1, len(matrices), figsize=(4.8 * len(matrices), 4.2), squeeze=False)
    for axis, (title, matrix) in zip(axes[0], matrices.items(), strict=True):
        matrix = np.asarray(matrix, dtype=float)
        share = 100 * matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
        sns.heatmap(
            share, annot=True, fmt=".0f", cmap="cividis", cbar=False, square=True, vmin=0, vmax=100, ax=axis,
            xticklabels=classes, yticklabels=classes, annot_kws={"fontsize": 10},
        )  # fmt: skip
        axis.set(title=title, xlabel="predicted, of 100", ylabel="true")
    return figure


def accuracies(table: pd.DataFrame) -> Figure:
    """Draw accuracies with their 95 % intervals: `table` has columns name, accuracy, low, high and published.

    A published value that is missing is left out.
    """
    figure, axis = plt.subplots(figsize=(7, 1.4 + 0.45 * len(table)))
    y = np.arange(len(table))[::-1]
    errors = [table["accuracy"] - table["low"], table["high"] - table["accuracy"]]
    axis.errorbar(table["accuracy"], y, xerr=errors, fmt="o", capsize=3, label="this course, 95 % interval")
    hollow = {"fillstyle": "none", "markersize": 10, "markeredgewidth": 2}  # a dot within stays visible
    axis.plot(table["published"], y, "D", color=sns.color_palette()[1], label="published", **hollow)
    axis.set_yticks(y, table["name"])
    axis.set(xlabel="accuracy", ylim=(-0.6, len(table) - 0.4))
    figure.legend(loc="outside upper center", ncols=2, fontsize=9)
    return figure


def by_seed(table: pd.DataFrame) -> Figure:
    """Draw selection accuracies of several seeds: `table` comes from `seeds.selection_table`.

    A line is the 95 % interval of the mean, a dot a seed; the grey band is the first experiment's interval. Experiments
    without a record are named and have neither.
    """
    figure, axis = plt.subplots(figsize=(7, 1 + 0.33 * len(table)))
    y = np.arange(len(table))[::-1]
    if table["seeds"].iloc[0]:
        axis.axvspan(table["low"].iloc[0], table["high"].iloc[0], color="0.9")
    for height, row in zip(y, table.itertuples(), strict=True):
        if row.seeds:
            axis.plot(
                [row.low, row.high], [height, height], color=sns.color_palette()[0], linewidth=3, alpha=0.5
            )
            axis.plot(row.by_seed, [height] * row.seeds, "o", color="0.1", markeredgecolor="white", alpha=0.8)
    names = [
        title if n else f"{title}: not run yet"
        for title, n in zip(table["title"], table["seeds"], strict=True)
    ]
    axis.set_yticks(y, names)
    axis.set(xlabel="selection accuracy", ylim=(-0.6, len(table) - 0.4))
    return figure
