"""Hydra sweeper `ablation`: hands a command's overrides to the runner, and the launcher what is missing."""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


@dataclass
class AblationSweeperConfig:
    """What selects this sweeper; `params` are axes that a command need not write."""

    _target_: str = "hydra_plugins.ablation_sweeper.AblationSweeper"
    params: dict[str, str] = field(default_factory=dict)


ConfigStore.instance().store("ablation", node=AblationSweeperConfig, group="hydra/sweeper", provider="ablation")


class AblationSweeper(Sweeper):
    """Runs a study: see the module's first line."""

    def __init__(self, params: dict[str, str] | None = None) -> None:
        self.params = params or {}

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Keep Hydra's handles and make the launcher."""
        self.loader, self.composed = hydra_context.config_loader, config
        self.engine = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> None:
        """Check, plan, train what is missing, report; ends the program with 1 if anything is missing at the end."""
        from runner.composing import Composer, last_written
        from runner.finding import chosen_recipe
        from runner.run import run_study

        overrides = last_written(self.loader, self.params, arguments)
        self.composer = Composer(self.loader, self.composed, overrides, chosen_recipe())
        self.study = self.composer.study_settings()
        if self.study.until:
            folder = self.until_decided(arguments)
        elif self.study.dry_run:
            undertaking = self.undertake()
            self.show(undertaking.preview(undertaking.name))
            return
        else:
            folder, _ = run_study(self.undertake(), command(), self.train)
        if folder is not None:
            self.report(folder)

    def undertake(self, seeds: Any = None) -> Any:
        """Return the plan with these seeds of each cell, or with those that `seed` names, and where it is recorded."""
        from runner.contents import Contents
        from runner.plan import study_name
        from runner.run import Undertaking
        from runner.store import Store

        store = Store(self.study.results_dir)
        plan = self.composer.plan(self.study.design, store, Contents(store, not self.study.dry_run), seeds)
        self.undertaking = Undertaking(plan, store, study_name(plan, self.study.name), self.study)
        return self.undertaking

    def until_decided(self, arguments: list[str]) -> Any:
        """Train from look to look; return the study's folder, or None where only the plan is asked for."""
        from analysis import looking
        from runner.errors import BadInput
        from runner.run import run_study
        from runner.until import preview_until, until_decided

        if any(word.lstrip("+").partition("=")[0] == "seed" for word in arguments):
            raise BadInput(
                "seed must be left out with until=decided, which adds seeds by itself from 0; max_seeds= ends it."
            )
        try:
            first = looking.first_look(self.study.max_seeds)
        except ValueError as error:
            raise BadInput(str(error)) from None
        if self.study.dry_run:
            self.show(preview_until(first, self.undertake, looking.look, self.study.max_seeds))
            return None
        return until_decided(
            first, self.undertake, lambda each: run_study(each, command(), self.train), looking.look, print
        )

    def show(self, preview: str) -> None:
        """Print what a dry run tells, and what the design leaves untold."""
        from analysis.planning import planned_lines
        from runner.plan import declaration

        print("\n".join([preview, *planned_lines(declaration(self.undertaking.plan, self.undertaking.name, ""))]))

    def report(self, folder: Any) -> None:
        """Write the report where it is not up to date, print its table, and end with 1 if runs are missing."""
        from analysis.report import freshness

        summary, complete = freshness.summary(folder, self.undertaking.store)
        print(summary)
        if not complete:
            raise SystemExit(1)

    def train(self, jobs: Sequence[Any], epochs: int) -> None:
        """Hand the jobs to the launcher; what fails lies in the store, and a launcher that breaks hides nothing."""
        from hydra_plugins.local_launcher import LocalLauncher

        if isinstance(self.engine, LocalLauncher):
            self.engine.train(jobs, epochs, self.study)
            return
        try:
            self.engine.launch([overrides_of(job, self.undertaking) for job in jobs], initial_job_idx=0)
        except Exception as error:
            print(f"hydra/launcher ended early: {type(error).__name__}: {error}", file=sys.stderr)


def overrides_of(job: Any, undertaking: Any) -> list[str]:
    """Return the overrides that compose one job in another process: as typed, the recipe's file with its folder."""
    overrides = [*undertaking.plan.trajectories[job.id].overrides, f"name={undertaking.name}"]
    return overrides if job.source["recipe"] == "images" else [*overrides, f"recipe='{job.source['recipe']}'"]


def command() -> str:
    """Return the command as typed, less the folders of this machine: a file's name stays, results_dir goes."""
    words = [word for word in sys.argv[1:] if not word.startswith("results_dir=")]
    return "python -m runner " + " ".join(shlex.quote(without_folder(word)) for word in words)


def without_folder(word: str) -> str:
    """Return `dataset.path=mnist.npz` for any folder before the file."""
    key, equals, value = word.partition("=")
    names = ",".join(path.rpartition("/")[2] for path in value.split(","))
    return key + equals + names if key in ("dataset.path", "recipe") else word
