"""Experiments of ucf_keypoints: drawn key-points and two heads on FER+."""

from dataclasses import replace

from fer_helpers.study.experiment import FLIP_AND_SHIFT, Experiment, Recipe

# ucf_keypoints names no recipe: this one is ours, the same for all six.
UCF = Recipe(
    epochs=60,
    batch_size=128,
    learning_rate=1e-3,
    plateau_patience=6,
    min_learning_rate=1e-5,
    stop_patience=15,
)


def _ucf(name: str, title: str, net: str, row: str, policy: str = "") -> Experiment:
    """An experiment of ucf_keypoints: a head, without key-points or with the overlay under a policy."""
    return Experiment(
        id=f"ucf_keypoints/{name}",
        title=title,
        rows=(("Table 1", row),),
        dataset="ferplus",
        architecture=f"ucf_keypoints.{net}",
        preprocess=("overlay", "symmetric") if policy else ("symmetric",),
        augment=FLIP_AND_SHIFT,
        recipe=UCF,
        landmarks=policy,
        variant=f"policy {policy}" if policy else "",
    )


SIX = tuple(
    _ucf(f"{name}{suffix}", f"{title}{words}", net, f"{row} {title}", policy)
    for name, title, net in (
        ("gap", "GAP", "gap"),
        ("fc", "fully connected", "fully_connected"),
    )
    for suffix, words, row, policy in (
        ("", "", "No key-point", ""),
        ("_keep", ", overlay, policy keep", "Key-point", "keep"),
        ("_whole_crop", ", overlay, policy whole_crop", "Key-point", "whole_crop"),
    )
)

# The smaller network on other data, without key-points: small enough to come with the course.
OURS = tuple(
    replace(SIX[0], id=f"ucf_keypoints/gap_{dataset}", title=f"GAP on {title}", rows=(), dataset=dataset)
    for dataset, title in (("fer2013", "FER2013"), ("facekit", "FaceKit"))
)
EXPERIMENTS = SIX + OURS

COMPARISONS = (
    ("drawn key-points help (GAP, image unchanged without a face)", "gap_keep", "gap"),
    ("drawn key-points help (GAP, always drawn)", "gap_whole_crop", "gap"),
    ("a missing overlay gives the class away (GAP)", "gap_keep", "gap_whole_crop"),
    ("drawn key-points help (FC, image unchanged without a face)", "fc_keep", "fc"),
    ("drawn key-points help (FC, always drawn)", "fc_whole_crop", "fc"),
    ("a missing overlay gives the class away (FC)", "fc_keep", "fc_whole_crop"),
    ("dense layers help", "fc", "gap"),
)
