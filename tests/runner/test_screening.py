"""A screening's cells in a plan, and what is refused."""

import numpy as np
import pytest

from runner.errors import BadInput
from runner.plan import assignments
from runner.screening import screening_cells

AXES = {name: ["on", "off"] for name in "abcdefghijkl"}


@pytest.mark.parametrize(("factors", "cells"), [(5, 16), (8, 16), (9, 24), (12, 24)])
def test_a_screening_has_16_or_24_cells_the_baseline_first(factors, cells):
    axes = dict(list(AXES.items())[:factors])
    found = assignments(axes, "screening")
    assert len(found) == cells == len({tuple(cell.values()) for cell in found})
    assert set(found[0].values()) == {"on"} and dict.fromkeys(axes, "off") in found
    levels = [[axes[key].index(level) for key, level in cell.items()] for cell in found]
    assert np.array_equal(levels, screening_cells(factors))


@pytest.mark.parametrize(
    ("axes", "sentence"),
    [
        ({**AXES, "m": ["x", "y"]}, "5 to 12 factors of two levels; got 13. Leave out the least interesting ones."),
        ({"a": ["x", "y"]}, "5 to 12 factors of two levels; got 1. Sweep all combinations instead."),
        ({**AXES, "a": ["x", "y", "z"]}, "must have factors of two levels; got a with 3. Take two of them, or leave"),
        ({**AXES, "a": ["x"]}, "must have factors of two levels; got a with 1."),
    ],
)
def test_other_factors_are_refused_in_a_sentence(axes, sentence):
    with pytest.raises(BadInput) as refused:
        assignments(axes, "screening")
    assert sentence in str(refused.value) and str(refused.value).startswith("design=screening must have ")
