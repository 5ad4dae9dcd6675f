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
        from runner.contents import Contents
        from runner.finding import chosen_recipe
        from runner.plan import study_name
        from runner.run import Undertaking, run_study
        from runner.store import Store

        overrides = last_written(self.loader, self.params, arguments)
        composer = Composer(self.loader, self.composed, overrides, chosen_recipe())
        study = composer.study_settings()
        store = Store(study.results_dir)
        plan = composer.plan(study.design, store, Contents(store, not study.dry_run))
        undertaking = Undertaking(plan, store, study_name(plan, study.name), study)
        if study.dry_run:
            print(undertaking.preview(undertaking.name))
            return
        folder = run_study(undertaking, command(), lambda jobs, epochs: self.train(jobs, epochs, undertaking))
        from analysis.report import freshness

        summary, complete = freshness.summary(folder, store)
        print(summary)
        if not complete:
            raise SystemExit(1)

    def train(self, jobs: Sequence[Any], epochs: int, undertaking: Any) -> None:
        """Hand the jobs to the launcher; what fails lies in the store, and a launcher that breaks hides nothing."""
        from hydra_plugins.local_launcher import LocalLauncher

        if isinstance(self.engine, LocalLauncher):
            self.engine.train(jobs, epochs, undertaking.study)
            return
        try:
            self.engine.launch([overrides_of(job, undertaking) for job in jobs], initial_job_idx=0)
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
