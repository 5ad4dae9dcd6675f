"""A composed configuration -> checked settings: types from the schema below, ranges from the checks, no TensorFlow."""

import dataclasses
import difflib
import math
import typing
from dataclasses import dataclass, field
from typing import Any

from runner.data import NORMALIZATIONS
from runner.layers import Layer, effective_layers

# Keras's own default of each optimizer that can be chosen (held against Keras by a test).
LEARNING_RATES = {
    "adagrad": 0.001,
    "adam": 0.001,
    "adamax": 0.001,
    "adamw": 0.001,
    "nadam": 0.001,
    "rmsprop": 0.001,
    "sgd": 0.01,
}
SCHEDULES = ("constant", "cosine")
DESIGNS = ("factorial", "one_at_a_time")
# The sha256 of each named dataset's raw arrays, as `runner.data.arrays_digest` takes it.
DATASETS: dict[str, str | None] = {
    "digits": "cd415732753d322f0dfd82cb170ea8f0c219384ef23b0431744a9730ac8e5107",
    "mnist": "e5ea4841dd6fde90b155843179ce5756a4864227194eec7fb09d7cfc4cf702a5",
    "fashion_mnist": None,
    "npz": None,
}
MAX_CLASSES = 256  # a prediction is stored in one byte
MAX_SEED = 2**63 - 1


class BadInput(ValueError):
    """What the user wrote cannot be run; the message is one sentence for the user."""


@dataclass
class DatasetSchema:
    """The keys of conf/dataset/."""

    name: str = ""
    path: str | None = None
    classes: int = 0


@dataclass
class SesoiSchema:
    """Smallest effects of interest, each in its metric's unit."""

    accuracy: float = 0.0
    loss: float = 0.0


@dataclass
class AnalysisSchema:
    """What the report needs to be told."""

    sesoi: SesoiSchema = field(default_factory=SesoiSchema)


@dataclass
class Schema:
    """The type of every key; the values stand in conf/config.yaml."""

    dropout: bool = True
    binarize: bool = False
    normalize: str = ""
    augment: bool = False
    epochs: int = 0
    seed: int = 0
    batch_size: int = 0
    optimizer: str = ""
    learning_rate: float | None = None
    schedule: str = ""
    holdout: float = 0.0
    probe: int = 0
    probe_draws: int = 0
    dataset: DatasetSchema = field(default_factory=DatasetSchema)
    model: Any = None
    name: str | None = None
    design: str = ""
    arms: Any = None
    baseline: str | None = None
    against: Any = None
    reported: Any = None
    dry_run: bool = False
    results_dir: str = ""
    workers: int | None = None
    workers_per_gpu: int = 0
    threads: int = 0
    analysis: AnalysisSchema = field(default_factory=AnalysisSchema)


# Keys that each set one value of a run and nothing else.
PLAIN_KEYS = (
    *(
        "dropout",
        "binarize",
        "normalize",
        "augment",
        "epochs",
        "seed",
        "batch_size",
        "optimizer",
        "learning_rate",
        "schedule",
    ),
    *("holdout", "probe", "probe_draws", "dataset.path", "dataset.classes"),
)
# Keys that say how a study is run and not what is run; they cannot be factors.
STUDY_KEYS = (
    *("name", "design", "arms", "baseline", "against", "reported"),
    *("dry_run", "results_dir", "workers", "workers_per_gpu", "threads", "analysis", "hydra"),
)


@dataclass(frozen=True)
class Settings:
    """One run's settings, checked: every value is one that can be trained, as far as can be told without TensorFlow."""

    dataset: str
    dataset_path: str | None
    classes: int
    normalize: str
    binarize: bool
    augment: bool
    layers: tuple[Layer, ...]
    optimizer: str
    learning_rate: float
    schedule: str
    batch_size: int
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
    dry_run: bool
    results_dir: str
    workers: int | None
    workers_per_gpu: int
    threads: int
    sesoi: dict[str, float]


def run_settings(config: dict[str, Any]) -> Settings:
    """Return the checked settings of one run from a composed configuration in plain containers; BadInput otherwise."""
    check_keys(config)
    check_choices(config)
    check_ranges(config)
    dataset, model = config["dataset"], config["model"]
    return Settings(
        dataset=dataset["name"],
        dataset_path=dataset["path"],
        classes=dataset["classes"],
        normalize=config["normalize"],
        binarize=config["binarize"],
        augment=config["augment"],
        layers=model_layers(model, config["dropout"]),
        optimizer=config["optimizer"],
        learning_rate=learning_rate(config),
        schedule=config["schedule"],
        batch_size=config["batch_size"],
        epochs=config["epochs"],
        seed=config["seed"],
        holdout=config["holdout"],
        probe=config["probe"],
        probe_draws=config["probe_draws"],
    )


