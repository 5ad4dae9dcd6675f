"""A study's keys, levels and cells -> how they are shown: short, without folders, different after every rendering.

Tables, findings, the terminal, figures and LaTeX all show what stands here; the CSV files keep what was written. What
labels have in common is cut first. Where the figures' font or LaTeX lacks letters, or two labels would look alike, each
ends in its number, and the report's first section says what it stands for.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import pandas as pd

from analysis.figures.text import drawn
from analysis.reading.study import Study, design_of
from analysis.statistics.contrasts import NAMES, NOTHING, WITHOUT, names_of_all
from analysis.words.markup import LABEL_LENGTH, is_set, one_line
from analysis.words.phrases import listed
from runner.store import less_folders, numbered, without_folders

LEVEL_LENGTH = 40  # characters of a key or a level
BASELINE = "baseline"
LAYERS = "model.without"  # the key whose levels name layers that are left out
_ENDS = r" /\_-=:,;|[](){}'"  # where the common part of labels may be cut


@dataclass(frozen=True)
class Labels:
    """How a declaration's texts are shown: keys, the levels of each key, and cells' labels."""

    declaration: Mapping[str, Any]
    keys: dict[str, str]
    levels: dict[str, dict[str, str]]
    cells: dict[str, str]

    @property
    def plain(self) -> bool:
        """Whether everything is shown as it was written."""
        changed = [*self.levels.values(), self.keys, self.cells]
        return all(written == shown for each in changed for written, shown in each.items())

    @cached_property
    def shown(self) -> dict[str, Any]:
        """The declaration with its texts as they are shown."""
        told = dict(self.declaration)
        found = told | {
            "factors": [
                {"key": self.keys[key], "levels": list(self.levels[key].values())}
                for key in (factor["key"] for factor in told["factors"])
            ],
            "cells": self._cells(told["cells"]),
            "inert": [
                {"factor": self.keys[each["factor"]], "where": self._places.get(each["where"], each["where"])}
                for each in told["inert"]
            ],
        }
        if "comparisons" in told:
            [levels] = self.levels.values()
            found["comparisons"] = [[levels[arm], levels[against]] for arm, against in told["comparisons"]]
        for part in ("reported", "initial_weights"):
            if part in told:
                found[part] = [{**each, "cell": self.cells[each["cell"]]} for each in told[part]]
        if "trained" in told:
            nets = [{**net, "cells": [self.cells[cell] for cell in net["cells"]]} for net in told["trained"]["nets"]]
            found["trained"] = {**told["trained"], "nets": nets}
        if "other_end" in told:
            found["other_end"] = {**told["other_end"], "cells": self._cells(told["other_end"]["cells"])}
        return found

    def _cells(self, cells: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        return [{"label": self.cells[cell["label"]], "levels": self.of(cell["levels"])} for cell in cells]

    def of(self, levels: Mapping[str, str]) -> dict[str, str]:
        """Return a cell's levels by key as they are shown."""
        return {self.keys.get(key, key): self.levels.get(key, {}).get(level, level) for key, level in levels.items()}

    @cached_property
    def _places(self) -> dict[str, str]:
        """What is shown for the rest of a cell, all its levels but one."""
        found = {}
        for cell in self.declaration["cells"]:
            for left_out in cell["levels"]:
                rest = {key: level for key, level in cell["levels"].items() if key != left_out}
                found[_joined(rest)] = _joined(self.of(rest))
        return found

    def seen(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return a frame of runs, or of their epochs, with the texts that are shown."""
        return _renamed(frame, {"cell": self.cells, **self.levels}).rename(columns=self.keys)

    def written(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return a frame of tables/ with the texts as they were written."""
        if self.plain:
            return frame
        keys = {shown: key for key, shown in self.keys.items()}
        of_effects = NAMES if "contrast" in frame else ()  # there these are no factors
        known = {"cell": _reversed(self.cells)} | {
            shown: _reversed(self.levels[key]) for shown, key in keys.items() if shown not in of_effects
        }
        if "contrast" in frame:
            rows = [(self._contrasts.get(contrast), place) for place, contrast in enumerate(frame["contrast"])]
            texts = {
                name: [names[column] if names else frame[name].iloc[row] for names, row in rows]
                for column, name in enumerate(NAMES)
                if name in frame
            }
            frame = frame.assign(**texts)
        return _renamed(frame, known).rename(columns=keys)

    @cached_property
    def _contrasts(self) -> dict[str, tuple[str, ...]]:
        """The names of contrasts as they were written, by what the contrast is called where it is shown."""
        shown, written = (names_of_all(design_of(dict(each))) for each in (self.shown, self.declaration))
        place = NAMES.index("contrast")
        return {names[place]: found for names, found in zip(shown, written, strict=True)}

    def legend(self, key: str) -> list[tuple[str, str]]:
        """Return (shown, written) of the levels of a shown key that are not as they were written, less folders."""
        [(known, levels)] = [(known, levels) for known, levels in self.levels.items() if self.keys[known] == key]
        pairs = zip(levels.values(), map(without_folders, _readable(known, list(levels))), strict=True)
        return [(shown, written) for shown, written in pairs if shown != written]


def shown_study(study: Study) -> tuple[Study, Labels]:
    """Return the study with its texts as they are shown, and what they stand for."""
    labels = labels_of(study.declaration)
    metrics = study.metrics
    if not all(_is_plain(metric.label) for metric in metrics):
        names = numbered([metric.label for metric in metrics])
        metrics = tuple(replace(metric, label=label) for metric, label in zip(metrics, names, strict=True))
    if labels.plain:
        return replace(study, metrics=metrics), labels
    parts = study.parts
    other = None if parts.other_end is None else labels.seen(parts.other_end)
    seen = replace(parts, runs=labels.seen(parts.runs), history=labels.seen(parts.history), other_end=other)
    return Study(labels.shown, design_of(labels.shown), metrics, seen, study.store), labels


def labels_of(declaration: Mapping[str, Any]) -> Labels:
    """Return how a declaration's keys, levels and cells are shown."""
    written = {factor["key"]: factor["levels"] for factor in declaration["factors"]}
    plain_keys = [WITHOUT if key == LAYERS and WITHOUT not in written else key for key in written]
    keys = dict(zip(written, shortened(plain_keys), strict=True))
    levels = {key: dict(zip(known, shortened(_readable(key, known)), strict=True)) for key, known in written.items()}
    labels = Labels(declaration, keys, levels, {})
    return replace(labels, cells=_cells(labels))


def _cells(labels: Labels) -> dict[str, str]:
    """Return what is shown for each cell: its levels; where that is long, those off the baseline, or its number."""
    parts = [labels.declaration, *filter(None, [labels.declaration.get("other_end")])]
    cells = list({cell["label"]: cell["levels"] for part in parts for cell in part["cells"]}.items())
    full = {label: label if labels.of(levels) == levels else _joined(labels.of(levels)) for label, levels in cells}
    if _all_fit(full.values()):
        return full
    baseline = {key: next(iter(known)) for key, known in labels.levels.items()}
    off = {
        label: _joined(labels.of({key: level for key, level in levels.items() if level != baseline.get(key)}))
        or BASELINE
        for label, levels in cells
    }
    if _all_fit(off.values()):
        return off
    return {label: f"cell {place}" for place, (label, _) in enumerate(cells, 1)}


def _readable(key: str, levels: Sequence[str]) -> list[str]:
    """Return levels that are lists of texts as they are typed, `[a, b]`, and of layers that are left out as `a and b`.

    All as they were where two would become one.
    """
    found = [_as_typed(level, key == LAYERS) for level in levels]
    return found if len(set(found)) == len(found) else list(levels)


def _as_typed(level: str, layers: bool) -> str:
    try:
        parts = json.loads(level) if level.startswith("[") else None
    except (ValueError, RecursionError):
        return level
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        return level
    return (listed(parts) or NOTHING) if layers else f"[{', '.join(parts)}]"


def _all_fit(labels: Iterable[str]) -> bool:
    labels = list(labels)
    return len(set(labels)) == len(labels) and max(map(len, labels), default=0) <= LABEL_LENGTH


def _renamed(frame: pd.DataFrame, names: Mapping[str, Mapping[str, str]]) -> pd.DataFrame:
    """Return the frame with the texts of each column that has names under these."""
    changed = {name: [known.get(text, text) for text in frame[name]] for name, known in names.items() if name in frame}
    return frame.assign(**changed)


def _joined(levels: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={level}" for key, level in levels.items())


def _reversed(names: Mapping[str, str]) -> dict[str, str]:
    return {shown: written for written, shown in names.items()}


# ---- texts that are told apart


def shortened(texts: Sequence[str], most: int = LEVEL_LENGTH) -> list[str]:
    """Return each of the distinct texts in at most about `most` characters, all different after every rendering."""
    shown = [one_line(text, 4096) for text in texts]
    shown = less_folders(shown)
    if any(len(text) > most for text in shown):
        shown = _less_common_part(shown)
    shown = [_less_middle(text, most) for text in shown]
    if len({_skeleton(text) for text in shown}) == len(shown) and all(map(_is_plain, shown)):
        return shown
    return numbered(shown)


def _is_plain(text: str) -> bool:
    """Tell whether figures and LaTeX show the text letter for letter."""
    return bool(text) and drawn(text) == text and is_set(text)


def _skeleton(text: str) -> str:
    """Return what is left of a text in the poorest rendering; letters that look the same are one."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", drawn(text)))


def _less_common_part(texts: Sequence[str]) -> list[str]:
    """Return the texts with what they all begin and end with cut to an ellipsis, at the ends of words."""
    if len(texts) < 2:
        return list(texts)
    start = _cut(_in_common(texts))
    rests = [text[start:] for text in texts]
    end = _cut(_in_common([rest[::-1] for rest in rests]))
    middles = [rest[: len(rest) - end] for rest in rests]
    if not all(middles) or max(start, end) <= len("… "):
        return list(texts)
    before, after = ("… " if start else ""), (" …" if end else "")
    return [f"{before}{middle}{after}" for middle in middles]


def _in_common(texts: Sequence[str]) -> str:
    """Return what all texts begin with."""
    first, last = min(texts), max(texts)
    differs = (place for place, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1])
    return first[: next(differs, min(len(first), len(last)))]


def _less_middle(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most // 2 - 3].rstrip()} … {text[-(most // 2) :].lstrip()}"


def _cut(common: str) -> int:
    """Return how many characters of the common part end with a whole word."""
    return max((place + 1 for place, letter in enumerate(common) if letter in _ENDS), default=0)
