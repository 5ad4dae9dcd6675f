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

from runner.data import embedded_digits, read_npz
from runner.plan import trajectory_spec
from runner.settings import Schema, run_settings

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


def spec(**changes: Any) -> dict[str, Any]:
    """Return the spec of a training of the final net with the digits, as the program makes it; `changes` are keys."""
    return trajectory_spec(run_settings(configuration() | changes))


def configuration(*overrides: str) -> dict[str, Any]:
    """Return the program's configuration with these overrides, in plain containers."""
    ConfigStore.instance().store("schema", node=Schema)
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        return OmegaConf.to_container(compose("config", list(overrides)), resolve=True)
