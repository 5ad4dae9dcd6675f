"""Declared factors and seeds -> cells, runs and the trajectories that answer for them; what is done, what is not."""

import itertools
import math
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from runner.contents import Contents
from runner.errors import BadInput
from runner.numerics import VERSION
from runner.screening import check_screening, screening_cells
from runner.settings import Settings, StudySettings
from runner.store import RESERVED, SCHEMA, Record, Store, canonical_json, record_id, told_apart

SPEC_SCHEMA = 2  # of what is hashed into a run's identity; records and study.json count theirs apart
NAME_LENGTH = 80
QUIET: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}


@dataclass(frozen=True)
class Cell:
    """One level of each factor; `levels` maps a factor's key to the level's label."""

    levels: dict[str, str]

    @property
    def label(self) -> str:
        """`dropout=true, binarize=false`."""
        return ", ".join(f"{key}={level}" for key, level in self.levels.items()) or "all settings as given"


@dataclass(frozen=True)
class Run:
    """One cell with one seed, looked at after `epochs` epochs of the trajectory `id`."""

    cell: int
    seed: int
    epochs: int
    id: str


@dataclass
class Trajectory:
    """One training: its identity and how far it must go."""

    id: str
    spec: dict[str, Any]
    epochs: int
    label: str
    settings: Settings


@dataclass(frozen=True)
class Job:
    """A trajectory as a worker takes it: plain values, so that it can be sent to another process."""

    id: str
    spec: dict[str, Any]
    epochs: int
    label: str
    source: dict[str, Any]  # where the recipe and what it reads are found, as `Recipe.source` gives it
    data: str  # what is trained on, for people
    results_dir: str
    threads: int
    study: str = ""
    commit: str | None = None
    deterministic: bool = False


@dataclass
class Declared:
    """One run as the command asks for it, before it has an identity."""

    cell: Cell
    settings: Settings


@dataclass
class Plan:
    """What a study consists of."""

    factors: dict[str, tuple[str, ...]]
    design: str
    cells: list[Cell]
    seeds: list[int]
    runs: list[Run]
    trajectories: dict[str, Trajectory] = field(default_factory=dict)
    comparisons: tuple[tuple[str, str], ...] = ()  # of arms: (arm, the arm it is compared with)
    reported: list[dict[str, Any]] = field(default_factory=list)  # figures of a paper, as `arms.read_reported` has them
    other_end: "Plan | None" = None  # of leave-one-out the add-one runs, and the reverse, where they are recorded

    @property
    def mode(self) -> str:
        """What a one-at-a-time design over components is called, else ""."""
        return component_mode(self.design, self.factors)

    def has_other_end(self) -> bool:
        """Tell whether the design is leave-one-out or add-one over switches, whose other end are cells as well."""
        switches = all(set(levels) == {"true", "false"} for levels in self.factors.values())
        return bool(self.mode) and switches and len(self.factors) > 1

    @property
    def shown(self) -> "Plan":
        """The plan with levels as the terminal shows them: without folders of this machine, still told apart."""
        names = shown_levels(self.factors)
        arms = next(iter(names.values()), {})
        return replace(
            self,
            factors={key: tuple(shown.values()) for key, shown in names.items()},
            cells=[shown_cell(cell, names) for cell in self.cells],
            comparisons=tuple((arms.get(arm, arm), arms.get(other, other)) for arm, other in self.comparisons),
        )

    def data_notes(self) -> list[str]:
        """Return what must be told of the data that are trained on, a sentence each."""
        settings = [each.settings for each in self.trajectories.values()]
        return list(dict.fromkeys(note for each in settings for note in each.recipe.data_notes(each.values)))

    def settings_told(self) -> dict[str, str]:
        """Return the settings that all trainings have, by key, as texts; those that differ are the factors'."""
        alike: dict[str, str] = {}
        for place, each in enumerate(self.trajectories.values()):
            settings = each.settings
            measured = {key: getattr(settings, key) for key in ("holdout", "probe", "probe_draws")}
            told = {key: _text(value) for key, value in (settings.recipe.told(settings.values) | measured).items()}
            alike = told if place == 0 else {key: text for key, text in alike.items() if told.get(key) == text}
        return alike

    def inert(self) -> list[tuple[str, str]]:
        """Return (factor, the other levels' label) wherever changing the factor's level changes no run."""
        ids: dict[int, tuple[tuple[str, int], ...]] = {}
        for place in range(len(self.cells)):
            ids[place] = tuple((run.id, run.epochs) for run in self.runs if run.cell == place)
        found = []
        for key in self.factors:
            groups: dict[str, list[int]] = {}
            for place, cell in enumerate(self.cells):
                rest = ", ".join(f"{other}={level}" for other, level in cell.levels.items() if other != key)
                groups.setdefault(rest, []).append(place)
            for rest, places in groups.items():
                if len(places) > 1 and len({ids[place] for place in places}) == 1:
                    found.append((key, rest))
        return found


def shown_levels(factors: Mapping[str, Sequence[str]]) -> dict[str, dict[str, str]]:
    """Return how the terminal calls the levels of each factor."""
    return {key: dict(zip(levels, told_apart(levels), strict=True)) for key, levels in factors.items()}


