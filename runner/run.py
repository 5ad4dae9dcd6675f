"""The one flow of a command: plan -> what is missing, checked and trained -> records and the study's declaration."""

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from runner.arms import check_reported
from runner.claims import free_name
from runner.errors import BadInput
from runner.nets import Facts, Told, describe, facts_of, side_by_side
from runner.plan import Job, Plan, Progress, declaration, job_of, progress
from runner.settings import FIGURES, StudySettings
from runner.store import Store, StoreError, canonical_json, read_study
from runner.window import window_of

Train = Callable[[Sequence[Job]], object]


@dataclass
class Undertaking:
    """A plan, the store that answers for it, and how it is to be run."""

    plan: Plan
    store: Store
    name: str
    study: StudySettings

    def preview(self, of_one: bool = False) -> str:
        """Return what a dry run prints, of a study or `of_one` run. Nothing is written."""
        from runner.preview import preview

        if not of_one:
            self.choose_name()
        said = "of one run" if of_one else self.name
        left = progress(self.plan, self.store)
        facts = known_facts(left)
        if self.must_look(left):
            jobs = [job_of(each, self.store, self.study) for each in left.missing]
            facts = {**check(jobs, keep=False), **facts}
        shown = self.plan.shown
        lines = describe(self.told(facts, shown)) if facts else [note.rstrip(".") for note in self.plan.data_notes()]
        if left.missing and not self.must_look(left):
            lines = [*lines, "data and nets were not looked at; they are checked before anything trains"]
        return preview(shown, left, self.store, said, self.study, lines)

    def say(self, left: Progress) -> None:
        """Tell what is planned, what is done of it and what will be trained."""
        done = len(self.plan.trajectories) - len(left.missing)
        lines = [
            f"{self.name}: {done} of {len(self.plan.trajectories)} trainings done, {len(left.missing)} to do, "
            f"{left.epochs_to_train} epochs"
        ]
        if not self.plan.factors and len(self.plan.runs) > 1:
            lines.append("No factor: nothing is compared. Write key=a,b, such as dropout=true,false, for a study.")
        print("\n".join(lines), file=sys.stderr, flush=True)

    def choose_name(self) -> None:
        """Take the first name that no other study has; BadInput where the user gave one that has another."""
        given = self.study.name is not None
        self.name, told = free_name(self.plan, self.store, self.name, given, bool(self.study.until))
        if told:
            print(told, flush=True)

    def must_look(self, left: Progress) -> bool:
        """Tell whether a dry run builds the nets: those of a user's own recipe, whose functions may do anything."""
        return bool(left.missing) and bool(left.missing[0].settings.recipe.files)

    def complete(self, train: Train, declare: Callable[[Mapping[str, Facts]], object] = lambda facts: None) -> Progress:
        """Check what is missing and train it; return how much the store answers for then. BadInput: nothing trained.

        `declare` is called with what is known of the nets, before training and after it.
        """
        left = progress(self.plan, self.store)
        facts = known_facts(left)
        if left.missing:
            self.store.prepare()
            at_once = sys.stderr.isatty()  # where someone looks; in a log a refusal stands alone
            if at_once:
                self.say(left)
            facts = {**check([job_of(each, self.store, self.study) for each in left.missing], keep=True), **facts}
            declare(facts)
            for note in self.plan.data_notes():
                print(note, flush=True)
            if not at_once:
                self.say(left)
            train([job_of(each, self.store, self.study, self.name) for each in left.missing])
            left = progress(self.plan, self.store)
        declare({**facts, **known_facts(left)})
        return left

    def declared(self, command: str, facts: Mapping[str, Facts]) -> dict[str, Any]:
        """Return what study.json holds of the plan and of what is known of its nets."""
        told = self.told(facts)
        optional: dict[str, Any] = {
            "initial_weights": told.initial_weights,
            "explicit_seeds": told.explicit_seeds,
            "notes": told.notes,
            "trained": {"settings": self.plan.settings_told(), "nets": told.nets},
        }
        if self.study.until:
            optional["until"] = {"max_seeds": self.study.max_seeds, "futile": "futile" in self.study.until}
        kinds = [kind for kind in FIGURES if kind in self.study.analysis["figures"]]
        return declaration(self.plan, self.name, command) | {
            "recipe": next(iter(self.plan.trajectories.values())).settings.recipe.name,
            "metrics": [metric.described() for metric in told.metrics],
            "window": self.window(),
            **{key: value for key, value in optional.items() if value},
            **({} if kinds == ["png"] else {"figures": kinds}),
        }

    def reported_at(self, now: bool) -> list[dict[str, Any]]:
        """Return with how many seeds the study was reported before, and `now`; [] where it is another study's folder.

        `until` tells whether these seeds were added look by look: a fixed number spends its 5 % at once.
        """
        folder, ours = self.store.study_folder(self.name), declaration(self.plan, self.name, "")
        try:
            there = read_study(folder) if folder.exists() else {}
        except StoreError:
            there = {}
        same = all(there.get(key) == ours[key] for key in ("design", "factors", "mode"))
        found = list(there.get("reported_at", ())) if same else []
        if now:
            found.append({"seeds": len(self.plan.seeds), "until": bool(self.study.until)})
        return [each for place, each in enumerate(found) if each not in found[:place]]

    def cost(self) -> str:
        """Return what is left to train and how long that would take."""
        from runner.preview import count, time_line

        left = self.progress()
        todo = f"{count(len(left.missing), 'training')} to do, {count(left.epochs_to_train, 'epoch')}"
        return f"{todo}; {time_line(left, self.store, self.study)}"

    def progress(self) -> Progress:
        """Return how much of the plan the store answers for."""
        return progress(self.plan, self.store)

    def window(self) -> int:
        """Return over how many of a run's last epochs its figures are taken; BadInput where a run has not so many."""
        try:
            return window_of(self.study.analysis["window"], (run.epochs for run in self.plan.runs))
        except ValueError as error:
            raise BadInput(str(error)) from None

    def told(self, facts: Mapping[str, Facts], plan: Plan | None = None) -> Told:
        """Return what study.json tells of the nets; BadInput where settings do not fit their metrics.

        `plan` is the same with cells named otherwise.
        """
        self.window()
        told = side_by_side(plan or self.plan, facts, self.study.analysis)
        check_reported(self.plan.reported, told.metrics)
        return replace(told, notes=[*self.plan.data_notes(), *told.notes])


