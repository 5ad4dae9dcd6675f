"""Windows: which epochs a response is the mean of, by hand."""

import numpy as np
import pandas as pd

from analysis.statistics.windows import moving_cells, still_moving, windowed


def test_it_is_the_mean_of_the_last_epochs_and_nothing_where_one_is_missing():
    history = np.array([[1.0, 2, 3, 4], [1, 2, np.nan, 4]])
    np.testing.assert_array_equal(windowed(history, 2), [3.5, np.nan])
    np.testing.assert_array_equal(windowed(history, 1), [4, 4])


def frame_of(curves):
    """A history of cells, {cell: (seeds, epochs)}."""
    rows = [
        (cell, seed, epoch + 1, value)
        for cell, table in curves.items()
        for seed, row in enumerate(table)
        for epoch, value in enumerate(row)
    ]
    return pd.DataFrame(rows, columns=["cell", "seed", "epoch", "val_loss"])


def test_a_curve_that_climbs_still_moves_and_a_noisy_flat_one_does_not():
    noise = np.random.default_rng(0).normal(0, 0.1, (2, 5, 12))
    history = frame_of({"climbing": noise[0] + np.arange(12) * 0.5, "flat": noise[1], "gone": noise[1] * np.nan})
    assert moving_cells(history, "val_loss", 3, 0.0) == ["climbing"]
    assert moving_cells(history, "val_loss", 3, 5.0) == []


def test_flat_curves_are_said_to_move_in_at_most_five_percent():
    random = np.random.default_rng(1)
    moves = [any(still_moving(random.normal(0, 1, (4, 8)), 3, 3) for _ in range(3)) for _ in range(1000)]
    assert np.mean(moves) < 0.07


def test_nothing_moves_below_two_windows_or_three_seeds():
    climbing = np.tile(np.arange(5.0), (3, 1))
    assert not still_moving(climbing, 3) and not still_moving(climbing[:2], 1)
    assert still_moving(climbing + np.random.default_rng(2).normal(0, 0.01, (3, 5)), 2)
