"""Ensembles of networks that are trained already: they see stored probabilities only, and train no network.

Everywhere `p` is (members, n, classes): each member's probabilities for the same images. What is fitted (weights, the
choice of members, a second-level classifier) is fitted on one set and reported on another: on FER2013 on the clean part
of PublicTest, which has no image that the members have seen in training.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from fer_helpers.temperature import SMALLEST


def soft_vote(p: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Mean of the members' probabilities, weighted if there are weights (members,): (n, classes)."""
    return np.average(p, axis=0, weights=weights)


def hard_vote(p: np.ndarray) -> np.ndarray:
    """Share of the members that vote for each class, (n, classes); among equal shares the soft vote decides."""
    members, _, classes = p.shape
    shares = np.eye(classes)[p.argmax(axis=2)].mean(axis=0)
    tie_break = 0.5 / members  # less than what one vote changes
    return (shares + tie_break * soft_vote(p)) / (1 + tie_break)


def fit_weights(p: np.ndarray, labels: np.ndarray, steps: int = 300) -> np.ndarray:
    """Weights (members,), not negative and of sum 1, of the weighted mean with the smallest cross-entropy.

    Expectation maximisation for the shares of a mixture: each step gives a member the share of the right class's
    probability that it contributed, and never makes the fit worse.
    """
    right = np.maximum(_of_label(p, labels), SMALLEST)
    weights = np.full(len(p), 1 / len(p))
    for _ in range(steps):
        weights = (weights[:, None] * right / (weights @ right)).mean(axis=1)
    return weights


def fit_greedy(p: np.ndarray, labels: np.ndarray, rounds: int = 20) -> np.ndarray:
    """Weights (members,) by greedy selection with replacement (Caruana et al. 2004).

    Each round adds the member with which the mean gets most images right; where several do, the smallest cross-entropy
    decides. The best round counts.
    """
    counts, best, best_score = np.zeros(len(p)), None, (-1.0, 0.0)
    total = np.zeros(p.shape[1:])
    for size in range(1, rounds + 1):
        scores = [_score((total + member) / size, labels) for member in p]
        chosen = max(range(len(p)), key=scores.__getitem__)
        counts[chosen] += 1
        total += p[chosen]
        if scores[chosen] > best_score:
            best, best_score = counts / size, scores[chosen]
    return best


@threadpool_limits.wrap(limits=1)  # on such small matrices several threads wait longer than they work
def fit_stacking(p: np.ndarray, labels: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Second-level classifier: logistic regression on all members' log-probabilities, its penalty by cross-validation.

    Gives a function p -> probabilities (n, classes). Every class must have at least five images.
    """
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    penalties = {"logisticregression__C": [1e-4, 1e-3, 1e-2, 1e-1]}
    search = GridSearchCV(classifier, penalties, scoring="neg_log_loss", cv=5)
    search.fit(_features(p), labels)
    return lambda p: search.predict_proba(_features(p))


@dataclass(frozen=True)
class Ensemble:
    """A fitted ensemble: p -> probabilities (n, classes), and each member's weight where weights were fitted."""

    predict: Callable[[np.ndarray], np.ndarray]
    weights: np.ndarray | None = None


def weighted(weights: np.ndarray) -> Ensemble:
    """Soft vote with fixed weights (members,)."""
    return Ensemble(lambda p: soft_vote(p, weights), weights)


# how all members are combined: fit on (p, labels)
METHODS: dict[str, Callable[[np.ndarray, np.ndarray], Ensemble]] = {
    "soft vote": lambda p, labels: Ensemble(soft_vote),
    "hard vote": lambda p, labels: Ensemble(hard_vote),
    "weighted vote": lambda p, labels: weighted(fit_weights(p, labels)),
    "greedy selection": lambda p, labels: weighted(fit_greedy(p, labels)),
    "stacking": lambda p, labels: Ensemble(fit_stacking(p, labels)),
}


def agreement(p: np.ndarray) -> np.ndarray:
    """Share of the images on which two members give the same answer: (members, members)."""
    answers = p.argmax(axis=2)
    return (answers[:, None] == answers[None]).mean(axis=2)


def oracle(right: np.ndarray) -> np.ndarray:
    """Images on which at least one member is right, bool (n,), of `right` bool (members, n).

    No choice among the members' answers can be right on more.
    """
    return right.any(axis=0)


def _of_label(p: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Probability that each member gives the right class: (members, n)."""
    return p[:, np.arange(len(labels)), labels]


def _score(mean: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    likelihood = np.maximum(mean[np.arange(len(labels)), labels], SMALLEST)
    return float(np.mean(mean.argmax(axis=1) == labels)), float(np.log(likelihood).mean())


def _features(p: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(np.concatenate(p, axis=1), SMALLEST))
