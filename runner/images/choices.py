"""What may be written for the built-in recipe's keys -> values as they stand in a run's identity; no TensorFlow."""

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from runner.errors import BadInput
from runner.images.data import NORMALIZATIONS, Facts, look
from runner.images.labels import MOST_CLASSES, NO_USE, absent
from runner.images.layers import Layer, effective_layers
from runner.images.reading import Named
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
# Datasets by name: what is known of them without reading them, None where they must be read. The sha256 is that of the
# raw arrays, as `runner.images.reading.arrays_digest` takes it.
DATASETS: dict[str, Facts | None] = {
    "digits": Facts("cd415732753d322f0dfd82cb170ea8f0c219384ef23b0431744a9730ac8e5107", (28, 28, 1), 10),
    "mnist": Facts("e5ea4841dd6fde90b155843179ce5756a4864227194eec7fb09d7cfc4cf702a5", (28, 28, 1), 10),
    "fashion_mnist": None,
    "npz": None,
    "folder": None,
    "csv": None,
}
DATASET_KEYS = ("name", "path", "classes")
READ_FROM = ("target", "size")  # keys that say what of a file or folder is read, of the datasets that have them
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
        facts = _facts(_named(dataset), dataset["classes"])
        check_choice("normalize", values["normalize"], NORMALIZATIONS)
        check_choice("optimizer", values["optimizer"], LEARNING_RATES)
        check_choice("schedule", values["schedule"], SCHEDULES)
        check_whole("batch_size", values["batch_size"], 1, 1_000_000)
        _check_table(values, facts)
        return values | {
            "dataset": {**dataset, "classes": facts.classes},
            "model": {"layers": _layers(values["model"], values["dropout"], facts.classes), "without": []},
            "dropout": True,  # the layers tell
            "learning_rate": _learning_rate(values),
        }

    def identity(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values as they stand in a run's identity: of the dataset its classes, its content is elsewhere."""
        return {**values, "dataset": {"classes": values["dataset"]["classes"]}}

    def source(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return where a worker finds the dataset."""
        dataset = values["dataset"]
        options = {key: dataset[key] for key in READ_FROM if dataset.get(key) is not None}
        return {"recipe": NAME, "dataset": dataset["name"], "path": dataset["path"], **options}

    def data_label(self, values: Mapping[str, Any]) -> str:
        """Return what it is trained on, for people."""
        name, path = values["dataset"]["name"], values["dataset"]["path"]
        return str(name) if path is None or DATASETS[name] else Path(path).name

    def data_notes(self, values: Mapping[str, Any]) -> tuple[str, ...]:
        """Return what must be told of the dataset: what became of its labels, and what looks odd."""
        return tuple(f"{self.data_label(values)}: {note}." for note in _facts_of(values).notes)

    def told(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings that a reader is told; layers and dropout are the net's."""
        facts = _facts_of(values)
        dataset = {"dataset": self.data_label(values), "dataset.classes": facts.classes}
        shape = {"example": " × ".join(map(str, facts.shape))}
        return dataset | shape | {key: value for key, value in values.items() if key not in (*GROUPS, "dropout")}

    def net_as_written(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the layers in effect with their arguments, without the shapes that only the built net has."""
        return {
            "layers": [_as_written(layer) for layer in values["model"]["layers"]],
            "parameters": None,
            "optimizers": [f"{values['optimizer']}, learning rate {values['learning_rate']:g}"],
            "batch_size": values["batch_size"],
        }

    def layer_names(self, values: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the names of the layers in effect, which `model.without` may list."""
        return tuple(layer["name"] for layer in values["model"]["layers"])

    def depends_on_epochs(self, values: Mapping[str, Any]) -> bool:
        """Tell whether a longer run passes through other numbers than a shorter one."""
        return values["schedule"] != "constant"

    def known_data(self, values: Mapping[str, Any]) -> str | None:
        """Return the digest of the dataset: the pinned one, or that of the file that the user named."""
        return _facts_of(values).sha256

    def arguments(self, spec: Mapping[str, Any], source: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values that its functions are called with."""
        recipe = spec["recipe"]
        found = {"name": source["dataset"], "path": source["path"], "sha256": recipe["data"]}
        found |= {key: source[key] for key in READ_FROM if key in source}
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
    if not isinstance(dataset, dict) or not set(DATASET_KEYS) <= set(dataset) <= {*DATASET_KEYS, *READ_FROM}:
        raise BadInput(f"dataset must name a file in runner/{NAME}/conf/dataset/; got {dataset!r}.")
    name, path = dataset["name"], dataset["path"]
    check_choice("dataset.name", name, DATASETS)
    if dataset["classes"] is not None:
        check_whole("dataset.classes", dataset["classes"], 2, MOST_CLASSES)
    if dataset.get("size") is not None:
        check_whole("dataset.size", dataset["size"], 1, 4096)
    if path is not None and not isinstance(path, str):
        raise BadInput(f"dataset.path must be a file's name; got {path!r}.")
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


def _check_table(values: Mapping[str, Any], facts: Facts) -> None:
    """Raise BadInput where a table is to be transformed as only images can be."""
    plain: dict[str, Any] = {"normalize": "unit", "binarize": False, "augment": False}
    for key, value in plain.items() if len(facts.shape) == 1 else ():
        if values[key] != value:
            raise BadInput(f"{key} must be {str(value).lower()} for a table, which has no pixels; got {values[key]!r}.")


def _layers(model: Any, dropout: bool, classes: int) -> list[Layer]:
    """Return the layers in effect; BadInput where they are no list of layers or nothing would be left.

    A layer whose units are null, as those of `${dataset.classes}` are, has a unit a class.
    """
    if not isinstance(model, dict):
        raise BadInput(f"model must name a file in runner/{NAME}/conf/model/; got {model!r}.")
    without = model.get("without", [])
    if not isinstance(without, list) or not all(isinstance(name, str) for name in without):
        raise BadInput(f"model.without must be a list of layers, such as [dropout_1] or []; got {without!r}.")
    try:
        layers = effective_layers(model.get("layers"), dropout, tuple(without), classes)
    except ValueError as error:
        raise BadInput(str(error)) from None
    if not layers:
        raise BadInput("model.layers must leave at least one layer; dropout and model.without took all of them.")
    return layers


def _as_written(layer: Layer) -> dict[str, Any]:
    """Return a layer as `runner.training.described` has it, without its shape and its parameters."""
    said = [
        str(value) if key == "activation" else f"{key.replace('_', ' ')} {value}"
        for key, value in layer.items()
        if key not in ("class_name", "name", "layers")
    ]
    return {
        "name": layer["name"],
        "kind": layer["class_name"],
        "arguments": ", ".join(said),
        "shape": "",
        "parameters": None,
    }


def _learning_rate(values: Mapping[str, Any]) -> float:
    """Return the learning rate: the user's, or Keras's default of the optimizer where none is given."""
    rate = values["learning_rate"]
    if rate is None:
        return LEARNING_RATES[values["optimizer"]]
    if not (math.isfinite(rate) and rate > 0):
        raise BadInput(f"learning_rate must be a finite number above 0; got {rate}. A usual one is 0.001.")
    return float(rate)


def _named(dataset: Mapping[str, Any]) -> Named:
    """Return the dataset as it is read."""
    return Named(dataset["name"], dataset["path"], *(dataset.get(key) for key in READ_FROM))


def _facts_of(values: Mapping[str, Any]) -> Facts:
    """Return what is known of the dataset of settled values."""
    return _facts(_named(values["dataset"]), values["dataset"]["classes"])


def _facts(named: Named, classes: int | None) -> Facts:
    """Return what is known of the dataset: what is pinned, or what its arrays tell, which are read once."""
    pinned = DATASETS[named.name]
    if pinned is None or (classes is not None and classes < pinned.classes):
        return _read(named, None) if classes in (None, _classes_in(named)) else _read(named, classes)
    more = [] if classes is None else [str(place) for place in range(pinned.classes, classes)]
    notes = (absent(more, f"in {named.name}, {NO_USE}"),) if more else ()
    return replace(pinned, classes=classes or pinned.classes, notes=notes)


def _classes_in(named: Named) -> int | None:
    """Return how many classes the labels tell, None where they do not."""
    try:
        return _read(named, None).classes
    except BadInput:
        return None


@cache
def _read(named: Named, classes: int | None) -> Facts:
    """Return what the arrays of the dataset tell; BadInput where they cannot be read, or be trained on."""
    try:
        return look(named, classes)
    except ValueError as error:
        raise BadInput(str(error)) from None
