"""The command line: `python -m runner key=value ...` trains one run, `-m` a study; mistakes become one sentence."""

import importlib.util
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

STORE_COMMANDS = {  # of what `python -m runner` does beside training: (module, function of the other arguments)
    "verify": ("runner.store.verify", "main"),
    "prune": ("runner.store.prune", "main"),
    "du": ("runner.store.prune", "disk_use"),
}
NEEDED = [  # by the program: packages that a file of the same name in the working folder would be taken for
    *("hydra", "keras", "markdown_it", "matplotlib", "numpy", "omegaconf", "pandas", "PIL", "scipy", "sklearn"),
    *("tensorflow", "tqdm", "yaml"),
]
SHOW_TRACEBACK = os.environ.get("HYDRA_FULL_ERROR") == "1"


def run_one(config: Any) -> None:
    """Train the run that a composed configuration describes; Hydra calls this where it trains a single run.

    Launchers other than `local` call it in each of the workers that they start.
    """
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    if config.jobs is not None:
        from runner.launching import work

        work(config.jobs, config.results_dir, config.workers_per_gpu)
    elif HydraConfig.get().mode == RunMode.MULTIRUN:
        train_one(config)
    else:
        worded(lambda: train_alone(config))  # here already: Hydra would print a line of its own first


def train_alone(config: Any) -> None:
    """Train the run of a command without -m; BadInput where it is a study that is asked for."""
    from hydra.core.hydra_config import HydraConfig

    from runner.errors import BadInput

    if HydraConfig.get().runtime.choices.get("study") or config.arms is not None:
        raise BadInput("study must be run with -m; got a command that trains one run. Add -m.")
    if config.detach:
        raise BadInput("detach must be left out of a command that trains one run; got true. Add -m, or leave it out.")
    train_one(config)


def train_one(config: Any) -> None:
    """Train the run, unless it is recorded, and print its metrics; RunFailed if it failed."""
    from runner import plan
    from runner.composing import plain_config
    from runner.contents import Contents
    from runner.finding import recipe_named
    from runner.pool import run_jobs
    from runner.run import Undertaking, alone, open_store
    from runner.settings import run_settings, study_settings
    from runner.store import show

    plain = plain_config(config)
    settings, study = run_settings(plain, recipe_named(plain["recipe"])), study_settings(plain)
    store = open_store(study)
    declared = [plan.Declared(plan.Cell({}), settings)]
    single = plan.make_plan({}, "factorial", declared, Contents(store))
    undertaking = alone(Undertaking(single, store, plan.study_name(single, study.name), study))
    if study.dry_run:
        show(undertaking.preview(of_one=True))
        return
    undertaking.complete(lambda jobs: run_jobs(jobs, 1))
    [trajectory] = single.trajectories.values()
    record = store.record(trajectory.id)
    if record is None or not record.covers(trajectory.epochs):
        raise RunFailed(f"The run failed; see {store.work(trajectory.id)}.")
    print(plan.describe_record(record, settings.epochs))


class RunFailed(Exception):
    """A run that could be started did not end well."""


def worded(action: Callable[[], None]) -> None:
    """Run the action; turn what the user can mend into one sentence and exit code 2, a stop into 130 or 143."""
    from runner.errors import BadInput
    from runner.launching import Detached
    from runner.processes import Interrupted
    from runner.store import StoreError

    try:
        action()
    except Detached as told:
        print(told)
    except Interrupted as error:
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
        if SHOW_TRACEBACK:
            raise
        if is_hydras(error):
            from runner.refusals import sentence

            stop(sentence(error), 2)
        if isinstance(error, OSError | UnicodeError):
            from runner.store import refused

            stop(refused(error), 2)
        raise


def main() -> None:
    """Run the command."""
    mend_streams()
    check_own_packages()
    worded(lambda: run(sys.argv[1:]))


def run(arguments: list[str]) -> None:
    """Do what the words of the command ask for."""
    if arguments[:1] and arguments[0] in STORE_COMMANDS:
        module, function = STORE_COMMANDS[arguments[0]]
        raise SystemExit(getattr(importlib.import_module(module), function)(arguments[1:]))
    from runner.arguments import for_hydra
    from runner.finding import chosen_recipe
    from runner.help import help_text, program_version

    if "--version" in arguments:
        print(program_version())
    elif {"--help", "-h"} & set(arguments):
        print(help_text(chosen_recipe()))
    else:
        os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra raises instead of printing, so that one place words the sentence
        completing = {"--shell-completion", "-sc"} & set(arguments)
        sys.argv = ["ablate" if completing else "python -m runner", *for_hydra(arguments)]
        start_hydra()


def mend_streams() -> None:
    """Let whatever is printed be printed: signs that a stream cannot show as escapes, a closed stream to nowhere."""
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(descriptor, "r" if name == "stdin" else "w"))  # noqa: SIM115
        elif name != "stdin" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def check_own_packages() -> None:
    """Stop where a file of the user's stands before a package of the program, before it would be run instead."""
    ours = Path(__file__).resolve().parent.parent / "analysis" / "__init__.py"
    try:
        here = Path.cwd()
    except OSError as error:
        stop(f"the working folder must be there; it is not ({error.strerror}). Change to another one.", 2)
    for name in ("analysis", *NEEDED):
        found = importlib.util.find_spec(name)
        if found is None or found.origin is None:
            continue
        path = Path(found.origin)
        hides = path.resolve() != ours if name == "analysis" else here in (path.parent, path.parent.parent)
        if hides:
            told = "this program has or needs a package of that name, which Python would not find"
            stop(f"{path} must have another name: {told}. Rename it, or work in another folder.", 2)


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
