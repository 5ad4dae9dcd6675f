"""What stands beside a grade does not read as its contradiction, and a report's words are explained in five lines."""

import math

import pytest
from designs import ACCURACY, LOSS, MAE

from analysis.words.glossary import glossary
from analysis.words.quantities import brief, exact_text, grade_text


@pytest.mark.parametrize(
    ("p", "floor", "text"),
    [(0.0625, 0.0625, ".062 (lowest possible)"), (0.5, 0.0625, ".500 (.062)"), (math.nan, math.nan, "–")],
)
def test_an_exact_p_that_no_seeds_could_make_lower_says_so(p, floor, text):
    assert exact_text({"p_exact": p, "p_floor": floor}) == text


@pytest.mark.parametrize(
    ("grade", "high", "text"),
    [
        ("established", 0.5, "established"),
        ("established", 0.05, "established, but small"),
        ("not shown", 0.05, "not shown"),
    ],
)
def test_an_established_effect_below_the_size_of_interest_is_called_small(grade, high, text):
    assert grade_text({"grade": grade, "low": 0.01, "high": high, "sesoi": 0.1}) == text


def test_an_interval_in_brief_is_cut_where_no_difference_can_be():
    row = {"estimate": 0.1, "low": -1.4, "high": 1.6, "n": 2, "metric": ACCURACY}
    assert brief(row) == "[−100, 100], n = 2"


def test_five_lines_say_what_the_words_mean():
    lines = glossary([ACCURACY, LOSS], paired=True, looked=False)
    assert list(lines) == ["established", "suggestive", "not shown", "smaller than of interest", "n"]
    assert lines["smaller than of interest"].endswith("(0.1 percentage points of accuracy and 0.005 nats of loss).")
    unpaired = glossary([MAE], paired=False, looked=True)
    assert "runs" in unpaired["n"] and "(" not in unpaired["not shown"]
    assert unpaired["n"].endswith("over them, widened where it is tested so that it holds over all looks.")
