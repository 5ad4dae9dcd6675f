"""A plan and what is done of it -> the text that `dry_run=true` prints."""

import heapq
from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

from runner.machine import gpus, processor_name, slots
from runner.plan import Plan, Progress, Trajectory, epochs_shared
from runner.progress import duration
from runner.settings import StudySettings
from runner.store import Store, canonical_json

CELLS_SHOWN = 24
AROUND_SECONDS = 10.0  # of a study beside its trainings: TensorFlow loaded, data and nets checked, report written


def preview(plan: Plan, left: Progress, store: Store, name: str, study: StudySettings, told: Sequence[str] = ()) -> str:
    """Return what the study consists of, what is done, what it would train and how long that would take.

    `told` is what is known of its nets, a line each.
    """
    seeds = f"{', '.join(map(str, plan.seeds[:12]))}{', ...' if len(plan.seeds) > 12 else ''}"
    lines = [
        f"study {name}, design {plan.design}{plan.mode and f' ({plan.mode})'}: {count(len(plan.cells), 'cell')} x "
        f"{seeds_each(plan)} ({seeds})",
        *(f"  {key}: {', '.join(levels)} (baseline {levels[0]})" for key, levels in plan.factors.items()),
        *other_end_lines(plan),
        *comparison_lines(plan),
        "cells:",
        *cell_lines(plan, left),
        f"{count(len(plan.runs), 'run')} of {count(len(plan.trajectories), 'training')}; "
        f"{sum(map(left.is_done, plan.runs))} runs done, {count(len(left.missing), 'training')} to do, "
        f"{count(left.epochs_to_train, 'epoch')}",
        f"epochs saved by sharing trainings: {epochs_shared(plan)}",
        *(f"{key} changes nothing{where and ' at '}{where}: both levels are one run" for key, where in plan.inert()),
        time_line(left, store, study),
        *told,
        *layer_lines(plan),
    ]
    return "\n".join(lines)


def seeds_each(plan: Plan) -> str:
    """Return `5 seeds`, or `4 to 9 seeds` where arms that are decided have stopped."""
    counts = Counter(run.cell for run in plan.runs).values()
    least = f"{min(counts)} to " if min(counts) < max(counts) else ""
    return least + count(max(counts), "seed")


def other_end_lines(plan: Plan) -> list[str]:
    """Return whether the report compares leave-one-out with add-one, which needs both, or nothing where it cannot."""
    if not plan.has_other_end():
        return []
    other = "add-one" if plan.mode == "leave-one-out" else "leave-one-out"
    if plan.other_end is not None:
        return [f"  {other} is recorded as well, so the report compares the two"]
    return [f"  once {other} is recorded as well (the levels the other way round), the report compares the two"]


def comparison_lines(plan: Plan) -> list[str]:
    """Return what each arm is compared with."""
    found: dict[str, list[str]] = {}
    for arm, against in plan.comparisons:
        found.setdefault(arm, []).append(against)
    return [f"  {arm} against {', '.join(others)}" for arm, others in found.items()]


def cell_lines(plan: Plan, left: Progress) -> list[str]:
    """Return a line per cell with how many of its runs are done."""
    total = Counter(run.cell for run in plan.runs)
    done = Counter(run.cell for run in plan.runs if left.is_done(run))
    lines = [
        f"  {cell.label}: {done[place]} of {total[place]} done" for place, cell in enumerate(plan.cells[:CELLS_SHOWN])
    ]
    hidden = len(plan.cells) - CELLS_SHOWN
    return lines + ([f"  and {hidden} more"] if hidden > 0 else [])


def time_line(left: Progress, store: Store, study: StudySettings) -> str:
    """Return the estimated time, from what like trainings took on this machine, as this results folder has them."""
    if not left.missing:
        return "nothing to train"
    paces = Paces(store.outlines(), processor_name())
    times = [paces.seconds(each, left.epochs_left(each)) for each in left.missing]
    known = [seconds for seconds in times if seconds is not None]
    if len(known) < len(times):
        unknown = len(times) - len(known)
        return f"time: unknown; no record of a like training on this machine for {unknown} of {len(times)}"
    places = len(slots(study.workers, study.workers_per_gpu, gpus())[: len(known)])
    total = AROUND_SECONDS + longest(known, places)
    return f"time: about {duration(total)} with {count(places, 'worker')}"


class Paces:
    """What trainings took on this machine: seconds to start and seconds an epoch, by what they have in common."""

    def __init__(self, outlines: Iterable[tuple[dict[str, Any], dict[str, Any]]], processor: str) -> None:
        """`outlines` are records' (spec, run.json)."""
        self.found: dict[str, list[tuple[float, float]]] = {}
        for spec, summary in outlines:
            if made_on(summary) == processor and (took := pace(summary)) is not None:
                for likeness in likenesses(spec):
                    self.found.setdefault(likeness, []).append(took)

    def seconds(self, trajectory: Trajectory, epochs: int) -> float | None:
        """Return how long so many epochs of the trajectory take, or None where no training was like it."""
        for likeness in likenesses(trajectory.spec):
            if likeness in self.found:
                return median(start + epochs * epoch for start, epoch in self.found[likeness])
        return None


def likenesses(spec: dict[str, Any]) -> tuple[str, str]:
    """Return what like trainings share: all but the seed; failing that code, data, net and batch size."""
    recipe = spec["recipe"]
    near = [recipe["code"], recipe["data"], *(recipe["values"].get(key) for key in ("model", "batch_size"))]
    return canonical_json({**spec, "seed": 0}), canonical_json(near)


def made_on(summary: dict[str, Any]) -> str | None:
    """Return the processor that a record was last trained on."""
    return summary["environments"][-1].get("processor") if summary.get("environments") else None


def pace(summary: dict[str, Any]) -> tuple[float, float] | None:
    """Return a record's seconds to start and seconds an epoch (its last one's), or None where it does not tell."""
    timing, last = summary.get("timing", {}), summary.get("metrics", {})
    try:
        mean = timing["wall_seconds"] / timing["epochs"]
        epoch = min(mean, last["train_seconds"] + last["measure_seconds"])
    except (KeyError, TypeError, ZeroDivisionError):
        return None
    return (mean - epoch) * timing["epochs"], epoch


def longest(seconds: list[float], places: int) -> float:
    """Return when the last training ends if each, in order, takes the place that is free first."""
    free = [0.0] * places
    for each in seconds:
        heapq.heapreplace(free, free[0] + each)
    return max(free)


def layer_lines(plan: Plan) -> list[str]:
    """Return the layers' names of every distinct net, for model.without, where keys name them."""
    named = (each.settings.recipe.layer_names(each.settings.values) for each in plan.trajectories.values())
    nets = sorted({names for names in named if names})
    return ["layers:", *(f"  {', '.join(names)}" for names in nets)] if nets else []


def count(number: int, noun: str) -> str:
    """Return `1 run`, `2 runs`."""
    return f"{number} {noun}" + ("" if number == 1 else "s")