def shown_cell(cell: Cell, names: Mapping[str, Mapping[str, str]]) -> Cell:
    """Return the cell with its levels as they are called."""
    return Cell({key: names.get(key, {}).get(level, level) for key, level in cell.levels.items()})


def _text(value: Any) -> str:
    return value if isinstance(value, str) else canonical_json(value)


def component_mode(design: str, factors: Mapping[str, Sequence[str]]) -> str:
    """Return `leave-one-out` or `add-one` where a one-at-a-time design switches components alone, else "".

    A component is a true/false factor, or a layer that a level of `model.without` names; in
    leave-one-out all of them are on in the baseline, in add-one all are off.
    """
    if design != "one_at_a_time" or not factors:
        return ""
    if all(tuple(levels) == ("false", "true") for levels in factors.values()):
        return "add-one"
    whole = all(tuple(levels) == ("true", "false") or leaves_out(key, levels) for key, levels in factors.items())
    return "leave-one-out" if whole else ""


def leaves_out(key: str, levels: Sequence[str]) -> bool:
    """Tell whether the factor leaves out layers at all levels but its first."""
    return key == "model.without" and levels[0] == "[]" and "[]" not in levels[1:] and len(levels) > 1


def assignments(axes: dict[str, list[str]], design: str) -> list[dict[str, str]]:
    """Return the cells of a design, each a mapping of every axis to one of its levels; the baseline comes first.

    factorial: every combination, the last axis fastest. one_at_a_time: the first level of every
    axis, then each other level of each axis with the rest at their first. screening: 16 or 24 combinations of two
    levels each (`screening`).
    """
    if design == "screening":
        check_screening(axes)
        cells = screening_cells(len(axes))
        return [{key: axes[key][level] for key, level in zip(axes, cell, strict=True)} for cell in cells]
    if design == "factorial":
        return [dict(zip(axes, levels, strict=True)) for levels in itertools.product(*axes.values())]
    baseline = {key: levels[0] for key, levels in axes.items()}
    return [baseline] + [baseline | {key: level} for key, levels in axes.items() for level in levels[1:]]


def make_plan(
    factors: dict[str, tuple[str, ...]], design: str, declared: Iterable[Declared], contents: Contents
) -> Plan:
    """Return the plan: identities given, duplicates dropped, runs that share a trajectory grouped."""
    plan, names = Plan(factors, design, [], [], []), shown_levels(factors)
    declared = list(declared)
    contents.learn(each.settings for each in declared)
    places: dict[str, int] = {}
    seen = set()
    for each in declared:
        place = places.setdefault(each.cell.label, len(places))
        if place == len(plan.cells):
            plan.cells.append(each.cell)
        if (place, each.settings.seed) in seen:
            continue
        seen.add((place, each.settings.seed))
        trajectory = add_trajectory(plan, each, contents, shown_cell(each.cell, names).label)
        plan.runs.append(Run(place, each.settings.seed, each.settings.epochs, trajectory.id))
    plan.seeds = list(dict.fromkeys(run.seed for run in plan.runs))
    return plan


def add_trajectory(plan: Plan, declared: Declared, contents: Contents, cell: str) -> Trajectory:
    """Return the trajectory that answers for the declared run of what is called `cell`, new or made longer."""
    spec = trajectory_spec(declared.settings, contents)
    run_id = record_id(spec)
    known = plan.trajectories.get(run_id)
    if known is None or declared.settings.epochs > known.epochs:
        label = f"{cell}, seed {declared.settings.seed}"
        plan.trajectories[run_id] = Trajectory(run_id, spec, declared.settings.epochs, label, declared.settings)
    return plan.trajectories[run_id]


def trajectory_spec(settings: Settings, contents: Contents) -> dict[str, Any]:
    """Return what a trajectory's numbers depend on, as plain JSON values; equal specs are one training.

    `epochs` is in it only where the recipe depends on it: else a longer run passes through the
    shorter one.
    """
    recipe = settings.recipe
    spec = {
        "schema": SPEC_SCHEMA,
        "numerics": VERSION,
        "recipe": {
            "code": recipe.code,
            "values": recipe.identity(settings.values),
            "data": contents.digest(settings),
        },
        "measuring": {
            "holdout": float(settings.holdout),
            "probe": settings.probe,
            "probe_draws": settings.probe_draws if settings.probe else 0,
        },
        "seed": settings.seed,
    }
    return spec | {"epochs": settings.epochs} if recipe.depends_on_epochs(settings.values) else spec


# ---- what is done and what is missing


@dataclass(frozen=True)
class Progress:
    """How much of a plan the store answers for."""

    epochs_done: dict[str, float]  # trajectory id -> epochs recorded; infinite where training ended by itself
    missing: list[Trajectory]
    begun: dict[str, int]  # of missing trajectories the epochs that they go on from
    summaries: dict[str, dict[str, Any]]  # of the records there are, by trajectory

    @property
    def epochs_to_train(self) -> int:
        """Epochs that are left to train."""
        return sum(self.epochs_left(each) for each in self.missing)

    def epochs_left(self, trajectory: Trajectory) -> int:
        """Return the epochs that a missing trajectory still needs."""
        return trajectory.epochs - self.begun.get(trajectory.id, 0)

    def is_done(self, run: Run) -> bool:
        """Tell whether the store answers for the run."""
        return self.epochs_done.get(run.id, 0) >= run.epochs