def study_settings(config: dict[str, Any]) -> StudySettings:
    """Return the checked settings of the study from a composed configuration; BadInput otherwise."""
    check_choice("design", config["design"], DESIGNS)
    if config["workers"] is not None:
        check_whole("workers", config["workers"], 1, 1024)
    check_whole("workers_per_gpu", config["workers_per_gpu"], 1, 1024)
    check_whole("threads", config["threads"], 1, 1024)
    sesoi = dict(config["analysis"]["sesoi"])
    for metric, value in sesoi.items():
        if not (math.isfinite(value) and value > 0):
            raise BadInput(f"analysis.sesoi.{metric} must be above 0; got {value}.")
    if not config["results_dir"]:
        raise BadInput("results_dir must name a folder; got nothing. Leave it out for results.")
    return StudySettings(
        name=config["name"],
        design=config["design"],
        dry_run=config["dry_run"],
        results_dir=config["results_dir"],
        workers=config["workers"],
        workers_per_gpu=config["workers_per_gpu"],
        threads=config["threads"],
        sesoi=sesoi,
    )


def check_keys(config: dict[str, Any], schema: Any = Schema, prefix: str = "") -> None:
    """Raise BadInput unless the configuration has the schema's keys and no others."""
    kinds = typing.get_type_hints(schema)
    for key in config:
        if key not in kinds:
            raise BadInput(f"{prefix}{key} is no key of this program.{did_you_mean(nearest(key, list(kinds)))}")
    for key, kind in kinds.items():
        if key not in config:
            raise BadInput(f"{prefix}{key} must have a value; got none. Leave out what removes it, such as '~{key}'.")
        if dataclasses.is_dataclass(kind):
            if not isinstance(config[key], dict):
                raise BadInput(f"{prefix}{key} must be a group of keys; got {config[key]!r}.")
            check_keys(config[key], kind, f"{prefix}{key}.")


def check_choices(config: dict[str, Any]) -> None:
    """Raise BadInput unless every named choice is one that there is."""
    check_choice("dataset.name", config["dataset"]["name"], DATASETS)
    check_path(config["dataset"]["name"], config["dataset"]["path"])
    check_choice("normalize", config["normalize"], NORMALIZATIONS)
    check_choice("optimizer", config["optimizer"], LEARNING_RATES)
    check_choice("schedule", config["schedule"], SCHEDULES)


def check_path(name: str, path: str | None) -> None:
    """Raise BadInput where a file is named beside a dataset that does not come from one."""
    if path is not None and name == "digits":
        raise BadInput(
            f"dataset.path must be left out with dataset=digits, which is embedded; got {path!r}. "
            "Add dataset=npz or dataset=mnist."
        )
    if path is not None and name == "fashion_mnist":
        raise BadInput(
            f"dataset.path must be left out with dataset=fashion_mnist, whose published files are checked; "
            f"got {path!r}. Say dataset=npz for a file of your own."
        )


def check_ranges(config: dict[str, Any]) -> None:
    """Raise BadInput unless every number lies where it can be trained with."""
    check_whole("epochs", config["epochs"], 1, 1_000_000)
    check_whole("seed", config["seed"], 0, MAX_SEED)
    check_whole("batch_size", config["batch_size"], 1, 1_000_000)
    check_whole("probe", config["probe"], 0, 1_000_000_000)
    check_whole("probe_draws", config["probe_draws"], 2, 1000)
    check_whole("dataset.classes", config["dataset"]["classes"], 2, MAX_CLASSES)
    if not 0 <= config["holdout"] <= 0.9:
        raise BadInput(f"holdout must be a share from 0 to 0.9; got {config['holdout']}.")


def check_choice(key: str, value: Any, choices: Any) -> None:
    """Raise BadInput unless `value` is one of `choices`; the sentence offers the nearest."""
    if value in choices:
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


def learning_rate(config: dict[str, Any]) -> float:
    """Return the learning rate: the user's, or Keras's default of the optimizer where none is given."""
    rate = config["learning_rate"]
    if rate is None:
        return LEARNING_RATES[config["optimizer"]]
    if not (math.isfinite(rate) and rate > 0):
        raise BadInput(f"learning_rate must be a finite number above 0; got {rate}. A usual one is 0.001.")
    return rate


def model_layers(model: Any, dropout: bool) -> tuple[Layer, ...]:
    """Return the layers in effect; BadInput where they are no list of layers or nothing would be left."""
    if not isinstance(model, dict):
        raise BadInput(f"model must name a file in conf/model/; got {model!r}.")
    without = model.get("without", [])
    if not isinstance(without, list) or not all(isinstance(name, str) for name in without):
        raise BadInput(f"model.without must be a list of layers, such as [dropout_1] or []; got {without!r}.")
    try:
        layers = effective_layers(model.get("layers"), dropout, tuple(without))
    except ValueError as error:
        raise BadInput(str(error)) from None
    if not layers:
        raise BadInput("model.layers must leave at least one layer; dropout and model.without took all of them.")
    return tuple(layers)


def nearest(value: str, known: list[str]) -> list[str]:
    """Return up to three of `known` that a typo would turn into `value`, best first."""
    return difflib.get_close_matches(value, known, n=3, cutoff=0.6)


def did_you_mean(near: list[str]) -> str:
    """Return ` Did you mean a or b?`, or nothing where there is nothing near."""
    return f" Did you mean {' or '.join(near)}?" if near else ""
