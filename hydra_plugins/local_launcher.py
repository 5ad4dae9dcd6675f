"""Hydra launcher `local`: hands trajectories to the process pool of this machine."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf


@dataclass
class LocalLauncherConfig:
    """What selects this launcher."""

    _target_: str = "hydra_plugins.local_launcher.LocalLauncher"


ConfigStore.instance().store("local", node=LocalLauncherConfig, group="hydra/launcher", provider="ablation")


class LocalLauncher(Launcher):
    """One fresh process a trajectory, as many at a time as there are cores, or slots on GPUs."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Keep what composing a job needs."""
        self.hydra_context, self.config = hydra_context, config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Train what the overrides compose, for sweepers that know nothing of trajectories; raise if a run failed."""
        from hydra.errors import HydraException

        from runner.plan import Cell, Declared, job_of, make_plan, progress
        from runner.settings import run_settings, study_settings
        from runner.store import Store

        composed = [self.compose(overrides) for overrides in job_overrides]
        study = study_settings(composed[0])
        store = Store(study.results_dir)
        store.prepare()
        declared = [
            Declared(Cell({"job": str(place)}), run_settings(each), [])
            for place, each in enumerate(composed, initial_job_idx)
        ]
        left = progress(make_plan({}, "factorial", declared), store)
        jobs = [job_of(each, store, study.threads) for each in left.missing]
        failed = self.train(jobs, left.epochs_to_train, study)
        if failed:
            raise HydraException(f"{len(failed)} of {len(jobs)} trainings failed; see {store.runs / '.work'}.")
        return []

    def compose(self, overrides: Sequence[str]) -> dict[str, Any]:
        """Return the configuration of one job as plain containers."""
        composed = self.hydra_context.config_loader.load_sweep_config(self.config, list(overrides))
        plain = {key: value for key, value in composed.items_ex(resolve=False) if key != "hydra"}
        return OmegaConf.to_container(OmegaConf.create(plain), resolve=True)

    def train(self, jobs: Sequence[Any], epochs: int, study: Any) -> list[str]:
        """Train the jobs, `epochs` epochs in all; return the ids of those that failed."""
        from runner import pool

        return pool.run_jobs(jobs, len(jobs), epochs, study.workers, study.workers_per_gpu) if jobs else []
