"""Planted effects and the findings that they should give, for the tests of sentences."""

import numpy as np
from designs import METRICS, cells_of

from analysis.reading.study import Design
from analysis.statistics.effects import effects
from analysis.statistics.floors import Precision
from analysis.statistics.responses import responses_of
from analysis.words.findings import findings

ONE = Design("factorial", {"dropout": ("true", "false")})
NOISE = np.array([0.0002, -0.0004, 0.0001, -0.0001, 0.0002])  # sums to zero
SEEDS = np.array([0.0010, -0.0020, 0.0031, -0.0004, 0.0012])[:, None]


def declaration_of(design, inert=()):
    """What study.json holds of a design, as far as findings read it."""
    cells = [dict(zip(design.factors, cell, strict=True)) for cell in cells_of(design)]
    return {
        "design": design.kind,
        "mode": design.mode,
        "factors": [{"key": key, "levels": list(levels)} for key, levels in design.factors.items()],
        "comparisons": [list(pair) for pair in design.comparisons],
        "cells": [{"label": ", ".join(f"{k}={v}" for k, v in cell.items()), "levels": cell} for cell in cells],
        "inert": [{"factor": factor, "where": where} for factor, where in inert],
    }


def told(design, runs, inert=(), metrics=METRICS, examples=None):
    """The findings of a frame of runs, validated on so many examples."""
    responses = responses_of(metrics)
    table = effects(runs, design, responses, Precision(examples)).table
    return findings(declaration_of(design, inert), table, runs, responses)


def texts(found):
    return [finding.text for finding in found]


def planted(design, cells, scatter=1.0, base=0.97):
    """Five seeds that share a part of their own, with effects of the cells and an even scatter in the last factor."""
    noise = np.stack([np.roll(NOISE, place) for place in range(len(cells))], axis=1) * scatter
    return base + SEEDS + noise + np.asarray(cells)
