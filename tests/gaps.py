"""Made histories whose gap is taken apart by hand, for the tests of its numbers and of its words."""

import numpy as np
import pandas as pd
from designs import METRICS

EARLY = {
    "accuracy": 0.900,
    "on_accuracy": 0.929,
    "off_accuracy": 0.953,
    "holdout_accuracy": 0.944,
    "val_accuracy": 0.941,
}
LATE = {
    "accuracy": 0.980,
    "on_accuracy": 0.981,
    "off_accuracy": 0.989,
    "holdout_accuracy": 0.971,
    "val_accuracy": 0.974,
}


# As EARLY and LATE in sign: better on validation first, worse later.
EARLY_LOSS = {"loss": 0.50, "on_loss": 0.40, "off_loss": 0.30, "holdout_loss": 0.33, "val_loss": 0.35}
LATE_LOSS = {"loss": 0.10, "on_loss": 0.09, "off_loss": 0.05, "holdout_loss": 0.13, "val_loss": 0.12}
ERRORS = {"on_accuracy_se": 0.0, "on_loss_se": 0.0}
SPREAD = 0.001  # by which validation accuracy of seeds 0, 1, 2 lies below, at and above the numbers above


def rows(cell="dropout=true", seeds=3, epochs=(EARLY | EARLY_LOSS, LATE | LATE_LOSS), **changes):
    """A cell's history: `seeds` seeds, the epochs as given, keyword arguments replacing columns."""
    made = []
    for seed in range(seeds):
        for epoch, metrics in enumerate(epochs, start=1):
            moved = metrics["val_accuracy"] + SPREAD * (seed - (seeds - 1) / 2)
            keys = {"run": f"{cell}/{seed}", "cell": cell, "seed": seed, "epochs": len(epochs), "epoch": epoch}
            made.append({**keys, **ERRORS, **metrics, "val_accuracy": moved, **changes})
    return pd.DataFrame(made)


def without(scores):
    """Columns of scores that were not measured, as the history has them."""
    return {f"{score}_{metric.name}": np.nan for score in scores for metric in METRICS}


def nets(*net):
    """A history whose net gaps of accuracy, epoch by epoch, are these points."""
    return rows(epochs=[LATE | LATE_LOSS | {"val_accuracy": LATE["accuracy"] + points / 100} for points in net])
