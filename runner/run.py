"""The one flow of a command: plan -> what is missing, checked and trained -> records and the study's declaration."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from runner.arms import check_reported
from runner.errors import BadInput
from runner.nets import Facts, Told, describe, facts_of, side_by_side
from runner.plan import Job, Plan, Progress, declaration, job_of, progress
from runner.settings import StudySettings
from runner.store import Store

Train = Callable[[Sequence[Job], int], object]  # jobs, epochs in all


@dataclass
class Undertaking:
    """A plan, the store that answers for it, and how it is to be run."""

    plan: Plan
    store: Store
    name: str
    study: StudySettings

    def preview(self, said: str) -> str:
        """Return what a dry run prints; `said` is what the study is called. Nothing is written."""
        from runner.preview import preview

        left = progress(self.plan, self.store)
        facts = known_facts(left)
        lines = []
        if self.must_look(left):
            jobs = [job_of(each, self.store, self.study.threads) for each in left.missing]
            facts = {**check(jobs, keep=False), **facts}
        if facts:
            lines = describe(self.told(facts))
        return preview(self.plan, left, self.store, said, self.study, lines)

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
            jobs = [job_of(each, self.store, self.study.threads, self.name) for each in left.missing]
            facts = {**check(jobs, keep=True), **facts}
            declare(facts)
            train(jobs, left.epochs_to_train)
            left = progress(self.plan, self.store)
        declare({**facts, **known_facts(left)})
        return left

    def told(self, facts: Mapping[str, Facts]) -> Told:
        """Return what study.json tells of the nets; BadInput where settings do not fit their metrics."""
        told = side_by_side(self.plan, facts, self.study.analysis)
        check_reported(self.plan.reported, told.metrics)
        return told


def known_facts(left: Progress) -> dict[str, Facts]:
    """Return the facts of recorded nets."""
    return {run_id: facts_of(summary) for run_id, summary in left.summaries.items()}


def check(jobs: Sequence[Job], keep: bool) -> dict[str, Facts]:
    """Return the facts of the jobs' nets, each distinct one built once; BadInput where data or a net cannot be trained.

    `keep` says whether the validation examples are written into the store, for the report.
    """
    from runner import pool

    answer = pool.ask("check_jobs", [list(jobs), keep], "The check of data and nets")
    if answer["problems"]:
        raise BadInput("\n".join(answer["problems"]))
    return {run_id: facts_of(found) for run_id, found in answer["nets"].items()}


def run_study(undertaking: Undertaking, command: str, train: Train) -> Path:
    """Train what is missing and write the study's declaration, before and after; return its folder."""
    plan, store, name = undertaking.plan, undertaking.store, undertaking.name

    def declare(facts: Mapping[str, Facts]) -> None:
        told = undertaking.told(facts)
        optional = {"initial_weights": told.initial_weights, "explicit_seeds": told.explicit_seeds, "notes": told.notes}
        declared = declaration(plan, name, command) | {
            "recipe": next(iter(plan.trajectories.values())).settings.recipe.name,
            "metrics": [metric.described() for metric in told.metrics],
            **{key: value for key, value in optional.items() if value},
        }
        store.write_study(name, declared)

    undertaking.complete(
        train, declare
    )  # again at the end: a sweep of the same name may have written its own meanwhile
    return store.study_folder(name)


def alone(undertaking: Undertaking) -> Undertaking:
    """Return the undertaking with one worker, as a single run is trained."""
    return replace(undertaking, study=replace(undertaking.study, workers=1))
