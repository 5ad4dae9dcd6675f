"""Missed images, who misses them, McNemar's test and confusion: counted by hand, published, or by a plainer route."""

import json
from itertools import product
from math import comb, sqrt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar

from analysis import errors
from analysis.tables import Design

PUBLISHED = json.loads((Path(__file__).parent / "oracles.json").read_text())["mcnemar"]
DROPOUT = Design("factorial", {"dropout": ("true", "false")})
LABELS = np.array([4, 7, 1, 4], np.uint8)
PREDICTIONS = {
    "dropout=true": np.array([[9, 7, 1, 4], [9, 7, 1, 4], [4, 7, 1, 9]], np.uint8),
    "dropout=false": np.array([[9, 7, 2, 4], [3, 7, 1, 4], [9, 7, 7, 4]], np.uint8),
}
LEVELS = {"dropout=true": {"dropout": "true"}, "dropout=false": {"dropout": "false"}}


def nets(table):
    """Two nets' answers, as a 2x2 table counts them: [[both right, first only], [second only, both wrong]]."""
    (both, first), (second, neither) = table
    one = np.repeat([0, 0, 1, 1], [both, first, second, neither]).astype(np.uint8)
    other = np.repeat([0, 1, 0, 1], [both, first, second, neither]).astype(np.uint8)
    return one[None], other[None], np.zeros(one.size, np.uint8)


def split_cells(baseline, level, runs=6):
    """Two cells of `runs` runs; the lists say how many of them miss each image."""
    labels = np.zeros(len(baseline), np.uint8)
    cells = {}
    for cell, misses in (("dropout=true", baseline), ("dropout=false", level)):
        cells[cell] = (np.arange(runs)[:, None] < np.array(misses)).astype(np.uint8)
    return cells, labels


# ---- which images are missed


def test_missed_images_are_counted_over_all_cells_most_missed_first():
    table = errors.missed(PREDICTIONS, LABELS)
    assert table["image"].tolist() == [0, 2, 3]
    assert table["label"].tolist() == [4, 1, 4]
    assert table["missed_by"].tolist() == [5, 2, 1]
    assert table["runs"].tolist() == [6, 6, 6]


def test_answers_are_listed_most_frequent_first_and_ties_by_class():
    table = errors.missed(PREDICTIONS, LABELS).set_index("image")
    assert table["answers"].to_dict() == {0: "9 ×4, 3 ×1, 4 ×1", 2: "1 ×4, 2 ×1, 7 ×1", 3: "4 ×5, 9 ×1"}


def test_each_cell_has_the_share_of_its_own_runs_that_miss_the_image():
    table = errors.missed(PREDICTIONS, LABELS).set_index("image")
    assert table["dropout=true"].to_dict() == pytest.approx({0: 2 / 3, 2: 0.0, 3: 1 / 3})
    assert table["dropout=false"].to_dict() == pytest.approx({0: 1.0, 2: 2 / 3, 3: 0.0})


def test_images_missed_by_as_many_runs_keep_their_order():
    predictions = {"a": np.array([[1, 0, 1, 1]], np.uint8)}
    assert errors.missed(predictions, np.zeros(4, np.uint8))["image"].tolist() == [0, 2, 3]


def test_without_runs_nothing_is_missed():
    assert errors.missed({}, LABELS).empty


@given(st.integers(0, 2**32 - 1), st.integers(1, 7), st.integers(1, 30))
def test_counting_in_chunks_agrees_with_counting_run_by_run(seed, runs, images):
    random = np.random.default_rng(seed)
    predictions = random.integers(0, 5, (runs, images)).astype(np.uint8)
    expected = np.zeros((images, 5), int)
    for run, image in product(range(runs), range(images)):
        expected[image, predictions[run, image]] += 1
    whole = errors.CHUNK
    try:
        errors.CHUNK = 2 * images
        assert (errors.count_answers(predictions, 5) == expected).all()
    finally:
        errors.CHUNK = whole


