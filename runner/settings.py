"""A composed configuration -> checked settings: types from the schema, ranges from the checks, no TensorFlow."""

import dataclasses
import difflib
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from runner.errors import BadInput
from runner.recipe import Recipe

DESIGNS = ("factorial", "one_at_a_time", "screening")
FIGURES = ("png", "pdf", "svg")  # what figures are written as; the report shows the first
MAX_SEED = 2**63 - 1


@dataclass
class AnalysisSchema:
    """What the report needs to be told: of metrics by name, and what its figures are written as."""

    better: dict[str, Any] = field(default_factory=dict)
    sesoi: dict[str, Any] = field(default_factory=dict)
    primary: Any = None
    window: Any = "auto"
    figures: Any = None


@dataclass
class StudySchema:
    """The type of every key that belongs to no recipe; the values stand in conf/config.yaml."""

    recipe: str = ""
    epochs: int = 0
    seed: int = 0
    holdout: float = 0.0
    probe: int = 0
    probe_draws: int = 0
    name: str | None = None
    design: str = ""
    until: Any = None
    max_seeds: int = 0
    arms: Any = None
    baseline: str | None = None
    against: Any = None
    reported: Any = None
    dry_run: bool = False
    results_dir: str = ""
    workers: int | None = None
    workers_per_gpu: int = 0
    threads: int = 0
    deterministic: bool = False
    detach: bool = False
    jobs: str | None = None
    analysis: AnalysisSchema = field(default_factory=AnalysisSchema)


# Keys that each set one value of a run and nothing else, whatever the recipe.
PLAIN_KEYS = ("epochs", "seed", "holdout", "probe", "probe_draws")
# Keys that say how a study is run and not what is run; they cannot be factors.
STUDY_KEYS = (
    *("name", "recipe", "design", "until", "max_seeds", "arms", "baseline", "against", "reported"),
    *(
        "dry_run",
        "results_dir",
        "workers",
        "workers_per_gpu",
        "threads",
        "deterministic",
        "detach",
        "jobs",
        "analysis",
        "hydra",
    ),
)


@dataclass(frozen=True)
class Settings:
    """One run's settings, checked: every value is one that can be trained, as far as can be told without TensorFlow."""

    recipe: Recipe
    values: Mapping[str, Any]  # of the recipe's keys, settled
    epochs: int
    seed: int
    holdout: float
    probe: int
    probe_draws: int


@dataclass(frozen=True)
class StudySettings:
    """How a study is run and read, checked."""

    name: str | None
    design: str
    until: tuple[str, ...]  # () for the seeds that `seed` names; ("decided",), or ("decided", "futile")
    max_seeds: int
    dry_run: bool
    results_dir: str
    workers: int | None
    workers_per_gpu: int
    threads: int
    deterministic: bool
    detach: bool
    analysis: Mapping[str, Any]


def run_settings(config: Mapping[str, Any], recipe: Recipe) -> Settings:
    """Return the checked settings of one run from a composed configuration in plain containers; BadInput otherwise."""
    check_keys(config, recipe)
    check_ranges(config)
    return Settings(recipe=recipe, values=recipe.settled(config), **{key: config[key] for key in PLAIN_KEYS})


def study_settings(config: Mapping[str, Any]) -> StudySettings:
    """Return the checked settings of the study from a composed configuration; BadInput otherwise."""
    check_choice("design", config["design"], DESIGNS)
    if config["workers"] is not None:
        check_whole("workers", config["workers"], 1, 1024)
    check_whole("workers_per_gpu", config["workers_per_gpu"], 1, 1024)
    check_whole("threads", config["threads"], 1, 1024)
    if not config["results_dir"]:
        raise BadInput("results_dir must name a folder; got nothing. Leave it out for results.")
    check_analysis(config["analysis"])
    check_whole("max_seeds", config["max_seeds"], 1, 10_000)
    settings = {each.name: config[each.name] for each in dataclasses.fields(StudySettings)}
    return StudySettings(**settings | {"until": read_until(config["until"])})


