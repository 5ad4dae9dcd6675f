"""Points of metrics, each with a step -> a history with a row per step."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd


def history_of(points: Mapping[str, tuple[Sequence[int], Sequence[float]]]) -> pd.DataFrame:
    """Return a row per step and a column per metric; of a step that was logged again, the later value.

    `points` maps a metric to its steps and values, in the order in which they were logged. Where a metric has many
    points and all at one step, its logger was given none: they are counted from 1.
    """
    last = {name: _last_of_steps(*each) for name, each in points.items()}
    steps = np.unique(np.concatenate([each[0] for each in last.values()])) if last else np.empty(0, "int64")
    columns = {}
    for name, (own, values) in last.items():
        columns[name] = np.full(len(steps), np.nan)
        columns[name][np.searchsorted(steps, own)] = values
    return pd.DataFrame({"epoch": steps, **columns})


def _last_of_steps(steps: Sequence[int], values: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Return the steps, each once, rising, and the last value at each."""
    numbers, figures = np.asarray(steps, dtype="int64"), np.asarray(values, dtype=float)
    if len(numbers) != len(figures):
        raise ValueError("a metric must have a step for every value")
    if (np.diff(numbers) > 0).all():
        return numbers, figures
    if (numbers == numbers[0]).all():
        return np.arange(1, len(numbers) + 1), figures
    order = np.argsort(numbers, kind="stable")
    ends = np.append(np.diff(numbers[order]) > 0, True)
    return numbers[order][ends], figures[order][ends]
