"""Screening designs through the whole analysis: planted mains under planted pairs, lost cells, looks."""

import itertools

import numpy as np
import pandas as pd
import pytest
from designs import RESPONSES, row_of

from analysis.reading.study import Design
from analysis.statistics.decided import decided
from analysis.statistics.effects import effects
from analysis.words.findings import findings
from runner.screening import screening_cells


def design_with(factors):
    cells = tuple(map(tuple, screening_cells(factors).tolist()))
    return Design("screening", {f"f{place}": ("on", "off") for place in range(factors)}, cells=cells)


def runs_of_cells(design, values):
    """A frame of complete runs; `values` is (seeds, cells) of validation accuracy."""
    rows = []
    for place, cell in enumerate(design.cells):
        levels = {key: design.factors[key][level] for key, level in zip(design.factors, cell, strict=True)}
        label = ", ".join(f"{key}={level}" for key, level in levels.items())
        for seed in range(len(values)):
            outcome = {"status": "complete", "val_accuracy": values[seed, place]}
            rows.append({"run": label, "cell": label, **levels, "seed": seed, **outcome})
    return pd.DataFrame(rows)


def planted(factors, seeds=3, noise=0.0):
    """A design, its runs, and the main effects and pair sums that were planted."""
    random, design = np.random.default_rng(factors), design_with(factors)
    signs = 2 * np.array(design.cells) - 1
    mains = random.normal(size=factors)
    pairs = {pair: random.normal() for pair in itertools.combinations(range(factors), 2)}
    cells = 3 + signs @ mains / 2 + sum(size * signs[:, a] * signs[:, b] / 2 for (a, b), size in pairs.items())
    values = cells + np.arange(seeds)[:, None] + noise * random.normal(size=(seeds, len(cells)))
    return design, runs_of_cells(design, values), mains, pairs


@pytest.mark.parametrize("factors", [5, 8, 9, 12])
def test_planted_mains_under_planted_pairs_are_recovered_through_the_whole_analysis(factors):
    design, runs, mains, pairs = planted(factors)
    table = effects(runs, design, RESPONSES).table
    own = table[table["kind"].eq("main")]
    assert own["contrast"].tolist() == [f"f{place}: on → off" for place in range(factors)]
    np.testing.assert_allclose(own["estimate"].astype(float), mains, atol=1e-12)
    assert own["primary"].all() and own["p_holm"].notna().all()
    shared = table[table["kind"].eq("shared")]
    assert len(shared) == (7 if factors <= 8 else 0) and not shared["primary"].any() and shared["p_holm"].isna().all()
    for row in shared.to_dict("records"):
        named = [tuple(int(name[1:]) for name in pair.split(" × ")) for pair in row["contrast"].split(" + ")]
        assert row["estimate"] == pytest.approx(sum(pairs[pair] for pair in named), abs=1e-12)


def test_variances_are_shared_among_main_effects_where_there_are_enough_of_them():
    few, many = (effects(planted(factors, 4, 0.1)[1], design_with(factors), RESPONSES).table for factors in (6, 8))
    assert not few["moderated"].any()
    assert many["moderated"].tolist() == many["kind"].eq("main").tolist()


def test_a_cell_without_a_run_is_fitted_around_and_said_openly():
    design, runs, _, _ = planted(6, 3, 0.1)
    mains = np.arange(1.0, 7.0)
    lost = runs["cell"].eq(runs["cell"].unique()[3])
    exact = np.tile(np.array(design.cells) @ mains, (3, 1)) + np.arange(3)[:, None]
    runs = runs_of_cells(design, exact).assign(status=np.where(lost, "diverged", "complete"))
    table = effects(runs, design, RESPONSES).table
    own = table[table["kind"].eq("main")]
    np.testing.assert_allclose(own["estimate"].astype(float), mains, atol=1e-9)
    assert table[table["kind"].eq("shared")]["estimate"].isna().all()
    told = [each.text for each in findings(declared(design), table, runs, RESPONSES)]
    assert any(text.startswith("Incomplete: 1 of 16 cells has no run: main effects are fitted") for text in told)
    assert not any("so no contrast that involves it" in text for text in told)


def test_too_few_cells_leave_the_effects_undefined():
    design, runs, _, _ = planted(8)
    alive = runs["cell"].isin(runs["cell"].unique()[:5])
    table = effects(runs.assign(status=np.where(alive, "complete", "diverged")), design, RESPONSES).table
    assert table["estimate"].isna().all()


def declared(design):
    labels = [dict(zip(design.factors, cell, strict=True)) for cell in design.cells]
    cells = [{key: design.factors[key][level] for key, level in cell.items()} for cell in labels]
    return {
        "design": "screening",
        "factors": [{"key": key, "levels": list(levels)} for key, levels in design.factors.items()],
        "cells": [{"label": ", ".join(f"{k}={v}" for k, v in cell.items()), "levels": cell} for cell in cells],
    }


def test_the_sentences_name_the_question_and_what_is_shared():
    design, runs, _, _ = planted(8, 5, 0.01)
    table = effects(runs, design, RESPONSES).table
    told = [each.text for each in findings(declared(design), table, runs, RESPONSES)]
    assert sum("averaged over the other components switched both ways ([" in text for text in told) == 8
    assert not any("leaving out" in text for text in told)
    assert any(text.startswith("Screening: every effect is averaged over the other") for text in told)
    assert any("cannot be told apart: " in text and text.startswith("Exploratory, suggestive") for text in told)


def test_the_looks_of_a_screening_are_at_its_main_effects_and_it_stops_as_a_whole():
    design, runs, _, _ = planted(8, 4, 0.01)
    found = decided(runs, design, RESPONSES)
    assert len(found.names) == 8 and all(" × " not in contrast for _, contrast in found.names)
    table = effects(runs, design, RESPONSES, budget=20).table
    assert row_of(table, "f0: on → off")["p_holm"] == pytest.approx(found.table["p_holm"].iloc[0])
    hard = runs.assign(val_accuracy=np.random.default_rng(0).normal(size=len(runs)))
    assert len(decided(hard, design, RESPONSES).cells) == 16
