"""Cells are matched that differ in one level alone."""

from itertools import product

from analysis.reading.study import Design
from analysis.statistics.matched import matched


def test_of_looks_that_are_not_in_both_cells_the_last_common_one_counts():
    design = Design("factorial", {"dropout": ("true", "false"), "epochs": ("3", "30")})
    cells = {f"{a}, {b}": {"dropout": a, "epochs": b} for a, b in product(*design.factors.values())}
    left = {cell: levels for cell, levels in cells.items() if cell != "false, 30"}
    assert matched(left, design)[0].pairs == [("true, 3", "false, 3")]


def test_levels_are_compared_between_cells_that_agree_in_all_other_factors():
    axes = {"a": ("0", "1"), "b": ("x", "y", "z")}
    levels = {f"a={a}, b={b}": {"a": a, "b": b} for a, b in product(*axes.values())}
    found = {contrast.label: contrast.pairs for contrast in matched(levels, Design("factorial", axes))}
    assert found == {
        "a: 0 → 1": [("a=0, b=x", "a=1, b=x"), ("a=0, b=y", "a=1, b=y"), ("a=0, b=z", "a=1, b=z")],
        "b: x → y": [("a=0, b=x", "a=0, b=y"), ("a=1, b=x", "a=1, b=y")],
        "b: x → z": [("a=0, b=x", "a=0, b=z"), ("a=1, b=x", "a=1, b=z")],
    }


def test_one_at_a_time_compares_each_level_with_the_baseline_cell_only():
    levels = {"base": {"a": "0", "b": "x"}, "a": {"a": "1", "b": "x"}, "b": {"a": "0", "b": "y"}}
    design = Design("one_at_a_time", {"a": ("0", "1"), "b": ("x", "y")})
    found = {contrast.label: contrast.pairs for contrast in matched(levels, design)}
    assert found == {"a: 0 → 1": [("base", "a")], "b: x → y": [("base", "b")]}


def test_arms_are_compared_as_declared():
    levels = {f"arm={arm}": {"arm": arm} for arm in ("one", "two", "three")}
    design = Design("arms", {"arm": ("one", "two", "three")}, (("two", "one"), ("three", "two")))
    found = {contrast.label: contrast.pairs for contrast in matched(levels, design)}
    assert found == {"two against one": [("arm=one", "arm=two")], "three against two": [("arm=two", "arm=three")]}
