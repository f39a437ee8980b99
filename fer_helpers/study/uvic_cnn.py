"""Experiments of uvic_cnn: depth, preprocessing and augmentation on FER2013."""

from dataclasses import replace

from fer_helpers.study.experiment import FLIP_AND_SHIFT, QUICK, Experiment, Recipe

# uvic_cnn, section 3.4: Adam 0.01, batch 128, rate halved after 25 flat epochs; "at least 60 epochs".
UVIC = Recipe(epochs=60, batch_size=128, learning_rate=0.01)
UVIC_DEEP_QUICK = replace(QUICK, epochs=1)  # the deep network takes some 20 s an epoch of 1,500 images


def _uvic(name: str, title: str, *rows: tuple[str, str], **changes) -> Experiment:
    """An experiment of uvic_cnn: Medium, normalised and augmented (N+A), but for `changes`."""
    entry = {
        "dataset": "fer2013",
        "architecture": "uvic_cnn.medium",
        "preprocess": ("standardise",),
        "augment": FLIP_AND_SHIFT,
        "recipe": UVIC,
    }
    return Experiment(id=f"uvic_cnn/{name}", title=title, rows=rows, **(entry | changes))


EXPERIMENTS = (
    _uvic("shallow_n", "Shallow+N", ("Table 1", "Shallow"), architecture="uvic_cnn.shallow", augment=()),
    _uvic("medium_n", "Medium+N", ("Table 1", "Medium"), ("Table 2", "Medium+N"), augment=()),
    _uvic("medium_n_a", "Medium+N+A", ("Table 1", "Medium + A"), ("Table 2", "Medium+N+A"), seeds=(0, 1, 2)),
    _uvic(
        "medium_n_a_he", "Medium+N+A+HE", ("Table 2", "Medium+N+A+HE"), preprocess=("equalise", "standardise")
    ),
    _uvic(
        "deep_n",
        "Deep+N",
        ("Table 1", "Deep"),
        architecture="uvic_cnn.deep",
        augment=(),
        quick=UVIC_DEEP_QUICK,
    ),
    _uvic(
        "deep_n_a", "Deep+N+A", ("Table 1", "Deep + A"), architecture="uvic_cnn.deep", quick=UVIC_DEEP_QUICK
    ),
    _uvic(
        "medium_n_a_columns",
        "Medium+N+A, as coded",  # with the batch normalisation over columns of the authors' code
        ("Table 1", "Medium + A"),
        architecture="uvic_cnn.medium_as_published",
        variant="as coded",
    ),
    # variants that the paper does not have: Adam's default rate, and CLAHE, which only the quick profile runs
    _uvic(
        "medium_n_a_rate_1e-3", "Medium+N+A, learning rate 0.001", recipe=replace(UVIC, learning_rate=1e-3)
    ),
    _uvic("medium_n_a_clahe", "Medium+N+A+CLAHE", preprocess=("clahe", "standardise"), seeds=()),
)

COMPARISONS = (
    ("three convolutions are better than two", "medium_n", "shallow_n"),
    ("augmentation helps (Medium)", "medium_n_a", "medium_n"),
    ("augmentation helps (Deep)", "deep_n_a", "deep_n"),
    ("histogram equalisation is an advantage", "medium_n_a_he", "medium_n_a"),
    ("eight convolutions are better than three", "deep_n_a", "medium_n_a"),
)
