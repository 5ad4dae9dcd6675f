"""Numbers are shown with the digits that their intervals bear out."""

import math

import pytest

from analysis.rounding import decimals, difference_and_interval, duration, mean_and_half_width, p_value

NAN = math.nan


@pytest.mark.parametrize(
    ("half", "places"), [(0.052, 3), (0.0052, 4), (0.52, 2), (5.2, 1), (52.0, 0), (520.0, 0), (0.0, 9), (NAN, 9)]
)
def test_two_digits_of_the_half_width_are_shown(half, places):
    assert decimals(half, 9) == places


def test_accuracies_are_per_cent_and_losses_nats():
    assert mean_and_half_width(0.98971, 0.98919, 0.99023, "val_accuracy") == "98.971 ± 0.052"
    assert mean_and_half_width(0.0318, 0.0298, 0.0338, "val_loss") == "0.0318 ± 0.0020"


def test_without_an_interval_or_a_mean_none_is_shown():
    assert mean_and_half_width(0.98971, NAN, NAN, "accuracy") == "98.97"
    assert mean_and_half_width(NAN, NAN, NAN, "accuracy") == "–"


def test_a_difference_carries_its_sign_and_bounds():
    assert difference_and_interval(0.0012, 0.0005, 0.0019, "val_accuracy") == "+0.120 [0.050, 0.190]"
    assert difference_and_interval(-0.0012, -0.0031, 0.0007, "val_accuracy") == "−0.12 [−0.31, 0.07]"
    assert difference_and_interval(-0.5, NAN, NAN, "val_loss") == "−0.5000"
    assert difference_and_interval(NAN, NAN, NAN, "val_loss") == "–"


@pytest.mark.parametrize(("p", "shown"), [(0.0001, "<.001"), (0.0312, ".031"), (1.0, "1"), (0.9999, "1"), (NAN, "–")])
def test_p_values_have_three_decimals(p, shown):
    assert p_value(p) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(4.26, "4.3 s"), (42.4, "42 s"), (200, "3 min"), (7500, "2 h 5 min"), (NAN, "–")]
)
def test_durations_are_read_at_a_glance(seconds, shown):
    assert duration(seconds) == shown
