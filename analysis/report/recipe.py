"""A study's declaration and records -> what was trained: settings, data, layers, and the words a paper takes of it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from analysis.reading.study import Study
from analysis.report.evidence import Evidence
from analysis.report.tables import markdown_table
from analysis.words.markup import markdown, one_line
from analysis.words.methods import BIBTEX, data_text, methods, sizes_of
from analysis.words.phrases import few, listed, seed_range
from runner.store import without_folders

NETS = 6  # distinct ones that are described
VALUE = 400  # characters of a setting's value


def recipe_lines(evidence: Evidence) -> list[str]:
    """Return the section's lines, none of a study that was made elsewhere or by a version that did not keep this."""
    study = evidence.study
    trained = study.declaration.get("trained")
    if study.source or trained is None:
        return []
    data = data_text(sizes_of(study), study.example)
    lines = [*markdown_table(_settings(study, trained["settings"])), ""]
    lines += [f"Data: {markdown(data)}.", ""] if data else []
    for place, net in enumerate(trained["nets"][:NETS]):
        lines += _net(net, trained["nets"][0] if place else None)
    more = len(trained["nets"]) - NETS
    lines += [f"And {more} more nets; study.json describes all of them.", ""] if more > 0 else []
    looked = None if evidence.looks is None else sorted(evidence.looks.table["planned"].unique())
    paragraph = methods(study, evidence.effects, looked)
    return [*lines, "For a paper:", "", f"> {markdown(paragraph)}", "", "```bibtex", *BIBTEX, "```"]


def _settings(study: Study, fixed: Mapping[str, str]) -> pd.DataFrame:
    """Return a row a setting: those that were swept with their levels, then those that were held fixed."""
    factors = study.design.factors
    swept = [(key, listed([one_line(level) for level in levels]), "swept") for key, levels in factors.items()]
    epochs = sorted({run["epochs"] for run in study.declaration["runs"]})
    held = {"epochs": listed([str(each) for each in epochs]), **fixed}
    told = {key: one_line(without_folders(text), VALUE) for key, text in held.items() if key not in factors}
    rows = [*swept, *((key, text, "fixed") for key, text in told.items())]
    rows.append(("seed", seed_range(study.declaration["seeds"]), "replicates"))
    return pd.DataFrame(rows, columns=["setting", "value", ""])


def _net(net: Mapping[str, Any], first: Mapping[str, Any] | None) -> list[str]:
    """Return the lines on one net: its layers in a table, or what tells it from the first."""
    cells = few([one_line(cell) for cell in net["cells"]], 2)
    size = "" if net["parameters"] is None else f"; {net['parameters']:,} parameters"
    batch = f"; batches of {net['batch_size']}" if net["batch_size"] else ""
    told = f"{'; '.join(net['optimizers'])}{batch}; loss {net['minimizes']}{size}"
    if first is None:
        return [f"Net of {markdown(cells)}: {markdown(told)}.", "", *markdown_table(_layers(net["layers"])), ""]
    return [f"Net of {markdown(cells)}: {markdown(told)}; {markdown(_apart(first, net))}.", ""]


def _layers(layers: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return a row a layer; of nets that were not built, without shapes and parameters."""
    shown = [{"layer": each["name"], "kind": each["kind"], "arguments": each["arguments"] or "–"} for each in layers]
    if all(each["parameters"] is None for each in layers):
        return pd.DataFrame(shown)
    sizes = [{"output": each["shape"] or "–", "parameters": _count(each["parameters"])} for each in layers]
    return pd.DataFrame([left | right for left, right in zip(shown, sizes, strict=True)])


def _count(parameters: int | None) -> str:
    return "–" if parameters is None else f"{parameters:,}"


def _apart(first: Mapping[str, Any], net: Mapping[str, Any]) -> str:
    """Return how a net's layers differ from those of the first."""
    known, own = ({each["name"]: each for each in found["layers"]} for found in (first, net))
    parts = {
        "without": [name for name in known if name not in own],
        "with": [_named(own[name]) for name in own if name not in known],
        "other": [_named(own[name]) for name in own if name in known and _said(own[name]) != _said(known[name])],
    }
    told = [f"{word} {listed(_some(names))}" for word, names in parts.items() if names]
    return f"the layers above, {', '.join(told)}" if told else "the layers above"


def _said(layer: Mapping[str, Any]) -> tuple[str, str]:
    return layer["kind"], layer["arguments"]


def _named(layer: Mapping[str, Any]) -> str:
    return f"{layer['name']} ({', '.join(filter(None, _said(layer)))})"


def _some(names: Iterable[str], most: int = 6) -> list[str]:
    names = list(names)
    return names if len(names) <= most else [*names[:most], f"{len(names) - most} more"]
