"""Findings: planted effects come out as the right sentence, and no sentence says more than its numbers."""

import re

import numpy as np
import pytest
from designs import TWO_BY_TWO, runs_of, with_sesoi
from hypothesis import given, settings
from hypothesis import strategies as st
from planted import ONE, SEEDS, planted, texts, told

from analysis.reading.study import Design
from analysis.statistics.grades import GRADES
from analysis.words.outcomes import Finding
from analysis.words.sentences import WORDS


def test_a_planted_effect_is_established_with_its_number_interval_n_and_tests():
    own = np.array([-0.010, -0.011, -0.009, -0.010, -0.010])
    values = 0.97 + SEEDS + np.column_stack([np.zeros(5), own])
    [found] = told(ONE, runs_of(ONE, values))
    assert found == Finding(
        "Established: changing dropout from true to false lowers validation accuracy by 1.000 percentage points "
        "(95 % interval −1.088 to −0.912, n = 5 seeds).",
        "established",
        "val_accuracy",
        "dropout: true → false",
    )


def test_a_planted_effect_on_the_loss_is_given_in_nats():
    losses = 0.2 + SEEDS + np.column_stack([np.zeros(5), [0.031, 0.029, 0.030, 0.032, 0.028]])
    found = told(ONE, runs_of(ONE, losses).rename(columns={"val_accuracy": "val_loss"}))
    assert texts(found) == [
        "Established: changing dropout from true to false raises validation loss by 0.0300 nats "
        "(95 % interval 0.0280 to 0.0320, n = 5 seeds)."
    ]


def test_a_clear_interaction_is_told_by_its_simple_effects_and_the_averages_are_not_to_be_read_alone():
    found = told(TWO_BY_TWO, runs_of(TWO_BY_TWO, planted(TWO_BY_TWO, [0, 0, -0.02, 0.01])))
    assert [finding.grade for finding in found] == ["established", "not interpretable alone"]
    assert found[0].text == (
        "Established: the effect of dropout on validation accuracy depends on binarize: −2.000 at binarize=false, "
        "+1.000 at binarize=true (interaction +1.500 percentage points, [1.465, 1.535], n = 5)."
    )
    assert found[0].contrast == "dropout × binarize"
    assert found[1].text == (
        "Not interpretable alone: the effects on validation accuracy of dropout and binarize, which are averages over "
        "this interaction."
    )


def test_an_interaction_that_may_be_there_says_what_it_lacks_and_leaves_the_averages_standing():
    fourth, third = [0.004, 0.012, 0.002, 0.016, 0.006], [0.001, -0.001, 0, 0.001, 0]
    values = np.pi / 3.5 + np.outer(fourth, [0, 0, 0, 1]) + np.outer(third, [0, 0, 1, 0])
    found = told(TWO_BY_TWO, runs_of(TWO_BY_TWO, values))
    assert [finding.contrast for finding in found] == [
        "dropout: true → false",
        "binarize: false → true",
        "dropout × binarize",
    ]
    assert {finding.grade for finding in found} == {"suggestive"}
    assert found[2].text == (
        "Suggestive: the effect of dropout on validation accuracy may depend on binarize (interaction +0.39 percentage "
        "points, [0.02, 0.76], n = 5); it does not survive the correction for 3 tests."
    )


def test_an_interaction_of_three_factors_stands_above_those_within_it():
    design = Design("factorial", dict.fromkeys("abc", ("off", "on")))
    random = np.random.default_rng(0).normal(0, 1e-4, (5, 8))
    found = told(design, runs_of(design, 0.9 + random + np.array([0, 0, 0, 0, 0, 0, 0, 0.08])))
    headline, alone = found
    assert headline.text.startswith("Established: the effect of a on validation accuracy depends on b and c together (")
    assert alone.text.startswith("Not interpretable alone: the effects on validation accuracy of a, b, c, a × b, ")


def test_an_inert_factor_is_called_inert_and_nothing_else_is_said_of_it():
    values = planted(ONE, [0, -0.01])
    runs = runs_of(TWO_BY_TWO, np.repeat(values, 2, axis=1))
    inert = [("binarize", "dropout=true"), ("binarize", "dropout=false")]
    found = told(TWO_BY_TWO, runs, inert)
    assert found[0] == Finding(
        "Inert: binarize changes nothing here: both levels are one and the same run.", "inert", "", "binarize"
    )
    assert [finding.contrast for finding in found[1:]] == ["dropout: true → false"]
    assert "averaged" not in found[1].text
    assert found == told(TWO_BY_TWO, runs, [("binarize", "")])


