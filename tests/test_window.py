"""The window of a study: as set, or by the length of its runs."""

import pytest

from runner.window import window_of


@pytest.mark.parametrize(
    ("setting", "epochs", "window"),
    [("auto", [9, 30], 3), ("auto", [8, 30], 1), ("auto", [10], 3), (5, [10], 5), (1, [30], 1)],
)
def test_the_window_is(setting, epochs, window):
    assert window_of(setting, epochs) == window


@pytest.mark.parametrize("setting", [0, 11, -1, True, "three", 2.5])
def test_another_window_is_refused_in_a_sentence(setting):
    with pytest.raises(ValueError, match=r"^analysis.window must be auto, or a whole number of epochs from 1 to 10, "):
        window_of(setting, [10, 20])
