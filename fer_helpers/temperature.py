"""Probabilities at a temperature; apart from `trust`, because `predict` needs this and no SciPy."""

import numpy as np

SMALLEST = 1e-4  # below it the float16 of the records has few digits, and log(0) has none


def soften(p: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities (n, classes) at a temperature: above 1 less sure, below 1 surer, the answers stay the same."""
    powers = np.maximum(p, SMALLEST) ** (1 / temperature)
    return powers / powers.sum(axis=1, keepdims=True)