def test_confusion_counts_true_class_by_given_class_over_all_runs():
    counts = errors.confusion(PREDICTIONS["dropout=true"], LABELS, 10)
    expected = np.zeros((10, 10), int)
    expected[4, 9], expected[4, 4], expected[7, 7], expected[1, 1] = 3, 3, 3, 3
    assert (counts == expected).all()


def test_labels_of_any_whole_number_type_give_the_same_counts():
    wide = errors.missed(PREDICTIONS, LABELS.astype(np.int64))
    pd.testing.assert_frame_equal(wide, errors.missed(PREDICTIONS, LABELS))


# ---- does a factor change who is missed


def test_only_images_whose_miss_share_differs_by_half_are_split_by_the_factor():
    cells, labels = split_cells(baseline=[0, 3, 6, 1], level=[6, 0, 4, 1])
    split = errors.split_by_factor(cells, labels, LEVELS, DROPOUT).images
    assert split["image"].tolist() == [0, 1]
    assert split["difference"].tolist() == [1.0, -0.5]
    assert split["contrast"].unique().tolist() == ["dropout: true → false"]
    assert split.loc[0, ["missed_baseline", "runs_baseline", "missed_level", "runs_level"]].tolist() == [0, 6, 6, 6]


def test_the_p_of_a_split_is_that_of_fishers_exact_test():
    cells, labels = split_cells(baseline=[0, 3, 1], level=[6, 0, 5])
    split = errors.split_by_factor(cells, labels, LEVELS, DROPOUT).images.set_index("image")
    for image, misses in {0: (0, 6), 1: (3, 0), 2: (1, 5)}.items():
        table = [[misses[0], 6 - misses[0]], [misses[1], 6 - misses[1]]]
        assert split.loc[image, "p"] == pytest.approx(stats.fisher_exact(table).pvalue)


def test_what_chance_alone_would_split_is_counted_over_all_shuffles():
    cells, labels = split_cells(baseline=[0, 2, 1], level=[4, 2, 0], runs=4)
    summary = errors.split_by_factor(cells, labels, LEVELS, DROPOUT).contrasts.iloc[0]
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
    split = errors.split_by_factor(answers, np.zeros(2, np.uint8), cells, design)
    [dropout] = split.images.to_dict("records")
    sides = ["missed_baseline", "runs_baseline", "missed_level", "runs_level"]
    assert (dropout["contrast"], dropout["image"]) == ("dropout: true → false", 0)
    assert [dropout[side] for side in sides] == [0, 5, 5, 5]
    pairs = errors.mcnemar_contrasts(answers, np.zeros(2, np.uint8), cells, design).set_index("contrast")["pairs"]
    assert pairs.to_dict() == {"dropout: true → false": 5, "epochs: 3 → 30": 10}
    assert len(errors.looks_sentence(design)) == 1
    for other in (DROPOUT, Design("factorial", {"epochs": ("3", "30")}), Design("one_at_a_time", design.factors)):
        assert errors.looks_sentence(other) == []


def test_of_looks_that_are_not_in_both_cells_the_last_common_one_counts():
    design = Design("factorial", {"dropout": ("true", "false"), "epochs": ("3", "30")})
    cells = {f"{a}, {b}": {"dropout": a, "epochs": b} for a, b in product(*design.factors.values())}
    left = {cell: levels for cell, levels in cells.items() if cell != "false, 30"}
    assert errors.contrasts(left, design)[0].pairs == [("true, 3", "false, 3")]


def test_with_three_runs_a_level_no_image_is_said_to_be_split():
    cells, labels = split_cells(baseline=[0], level=[3], runs=3)
    split = errors.split_by_factor(cells, labels, LEVELS, DROPOUT)
    assert split.contrasts["lowest_p"].tolist() == [pytest.approx(0.1)]  # 2 of the 20 ways
    assert split.images.empty
    assert errors.split_sentences(split.contrasts) == [
        "dropout: true → false: too few runs to say whether it changes which images are missed (exploratory)."
    ]


