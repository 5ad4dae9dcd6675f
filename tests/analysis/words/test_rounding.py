"""Numbers are shown with the digits that their intervals bear out."""

import math

import pytest
from designs import ACCURACY, LOSS, MAE

from analysis.words.reported import as_written
from analysis.words.rounding import (
    decimals,
    difference_and_interval,
    duration,
    mean_and_half_width,
    number,
    p_value,
    signed,
)

NAN = math.nan


@pytest.mark.parametrize(
    ("half", "places"), [(0.052, 3), (0.0052, 4), (0.52, 2), (5.2, 1), (52.0, 0), (520.0, 0), (0.0, 9), (NAN, 9)]
)
def test_two_digits_of_the_half_width_are_shown(half, places):
    assert decimals(half, 9) == places


def test_accuracies_are_per_cent_and_losses_nats():
    assert mean_and_half_width(0.98971, 0.98919, 0.99023, ACCURACY) == "98.971 ± 0.052"
    assert mean_and_half_width(0.0318, 0.0298, 0.0338, LOSS) == "0.0318 ± 0.0020"


def test_without_an_interval_or_a_mean_none_is_shown():
    assert mean_and_half_width(0.98971, NAN, NAN, ACCURACY) == "98.97"
    assert mean_and_half_width(NAN, NAN, NAN, ACCURACY) == "–"


def test_a_difference_carries_its_sign_and_bounds():
    assert difference_and_interval(0.0012, 0.0005, 0.0019, ACCURACY) == "+0.120 [0.050, 0.190]"
    assert difference_and_interval(-0.0012, -0.0031, 0.0007, ACCURACY) == "−0.12 [−0.31, 0.07]"
    assert difference_and_interval(-0.5, NAN, NAN, LOSS) == "−0.5000"
    assert difference_and_interval(NAN, NAN, NAN, LOSS) == "–"


def test_an_interval_ends_where_the_metric_does_and_values_that_are_all_alike_have_none():
    assert mean_and_half_width(0.82, -1.51, 3.15, ACCURACY) == "82 [0, 100]"
    assert mean_and_half_width(0.31, -0.2, 0.82, LOSS) == "0.31 [0.00, 0.82]"
    assert mean_and_half_width(0.5, 0.5, 0.5, ACCURACY) == "50.00 (all alike)"
    assert difference_and_interval(0.03, -2.3, 2.36, ACCURACY) == "+3 [−100, 100]"
    assert mean_and_half_width(97.2, 96.2, 98.2, ACCURACY) == "9720 ± 100"  # no share, whatever it is called
    assert difference_and_interval(0.3, -2.0, 2.6, MAE) == "+0.3 [−2.0, 2.6]"


@pytest.mark.parametrize("shape", [".2f", ",.1f", ".0f"])
def test_no_zero_has_a_sign(shape):
    assert number(-0.001, shape) == format(0.0, shape) and number(-0.6, ".1f") == "−0.6"
    assert as_written(-0.0, 2) == "0.00"


@pytest.mark.parametrize(("p", "shown"), [(0.0001, "<.001"), (0.0312, ".031"), (1.0, "1"), (0.9999, "1"), (NAN, "–")])
def test_p_values_have_three_decimals(p, shown):
    assert p_value(p) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(4.26, "4.3 s"), (42.4, "42 s"), (200, "3 min"), (7500, "2 h 5 min"), (NAN, "–")]
)
def test_durations_are_read_at_a_glance(seconds, shown):
    assert duration(seconds) == shown


def test_a_metric_without_a_unit_is_shown_as_it_is():
    assert mean_and_half_width(41.25, 41.13, 41.37, MAE) == "41.25 ± 0.12"
    assert difference_and_interval(-0.05, -0.07, -0.03, MAE) == "−0.050 [−0.070, −0.030]"
    assert mean_and_half_width(-0.5, NAN, NAN, MAE) == "−0.5000"


def test_a_zero_as_printed_has_no_sign():
    assert signed(-0.0001, 2) == "0.00" and signed(0.004, 2) == "0.00"
    assert signed(0.5, 1, plus="") == "0.5" and signed(-0.5, 1) == "−0.5"