def test_a_factor_that_is_inert_somewhere_is_called_inert_there():
    values = planted(TWO_BY_TWO, [0, 0, -0.01, -0.02])
    values[:, 1] = values[:, 0]
    found = told(TWO_BY_TWO, runs_of(TWO_BY_TWO, values), [("binarize", "dropout=true")])
    assert found[0].text == "Inert: binarize changes nothing at dropout=true: both levels are one and the same run."
    assert len(found) > 2


def test_a_factor_of_three_levels_that_is_inert_is_called_so():
    design = Design("one_at_a_time", {"a": ("x", "y", "z"), "b": ("1", "2")})
    values = planted(design, [0, 0, 0, -0.01])
    values[:, 1] = values[:, 2] = values[:, 0]
    found = told(design, runs_of(design, values), [("a", "b=1")])
    assert "Inert: a changes nothing here: all its levels are one and the same run." in texts(found)


def test_an_accuracy_that_ties_in_every_seed_is_no_difference_seen_and_not_called_inert():
    values = np.repeat(planted(ONE, [0, -0.01])[:, :1], 2, axis=1)
    assert texts(told(ONE, runs_of(ONE, values), metrics=with_sesoi(accuracy=1e-4), examples=1000)) == [
        "Not shown: that changing dropout from true to false changes validation accuracy (no difference seen in 5 "
        "seeds, 95 % interval −0.12 to 0.12, n = 5 seeds)."
    ]


def test_not_shown_gives_the_estimate_and_its_interval():
    own = np.array([0.003, -0.004, 0.002, 0.006, -0.002])
    values = 0.97 + SEEDS + np.column_stack([np.zeros(5), own])
    assert texts(told(ONE, runs_of(ONE, values))) == [
        "Not shown: that changing dropout from true to false changes validation accuracy (estimate +0.10 percentage "
        "points, 95 % interval −0.40 to 0.60, n = 5 seeds)."
    ]


def test_an_effect_within_the_smallest_of_interest_is_called_that():
    own = np.array([0.0002, -0.0001, 0.0001, -0.0002, 0.0001])
    [found] = told(ONE, runs_of(ONE, 0.97 + SEEDS + np.column_stack([np.zeros(5), own])))
    assert found.grade == "smaller than of interest"
    assert found.text == (
        "Smaller than of interest: changing dropout from true to false changes validation accuracy by less than "
        "0.1 percentage points either way (estimate +0.002 percentage points, [−0.018, 0.022], n = 5)."
    )


def test_a_small_interaction_is_called_that():
    found = told(TWO_BY_TWO, runs_of(TWO_BY_TWO, planted(TWO_BY_TWO, [0, 0, -0.02, -0.02], scatter=0.1)))
    [small] = [finding.text for finding in found if finding.contrast == "dropout × binarize"]
    assert small.startswith(
        "Smaller than of interest: the interaction of dropout and binarize on validation accuracy is less than "
        "0.1 percentage points either way (estimate "
    )


def test_an_established_effect_may_be_too_small_to_matter():
    own = np.array([0.0004, 0.0005, 0.0004, 0.0005, 0.0005])
    [found] = told(ONE, runs_of(ONE, np.pi / 3.2 + SEEDS + np.column_stack([np.zeros(5), own])))
    assert found.grade == "established"
    assert found.text.endswith(
        "by 0.0460 percentage points ([0.0392, 0.0528], n = 5); less than the 0.1 percentage points of interest."
    )


def test_a_suggestive_effect_says_what_keeps_it_from_being_established():
    own = np.array([0.010, 0.012, 0.004, 0.019, 0.002])
    losses = 0.3 + SEEDS + np.column_stack([np.zeros(5), [0.03, -0.03, 0.01, 0.0, 0.02]])
    found = told(ONE, runs_of(ONE, 0.97 + SEEDS + np.column_stack([np.zeros(5), own]), val_loss=losses))
    assert found[0].text == (
        "Suggestive: changing dropout from true to false seems to raise validation accuracy by 0.94 percentage points "
        "([0.10, 1.78], n = 5); it does not survive the correction for 2 tests."
    )
    assert [finding.grade for finding in found] == ["suggestive", "not shown"]