def read_until(until: Any) -> tuple[str, ...]:
    """Return what the study goes on until, as words; () for nothing; BadInput for anything else."""
    words = () if until is None else tuple(until) if isinstance(until, list) else (until,)
    if words not in ((), ("decided",), ("decided", "futile")):
        raise BadInput(f"until must be decided, or decided,futile; got {until!r}. Leave it out for a number of seeds.")
    return words


def check_analysis(analysis: Mapping[str, Any]) -> None:
    """Raise BadInput unless metrics are told of as `runner.metrics.register` takes it, and figures are of FIGURES."""
    for key, example in {"better": "{f1: higher}", "sesoi": "{mae: 0.05}"}.items():
        if not isinstance(analysis[key], dict):
            raise BadInput(f"analysis.{key} must map metrics to values, such as {example}; got {analysis[key]!r}.")
    primary = analysis["primary"]
    if primary is not None and not (isinstance(primary, list) and all(isinstance(name, str) for name in primary)):
        raise BadInput(f"analysis.primary must be a list of metrics, such as [val_auc]; got {primary!r}.")
    figures = analysis["figures"]
    if not isinstance(figures, list) or not all(isinstance(kind, str) and kind in FIGURES for kind in figures):
        raise BadInput(f"analysis.figures must be a list of {', '.join(FIGURES)}, such as [png, pdf]; got {figures!r}.")


def check_keys(config: Mapping[str, Any], recipe: Recipe) -> None:
    """Raise BadInput unless the configuration has the keys of the study and of the recipe and no others."""
    known = {**typing.get_type_hints(StudySchema), **dict.fromkeys(recipe.keys)}
    for key in config:
        if key not in known:
            raise BadInput(f"{key} is no key of this program.{did_you_mean(nearest(key, list(known)))}")
    for key in known:
        if key not in config:
            raise BadInput(f"{key} must have a value; got none. Leave out what removes it, such as '~{key}'.")
    analysis = config["analysis"]
    if not isinstance(analysis, dict) or set(analysis) != {each.name for each in dataclasses.fields(AnalysisSchema)}:
        groups = ", ".join(each.name for each in dataclasses.fields(AnalysisSchema))
        raise BadInput(f"analysis must be the group of keys {groups}; got {analysis!r}.")


def check_ranges(config: Mapping[str, Any]) -> None:
    """Raise BadInput unless every number lies where it can be trained with."""
    check_whole("epochs", config["epochs"], 1, 1_000_000)
    check_whole("seed", config["seed"], 0, MAX_SEED)
    check_whole("probe", config["probe"], 0, 1_000_000_000)
    check_whole("probe_draws", config["probe_draws"], 2, 1000)
    if not 0 <= config["holdout"] <= 0.9:
        raise BadInput(f"holdout must be a share from 0 to 0.9; got {config['holdout']}.")


def check_choice(key: str, value: Any, choices: Any) -> None:
    """Raise BadInput unless `value` is one of `choices`; the sentence offers the nearest."""
    if isinstance(value, str) and value in choices:
        return
    near = nearest(str(value), list(choices))
    raise BadInput(f"{key} must be one of {', '.join(sorted(choices))}; got {value!r}.{did_you_mean(near)}")


def check_whole(key: str, value: Any, low: int, high: int) -> None:
    """Raise BadInput unless `value` is a whole number from `low` to `high`."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadInput(f"{key} must be a whole number; got {value!r}.")
    if value < low:
        raise BadInput(f"{key} must be at least {low}; got {value}.")
    if value > high:
        raise BadInput(f"{key} must be at most {high}; got {value}.")


def nearest(value: str, known: list[str]) -> list[str]:
    """Return up to three of `known` that a typo would turn into `value`, best first."""
    return difflib.get_close_matches(value, known, n=3, cutoff=0.6)


def did_you_mean(near: list[str]) -> str:
    """Return ` Did you mean a or b?`, or nothing where there is nothing near."""
    return f" Did you mean {' or '.join(near)}?" if near else ""
