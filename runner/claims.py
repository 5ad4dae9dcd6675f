"""A study's folder belongs to one declaration: may this one have it, and under which name else.

More seeds, more epochs and more levels extend a declaration, and so does code that was changed; other settings make
another study, whose report must not take the place of the first.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from runner.errors import BadInput
from runner.plan import NAME_LENGTH, Plan, Run, Trajectory
from runner.store import Store, StoreError, read_study


def free_name(plan: Plan, store: Store, name: str, given: bool, adding: bool) -> tuple[str, str]:
    """Return the name that the study can have and a sentence where it is not `name`; BadInput where `name` was `given`.

    `adding` says that seeds are added look by look, so that fewer than there are is where it begins again.
    """
    if why := taken(plan, store, name, adding):
        if given:
            raise BadInput(
                f"name must be of a folder that is empty or of this same study; {str(store.root / name)!r} {why}. "
                "Give another name=."
            )
        other = next(each for each in others(name) if not taken(plan, store, each, adding))
        return (
            other,
            f"{store.root / name} {why}; this study is written to {store.root / other}. name= chooses another.",
        )
    return name, ""


def others(name: str) -> Iterator[str]:
    """Yield `name-2`, `name-3`, ..., each short enough to be a name."""
    place = 2
    while True:
        yield f"{name[: NAME_LENGTH - 8]}-{place}"
        place += 1


def taken(plan: Plan, store: Store, name: str, adding: bool) -> str:
    """Return what stands in the folder's way, in words; "" where the plan may have it."""
    folder = store.study_folder(name)
    if not folder.is_dir() or not any(folder.iterdir()):
        return ""
    if not (folder / "study.json").exists():
        return "holds files that no study wrote"
    try:
        there = read_study(folder)
    except StoreError:
        return "holds a study that cannot be read"
    return "" if extends(plan, there, store, folder, adding) else "holds another study, or more of this one"


def extends(plan: Plan, there: dict[str, Any], store: Store, folder: Path, adding: bool) -> bool:
    """Tell whether all that the study in the folder declares is part of the plan."""
    labels = {place: cell["label"] for place, cell in enumerate(there["cells"])}
    ours = {(plan.cells[run.cell].label, run.seed): run for run in plan.runs}
    if "source" in there or not set(labels.values()) <= {cell.label for cell in plan.cells}:
        return False
    for run in there["runs"]:
        mine = ours.get((labels[run["cell"]], run["seed"]))
        if mine is None and adding:
            continue
        if mine is None or mine.epochs < run["epochs"]:
            return False
        if mine.id != run["run"] and not is_same_but_code(run["run"], plan.trajectories[mine.id], store, folder):
            return False
    return adding is False or shares(ours, labels, there)


def shares(ours: dict[tuple[str, int], Run], labels: dict[int, str], there: dict[str, Any]) -> bool:
    """Tell whether any run of the study is one of ours."""
    return any((labels[run["cell"]], run["seed"]) in ours for run in there["runs"])


def is_same_but_code(run_id: str, trajectory: Trajectory, store: Store, folder: Path) -> bool:
    """Tell whether the recorded run differs from the trajectory in nothing but the code that made it.

    Where there is no such record, whether it failed, or no report was made of it either: then nothing can be lost.
    """
    record = store.record(run_id)
    if record is None:
        return store.failure(run_id) is not None or not (folder / "report.md").exists()
    return without_code(record.spec) == without_code(trajectory.spec)


def without_code(spec: dict[str, Any]) -> dict[str, Any]:
    """Return a run's spec without what the program's or the recipe's code is."""
    recipe = {key: value for key, value in spec["recipe"].items() if key != "code"}
    return {**{key: value for key, value in spec.items() if key not in ("numerics", "schema")}, "recipe": recipe}