@pytest.mark.parametrize(
    ("seeds", "text"),
    [
        (
            5,
            "Established: changing dropout from true to false raises validation accuracy by 0.78 percentage points "
            "(95 % interval 0.66 to 0.91, n = 5 seeds).",
        ),
        (
            2,
            "Only 2 seeds: intervals reach 12.7 standard errors to either side, the exact test cannot go below "
            "p = 0.5, and nothing is established.",
        ),
    ],
)
def test_the_same_difference_in_every_seed_is_held_against_one_example(seeds, text):
    values = (0.9375 + SEEDS * 0 + np.array([0.0, 0.0078125]))[:seeds]
    assert told(ONE, runs_of(ONE, values), examples=1000)[0].text == text


def test_many_contrasts_without_an_effect_are_counted_not_listed():
    design = Design("one_at_a_time", {"model": tuple(f"stage_{place}" for place in range(1, 14))})
    values = 0.97 + np.random.default_rng(0).normal(0, 0.002, (5, 13))
    values[:, 7] -= 0.05
    found = told(design, runs_of(design, values))
    assert found[0].contrast == "model: stage_1 → stage_8" and found[0].grade == "established"
    assert len(found) < 8
    assert re.fullmatch(
        r"\d+ other contrasts on validation accuracy: .*\d+ not shown; see tables/effects.csv\.", found[-1].text
    )


def test_the_strongest_evidence_comes_first():
    random = np.random.default_rng(0)
    values = 0.97 + random.normal(0, 0.001, (5, 4)) + np.array([0, 0, -0.02, -0.02])
    losses = 0.2 + random.normal(0, 0.01, (5, 4)) + np.array([0, 0, 0.3, 0.3])
    found = told(TWO_BY_TWO, runs_of(TWO_BY_TWO, values, val_loss=losses))
    places = [GRADES.index(finding.grade) for finding in found]
    assert places == sorted(places)
    assert [(finding.grade, finding.response) for finding in found[:2]] == [
        ("established", "val_accuracy"),
        ("established", "val_loss"),
    ]


def test_a_bound_that_excludes_zero_is_never_rounded_to_it():
    own = np.array([0.0100, 0.0125, 0.0050, 0.0190, 0.0012])
    own += 0.001 - (own.mean() - 2.776445 * own.std(ddof=1) / np.sqrt(5)) - 0.00099
    [found] = told(ONE, runs_of(ONE, np.column_stack([np.zeros(5), own])))
    low = re.search(r"(?:interval |\[)(\S+?)(?: to|,)", found.text).group(1)
    assert found.grade in ("established", "suggestive") and float(low) > 0


sentences_of = st.lists(
    st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), min_size=4, max_size=4), min_size=1, max_size=6
)


@settings(max_examples=40, deadline=None)
@given(sentences_of, st.lists(st.sampled_from(["complete", "complete", "diverged", "failed", "missing"]), min_size=4))
def test_whatever_the_runs_every_sentence_is_whole(values, statuses):
    runs = runs_of(TWO_BY_TWO, values, val_loss=np.array(values) ** 2)
    runs["status"] = [statuses[place % len(statuses)] for place in range(len(runs))]
    found = told(TWO_BY_TWO, runs)
    assert found
    for finding in found:
        assert finding.text.endswith(".")
        assert len(finding.text.split()) <= WORDS or finding.grade in ("outcome", "incomplete", "cannot be said"), (
            finding
        )
        assert not re.search(r"nan|inf\b|<NA>|None|no effect|−0(\.0*)? ", finding.text)
        assert finding.response in ("", "val_accuracy", "val_loss")
        assert "accuracy" not in finding.response or "%" not in finding.text.replace("95 %", "").replace("80 %", "")


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.text(min_size=1, max_size=120), min_size=2, max_size=3, unique=True), st.sampled_from([0.0, 1e-4, 0.05])
)
def test_no_name_makes_a_finding_longer_than_30_words_or_hides_its_grade(levels, effect):
    design = Design("factorial", {"a long name of a key": tuple(levels), "b c d e f": ("1 2 3", "4 5 6")})
    values = (
        0.5 + effect * np.arange(2 * len(levels)) ** 2 + np.random.default_rng(0).normal(0, 1e-3, (5, 2 * len(levels)))
    )
    for finding in told(design, runs_of(design, values)):
        assert len(finding.text.split()) <= WORDS
        assert finding.grade == "" or finding.text.startswith(finding.grade.capitalize())
