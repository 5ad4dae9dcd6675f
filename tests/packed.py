"""Pack the records of a committed study for the tests: all that its report is written from, less weights and images.

python tests/packed.py results/augmentation     writes tests/data/augmentation.zip
"""

import json
import os
import sys
import zipfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from runner.store import Store, read_study

DATA = Path(__file__).resolve().parent / "data"
READ = ("history.csv", "predictions.npz", "run.json", "run.log", "spec.json")


def pack(study: Path) -> Path:
    """Write the declaration, the records and the validation labels of a study into a zip file; return its path."""
    declaration, store = read_study(study), Store(study.absolute().parent)
    target = DATA / f"{study.name}.zip"
    DATA.mkdir(exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        file.write(study / "study.json", f"{study.name}/study.json")
        for run_id in sorted({run["run"] for run in declaration["runs"]}):
            for name in READ:
                file.write(store.runs / run_id / name, f"runs/{run_id}/{name}")
            key = store.record(run_id).summary["validation"]
        _, labels = store.validation(key)
        file.writestr("labels", labels.astype(np.uint8).tobytes())
    return target


def unpack(name: str, root: Path) -> Path:
    """Write the packed records to a results folder; return the study's folder.

    The validation images are black and the checkpoints empty, since no number of a report is read from either.
    """
    with zipfile.ZipFile(DATA / f"{name}.zip") as file:
        file.extractall(root)
    for summary in (root / "runs").glob("*/run.json"):
        checkpoint = summary.with_name("checkpoint.npz")
        checkpoint.touch()
        os.truncate(checkpoint, json.loads(summary.read_text())["files"]["checkpoint.npz"]["bytes"])
    store = Store(root)
    store.prepare()
    labels = np.frombuffer((root / "labels").read_bytes(), np.uint8)
    record = store.record(read_study(root / name)["runs"][0]["run"])
    images = np.zeros((len(labels), 28, 28, 1), np.float32)
    store.save_validation(record.summary["validation"], images, labels)
    return root / name


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        print(pack(Path(argument)))
