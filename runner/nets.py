"""What is known of a plan's nets, from the check before training or from their records, put side by side.

It says which metrics the cells share, how many initial weights each cell shares with the baseline, and what else the
report must tell of how the runs were made.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from runner.errors import BadInput
from runner.metrics import Compiled, Metric, UnknownMetric, register
from runner.plan import Plan, Run
from runner.store import Record, canonical_json

FACTS = ("compiled", "loss", "initial_weights", "explicit_seeds", "notes", "net")  # in the check and in run.json


@dataclass(frozen=True)
class Facts:
    """What is known of one trajectory's net."""

    compiled: list[Compiled]
    loss: str  # what tells one loss function from another
    initial_weights: dict[str, str]  # path -> shape and digest, of those drawn at random
    explicit_seeds: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    net: dict[str, Any] = field(default_factory=dict)  # as `runner.training.described` has it; {} in older records


def facts_of(found: Mapping[str, Any]) -> Facts:
    """Return the facts in run.json, or in a check's answer."""
    compiled = [Compiled(*each) for each in found["compiled"]]
    known = (found["loss"], found["initial_weights"], found["explicit_seeds"], found["notes"])
    return Facts(compiled, *known, found.get("net", {}))


def recorded(records: Mapping[str, Record]) -> dict[str, Facts]:
    """Return the facts of recorded trajectories by id."""
    return {run_id: facts_of(record.summary) for run_id, record in records.items()}


@dataclass(frozen=True)
class Told:
    """What study.json holds of the nets."""

    metrics: tuple[Metric, ...]
    initial_weights: list[dict[str, Any]]
    explicit_seeds: list[str]
    notes: list[str]
    nets: list[dict[str, Any]] = field(default_factory=list)  # each distinct one with its loss and its cells


def side_by_side(plan: Plan, facts: Mapping[str, Facts], analysis: Mapping[str, Any]) -> Told:
    """Return what the plan's nets have in common; BadInput where its cells share no metric, or a setting fits none.

    `facts` are by trajectory; those that are missing are left out.
    """
    known = list(dict.fromkeys(run.id for run in plan.runs if run.id in facts))
    compiled, notes = _shared_metrics([facts[run_id] for run_id in known])
    try:
        metrics = register(compiled, analysis)
    except UnknownMetric as error:
        raise BadInput(str(error)) from None
    notes += dict.fromkeys(note for run_id in known for note in facts[run_id].notes)
    seeds = dict.fromkeys(path for run_id in known for path in facts[run_id].explicit_seeds)
    return Told(metrics, _shared_weights(plan, facts), list(seeds), notes, _distinct_nets(plan, facts))


def _distinct_nets(plan: Plan, facts: Mapping[str, Facts]) -> list[dict[str, Any]]:
    """Return each net that cells have, in plan order, with its loss and the labels of its cells.

    Where no record describes a net, the layers as they are written stand for it, without shapes.
    """
    first: dict[int, str] = {}
    for run in plan.runs:
        if run.id in facts and (run.cell not in first or not facts[first[run.cell]].net):
            first[run.cell] = run.id
    found: dict[str, dict[str, Any]] = {}
    for cell, run_id in sorted(first.items()):
        known = facts[run_id]
        net = known.net or _as_written(plan, run_id)
        if net:
            told = found.setdefault(canonical_json([net, known.loss]), {**net, "minimizes": known.loss, "cells": []})
            told["cells"].append(plan.cells[cell].label)
    return list(found.values())


def _as_written(plan: Plan, run_id: str) -> dict[str, Any]:
    """Return the net of a training as its settings write it, {} where they do not."""
    if run_id not in plan.trajectories:
        return {}
    settings = plan.trajectories[run_id].settings
    return settings.recipe.net_as_written(settings.values)


def _shared_metrics(nets: list[Facts]) -> tuple[list[Compiled], list[str]]:
    """Return the metrics that all nets log and that mean the same in all, and a note on each that is left out."""
    names = list(dict.fromkeys(each.name for net in nets for each in net.compiled))
    everywhere = [name for name in names if all(name in {each.name for each in net.compiled} for net in nets)]
    losses = list(dict.fromkeys(net.loss for net in nets))
    notes = [f"{name} is not compared, since not every cell logs it." for name in names if name not in everywhere]
    if len(losses) > 1 and "loss" in everywhere:
        everywhere.remove("loss")
        notes.append(f"The loss is not compared, since the loss function differs between cells: {'; '.join(losses)}.")
    if not everywhere:
        raise BadInput(
            "the cells of a study must share a metric that can be compared, and these share none: "
            f"{' '.join(notes)} Compile a metric, such as metrics=['mae']."
        )
    first = {each.name: each for net in reversed(nets) for each in net.compiled}
    return [first[name] for name in everywhere], notes


def _shared_weights(plan: Plan, facts: Mapping[str, Facts]) -> list[dict[str, Any]]:
    """Return the cells whose random initial weights are not all those of the baseline with the same seed."""
    runs: dict[int, dict[int, Run]] = {}
    for run in plan.runs:
        if run.id in facts:
            runs.setdefault(run.cell, {}).setdefault(run.seed, run)
    found = []
    for place, cell in enumerate(plan.cells):
        seed = next((seed for seed in runs.get(place, {}) if place and seed in runs.get(0, {})), None)
        if seed is not None:
            baseline, own = (facts[runs[each][seed].id].initial_weights for each in (0, place))
            shared = {path for path, fingerprint in own.items() if baseline.get(path) == fingerprint}
            if baseline and len(shared) < len(own):
                found.append({"cell": cell.label, **_apart(baseline, own, shared)})
    return found


def _apart(baseline: Mapping[str, str], own: Mapping[str, str], shared: Iterable[str]) -> dict[str, Any]:
    """Return how many weights are shared, and which are not: for their name (`apart`) or for their shape alone."""
    shapes = Counter(_shape(baseline[path]) for path in baseline if path not in shared)
    apart: list[str] = []
    resized: list[str] = []
    for path in own:
        if path in shared:
            continue
        elsewhere = shapes[_shape(own[path])] - (_shape(baseline.get(path, "")) == _shape(own[path]))
        (apart if elsewhere > 0 else resized).append(path)
    return {"random": len(own), "shared": len(own) - len(apart) - len(resized), "apart": apart, "resized": resized}


def _shape(fingerprint: str) -> str:
    return fingerprint.rpartition(":")[0]


def describe(told: Told) -> list[str]:
    """Return a line a thing that the user should know before training."""
    lines = []
    for each in told.initial_weights:
        line = f"{each['cell']}: {each['shared']} of {each['random']} initial weights are shared with the baseline"
        if each["apart"]:
            line += f"; give name= to the layers of {', '.join(each['apart'])}, so that they are shared too"
        else:
            line += "; the others are of other layers or shapes"
        lines.append(line)
    if told.explicit_seeds:
        lines.append(
            f"the recipe's code gives {', '.join(told.explicit_seeds)} a seed of its own, so that every seed of the "
            "study starts from the same weights there; leave the seed out"
        )
    return [*lines, *(note.rstrip(".") for note in told.notes)]
