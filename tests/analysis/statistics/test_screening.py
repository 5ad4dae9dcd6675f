"""Screening designs: a published fraction, planted effects, and what is shared."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from analysis.statistics.screening import (
    alias_sets,
    main_effects,
    main_weights,
    pair_weights,
)
from runner.screening import screening_cells

ORACLES = json.loads((Path(__file__).parents[2] / "oracles.json").read_text())
SIZES = range(5, 13)


def published():
    """Levels (16, 6) and response of the published 2^(6-2): A fastest, E = ABC, F = BCD."""
    basic = np.array([combination[::-1] for combination in itertools.product([-1, 1], repeat=4)])
    a, b, c, d = basic.T
    signs = np.column_stack([basic, a * b * c, b * c * d])
    return (signs + 1) // 2, np.array(ORACLES["montgomery_injection_molding"]["y"], float)


def relabelled():
    """Our six-factor design with its columns in an order in which its cells are the published ones."""
    levels, _ = published()
    wanted = {tuple(row) for row in levels}
    ours = screening_cells(6)
    for order in itertools.permutations(range(6)):
        for flips in itertools.product([0, 1], repeat=6):
            if {tuple(row) for row in ours[:, order] ^ np.array(flips)} == wanted:
                return ours[:, order] ^ np.array(flips)
    raise AssertionError("the design is not the published one")


def test_the_published_fraction_is_this_design_with_its_effects_and_aliases():
    oracle = ORACLES["montgomery_injection_molding"]["pub"]
    levels, y = published()
    place = {tuple(row): value for row, value in zip(levels, y, strict=True)}
    ours = relabelled()
    values = np.array([place[tuple(row)] for row in ours])
    effects, there = main_effects(ours, values[None])
    assert values.mean() == oracle["mean"] and there.all()
    assert effects[0, :2] == pytest.approx([2 * oracle["coefficients"]["A"], 2 * oracle["coefficients"]["B"]])
    sets = [["".join("ABCDEF"[factor] for factor in pair) for pair in pairs] for pairs in alias_sets(ours)]
    assert sorted(map(sorted, sets)) == oracle["aliased_pairs"]
    figures = dict(zip([pairs[0] for pairs in sets], pair_weights(ours) @ values, strict=True))
    assert figures["AB"] == pytest.approx(2 * oracle["coefficients"]["AB"])


@pytest.mark.parametrize("factors", SIZES)
def test_the_cells_are_distinct_balanced_and_hold_both_extremes(factors):
    levels = screening_cells(factors)
    assert levels.shape == (16 if factors <= 8 else 24, factors)
    assert len(np.unique(levels, axis=0)) == len(levels)
    assert (levels.mean(axis=0) == 0.5).all()
    assert not levels[0].any() and (levels.sum(axis=1) == factors).any()


@pytest.mark.parametrize("factors", SIZES)
def test_planted_main_effects_are_recovered_exactly_under_planted_pairs(factors):
    random = np.random.default_rng(factors)
    levels = screening_cells(factors)
    signs = 2 * levels - 1
    planted = random.normal(size=factors)
    pairs = [signs[:, a] * signs[:, b] * random.normal() for a, b in itertools.combinations(range(factors), 2)]
    values = 3.0 + signs @ planted / 2 + sum(pairs)
    effects, _ = main_effects(levels, np.stack([values, values + 1]))
    np.testing.assert_allclose(effects, [planted, planted], atol=1e-12)


def test_a_shared_figure_is_the_sum_of_its_pairs():
    levels = screening_cells(8)
    signs = 2 * levels - 1
    sets = alias_sets(levels)
    assert [len(pairs) for pairs in sets] == [4] * 7
    values = sum(size * signs[:, a] * signs[:, b] / 2 for size, (a, b) in zip((1.0, 2.0, 4.0), sets[2], strict=False))
    np.testing.assert_allclose(pair_weights(levels) @ values, [0, 0, 7, 0, 0, 0, 0], atol=1e-12)


def test_in_24_cells_pairs_leak_into_one_another_by_a_third_and_have_no_figure():
    levels = screening_cells(12)
    signs = 1 - 2 * levels
    pairs = np.stack([signs[:, a] * signs[:, b] for a, b in itertools.combinations(range(12), 2)])
    leaks = np.abs(pairs @ pairs.T / len(levels))
    assert {round(float(each), 9) for each in np.unique(leaks)} <= {0.0, round(1 / 3, 9), 1.0}
    assert alias_sets(levels) == [] and pair_weights(levels).shape == (0, 24)


@pytest.mark.parametrize("factors", [6, 8, 12])
def test_a_cell_without_a_run_is_left_out_and_the_rest_fitted_by_least_squares(factors):
    random = np.random.default_rng(1)
    levels = screening_cells(factors)
    planted = random.normal(size=factors)
    values = np.tile(1.0 + levels @ planted, (2, 1))
    values[:, 3] = np.nan
    effects, there = main_effects(levels, values)
    assert there.sum() == len(levels) - 1 and not there[3]
    np.testing.assert_allclose(effects, [planted, planted], atol=1e-12)
    noisy = values + random.normal(size=values.shape)
    model = np.column_stack([np.ones(len(levels)), levels])[there]
    expected = np.linalg.lstsq(model, noisy[0, there], rcond=None)[0][1:]
    np.testing.assert_allclose(main_effects(levels, noisy)[0][0], expected, atol=1e-9)


def test_a_seed_that_lacks_a_cell_which_others_have_has_no_effects():
    values = np.random.default_rng(2).normal(size=(3, 16))
    values[1, 5] = np.nan
    effects, there = main_effects(screening_cells(5), values)
    assert there.all() and np.isnan(effects[1]).all() and np.isfinite(effects[[0, 2]]).all()


def test_at_equal_trainings_the_error_is_half_of_one_at_a_times():
    trainings = 144  # 9 seeds of 16 cells, or 16 seeds of 9
    screening = np.sqrt((main_weights(screening_cells(8))[0] ** 2).sum() / (trainings / 16))
    one_at_a_time = np.sqrt(2 / (trainings / 9))
    assert screening / one_at_a_time == pytest.approx(0.4714, abs=1e-4)


@pytest.mark.parametrize(
    ("factors", "advice"), [(4, "Sweep all combinations instead."), (13, "Leave out the least interesting ones.")]
)
def test_other_numbers_of_factors_are_refused_in_a_sentence(factors, advice):
    with pytest.raises(ValueError, match=f"^design=screening must have 5 to 12 .* got {factors}. {advice}$"):
        screening_cells(factors)


def test_too_few_cells_are_refused_in_a_sentence():
    there = np.zeros(16, bool)
    there[:6] = True
    with pytest.raises(ValueError, match=r"got 6 of 16\. Train the missing ones"):
        main_weights(screening_cells(8), there)
