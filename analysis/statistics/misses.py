"""Stored predictions -> the validation examples that most runs miss, and what runs mistake for what.

`predictions` maps a cell's label to the class that each of its runs gives every validation example after its last
epoch: (runs, examples) whole numbers, seeds in the same order in every cell (`analysis.reading.predictions_of`).
`labels` are the true classes, (examples,). Runs that share a record and epoch (an inert factor) are one training: pass
them once.

Columns of `missed` (tables/missed.csv), a row per example that at least one run misses, most missed first:

| column | type | unit | meaning |
|---|---|---|---|
| example | int | | place in the validation set, from 0 |
| label | int | | true class |
| missed_by, runs | int | runs | how many miss it, of how many |
| answers | str | | what the runs said, the most frequent first: `9 ×12, 4 ×3` |
| a column per cell | float | share | of the cell's runs that miss it |

Columns of `confused`, a row per cell and pair of classes that is mistaken, most often first: `cell`, `label`, `answer`,
`count` (answers), `of` (all answers to examples of that class).
"""

import numpy as np
import pandas as pd
from scipy import stats

from analysis.statistics.intervals import ALPHA

CHUNK = 1 << 20  # predictions counted at a time, so that no copy of all of them is made
CONFUSED_COLUMNS = ("cell", "label", "answer", "count", "of")

Predictions = dict[str, np.ndarray]


def missed(predictions: Predictions, labels: np.ndarray) -> pd.DataFrame:
    """Return the examples that at least one run misses; the columns are those of the module's table."""
    classes = _class_count(predictions, labels)
    counts = {cell: miss_count(rows, labels) for cell, rows in predictions.items()}
    votes = np.zeros((len(labels), classes), np.int64)
    for rows in predictions.values():
        votes += count_answers(rows, classes)
    runs = sum(len(rows) for rows in predictions.values())
    missed_by = sum((misses for misses, _ in counts.values()), np.zeros(len(labels), np.int64))
    order = np.argsort(-missed_by, kind="stable")
    kept = order[missed_by[order] > 0]
    return pd.DataFrame(
        {
            "example": kept,
            "label": labels[kept].astype(int),
            "missed_by": missed_by[kept],
            "runs": runs,
            "answers": [_answers(row) for row in votes[kept]],
            **{cell: misses[kept] / of for cell, (misses, of) in counts.items()},
        }
    )


def _class_count(predictions: Predictions, labels: np.ndarray) -> int:
    """Return how many classes there are, as far as labels and answers show."""
    return 1 + max([int(labels.max()), *(int(rows.max()) for rows in predictions.values())])


def count_answers(predictions: np.ndarray, classes: int) -> np.ndarray:
    """Return how many of the runs give each example each class: (runs, examples) -> (examples, classes) int64."""
    examples = predictions.shape[1]
    counts = np.zeros(examples * classes, np.int64)
    offsets = np.arange(examples) * classes
    step = max(1, CHUNK // examples)
    for start in range(0, len(predictions), step):
        counts += np.bincount((predictions[start : start + step] + offsets).ravel(), minlength=len(counts))
    return counts.reshape(examples, classes)


def miss_count(predictions: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, int]:
    """Return how many of a cell's runs miss each example, (examples,), and how many runs there are."""
    counts = np.zeros(len(labels), np.int64)
    step = max(1, CHUNK // len(labels))
    for start in range(0, len(predictions), step):
        counts += (predictions[start : start + step] != labels).sum(axis=0)
    return counts, len(predictions)


def _answers(votes: np.ndarray) -> str:
    """Return `9 ×12, 4 ×3` from an example's count per class, (classes,); the lower class first in a tie."""
    given = [int(answer) for answer in np.argsort(-votes, kind="stable") if votes[answer]]
    return ", ".join(f"{answer} ×{votes[answer]}" for answer in given)


def confusion(predictions: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Return how often an example of a class (row) is given each class (column), summed over the runs of a cell.

    `predictions` is (runs, examples), the result (classes, classes) int64.
    """
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, labels, count_answers(predictions, classes))
    return counts


def confused(predictions: Predictions, labels: np.ndarray, most: int) -> pd.DataFrame:
    """Return each cell's `most` most frequent mistakes; for more classes than a matrix can show."""
    parts = []
    for cell, rows in predictions.items():
        truth = np.broadcast_to(labels, rows.shape)
        wrong = rows != labels
        pairs = pd.DataFrame({"label": truth[wrong].astype(int), "answer": rows[wrong].astype(int)})
        counts = pairs.value_counts(sort=False).rename("count").reset_index()  # by label, then answer
        counts = counts.sort_values("count", ascending=False, kind="stable").head(most)
        of = np.bincount(labels)[counts["label"]] * len(rows)
        parts.append(counts.assign(cell=cell, of=of)[list(CONFUSED_COLUMNS)])
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(CONFUSED_COLUMNS))


def wilson_interval(share: float, examples: int) -> tuple[float, float]:
    """Return the 95 % interval of a share of right answers that is due to the validation set being finite.

    Wilson's (J. Am. Stat. Assoc. 22, 1927): it stays within 0 and 1, and has a width at either of them.
    """
    square = float(stats.norm.isf(ALPHA / 2)) ** 2
    middle = (share + square / (2 * examples)) / (1 + square / examples)
    half = np.sqrt(square * (share * (1 - share) + square / (4 * examples)) / examples) / (1 + square / examples)
    return max(float(middle - half), 0.0), min(float(middle + half), 1.0)
