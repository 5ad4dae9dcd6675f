"""The time that a dry run tells: from like trainings of this machine, their start and their pace, place by place."""

import pytest
from conftest import small_spec

from runner.plan import Trajectory
from runner.preview import Paces, longest, pace


def summary(epochs, seconds, last, processor="here"):
    return {
        "timing": {"epochs": epochs, "wall_seconds": seconds},
        "metrics": {"train_seconds": last - 0.5, "measure_seconds": 0.5},
        "environments": [{"processor": "elsewhere"}, {"processor": processor}],
    }


def trajectory(**changes):
    return Trajectory("id", small_spec(**changes), 10, "label", None)


def test_a_record_tells_its_start_and_its_pace():
    assert pace(summary(epochs=10, seconds=23.0, last=2.0)) == pytest.approx((3.0, 2.0))
    assert pace(summary(epochs=2, seconds=4.0, last=9.0)) == pytest.approx((0.0, 2.0))  # no start below zero
    assert pace({"timing": {}}) is None and pace(summary(epochs=0, seconds=1.0, last=1.0)) is None


def test_an_estimate_is_of_the_epochs_that_are_left():
    paces = Paces([(small_spec(seed=7), summary(10, 23.0, 2.0))], "here")
    assert paces.seconds(trajectory(), 4) == pytest.approx(3.0 + 4 * 2.0)


def test_the_median_of_trainings_that_differ_in_the_seed_alone_comes_before_that_of_near_ones():
    near = small_spec(normalize="column_l2")
    outlines = [(near, summary(1, 100.0, 100.0)), *((small_spec(seed=n), summary(1, n, n)) for n in (2, 3, 9))]
    assert Paces(outlines, "here").seconds(trajectory(), 1) == pytest.approx(3.0)
    assert Paces(outlines[:1], "here").seconds(trajectory(), 1) == pytest.approx(100.0)


def test_other_machines_and_other_nets_tell_nothing():
    assert Paces([(small_spec(), summary(1, 1, 1, "other"))], "here").seconds(trajectory(), 1) is None
    assert Paces([(small_spec(), summary(1, 1, 1))], "here").seconds(trajectory(layers=[]), 1) is None


@pytest.mark.parametrize(
    ("seconds", "places", "end"), [([4, 4, 4], 2, 8), ([9, 1, 1, 1], 2, 9), ([1, 1, 9], 2, 10), ([2, 3], 2, 3)]
)
def test_a_study_ends_with_its_last_training(seconds, places, end):
    assert longest(seconds, places) == end
