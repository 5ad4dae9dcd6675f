"""A plan and what is done of it -> the text that `dry_run=true` prints."""

from collections import Counter

from runner.plan import Plan, Progress, epochs_shared, seconds_per_epoch
from runner.pool import default_workers
from runner.store import Store, component_mode

CELLS_SHOWN = 24


def preview(plan: Plan, left: Progress, store: Store, name: str, workers: int | None) -> str:
    """Return what the study consists of, what is done, what it would train and how long that would take."""
    mode = component_mode(plan.design, plan.factors)
    seeds = f"{', '.join(map(str, plan.seeds[:12]))}{', ...' if len(plan.seeds) > 12 else ''}"
    lines = [
        f"study {name}, design {plan.design}{mode and f' ({mode})'}: {count(len(plan.cells), 'cell')} x "
        f"{count(len(plan.seeds), 'seed')} ({seeds})",
        *(f"  {key}: {', '.join(levels)} (baseline {levels[0]})" for key, levels in plan.factors.items()),
        *other_end_lines(plan, mode),
        *comparison_lines(plan),
        "cells:",
        *cell_lines(plan, left),
        f"{count(len(plan.runs), 'run')} of {count(len(plan.trajectories), 'training')}; "
        f"{sum(map(left.is_done, plan.runs))} runs done, {count(len(left.missing), 'training')} to do, "
        f"{count(left.epochs_to_train, 'epoch')}",
        f"epochs saved by sharing trainings: {epochs_shared(plan)}",
        *(f"{key} changes nothing{where and ' at '}{where}: both levels are one run" for key, where in plan.inert()),
        time_line(left, store, workers),
        *layer_lines(plan),
    ]
    return "\n".join(lines)


def other_end_lines(plan: Plan, mode: str) -> list[str]:
    """Return whether the report compares leave-one-out with add-one, which needs both, or nothing where it cannot."""
    if not plan.has_other_end():
        return []
    other = "add-one" if mode == "leave-one-out" else "leave-one-out"
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


def time_line(left: Progress, store: Store, workers: int | None) -> str:
    """Return the estimated time, from what like trainings took in this results folder."""
    if not left.missing:
        return "nothing to train"
    summaries = list(store.outlines())
    known = [(each, seconds_per_epoch(each, summaries)) for each in left.missing]
    if any(seconds is None for _, seconds in known):
        unknown = sum(seconds is None for _, seconds in known)
        return f"time: unknown; no record of a like training for {unknown} of {len(known)}"
    total = sum(left.epochs_left(each) * (seconds or 0.0) for each, seconds in known)
    side_by_side = min(workers or default_workers(), len(left.missing))
    return f"time: about {duration(total / side_by_side)} with {count(side_by_side, 'worker')}"


def layer_lines(plan: Plan) -> list[str]:
    """Return the layers' names of every distinct net, for model.without and for reading records."""
    nets = {tuple(each["name"] for each in trajectory.spec["layers"]) for trajectory in plan.trajectories.values()}
    return ["layers:", *(f"  {', '.join(names)}" for names in sorted(nets))]


def count(number: int, noun: str) -> str:
    """Return `1 run`, `2 runs`."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def duration(seconds: float) -> str:
    """Return seconds as `40 s`, `3 min`, `2 h 5 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
