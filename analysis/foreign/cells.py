"""Factors and their levels -> the cells of a design: every combination, or arms where some are missing."""

import itertools
from dataclasses import dataclass

import pandas as pd

from analysis.foreign.factors import Factors
from analysis.foreign.histories import is_written, unique
from analysis.foreign.options import Options
from analysis.foreign.refusal import Refused, listed, unknown

FACTORIAL, ARMS = "factorial", "arms"
ARM = "arm"


@dataclass(frozen=True)
class Cells:
    """`of_run` has the place of each run's cell in `labels`; `levels` maps what study.json calls factors to levels."""

    design: str
    levels: dict[str, tuple[str, ...]]
    labels: tuple[str, ...]
    cells: tuple[dict[str, str], ...]  # a level of each of `levels`
    of_run: pd.Series


def cells_of(factors: Factors, options: Options) -> Cells:
    """Return the design, baseline first: the level or arm that comes first, or what `--baseline` says."""
    asked = {_factor(factors, key): (key, value) for key, value in options.baseline.items()}
    levels = {
        name: _ordered(factors, name, found, *asked[name]) if name in asked else found
        for name, found in factors.levels.items()
    }
    there = pd.Series(list(zip(*(factors.labels[name] for name in levels), strict=True)), index=factors.labels.index)
    combinations = list(itertools.product(*levels.values())) if _size(levels) <= len(there) else []
    if combinations and set(combinations) == set(there):
        return _factorial(levels, combinations, there)
    return _arms(factors, levels, there, asked)


def _size(levels: dict[str, tuple[str, ...]]) -> int:
    size = 1
    for each in levels.values():
        size *= len(each)
    return size


def _factorial(levels: dict[str, tuple[str, ...]], combinations: list[tuple[str, ...]], there: pd.Series) -> Cells:
    cells = [dict(zip(levels, combination, strict=True)) for combination in combinations]
    places = {combination: place for place, combination in enumerate(combinations)}
    return Cells(FACTORIAL, levels, tuple(map(_label, cells)), tuple(cells), there.map(places).astype(int))


def _arms(
    factors: Factors, levels: dict[str, tuple[str, ...]], there: pd.Series, asked: dict[str, tuple[str, str]]
) -> Cells:
    first = dict(zip(levels, there.iloc[0], strict=True)) | {name: levels[name][0] for name in asked}
    combinations = unique(there)
    matching = [
        each for each in combinations if all(dict(zip(levels, each, strict=True))[n] == first[n] for n in asked)
    ]
    if not matching:
        written = ", ".join(f"{key}={value}" for key, value in asked.values())
        raise Refused(f"--baseline must be levels that come together in a run; {written} do not. Name another arm.")
    ordered = unique([matching[0], *combinations])
    names = [_label(dict(zip(levels, each, strict=True))) for each in ordered]
    places = {combination: place for place, combination in enumerate(ordered)}
    cells = tuple({ARM: name} for name in names)
    return Cells(ARMS, {ARM: tuple(names)}, tuple(names), cells, there.map(places).astype(int))


def _label(levels: dict[str, str]) -> str:
    return ", ".join(f"{key}={level}" for key, level in levels.items())


def _factor(factors: Factors, key: str) -> str:
    """Return the factor that a key names, by its whole name or one of its keys."""
    name = next((name for name, keys in factors.keys.items() if key == name or key in keys), None)
    if name is None:
        raise unknown("--baseline", key, factors.keys, "one of the factors")
    return name


def _ordered(factors: Factors, name: str, levels: tuple[str, ...], key: str, value: str) -> tuple[str, ...]:
    """Return the levels with the baseline first; of keys that vary together, one may name the level."""
    keys = factors.keys[name]
    parts = {level: dict(zip(keys, level.split("+"), strict=False)) for level in levels}
    matching = [level for level in levels if is_written(level, value) or is_written(parts[level].get(key, ""), value)]
    if not matching:
        raise Refused(f"--baseline {key} must be one of its levels, {listed(levels, 12)}; got {value!r}.")
    return (matching[0], *(level for level in levels if level != matching[0]))
