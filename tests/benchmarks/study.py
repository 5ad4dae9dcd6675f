"""A study by this program against the obvious way: the same cells, seeds, epochs and images, in turn, in one call.

python tests/benchmarks/study.py                        about 25 minutes on 2 cores
python tests/benchmarks/study.py --path mnist.npz       on the real images
python tests/benchmarks/study.py --images 2000 --validation-images 500 --variants 1    a try-out

The obvious way is `obvious_way/app.py`: Hydra's basic launcher, plain Keras, `fit` on NumPy arrays.
Both take wall time from the command to its end, imports, reading the data and writing results
included; this program also measures the holdout and the training probe, and writes its report. It
trains on 90 % of the training images (the rest is the holdout); `--holdout 0` trains on all.
"""

import argparse
import csv
import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median, stdev

import numpy as np
import workload
from machine import PYTHON, Cost, machine, run, table
from omegaconf import OmegaConf
from scipy import stats

APP = Path(__file__).resolve().parent / "obvious_way"
CELLS = ("true", "false")  # of dropout


@dataclass(frozen=True)
class Outcome:
    """What one way of doing a study took and learned: validation accuracy by (dropout, epochs), a list over seeds."""

    cost: Cost
    accuracy: dict[tuple[str, int], list[float]]


def obvious_way(npz: Path, folder: Path, epochs: str, seeds: str) -> Outcome:
    """Do the study with plain Hydra and Keras."""
    axes = ["dropout=" + ",".join(CELLS), f"seed={seeds}", f"epochs={epochs}"]
    cost = run([*PYTHON, "app.py", "-m", f"path={npz}", *axes, f"hydra.sweep.dir={folder}"], APP)
    accuracy: dict[tuple[str, int], list[float]] = {}
    for history in sorted(folder.glob("*/history.csv")):
        config = OmegaConf.load(history.parent / ".hydra" / "config.yaml")
        last = rows(history)[-1]
        place = (str(config.dropout).lower(), int(config.epochs))
        accuracy.setdefault(place, []).append(float(last["val_accuracy"]))
    return Outcome(cost, accuracy)


def this_program(npz: Path, folder: Path, epochs: str, seeds: str, holdout: float) -> Outcome:
    """Do the study with this program, measuring and report included."""
    axes = ["dropout=" + ",".join(CELLS), f"seed={seeds}", f"epochs={epochs}"]
    fixed = ["dataset=npz", f"dataset.path={npz}", f"results_dir={folder}", "name=study", f"holdout={holdout}"]
    cost = run([*PYTHON, "-m", "runner", "-m", *axes, *fixed])
    accuracy: dict[tuple[str, int], list[float]] = {}
    for row in rows(folder / "study" / "tables" / "runs.csv"):
        accuracy.setdefault((row["dropout"], int(row["epochs"])), []).append(float(row["val_accuracy"]))
    return Outcome(cost, accuracy)


def rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def compare(given: argparse.Namespace, npz: Path, folder: Path) -> Iterator[str]:
    """Yield the lines about each variant; both ways take turns, `--repeats` times."""
    seeds = ",".join(map(str, range(given.seeds)))
    for epochs in given.variants:
        pairs = []
        for turn in range(given.repeats):
            place = folder / f"{epochs.replace(',', '-')}-{turn}"
            ours = this_program(npz, place / "ours", epochs, seeds, given.holdout)
            pairs.append((obvious_way(npz, place / "theirs", epochs, seeds), ours))
        yield f"\nepochs={epochs}, n = {len(pairs)}\n"
        yield cost_table(pairs)
        yield ""
        yield accuracy_table(*pairs[0])


def cost_table(pairs: list[tuple[Outcome, Outcome]]) -> str:
    """Return medians over repeats of both ways' seconds, and of their ratios."""
    lines = []
    for title, name in (("wall time, s", "wall_seconds"), ("processor time, s", "cpu_seconds")):
        theirs, ours = ([getattr(each.cost, name) for each in way] for way in zip(*pairs, strict=True))
        ratio = median(first / second for first, second in zip(theirs, ours, strict=True))
        lines.append([title, f"{median(theirs):.1f}", f"{median(ours):.1f}", f"{ratio:.2f}"])
    return table(["", "obvious way", "this program", "ratio"], lines)


def accuracy_table(theirs: Outcome, ours: Outcome) -> str:
    """Return both ways' validation accuracies with their spread over seeds, and the difference with its interval."""
    half, lines = half_width(theirs, ours), []
    for place, after in ours.accuracy.items():
        before = theirs.accuracy[place]
        difference = f"{(mean(after) - mean(before)) * 100:+.2f} ± {half * 100:.2f}"
        lines.append([f"dropout={place[0]}, {place[1]} epochs", shares(before), shares(after), difference])
    head = ["validation accuracy, %: mean (each seed)", "obvious way", "this program", "difference, points"]
    return table(head, lines) + "\n± half of a 95 % t-interval; the spread over seeds is pooled over cells and ways."


def half_width(theirs: Outcome, ours: Outcome) -> float:
    """Return half the 95 % t-interval of a difference of two means over seeds, the spread pooled over all groups."""
    groups = [each for way in (theirs, ours) for each in way.accuracy.values()]
    seeds = len(groups[0])
    if seeds < 2:
        return math.nan
    pooled = math.sqrt(mean(stdev(group) ** 2 for group in groups))
    return float(stats.t.ppf(0.975, len(groups) * (seeds - 1))) * pooled * math.sqrt(2 / seeds)


def shares(values: list[float]) -> str:
    """Return `98.52 (98.50, 98.54)` for shares."""
    return f"{mean(values) * 100:.2f} ({', '.join(f'{value * 100:.2f}' for value in values)})"


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--path", type=Path, help="npz file to train on, such as Keras's mnist.npz; none makes arrays")
    parser.add_argument("--images", type=int, default=workload.TRAINING_IMAGES, help="training images")
    parser.add_argument("--validation-images", type=int, default=workload.VALIDATION_IMAGES)
    parser.add_argument("--variants", nargs="+", default=["2", "2,6"], metavar="EPOCHS", help="values of epochs=")
    parser.add_argument("--seeds", type=int, default=2, help="seeds a cell")
    parser.add_argument("--holdout", type=float, default=0.1, help="share that this program does not train on")
    parser.add_argument("--repeats", type=int, default=1, help="turns of both ways")
    given = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as scratch:
        npz = Path(scratch) / "images.npz"
        np.savez(npz, **workload.arrays(given.path, given.images, given.validation_images))
        held = round(given.images * given.holdout)
        print(
            f"{given.path or 'made digits'}: {given.images:,} training images (this program trains on "
            f"{given.images - held:,}), {given.validation_images:,} validation images; "
            f"{len(CELLS)} cells x {given.seeds} seeds, batches of 32"
        )
        for line in compare(given, npz, Path(scratch)):
            print(line, flush=True)


if __name__ == "__main__":
    main()
