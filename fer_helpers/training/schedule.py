"""The course of a training: the rate of each epoch, which epoch is the best, and when it ends."""

import math

import numpy as np

from fer_helpers.study.experiment import Recipe

History = dict[str, list[float]]


def learning_rate(recipe: Recipe, history: History) -> float:
    """Learning rate of the next epoch: multiplied each time the selection accuracy has been flat for the patience.

    Where the recipe says "cosine" it falls from the first epoch to the last along half a wave, whatever the accuracy.
    """
    if recipe.cosine:
        return recipe.learning_rate * (1 + math.cos(math.pi * len(history["loss"]) / recipe.epochs)) / 2
    rate, best, flat = recipe.learning_rate, -1.0, 0
    for accuracy in history["val_accuracy"]:
        best, flat = (accuracy, 0) if accuracy > best else (best, flat + 1)
        if flat == recipe.plateau_patience:
            rate, flat = max(rate * recipe.plateau_factor, recipe.min_learning_rate), 0
    return rate


def best_epoch(history: History) -> int:
    """Number, from 0, of the first epoch with the best selection accuracy."""
    return int(np.argmax(history["val_accuracy"]))


def stopped_by(recipe: Recipe, history: History, limit: int) -> str | None:
    """Why training ends after this history: "patience", "recipe" (all its epochs), "limit" (fewer), or None."""
    done = len(history["val_accuracy"])
    if done and done - 1 - best_epoch(history) >= recipe.stop_patience:
        return "patience"
    if done >= limit:
        return "recipe" if done >= recipe.epochs else "limit"
    return None
