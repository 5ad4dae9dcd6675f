"""Does a factor change who is missed? Counted by hand, and by Fisher's exact test."""

from itertools import product
from math import comb

import numpy as np
import pytest
from answers import DROPOUT, LABELS, LEVELS, PREDICTIONS, split_cells
from scipy import stats

from analysis.reading.study import Design
from analysis.statistics.mcnemar import mcnemar_contrasts
from analysis.statistics.splits import EXAMPLE_COLUMNS, split_by_factor


def test_only_images_whose_miss_share_differs_by_half_are_split_by_the_factor():
    cells, labels = split_cells(baseline=[0, 3, 6, 1], level=[6, 0, 4, 1])
    split = split_by_factor(cells, labels, LEVELS, DROPOUT).examples
    assert split["example"].tolist() == [0, 1]
    assert split["difference"].tolist() == [1.0, -0.5]
    assert split["contrast"].unique().tolist() == ["dropout: true → false"]
    assert split.loc[0, ["missed_baseline", "runs_baseline", "missed_level", "runs_level"]].tolist() == [0, 6, 6, 6]


def test_the_p_of_a_split_is_that_of_fishers_exact_test():
    cells, labels = split_cells(baseline=[0, 3, 1], level=[6, 0, 5])
    split = split_by_factor(cells, labels, LEVELS, DROPOUT).examples.set_index("example")
    for image, misses in {0: (0, 6), 1: (3, 0), 2: (1, 5)}.items():
        table = [[misses[0], 6 - misses[0]], [misses[1], 6 - misses[1]]]
        assert split.loc[image, "p"] == pytest.approx(stats.fisher_exact(table).pvalue)


def test_what_chance_alone_would_split_is_counted_over_all_shuffles():
    cells, labels = split_cells(baseline=[0, 2, 1], level=[4, 2, 0], runs=4)
    summary = split_by_factor(cells, labels, LEVELS, DROPOUT).contrasts.iloc[0]
    by_hand = 0.0
    for misses in (4, 4, 1):  # of eight runs, four on each side
        ways = [comb(misses, on_level) * comb(8 - misses, 4 - on_level) / comb(8, 4) for on_level in range(misses + 1)]
        by_hand += sum(way for on_level, way in enumerate(ways) if abs(2 * on_level - misses) / 4 >= 0.5)
    assert summary["by_chance"] == pytest.approx(by_hand)
    assert (summary["up"], summary["down"]) == (1, 0)


def test_a_training_that_is_looked_at_twice_counts_once_but_where_the_looks_are_compared():
    design = Design("factorial", {"dropout": ("true", "false"), "epochs": ("3", "30")})
    cells = {f"{a}, {b}": {"dropout": a, "epochs": b} for a, b in product(*design.factors.values())}
    misses = {"true, 3": [5, 0], "true, 30": [0, 1], "false, 3": [0, 0], "false, 30": [5, 1]}
    answers = {cell: (np.arange(5)[:, None] < np.array(of)).astype(np.uint8) for cell, of in misses.items()}
    split = split_by_factor(answers, np.zeros(2, np.uint8), cells, design)
    [dropout] = split.examples.to_dict("records")
    sides = ["missed_baseline", "runs_baseline", "missed_level", "runs_level"]
    assert (dropout["contrast"], dropout["example"]) == ("dropout: true → false", 0)
    assert [dropout[side] for side in sides] == [0, 5, 5, 5]
    pairs = mcnemar_contrasts(answers, np.zeros(2, np.uint8), cells, design).set_index("contrast")["pairs"]
    assert pairs.to_dict() == {"dropout: true → false": 5, "epochs: 3 → 30": 10}


def test_with_three_runs_a_level_no_image_is_said_to_be_split():
    cells, labels = split_cells(baseline=[0], level=[3], runs=3)
    split = split_by_factor(cells, labels, LEVELS, DROPOUT)
    assert split.contrasts["lowest_p"].tolist() == [pytest.approx(0.1)]  # 2 of the 20 ways
    assert split.examples.empty


def test_a_contrast_whose_cells_have_no_runs_is_left_out():
    split = split_by_factor({"dropout=true": PREDICTIONS["dropout=true"]}, LABELS, LEVELS, DROPOUT)
    assert split.examples.empty and split.contrasts.empty
    assert list(split.examples) == list(EXAMPLE_COLUMNS)
