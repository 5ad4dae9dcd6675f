"""Histories as they were read -> those that are asked for, with results told from settings, and the seed's key."""

import dataclasses

import numpy as np
import pandas as pd

from analysis.foreign.histories import Histories, is_written, labels, unique, varies
from analysis.foreign.metrics import asked_metrics, bare
from analysis.foreign.names import is_bookkeeping, is_identity, is_known, is_seed, seed_rank
from analysis.foreign.options import NO_SEED, Options
from analysis.foreign.refusal import Refused, listed, unknown


def selected(histories: Histories, options: Options) -> Histories:
    """Return the runs that `--where` asks for; Refused where a column or value is none."""
    kept = np.ones(len(histories.runs), dtype=bool)
    for key, value in options.where.items():
        if key not in histories.config:
            raise unknown("--where", key, histories.config.columns, "keys of the configuration")
        texts = labels(histories.config[key])
        wanted = texts.map(lambda each, value=value: is_written(each, value), na_action="ignore").eq(True)
        if not wanted.any():
            raise Refused(f"--where {key} must be one of its values, {listed(unique(texts.dropna()))}; got {value!r}.")
        kept &= wanted.to_numpy()
    if not kept.any():
        raise Refused(f"--where must leave at least one run; {_written(options)} leave none. Ask for less.")
    if kept.all():
        return histories
    places = np.cumsum(kept) - 1
    history = histories.history[kept[histories.history["run"]]]
    return dataclasses.replace(
        histories,
        runs=histories.runs[kept].reset_index(drop=True),
        config=histories.config[kept].reset_index(drop=True),
        history=history.assign(run=places[history["run"]]).reset_index(drop=True),
    )


def _written(options: Options) -> str:
    return ", ".join(f"{key}={value}" for key, value in options.where.items())


def divided(histories: Histories, options: Options) -> Histories:
    """Return histories in which figures that stood among the settings, as in a row a run, are results."""
    if not histories.undivided:
        return histories
    settings = {*options.factors, *options.where, *options.baseline, options.seed}
    asked = asked_metrics(options)
    columns = {name: histories.config[name] for name in histories.config if name not in settings}
    figures = [name for name, column in columns.items() if _is_figure(name, column, asked)]
    places = histories.history["run"].to_numpy()
    moved = {name: histories.config[name].astype(float).to_numpy()[places] for name in figures}
    return dataclasses.replace(
        histories, config=histories.config.drop(columns=figures), history=histories.history.assign(**moved)
    )


def _is_figure(name: str, column: pd.Series, asked: set[str]) -> bool:
    """Tell whether a column holds results: numbers of a metric known or named in an option, or measured."""
    values = column.dropna()
    numbers = len(values) and all(type(value) in (int, float) or isinstance(value, np.number) for value in values)
    if not numbers or is_seed(name):
        return False
    if is_known(name) or bare(name) in asked:
        return True
    measured = (values.astype(float) % 1 != 0).any() and values.nunique() * 2 > len(column) > 1
    return bool(measured) and not is_bookkeeping(name) and not is_identity(name)


def seed_key(histories: Histories, options: Options) -> str:
    """Return the key that holds the seed, "" where replicates are to be numbered."""
    if options.seed == NO_SEED:
        return ""
    if options.seed:
        if options.seed not in histories.config:
            raise unknown("--seed", options.seed, histories.config.columns, "a key of the configuration, or none")
        return options.seed
    seeds = sorted((key for key in histories.config if is_seed(key)), key=seed_rank)
    varying = [key for key in seeds if varies(histories.config[key])]
    return next(iter(varying), "")