def test_levels_are_compared_between_cells_that_agree_in_all_other_factors():
    axes = {"a": ("0", "1"), "b": ("x", "y", "z")}
    levels = {f"a={a}, b={b}": {"a": a, "b": b} for a, b in product(*axes.values())}
    found = {contrast.label: contrast.pairs for contrast in errors.contrasts(levels, Design("factorial", axes))}
    assert found == {
        "a: 0 → 1": [("a=0, b=x", "a=1, b=x"), ("a=0, b=y", "a=1, b=y"), ("a=0, b=z", "a=1, b=z")],
        "b: x → y": [("a=0, b=x", "a=0, b=y"), ("a=1, b=x", "a=1, b=y")],
        "b: x → z": [("a=0, b=x", "a=0, b=z"), ("a=1, b=x", "a=1, b=z")],
    }


def test_one_at_a_time_compares_each_level_with_the_baseline_cell_only():
    levels = {"base": {"a": "0", "b": "x"}, "a": {"a": "1", "b": "x"}, "b": {"a": "0", "b": "y"}}
    design = Design("one_at_a_time", {"a": ("0", "1"), "b": ("x", "y")})
    found = {contrast.label: contrast.pairs for contrast in errors.contrasts(levels, design)}
    assert found == {"a: 0 → 1": [("base", "a")], "b: x → y": [("base", "b")]}


def test_arms_are_compared_as_declared():
    levels = {f"arm={arm}": {"arm": arm} for arm in ("one", "two", "three")}
    design = Design("arms", {"arm": ("one", "two", "three")}, (("two", "one"), ("three", "two")))
    found = {contrast.label: contrast.pairs for contrast in errors.contrasts(levels, design)}
    assert found == {"two against one": [("arm=one", "arm=two")], "three against two": [("arm=two", "arm=three")]}


def test_a_contrast_whose_cells_have_no_runs_is_left_out():
    split = errors.split_by_factor({"dropout=true": PREDICTIONS["dropout=true"]}, LABELS, LEVELS, DROPOUT)
    assert split.images.empty and split.contrasts.empty
    assert list(split.images) == list(errors.IMAGE_COLUMNS)


# ---- McNemar


@pytest.mark.parametrize(("table", "published"), [("table", "pub"), ("table2", "pub2")])
def test_published_mcnemar_tests_are_reproduced(table, published):
    expected = PUBLISHED[published]
    exact = errors.mcnemar(*nets(PUBLISHED[table])).iloc[0]
    corrected = errors.mcnemar(*nets(PUBLISHED[table]), corrected=True).iloc[0]
    if "exact_p" in expected:
        assert exact["p"] == pytest.approx(expected["exact_p"], abs=5e-7)
    else:
        assert round(exact["p"], 6) == expected["exact_p_6dp"]
    assert corrected["chi2"] == pytest.approx(expected["chi2_cc"], rel=1e-6)
    assert corrected["p"] == pytest.approx(expected["p_cc"], rel=1e-5)


@given(*[st.integers(0, 60)] * 4)
def test_mcnemar_agrees_with_statsmodels(both, first, second, neither):
    if both + first + second + neither == 0:
        return
    table = [[both, first], [second, neither]]
    answers = nets(table)
    row = errors.mcnemar(*answers).iloc[0]
    assert (row["only_first"], row["only_second"]) == (first, second)
    if first + second:
        assert row["p"] == pytest.approx(statsmodels_mcnemar(table, exact=True).pvalue, rel=1e-9)
    if first != second:
        theirs = statsmodels_mcnemar(table, exact=False, correction=True)
        ours = errors.mcnemar(*answers, corrected=True).iloc[0]
        assert (ours["chi2"], ours["p"]) == (pytest.approx(theirs.statistic), pytest.approx(theirs.pvalue, rel=1e-9))


def test_two_nets_that_agree_on_every_image_have_p_1():
    answers = PREDICTIONS["dropout=true"]
    assert errors.mcnemar(answers, answers, LABELS)["p"].tolist() == [1.0, 1.0, 1.0]
    assert errors.mcnemar(answers, answers, LABELS, corrected=True)["chi2"].tolist() == [0.0, 0.0, 0.0]


def test_every_seed_pair_has_its_own_test():
    table = errors.mcnemar(PREDICTIONS["dropout=true"], PREDICTIONS["dropout=false"], LABELS)
    assert table["only_first"].tolist() == [1, 0, 2]
    assert table["only_second"].tolist() == [0, 0, 1]
    assert table["p"].tolist() == [1.0, 1.0, 1.0]


