"""What the benchmarks train: arrays of MNIST's size, and the program's own settings for them."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from machine import ROOT
from omegaconf import OmegaConf

sys.path.insert(0, str(ROOT))

from runner.contents import Contents
from runner.images.choices import image_recipe
from runner.images.reading import embedded_digits, read_npz
from runner.plan import Job, trajectory_spec
from runner.recipe import CONF, schema_of
from runner.settings import Settings, StudySchema, run_settings
from runner.store import Store, record_id

TRAINING_IMAGES, VALIDATION_IMAGES = 60_000, 10_000  # as MNIST has
MAX_SHIFT = 3  # pixels along each axis; the digits have a margin of 4


def arrays(path: Path | None, images: int, validation_images: int) -> dict[str, np.ndarray]:
    """Return the first so many images of an npz file, or without one as many made from the embedded digits."""
    found = made(images, validation_images) if path is None else read_npz(path)
    sizes = {"train": images, "test": validation_images}
    return {name: array[: sizes[name.partition("_")[2]]] for name, array in found.items()}


def made(images: int, validation_images: int) -> dict[str, np.ndarray]:
    """Return the embedded digits again and again, each time shifted otherwise; of one glyph all lie in one part."""
    digits, random = embedded_digits(), np.random.default_rng(0)
    found = {}
    for part, size in (("train", images), ("test", validation_images)):
        chosen = random.integers(0, len(digits[f"x_{part}"]), size)
        shifts = random.integers(-MAX_SHIFT, MAX_SHIFT + 1, (size, 2))
        pixels = digits[f"x_{part}"][chosen]
        moved = [np.roll(image, shift, (0, 1)) for image, shift in zip(pixels, shifts, strict=True)]
        found[f"x_{part}"] = np.stack(moved)
        found[f"y_{part}"] = digits[f"y_{part}"][chosen]
    return found


def settings(**changes: Any) -> Settings:
    """Return the settings of a training of the final net with the digits; `changes` are keys."""
    return run_settings(configuration() | changes, image_recipe())


def job(results: Path, settings: Settings, threads: int = 1) -> Job:
    """Return the training as a worker takes it."""
    spec, recipe = trajectory_spec(settings, Contents(Store(results, changes=False))), settings.recipe
    source, data = recipe.source(settings.values), recipe.data_label(settings.values)
    label = f"seed {settings.seed}"
    return Job(record_id(spec), spec, settings.epochs, label, source, data, str(results), threads)


def dataset(npz: Path) -> dict[str, Any]:
    """Return the key `dataset` for an npz file of ten classes."""
    return {"name": "npz", "path": str(npz), "classes": 10}


def configuration(*overrides: str) -> dict[str, Any]:
    """Return the program's configuration with these overrides, in plain containers."""
    ConfigStore.instance().store("schema", node=schema_of(image_recipe(), StudySchema))
    with initialize_config_dir(str(CONF), version_base="1.3"):
        composed = compose("config", list(overrides))
    return OmegaConf.to_container(composed, resolve=True)  # type: ignore[return-value]
