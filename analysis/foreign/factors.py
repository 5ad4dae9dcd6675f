"""The runs' configurations -> what was varied: factors with their levels, and why every other key is none.

A factor is a key with several values that neither names a run nor follows the seed. Keys that vary together are one
factor, named by all of them or by those that the tool says were swept; a key that follows from another says nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from analysis.foreign.histories import Histories, labels, varies
from analysis.foreign.names import is_identity, is_seed
from analysis.foreign.options import Options
from analysis.foreign.refusal import listed, unknown
from runner.metrics import SPLITS

NOT_SET = "(not set)"
_FEW = 10  # levels
_JOINED = 3  # keys that vary together and all stand in the factor's name; of more, the first
_RESERVED = {"run", "cell", "seed", "epoch", "epochs", "status", "arm"}  # columns of ours; metrics are too


@dataclass
class Factors:
    """`labels` has a row per run and a column per factor; `levels` maps a factor to its levels, baseline first."""

    labels: pd.DataFrame
    keys: dict[str, tuple[str, ...]] = field(default_factory=dict)  # factor -> the configuration keys it is made of
    left: list[str] = field(default_factory=list)  # what is no factor, and why
    notes: list[str] = field(default_factory=list)
    apart: list[str] = field(default_factory=list)  # keys that are other in every run
    reserved: frozenset[str] = frozenset()  # columns of ours, which a factor cannot be called

    @property
    def levels(self) -> dict[str, tuple[str, ...]]:
        """The factors' levels in the order in which they are written."""
        return {name: tuple(pd.unique(self.labels[name])) for name in self.labels}


def factors_of(histories: Histories, seed: str, metrics: Iterable[str], options: Options) -> Factors:
    """Return the factors of the runs; `seed` is the seed's key, "" where there is none.

    A key that is called as a column of ours is, as `loss=mse` beside the metric `loss`, is the factor `config.loss`.
    """
    config = histories.config
    for key in options.factors:
        if key not in config:
            raise unknown("--factors", key, config.columns, "keys of the configuration")
    columns = {f"{split}{metric}" for metric in metrics for split in ("", *(f"{each}_" for each in SPLITS))}
    found = Factors(pd.DataFrame(index=config.index), reserved=frozenset(_RESERVED | columns))
    texts = {key: labels(config[key]) for key in config}
    if options.factors:
        _add(found, {key: texts[key].fillna(NOT_SET) for key in options.factors}, [(key,) for key in options.factors])
        others = [key for key in texts if key not in options.factors and not is_seed(key) and key != seed]
        varying = [key for key in others if varies(texts[key]) and not is_identity(key)]
        found.left += [f"{listed(varying)}: not among --factors"] if varying else []
        return found
    texts = {key: text for key, text in texts.items() if varies(text) and key != seed}
    texts = _without_strays(found, texts, labels(config[seed]) if seed else None)
    groups = _together(texts)
    groups = _without_followers(found, groups, texts)
    names = [_naming(found, group, histories.swept) for group in groups]
    _add(found, texts, names)
    return found


def codes_of(text: pd.Series) -> np.ndarray:
    """Return the values as numbers, by where they first come: equal for keys that vary together."""
    return pd.factorize(text, use_na_sentinel=False)[0]


def _add(found: Factors, texts: dict[str, pd.Series], names: list[tuple[str, ...]]) -> None:
    for keys in names:
        name = "+".join(keys)
        name = f"config.{name}" if name in found.reserved else name
        joined = texts[keys[0]].str.cat([texts[key] for key in keys[1:]], sep="+") if keys[1:] else texts[keys[0]]
        found.labels[name] = joined
        found.keys[name] = keys