def progress(plan: Plan, store: Store) -> Progress:
    """Ask the store which trajectories are complete as far as the plan needs them."""
    epochs_done, summaries = {}, {}
    for run_id in plan.trajectories:
        record = store.record(run_id)
        if record is not None:
            epochs_done[run_id] = math.inf if record.ended else record.epochs
            summaries[run_id] = record.summary
    missing = [each for each in plan.trajectories.values() if epochs_done.get(each.id, 0) < each.epochs]
    begun = {each.id: int(epochs_done.get(each.id, 0)) for each in missing if store.can_go_on(each.id)}
    return Progress(epochs_done, missing, begun, summaries)


def is_answered(other: Plan, plan: Plan, store: Store) -> bool:
    """Tell whether all runs of the other plan are recorded, or will be once `plan` is done."""
    here = {each.id: each.epochs for each in plan.trajectories.values()}
    recorded = progress(other, store)
    return all(recorded.is_done(run) or here.get(run.id, 0) >= run.epochs for run in other.runs)


def epochs_shared(plan: Plan) -> int:
    """Return the epochs that runs which share a trajectory save together."""
    return sum(run.epochs for run in plan.runs) - sum(each.epochs for each in plan.trajectories.values())


# ---- the study's name


def study_name(plan: Plan, given: str | None) -> str:
    """Return the name of the study's folder: the user's, else made of its factors; always a plain file name."""
    name = given if given is not None else "_x_".join(plan.factors) or "baseline"
    if given is None:
        name = re.sub(r"[^A-Za-z0-9._-]+", "_", name)[:NAME_LENGTH].strip(".") or "study"
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", name) or len(name) > NAME_LENGTH:
        raise BadInput(
            f"name must be a folder name of at most {NAME_LENGTH} letters, digits, '.', '_' and '-', "
            f"not starting with '.' or '-'; got {name[:120]!r}."
        )
    if name.lower() in RESERVED:
        raise BadInput(f"name must not be one of {', '.join(RESERVED)}, which the store uses; got {name!r}.")
    return name


# ---- what the processes are told, and what the terminal says


def job_of(trajectory: Trajectory, store: Store, study: StudySettings, name: str = "") -> Job:
    """Return the trajectory as a worker takes it; `name` is of the study that asks for it first."""
    settings = trajectory.settings
    return Job(
        id=trajectory.id,
        spec=trajectory.spec,
        epochs=trajectory.epochs,
        label=trajectory.label,
        source=settings.recipe.source(settings.values),
        data=settings.recipe.data_label(settings.values),
        results_dir=str(store.root),
        threads=study.threads,
        study=name,
        commit=commit(),
        deterministic=study.deterministic,
    )


@cache
def commit() -> str | None:
    """Return the commit of this checkout, `+` after it where files differ from it; None outside a checkout."""
    git = ["git", "-C", str(Path(__file__).parent)]
    try:
        found = subprocess.run([*git, "describe", "--always", "--abbrev=12", "--dirty=+", "--match="], **QUIET)
    except OSError:
        return None
    return found.stdout.strip() or None if found.returncode == 0 else None


def declaration(plan: Plan, name: str, command: str) -> dict[str, Any]:
    """Return what study.json holds of the plan; what is told of its nets is added to it."""
    found = {
        "schema": SCHEMA,
        "name": name,
        "command": command,
        "design": plan.design,
        "mode": plan.mode,
        "factors": [{"key": key, "levels": list(levels)} for key, levels in plan.factors.items()],
        "seeds": plan.seeds,
        **declared_runs(plan),
        "inert": [{"factor": key, "where": where} for key, where in plan.inert()],
        "epochs_shared": epochs_shared(plan),
    }
    if plan.comparisons:
        found["comparisons"] = [list(pair) for pair in plan.comparisons]
    if plan.reported:
        found["reported"] = plan.reported
    if plan.other_end is not None:
        found["other_end"] = declared_runs(plan.other_end)
    return found


def declared_runs(plan: Plan) -> dict[str, Any]:
    """Return the plan's cells and runs as study.json holds them."""
    return {
        "cells": [{"label": cell.label, "levels": cell.levels} for cell in plan.cells],
        "runs": [{"cell": run.cell, "seed": run.seed, "epochs": run.epochs, "run": run.id} for run in plan.runs],
    }


def describe_record(record: Record, epochs: int) -> str:
    """Return the metrics of the run at `epochs`, a line each, as a single run prints them."""
    row = min(epochs, record.epochs) - 1
    lines = [f"run {record.id}, {row + 1} epochs" + (f", {record.summary['status']}" if record.ended else "")]
    for name, column in record.history.items():
        if name != "epoch" and not name.endswith("_seconds"):
            lines.append(f"  {name:16} {column[row]:.4f}")
    return "\n".join(lines)