def test_cells_with_other_seeds_are_refused():
    with pytest.raises(ValueError, match=r"must hold the same seeds and images; got \(3, 4\) and \(2, 4\)"):
        errors.mcnemar(PREDICTIONS["dropout=true"], PREDICTIONS["dropout=false"][:2], LABELS)


def test_a_contrast_sums_up_its_seed_pairs():
    pairs = [nets([[50, 20], [2, 0]]), nets([[50, 3], [4, 15]]), nets([[50, 1], [12, 9]])]  # p: 1e-4, 1, .003
    predictions = {
        "dropout=true": np.concatenate([pair[0] for pair in pairs]),
        "dropout=false": np.concatenate([pair[1] for pair in pairs]),
    }
    table = errors.mcnemar_contrasts(predictions, pairs[0][2], LEVELS, DROPOUT)
    assert table.to_dict("records") == [
        {
            "contrast": "dropout: true → false",
            "pairs": 3,
            "differ": 2,
            "better": 1,
            "worse": 1,
            "median_only_baseline": 3.0,
            "median_only_level": 4.0,
        }
    ]
    assert errors.mcnemar_sentences(table) == [
        "dropout: true → false: 2 of 3 pairs of nets with the same seed differ by McNemar's exact test at .05 "
        "(the changed net is better in 1, worse in 1). In the median pair the changed net alone gets 4 images right, "
        "the other alone 3. This compares trained nets, not recipes."
    ]


def test_the_binomial_standard_error_is_that_of_a_proportion():
    assert errors.binomial_error(0.99, 10_000) == pytest.approx(sqrt(0.99 * 0.01 / 10_000))
    assert errors.binomial_sentence(0.99, 10_000).startswith(
        "With 10,000 validation images, an accuracy of 99.00 % has a binomial standard error of 0.10 percentage points"
    )


# ---- words


def test_images_that_almost_every_run_misses_are_counted_in_words():
    misses = [20, 20, 18, 17, 1]
    cells, labels = split_cells(baseline=misses + [0] * 1495, level=misses + [0] * 1495, runs=20)
    table = errors.missed({"dropout=true": cells["dropout=true"]}, labels)
    assert errors.missed_sentences(table, 20, 1500) == [
        "3 of 1,500 validation images are missed by at least 9 of 10 runs (n = 20 runs), 2 by every run; 1,495 are "
        "missed by none. The most missed is image 0, of class 0 (answers: 1 ×20)."
    ]


def test_with_fewer_than_ten_runs_almost_every_means_every():
    table = errors.missed(PREDICTIONS, LABELS)
    assert errors.missed_sentences(table, 6, 4)[0].startswith(
        "0 of 4 validation images are missed by every one of 6 runs; 1 is missed by none."
    )


def test_one_run_cannot_show_what_every_run_misses():
    table = errors.missed({"a": PREDICTIONS["dropout=true"][:1]}, LABELS)
    assert errors.missed_sentences(table, 1, 4) == [
        "One run alone cannot show which images every run misses; it misses 1 of 4 validation images."
    ]


def test_flawless_runs_are_said_to_miss_nothing():
    table = errors.missed({"a": np.stack([LABELS, LABELS])}, LABELS)
    assert errors.missed_sentences(table, 2, 4) == ["No validation image of 4 is missed by any of 2 runs."]


def test_a_split_is_told_with_what_chance_would_give():
    summary = pd.DataFrame([["a: 0 → 1", 5, 1, 0.25, 0.001], ["b: x → y", 0, 0, 0.25, 0.001]])
    summary.columns = errors.SUMMARY_COLUMNS
    assert errors.split_sentences(summary) == [
        "a: 0 → 1: the share of runs that miss an image changes by half or more for 6 images (up for 5, down for 1); "
        "runs shuffled between the two levels would give about 0.2 (exploratory).",
        "b: x → y: for no image does the share of runs that miss it change by half or more (exploratory).",
    ]
