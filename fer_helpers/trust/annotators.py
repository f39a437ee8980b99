"""What ten people saw in the same pictures: a network where they agree, and how much their votes say of the label.

FER+ asked ten annotators for each image of FER2013, whose own label came from the words of an image search. The two
often differ. Who knows what ten people see cannot name more labels than the best map from votes to labels does; a
network that names more has learnt how the labels were made.
"""

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier

from fer_helpers.datasets import Dataset
from fer_helpers.labels import PRIVATE_TEST, TRAINING
from fer_helpers.trust import rate


def winner(data: Dataset) -> np.ndarray:
    """Class with the most votes of all columns, (n,) int; -1 where that is no class of `data`; ties: the first."""
    classes = list(data.classes)
    number = [classes.index(name) if name in classes else -1 for name in data.vote_names]
    return np.array(number)[data.votes.argmax(axis=1)]


def by_agreement(test: Dataset, p: np.ndarray, least: int = 30) -> pd.DataFrame:
    """Accuracy of `p` (n, classes) by how many annotators gave the commonest answer.

    Columns: agreeing, n, accuracy, low, high (against the label), winner_accuracy (against the commonest answer),
    label_is_winner (how often the two are the same). Rows of fewer than `least` images join the next one: agreeing is
    "3-4", for example.
    """
    top, answers, commonest = test.votes.max(axis=1), p.argmax(axis=1), winner(test)
    rows, first = [], int(top.min())
    for last in range(first, int(top.max()) + 1):
        inside = (top >= first) & (top <= last)
        if inside.sum() < least and last < top.max():
            continue
        row = {"agreeing": str(last) if first == last else f"{first}-{last}"}
        row |= rate(answers[inside] == test.labels[inside])
        row["winner_accuracy"] = float((answers == commonest)[inside].mean())
        row["label_is_winner"] = float((commonest == test.labels)[inside].mean())
        rows.append(row)
        first = last + 1
    return pd.DataFrame(rows)


def best_map(data: Dataset, test: Dataset) -> np.ndarray:
    """Labels (n,) int of `test` guessed from its votes alone, by boosted trees that learn from Training's votes."""
    training = data.split(TRAINING)
    trees = HistGradientBoostingClassifier(random_state=0)
    return trees.fit(training.votes, training.labels).predict(test.votes)


def ceiling(data: Dataset, p: np.ndarray) -> pd.DataFrame:
    """How often PrivateTest's label is named by the commonest of the votes, by the best map, and by `p` (n, classes).

    Columns: who, then n, accuracy, low, high on PrivateTest, and the same with "clean_" on its clean images.
    """
    test = data.split(PRIVATE_TEST)
    answers = {
        "the commonest of the votes": winner(test),
        "the best map from the votes to the label": best_map(data, test),
        "the network, from the pixels": p.argmax(axis=1),
    }
    rows = []
    for who, answer in answers.items():
        clean = rate((answer == test.labels)[test.clean])
        row = {"who": who} | rate(answer == test.labels)
        rows.append(row | {f"clean_{key}": value for key, value in clean.items()})
    return pd.DataFrame(rows)