def known_facts(left: Progress) -> dict[str, Facts]:
    """Return the facts of recorded nets."""
    return {run_id: facts_of(summary) for run_id, summary in left.summaries.items()}


def check(jobs: Sequence[Job], keep: bool) -> dict[str, Facts]:
    """Return the facts of the jobs' nets, each distinct one built once; BadInput where data or a net cannot be trained.

    `keep` says whether the validation examples are written into the store, for the report.
    """
    from runner import processes

    answer = processes.ask("check_jobs", [list(jobs), keep], "The check of data and nets")
    if answer["problems"]:
        raise BadInput("\n".join(answer["problems"]))
    return {run_id: facts_of(found) for run_id, found in answer["nets"].items()}


def open_store(study: StudySettings) -> Store:
    """Return the store in results_dir; one that is only looked at, or that one may only read, is not changed."""
    root = Path(study.results_dir).expanduser().absolute()
    there = next(folder for folder in (root, *root.parents) if folder.exists())
    if not there.is_dir() or (there != root and not os.access(there, os.W_OK)):
        why = "is no folder" if not there.is_dir() else "cannot be written to"
        raise BadInput(f"results_dir must be a folder, or one that can be made; {str(there)!r} {why}. Choose another.")
    folders = [root, root / "runs"]
    writable = all(os.access(folder, os.W_OK) for folder in folders if folder.exists())
    return Store(study.results_dir, changes=writable and not study.dry_run)


@dataclass(frozen=True)
class Undertaken:
    """What came of an undertaking: the study's folder, what its declaration says, and what the store answers for."""

    folder: Path
    declaration: dict[str, Any]
    left: Progress


def run_study(undertaking: Undertaking, command: str, train: Train) -> Undertaken:
    """Train what is missing, and write the study's declaration before and after.

    The folder is chosen each time it is written, since another command may have taken it meanwhile.
    """
    store = undertaking.store
    declaration: dict[str, Any] = {}

    def declare(facts: Mapping[str, Facts], reported: bool = False) -> None:
        with store.alone_at("taking a study's folder"):
            undertaking.choose_name()
            remembered = {"reported_at": undertaking.reported_at(reported)}
            told = {key: value for key, value in remembered.items() if value}
            declared = undertaking.declared(command, facts) | told
            declaration.update(json.loads(canonical_json(declared)))  # as whoever reads the file finds it
            if store.changes:
                store.write_study(undertaking.name, declaration)

    left = undertaking.complete(train, declare)
    if not left.missing:
        declare(known_facts(left), reported=True)
    return Undertaken(store.study_folder(undertaking.name), declaration, left)


def alone(undertaking: Undertaking) -> Undertaking:
    """Return the undertaking with one worker, as a single run is trained."""
    return replace(undertaking, study=replace(undertaking.study, workers=1))
