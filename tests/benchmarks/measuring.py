"""What measuring costs beside training, pass by pass: processor time of an epoch of the final net, one thread.

python tests/benchmarks/measuring.py                      the digits and made images of MNIST's number, two minutes
python tests/benchmarks/measuring.py --path mnist.npz     the real ones
python tests/benchmarks/measuring.py --images 600 --epochs 1    a try-out

The pass below the first dropout is none that the program makes: it is what the probe's three passes have in common,
so that twice of it is the most that sharing could save.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import workload
from machine import import_tensorflow, machine, table

TRAINING, COMMON = "training", "below the first dropout"


def phases(scratch: Path, epochs: int, **changes: Any) -> dict[str, tuple[int, float]]:
    """Return for each pass of a measured epoch its examples and processor seconds, the median of some epochs."""
    from runner.calling import recipe_at
    from runner.worker import build

    job = workload.job(scratch, workload.settings(**changes))
    trajectory = build(recipe_at(job.source), job)
    taken: dict[str, list[float]] = {}

    def timed(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def measured(*given: Any) -> Any:
            started = time.process_time()
            found = work(*given)
            taken.setdefault(name or given[0], []).append(time.process_time() - started)
            return found

        return measured

    trajectory.train_epoch = timed(TRAINING, trajectory.train_epoch)
    trajectory.score_training_mode = timed("on", trajectory.score_training_mode)
    trajectory.score = timed("", trajectory.score)
    below = timed(COMMON, lower_layers(trajectory))
    for _ in range(epochs + 1):  # the first one traces the graphs
        trajectory.run_epoch()
        below()
    feeds, probe = trajectory.feeds, trajectory.probe.examples
    examples = {TRAINING: feeds.train.examples, "on": probe * trajectory.measuring.draws, "off": probe, COMMON: probe}
    examples |= {"holdout": feeds.holdout.examples, "val": feeds.validation.examples}
    return {name: (examples[name], median(seconds[1:])) for name, seconds in taken.items()}


def lower_layers(trajectory: Any) -> Callable[[], None]:
    """Return what takes the probe through the layers below the first dropout, in batches of training."""
    import keras
    import tensorflow as tf

    model, probe, size = trajectory.model, trajectory.probe, trajectory.feeds.batch_size
    dropouts = [layer for layer in model.layers if layer.name.startswith("dropout")]
    lower = keras.Model(model.inputs, dropouts[0].input if dropouts else model.outputs)
    images = tf.gather(probe.tree[0], probe.places)
    forward = tf.function(lambda batch: tf.reduce_sum(lower(batch, training=False)))

    def below() -> None:
        for start in range(0, probe.examples, size):
            forward(images[start : start + size])

    return below


def report(found: dict[str, tuple[int, float]]) -> str:
    """Return the passes as a table, and what measuring takes beside training."""
    training = found[TRAINING][1]
    rows = [
        [name, f"{examples:,}", f"{seconds:.3f}", f"{1e6 * seconds / examples:.0f}", f"{seconds / training:.3f}"]
        for name, (examples, seconds) in found.items()
    ]
    measuring = sum(seconds for name, (_, seconds) in found.items() if name not in (TRAINING, COMMON)) / training
    shared = measuring - 2 * found[COMMON][1] / training if "on" in found else measuring
    return (
        table(["pass", "examples", "processor time, s", "an example, µs", "of training"], rows)
        + f"\nmeasuring is {measuring:.3f} of training, {shared:.3f} if the lower layers were free twice\n"
    )


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--path", type=Path, help="an npz file of images, such as MNIST's")
    parser.add_argument("--images", type=int, default=workload.TRAINING_IMAGES, help="training images of it, or made")
    parser.add_argument("--epochs", type=int, default=3, help="of which medians are taken")
    given = parser.parse_args()
    print(machine())
    import_tensorflow(threads=1)
    with tempfile.TemporaryDirectory() as folder:
        npz = Path(folder) / "images.npz"
        np.savez(npz, **workload.arrays(given.path, given.images, workload.VALIDATION_IMAGES))
        for name, dataset in {"digits": {}, f"{given.images:,} images": {"dataset": workload.dataset(npz)}}.items():
            for dropout in (True, False):
                print(f"\n{name}, dropout={str(dropout).lower()}, n = {given.epochs} epochs\n", flush=True)
                print(report(phases(Path(folder) / "results", given.epochs, dropout=dropout, **dataset)), flush=True)


if __name__ == "__main__":
    main()
