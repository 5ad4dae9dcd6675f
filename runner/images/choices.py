"""What may be written for the built-in recipe's keys -> values as they stand in a run's identity; no TensorFlow."""

import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from runner.errors import BadInput
from runner.images.data import NORMALIZATIONS, arrays_digest, read_arrays
from runner.images.layers import Layer, effective_layers
from runner.recipe import Recipe, read_recipe
from runner.settings import check_choice, check_whole

FILE = Path(__file__).resolve().parent / "recipe.py"
CONF = FILE.parent / "conf"
NAME = "images"
GROUPS = ("dataset", "model")  # keys whose value is a file of a folder in CONF
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
# The sha256 of each named dataset's raw arrays, as `runner.images.data.arrays_digest` takes it.
DATASETS: dict[str, str | None] = {
    "digits": "cd415732753d322f0dfd82cb170ea8f0c219384ef23b0431744a9730ac8e5107",
    "mnist": "e5ea4841dd6fde90b155843179ce5756a4864227194eec7fb09d7cfc4cf702a5",
    "fashion_mnist": None,
    "npz": None,
}
DATASET_KEYS = ("name", "path", "classes")
DIVERGED_LOSS = 4.0  # times the cross-entropy of guessing, ln(classes): no net that learns is so sure and so wrong


class ImageRecipe(Recipe):
    """The built-in recipe: its code is part of the program, and equal nets are one, however they are written."""

    @property
    def name(self) -> str:
        """Its name in study.json."""
        return NAME

    @property
    def plain_keys(self) -> tuple[str, ...]:
        """The keys that each set one value and nothing else."""
        return (*(key for key in self.keys if key not in GROUPS), "dataset.path", "dataset.classes")

    @property
    def conf_folders(self) -> list[Path]:
        """Its keys' values, models, datasets and studies."""
        return [CONF]

    @property
    def code(self) -> str:
        """Its name: the numerics version stands for its code."""
        return NAME

    @property
    def files(self) -> list[Path]:
        """None that a run's identity must look at."""
        return []

    def settled(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values, layers in effect and rates as numbers; BadInput where one cannot be trained."""
        values = super().settled(config)
        dataset = values["dataset"]
        _check_dataset(dataset)
        check_choice("normalize", values["normalize"], NORMALIZATIONS)
        check_choice("optimizer", values["optimizer"], LEARNING_RATES)
        check_choice("schedule", values["schedule"], SCHEDULES)
        check_whole("batch_size", values["batch_size"], 1, 1_000_000)
        return values | {
            "dataset": {key: dataset[key] for key in DATASET_KEYS},
            "model": {"layers": _layers(values["model"], values["dropout"]), "without": []},
            "dropout": True,  # the layers tell
            "learning_rate": _learning_rate(values),
        }

    def identity(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values as they stand in a run's identity: of the dataset its classes, its content is elsewhere."""
        return {**values, "dataset": {"classes": values["dataset"]["classes"]}}

    def source(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return where a worker finds the dataset."""
        return {"recipe": NAME, "dataset": values["dataset"]["name"], "path": values["dataset"]["path"]}

    def data_label(self, values: Mapping[str, Any]) -> str:
        """Return what it is trained on, for people."""
        return str(values["dataset"]["name"])

    def layer_names(self, values: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the names of the layers in effect, which `model.without` may list."""
        return tuple(layer["name"] for layer in values["model"]["layers"])

    def depends_on_epochs(self, values: Mapping[str, Any]) -> bool:
        """Tell whether a longer run passes through other numbers than a shorter one."""
        return values["schedule"] != "constant"

    def known_data(self, values: Mapping[str, Any]) -> str | None:
        """Return the digest of the dataset: the pinned one, or that of the file that the user named."""
        return _dataset_digest(values["dataset"]["name"], values["dataset"]["path"])

    def arguments(self, spec: Mapping[str, Any], source: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values that its functions are called with."""
        recipe = spec["recipe"]
        found = {"name": source["dataset"], "path": source["path"], "sha256": recipe["data"]}
        return {**recipe["values"], "dataset": {**recipe["values"]["dataset"], **found}}

    def module(self) -> Any:
        """Return its module."""
        from runner.images import recipe

        return recipe

    def own_parts(self, module: Any, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return what of `runner.training.parts.Parts` it says itself."""
        dataset = arguments["dataset"]
        return {
            "hopeless_loss": DIVERGED_LOSS * math.log(dataset["classes"]),
            "pictures": lambda: module.pictures(dataset),
            "pictures_of": dataset["sha256"],
            "foreign": False,
        }


@cache
def image_recipe() -> ImageRecipe:
    """Return the built-in recipe, its keys read from its file as any other's."""
    found = read_recipe(FILE)
    return ImageRecipe(found.path, found.functions)


def _check_dataset(dataset: Any) -> None:
    """Raise BadInput unless the dataset is one that there is, with a file where it has one."""
    if not isinstance(dataset, dict) or set(dataset) != set(DATASET_KEYS):
        raise BadInput(f"dataset must name a file in runner/{NAME}/conf/dataset/; got {dataset!r}.")
    name, path = dataset["name"], dataset["path"]
    check_choice("dataset.name", name, DATASETS)
    check_whole("dataset.classes", dataset["classes"], 2, 65_536)
    if path is not None and not isinstance(path, str):
        raise BadInput(f"dataset.path must be an npz file's name; got {path!r}.")
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


def _layers(model: Any, dropout: bool) -> list[Layer]:
    """Return the layers in effect; BadInput where they are no list of layers or nothing would be left."""
    if not isinstance(model, dict):
        raise BadInput(f"model must name a file in runner/{NAME}/conf/model/; got {model!r}.")
    without = model.get("without", [])
    if not isinstance(without, list) or not all(isinstance(name, str) for name in without):
        raise BadInput(f"model.without must be a list of layers, such as [dropout_1] or []; got {without!r}.")
    try:
        layers = effective_layers(model.get("layers"), dropout, tuple(without))
    except ValueError as error:
        raise BadInput(str(error)) from None
    if not layers:
        raise BadInput("model.layers must leave at least one layer; dropout and model.without took all of them.")
    return layers


def _learning_rate(values: Mapping[str, Any]) -> float:
    """Return the learning rate: the user's, or Keras's default of the optimizer where none is given."""
    rate = values["learning_rate"]
    if rate is None:
        return LEARNING_RATES[values["optimizer"]]
    if not (math.isfinite(rate) and rate > 0):
        raise BadInput(f"learning_rate must be a finite number above 0; got {rate}. A usual one is 0.001.")
    return float(rate)


@cache
def _dataset_digest(name: str, path: str | None) -> str:
    """Return the sha256 of the dataset's arrays: the pinned one, or read from the file that the user named."""
    try:
        return DATASETS[name] or arrays_digest(read_arrays(name, path))
    except ValueError as error:
        raise BadInput(str(error)) from None
