"""The command line: `python -m runner key=value ...` trains one run, `-m` a study; mistakes become one sentence."""

import os
import re
import sys
import traceback
from collections.abc import Callable
from typing import Any

SHOW_TRACEBACK = os.environ.get("HYDRA_FULL_ERROR") == "1"


def run_one(config: Any) -> None:
    """Train the run that a composed configuration describes; Hydra calls this where it trains a single run.

    Launchers other than `local` call it for each of a study's trajectories.
    """
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    if HydraConfig.get().mode == RunMode.MULTIRUN:
        train_one(config)
    else:
        worded(lambda: train_alone(config))  # here already: Hydra would print a line of its own first


def train_alone(config: Any) -> None:
    """Train the run of a command without -m; BadInput where it is a study that is asked for."""
    from hydra.core.hydra_config import HydraConfig

    from runner.errors import BadInput

    if HydraConfig.get().runtime.choices.get("study") or config.arms is not None:
        raise BadInput("study must be run with -m; got a command that trains one run. Add -m.")
    train_one(config)


def train_one(config: Any) -> None:
    """Train the run, unless it is recorded, and print its metrics; RunFailed if it failed."""
    from runner import plan, pool
    from runner.composing import plain_config
    from runner.contents import Contents
    from runner.finding import recipe_named
    from runner.run import Undertaking, alone
    from runner.settings import run_settings, study_settings
    from runner.store import Store

    plain = plain_config(config)
    settings, study = run_settings(plain, recipe_named(plain["recipe"])), study_settings(plain)
    store = Store(study.results_dir)
    declared = [plan.Declared(plan.Cell({}), settings, [])]
    single = plan.make_plan({}, "factorial", declared, Contents(store, not study.dry_run))
    undertaking = alone(Undertaking(single, store, plan.study_name(single, study.name), study))
    if study.dry_run:
        print(undertaking.preview("of one run"))
        return
    undertaking.complete(lambda jobs, epochs: pool.run_jobs(jobs, 1, epochs, 1))
    [trajectory] = single.trajectories.values()
    record = store.record(trajectory.id)
    if record is None or not record.covers(trajectory.epochs):
        raise RunFailed(f"The run failed; see {store.work(trajectory.id)}.")
    print(plan.describe_record(record, settings.epochs))


class RunFailed(Exception):
    """A run that could be started did not end well."""


def worded(action: Callable[[], None]) -> None:
    """Run the action; turn what the user can mend into one sentence and exit code 2, a stop into 130 or 143."""
    from runner import pool
    from runner.errors import BadInput
    from runner.store import StoreError

    try:
        action()
    except pool.Interrupted as error:
        stop(f"Stopped by {error}. The same command goes on from the last whole epoch.", error.exit_code)
    except KeyboardInterrupt:  # while nothing trains
        stop("Stopped by SIGINT. The same command goes on from the last whole epoch.", 130)
    except (BadInput, StoreError) as error:
        stop(str(error), 2)
    except RunFailed as error:
        stop(str(error), 1)
    except BrokenPipeError:  # whoever read the output, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(141) from None
    except Exception as error:
        if SHOW_TRACEBACK or not is_hydras(error):
            raise
        from runner.refusals import sentence

        stop(sentence(error), 2)


def main() -> None:
    """Run the command."""
    if sys.argv[1:2] == ["verify"]:
        from runner.store.verify import main as verify

        raise SystemExit(verify(sys.argv[2:]))
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra raises instead of printing, so that one place words the sentence
    sys.argv = ["python -m runner", *of_one_value(of_any_metric(flags_first(sys.argv[1:])))]
    worded(start_hydra)


def flags_first(arguments: list[str]) -> list[str]:
    """Return the arguments with what starts with a dash at the front: Hydra reads none behind a key=value."""
    return sorted(arguments, key=lambda word: not word.startswith("-"))


def of_any_metric(arguments: list[str]) -> list[str]:
    """Return the arguments with what is said of a single metric as Hydra adds a key: no list knows all metrics."""
    groups = ("analysis.better.", "analysis.sesoi.")
    return [f"++{word}" if word.startswith(groups) else word for word in arguments]


def of_one_value(arguments: list[str]) -> list[str]:
    """Return the arguments with `until=a,b` as the one list that it is, and not two levels of a factor."""
    return [f"until=[{word[6:]}]" if re.fullmatch(r"until=\w+(,\w+)+", word) else word for word in arguments]


def start_hydra() -> None:
    """Hand over to Hydra with the keys of the study and of the recipe registered."""
    import hydra
    from hydra.core.config_store import ConfigStore

    from runner.finding import chosen_recipe
    from runner.recipe import CONF, schema_of
    from runner.settings import StudySchema

    ConfigStore.instance().store("schema", node=schema_of(chosen_recipe(), StudySchema))
    hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")(run_one)()


def is_hydras(error: Exception) -> bool:
    """Tell whether Hydra or OmegaConf raised the error over the user's configuration."""
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    raised_in = traceback.extract_tb(error.__traceback__)[-1].filename
    return (
        isinstance(error, HydraException | OmegaConfBaseException | YAMLError) or "_internal/defaults_list" in raised_in
    )


def stop(text: str, code: int) -> None:
    """Print the sentence and end with the exit code."""
    print(text, file=sys.stderr)
    raise SystemExit(code)


if __name__ == "__main__":
    main()
