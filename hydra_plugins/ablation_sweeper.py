"""Hydra sweeper `ablation`: hands a command's overrides to the runner, and the launcher what is missing."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, read_write

from runner.typed import typed_again


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
        with read_write(config.hydra):
            config.hydra.sweep.dir = os.path.expanduser(config.hydra.sweep.dir)
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
            undertaken = self.until_decided(arguments)
        elif self.study.dry_run:
            self.show(self.undertake().preview())
            return
        else:
            undertaken = run_study(self.undertake(), command(), self.train)
        if undertaken is not None:
            self.report(undertaken)

    def undertake(self, seeds: Any = None) -> Any:
        """Return the plan with these seeds of each cell, or with those that `seed` names, and where it is recorded."""
        from runner.contents import Contents
        from runner.plan import study_name
        from runner.run import Undertaking, open_store

        store = open_store(self.study)
        plan = self.composer.plan(self.study.design, store, Contents(store), seeds)
        self.undertaking = Undertaking(plan, store, study_name(plan, self.study.name), self.study)
        return self.undertaking

    def until_decided(self, arguments: list[str]) -> Any:
        """Train from look to look; return what came of it, or None where only the plan is asked for."""
        from analysis import looking
        from runner.errors import BadInput
        from runner.run import run_study
        from runner.store import show
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
            first, self.undertake, lambda each: run_study(each, command(), self.train), looking.look, show
        )

    def show(self, preview: str) -> None:
        """Print what a dry run tells, and what the design leaves untold."""
        from analysis.planning import planned_lines
        from runner.plan import declaration
        from runner.store import show

        show("\n".join([preview, *planned_lines(declaration(self.undertaking.plan, self.undertaking.name, ""))]))

    def report(self, undertaken: Any) -> None:
        """Write the report where it is not up to date, print its table, and end with 1 if runs are missing."""
        from analysis.report import freshness

        summary, complete = freshness.summary(undertaken.folder, self.undertaking.store, undertaken.declaration)
        print(summary)
        if not complete:
            raise SystemExit(1)

    def train(self, jobs: Sequence[Any]) -> None:
        """Train the jobs here, or let the launcher start the workers that do; what fails lies in the store."""
        from hydra_plugins.local_launcher import LocalLauncher
        from runner.launching import Detached, launch, leave

        store, study = self.undertaking.store, self.study
        if study.detach:
            raise Detached(leave(sys.argv[1:], store))
        if isinstance(self.engine, LocalLauncher):
            self.engine.train(jobs, study)
        else:
            folder = Path(self.composed.hydra.sweep.dir)
            start = partial(self.engine.launch, initial_job_idx=0)
            launch(start, jobs, store, study.workers or 1, folder, study.workers_per_gpu)


def command() -> str:
    """Return the command as it can be typed again in this folder."""
    return typed_again(sys.argv[1:])
