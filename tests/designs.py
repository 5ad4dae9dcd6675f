"""Designs, frames of runs over them and metrics that the tests of the analysis share."""

import dataclasses
import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.reading.study import Design
from analysis.statistics.effects import effects
from analysis.statistics.floors import Precision
from analysis.statistics.responses import responses_of
from runner.metrics import Compiled, register

ORACLES = json.loads((Path(__file__).parent / "oracles.json").read_text())
TWO_BY_TWO = Design("factorial", {"dropout": ("true", "false"), "binarize": ("false", "true")})
METRICS = register(
    [Compiled("accuracy", "sparse_categorical_accuracy"), Compiled("loss", "sparse_categorical_crossentropy")], {}
)
ACCURACY, LOSS = METRICS
RESPONSES = responses_of(METRICS)
MAE, HUBER = register(
    [Compiled("mae", "mean_absolute_error"), Compiled("loss", "huber")], {"sesoi": {"mae": 0.05}, "primary": None}
)


def with_sesoi(**sizes):
    """Accuracy and loss with other smallest effects of interest."""
    return tuple(dataclasses.replace(metric, sesoi=sizes.get(metric.name, metric.sesoi)) for metric in METRICS)


def table_of(runs, design, metrics=METRICS, examples=None):
    """The table of effects, of figures that are taken over so many validation examples."""
    return effects(runs, design, responses_of(metrics), Precision(examples)).table


def cells_of(design):
    """The cells of a design as tuples of levels, in the order of a plan."""
    levels = list(design.factors.values())
    if design.kind == "factorial":
        return list(itertools.product(*levels))
    first = [each[0] for each in levels]
    star = [(*first[:place], level, *first[place + 1 :]) for place, each in enumerate(levels) for level in each[1:]]
    return [tuple(first), *star]


def runs_of(design, values, **responses):
    """A frame of complete runs; `values` and the other responses are (seeds, cells)."""
    columns = {"val_accuracy": values, **responses}
    rows = []
    for place, cell in enumerate(cells_of(design)):
        named = dict(zip(design.factors, cell, strict=True))
        label = ", ".join(f"{key}={level}" for key, level in named.items())
        for seed in range(len(values)):
            measured = {name: np.asarray(column)[seed][place] for name, column in columns.items()}
            rows.append({"run": label, "cell": label, **named, "seed": seed, "status": "complete", **measured})
    return pd.DataFrame(rows)


def random_values(design, n, seed=0):
    """Normal values with a common part for each seed and another for each cell: (n, cells)."""
    random = np.random.default_rng(seed)
    cells = len(cells_of(design))
    return random.normal(size=(n, cells)) + 2 * random.normal(size=(n, 1)) + random.normal(size=cells)


def two_level(*names):
    """A factorial of factors with the levels − and +."""
    return Design("factorial", dict.fromkeys(names, ("-", "+")))


def row_of(table, contrast, response="val_accuracy"):
    """The one row of a contrast and response."""
    [row] = table[table["contrast"].eq(contrast) & table["response"].eq(response)].to_dict("records")
    return row


def declared_rows(runs, design):
    """The table without the simple effects that follow where chance makes an interaction stand out."""
    table = table_of(runs, design)
    return table[table["kind"].ne("simple")].reset_index(drop=True)