def _without_strays(found: Factors, texts: dict[str, pd.Series], seed: pd.Series | None) -> dict[str, pd.Series]:
    """Return the keys that can be factors, blanks as a level; the others are told."""
    n = len(found.labels)
    why: dict[str, list[str]] = {}
    kept = {}
    seeds = None if seed is None or seed.nunique() in (1, n) else codes_of(seed)
    for key, text in texts.items():
        there = int(text.notna().sum())
        if is_seed(key):
            why.setdefault("a seed that numbers no replicates", []).append(key)
        elif is_identity(key):
            why.setdefault("names a run, a place, a time or a size", []).append(key)
        elif there * 2 < n:
            why.setdefault("set in a few runs only; --factors takes it in", []).append(f"{key} ({there} of {n} runs)")
        elif there > 1 and _is_apart(text.dropna()):
            found.apart.append(key)
        elif seeds is not None and np.array_equal(codes_of(text), seeds):
            why.setdefault("varies with the seed", []).append(key)
        else:
            kept[key] = text.fillna(NOT_SET)
            if there < n:
                found.notes.append(f"{key}: not set in {n - there} of {n} runs, which is a level of its own")
    found.left += [f"{listed(keys)}: {reason}" for reason, keys in why.items()]
    found.left += [f"{listed(found.apart)}: other in every run, or in most"] if found.apart else []
    return kept


def _is_apart(text: pd.Series) -> bool:
    """Tell whether every run has a value of its own; of many numbers, whether most runs have, as of a count's."""
    alone = int((text.value_counts() == 1).sum())
    many = text.nunique() > _FEW and text.str.fullmatch(r"[-+.\de]+").all()
    return alone == len(text) or (many and alone * 2 > len(text))


def _together(texts: dict[str, pd.Series]) -> list[tuple[str, ...]]:
    """Return the keys in groups that vary together."""
    groups: dict[bytes, list[str]] = {}
    for key, text in texts.items():
        groups.setdefault(codes_of(text).astype("int64").tobytes(), []).append(key)
    return [tuple(keys) for keys in groups.values()]


def _without_followers(
    found: Factors, groups: list[tuple[str, ...]], texts: dict[str, pd.Series]
) -> list[tuple[str, ...]]:
    """Return the groups without those that others tell: a name of the cell, and what follows from one other key."""
    codes = {group: codes_of(texts[group[0]]) for group in groups}
    sizes = {group: int(each.max()) + 1 for group, each in codes.items()}
    kept = sorted(groups, key=lambda group: -sizes[group])
    for group in list(kept):
        told = [other for other in kept if other != group and _follows(codes[other], codes[group])]
        if len(told) > 1 and _combinations([codes[other] for other in told]) == sizes[group]:
            kept.remove(group)
            names = listed(other[0] for other in groups if other in told)
            found.left.append(f"{listed(group)}: says the same as {names} together")
    for group in reversed(list(kept)):
        teller = next((other for other in kept if other != group and _follows(codes[group], codes[other])), None)
        if teller is not None:
            kept.remove(group)
            found.left.append(f"{listed(group)}: follows from {teller[0]}")
    return [group for group in groups if group in kept]


def _combinations(codes: list[np.ndarray]) -> int:
    """Return how many combinations of the keys' values there are."""
    return int(codes_of(pd.Series(list(zip(*codes, strict=True)))).max()) + 1


def _follows(codes: np.ndarray, teller: np.ndarray) -> bool:
    """Tell whether every value of `teller` comes with one value of `codes`."""
    first = np.zeros(int(teller.max()) + 1, dtype=codes.dtype)
    first[teller] = codes
    return bool((first[teller] == codes).all())


def _naming(found: Factors, group: tuple[str, ...], swept: tuple[str, ...]) -> tuple[str, ...]:
    """Return the keys that name a group, and tell that its keys vary together."""
    if len(group) == 1:
        return group
    asked = tuple(key for key in swept if key in group) or group
    naming = asked if len(asked) <= _JOINED else asked[:1]
    found.notes.append(f"{listed(group)}: vary together, so they are one factor, {'+'.join(naming)}")
    return naming
