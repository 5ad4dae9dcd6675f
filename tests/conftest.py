"""Small data and settings that the tests share."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
ROOT = Path(__file__).resolve().parent.parent

SMALL_NET = [
    {"class_name": "Conv2D", "filters": 4, "kernel_size": 3, "activation": "relu", "name": "conv"},
    {"class_name": "Dropout", "rate": 0.5, "name": "drop_a"},
    {"class_name": "Flatten", "name": "flat"},
    {"class_name": "Dense", "units": 8, "activation": "relu", "name": "hidden"},
    {"class_name": "Dropout", "rate": 0.25, "name": "drop_b"},
    {"class_name": "Dense", "units": 3, "activation": "softmax", "name": "out"},
]


def made_arrays(images: int = 120, side: int = 8, seed: int = 0) -> dict[str, np.ndarray]:
    """Three classes of noisy bars: rows, columns, a diagonal; uint8."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, images + images // 2).astype(np.uint8)
    pixels = random.integers(0, 60, (len(labels), side, side))
    for place, label in enumerate(labels):
        at = random.integers(1, side - 1)
        if label == 0:
            pixels[place, at] += 150
        elif label == 1:
            pixels[place, :, at] += 150
        else:
            pixels[place][np.diag_indices(side)] += 150
    pixels = pixels.astype(np.uint8)
    return {
        "x_train": pixels[:images],
        "y_train": labels[:images],
        "x_test": pixels[images:],
        "y_test": labels[images:],
    }


@pytest.fixture
def small_npz(tmp_path: Path) -> Path:
    """A dataset of 120 training and 60 validation images, 8x8, three classes."""
    path = tmp_path / "small.npz"
    np.savez(path, **made_arrays())
    return path


def small_spec(**changes):
    """The spec of a small trajectory on the small dataset; keyword arguments replace its parts."""
    spec = {
        "schema": 1,
        "code": "tested",
        "dataset": {"sha256": "tested", "classes": 3, "holdout": 0.2},
        "transforms": {"normalize": "unit", "binarize": False, "augment": False},
        "layers": SMALL_NET,
        "training": {"optimizer": "adam", "learning_rate": 0.01, "schedule": "constant", "batch_size": 16},
        "measuring": {"probe": 40, "probe_draws": 2},
        "seed": 0,
    }
    return {**spec, **changes}


def command(*arguments: str, check: int | None = 0, **keywords) -> subprocess.CompletedProcess:
    """Run `python -m runner` with the arguments; fail unless it ends with the exit code `check`."""
    done = subprocess.run(
        [sys.executable, "-m", "runner", *arguments], cwd=ROOT, capture_output=True, text=True, **keywords
    )
    if check is not None:
        assert done.returncode == check, done.stdout + done.stderr
    return done


def small_study(npz: Path, results: Path, *arguments: str) -> list[str]:
    """The arguments of a study of a few seconds on the small dataset."""
    return [
        "-m",
        "dataset=npz",
        f"dataset.path={npz}",
        "dataset.classes=3",
        "model=stage_6",
        "epochs=2",
        f"results_dir={results}",
        *arguments,
    ]
