"""Hydra launcher `local`: hands trajectories to the process pool of this machine."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


@dataclass
class LocalLauncherConfig:
    """What selects this launcher."""

    _target_: str = "hydra_plugins.local_launcher.LocalLauncher"


ConfigStore.instance().store("local", node=LocalLauncherConfig, group="hydra/launcher", provider="ablation")


class LocalLauncher(Launcher):
    """One fresh process a trajectory, as many at a time as there are cores, or slots on GPUs."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Keep what composing a job needs."""
        self.loader, self.composed = hydra_context.config_loader, config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Train what the overrides compose, for sweepers that know nothing of trajectories; raise if a run failed."""
        from hydra.errors import HydraException

        from runner.composing import plain_config
        from runner.contents import Contents
        from runner.finding import chosen_recipe
        from runner.plan import Cell, Declared, make_plan
        from runner.run import Undertaking
        from runner.settings import run_settings, study_settings
        from runner.store import Store

        load = self.loader.load_sweep_config
        composed = [plain_config(load(self.composed, list(overrides))) for overrides in job_overrides]
        study = study_settings(composed[0])
        store = Store(study.results_dir)
        declared = [
            Declared(Cell({"job": str(place)}), run_settings(each, chosen_recipe()))
            for place, each in enumerate(composed, initial_job_idx)
        ]
        plan = make_plan({}, "factorial", declared, Contents(store))
        undertaking = Undertaking(plan, store, study.name or "", study)
        left = undertaking.complete(lambda jobs: self.train(jobs, study))
        if left.missing:
            raise HydraException(
                f"{len(left.missing)} of {len(plan.trajectories)} trainings failed; see {store.runs / '.work'}."
            )
        return []

    def train(self, jobs: Sequence[Any], study: Any) -> list[str]:
        """Train the jobs; return the ids of those that failed."""
        from runner.pool import run_jobs

        return run_jobs(jobs, study.workers, study.workers_per_gpu)
