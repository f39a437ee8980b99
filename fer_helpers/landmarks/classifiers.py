"""Do eight distances say as much of an emotion as the pixels? Two classical models on three kinds of features."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from fer_helpers import landmarks, metrics
from fer_helpers.datasets import Dataset, load
from fer_helpers.labels import PRIVATE_TEST, TRAINING
from fer_helpers.landmarks import geometry

COMPONENTS = 100  # principal components that stand for the 2,304 pixels; learned from Training

FEATURES: dict[str, Callable[[Dataset], np.ndarray]] = {
    "8 distances": lambda data: geometry.distances(data.landmarks),
    "68 points": lambda data: geometry.normalise(data.landmarks).reshape(len(data), -1),
    "pixels": lambda data: data.images.reshape(len(data), -1) / np.float32(255),
}


def models(seed: int) -> dict[str, ClassifierMixin]:
    """Both models with their hyper-parameters, chosen beforehand and the same for all features."""
    return {
        "logistic regression": LogisticRegression(C=1.0, max_iter=1000),
        "random forest": RandomForestClassifier(
            n_estimators=200, min_samples_leaf=3, n_jobs=-1, random_state=seed
        ),
    }


# One BLAS thread: on such small matrices several wait for each other far longer than they work.
@threadpool_limits.wrap(limits=1)
def distances_table(data: Dataset, seed: int) -> pd.DataFrame:
    """Train both models on each kind of features of Training; score them on PrivateTest, which selects nothing.

    The landmarks are dlib's, under the policy "whole_crop". All features are standardised; pixels are reduced to 100
    principal components first. Columns: features, size, model, n, accuracy, low, high (95 % Wilson interval),
    macro_recall. The first row always answers with the commonest class. FER2013 takes about 80 s of processor time.
    """
    data = landmarks.attach(data, "whole_crop")
    training, test, k = data.split(TRAINING), data.split(PRIVATE_TEST), len(data.classes)
    commonest = DummyClassifier().fit(training.images, training.labels)
    rows = [("none", 0, "commonest class", *_score(commonest, test.images, test.labels, k))]
    for name, measure in FEATURES.items():
        x, x_test = measure(training), measure(test)
        if name == "pixels":
            reduce = PCA(COMPONENTS, random_state=seed).fit(x)
            x, x_test = reduce.transform(x), reduce.transform(x_test)
        for model_name, model in models(seed).items():
            pipeline = make_pipeline(StandardScaler(), model).fit(x, training.labels)
            rows.append((name, x.shape[1], model_name, *_score(pipeline, x_test, test.labels, k)))
    return pd.DataFrame(
        rows, columns=["features", "size", "model", "n", "accuracy", "low", "high", "macro_recall"]
    )


def _score(model: ClassifierMixin, x: np.ndarray, labels: np.ndarray, classes: int) -> tuple[float, ...]:
    probabilities = np.zeros((len(x), classes))
    probabilities[:, model.classes_] = model.predict_proba(x)  # a class that Training lacks keeps 0
    summary = metrics.summarise(labels, probabilities)
    return summary["n"], summary["accuracy"], *summary["interval"], summary["macro_recall"]


def measure(profile: str) -> pd.DataFrame:
    """`distances_table` with seed 0 of FER2013 ("full"), or of the embedded data set ("quick")."""
    return distances_table(load("fer2013" if profile == "full" else "facekit"), seed=0)
