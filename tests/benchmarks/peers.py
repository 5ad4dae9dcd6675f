"""The same net, batch and optimizer by this program, by plain Keras and by PyTorch: time per step and per epoch.

python tests/benchmarks/peers.py                                 about 5 minutes on 2 cores
python tests/benchmarks/peers.py --images 1280 --repeats 1       a try-out

PyTorch is measured where it is installed: `pip install torch --index-url https://download.pytorch.org/whl/cpu`.
Each way has a process of its own, one after the other, nothing else running; the images lie in
memory, and PyTorch too takes its batches by index from one tensor. An epoch is 54,000 images, as
this program trains of MNIST's 60,000; nothing is measured but training.
"""

import argparse
import importlib.util
import multiprocessing
import os
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
import workload
from machine import import_tensorflow, machine, table

BATCH, EPOCH_IMAGES = 32, 54_000
Arrays = tuple[np.ndarray, np.ndarray]  # images (n, 28, 28, 1) float32 and labels (n,) int32
HOW_TO_GET_TORCH = "pip install torch --index-url https://download.pytorch.org/whl/cpu"


def this_program(threads: int | None, arrays: Arrays) -> Callable[[], Any]:
    """Return what trains an epoch as a worker does."""
    import_tensorflow(threads)
    from runner.images.choices import image_recipe
    from runner.training.epoch_loop import EpochLoop
    from runner.training.parts import Measuring, Parts

    recipe, values = image_recipe().module(), workload.settings().values
    options = {key.name: values[key.name] for key in image_recipe().functions["model"].keys}
    images = {"x": arrays[0], "y": arrays[1], "validation_data": arrays}
    parts = Parts(
        data=lambda: images,
        model=lambda data: recipe.model(data, **options),
        fit=lambda data: recipe.fit(BATCH),
        foreign=False,
    )
    trajectory = EpochLoop(parts, 0, Measuring(holdout=0.0, probe=0, draws=2), 1)
    return lambda: trajectory.train_epoch(1)


def plain_keras(threads: int | None, arrays: Arrays) -> Callable[[], Any]:
    """Return what trains an epoch with `fit` on NumPy arrays."""
    import_tensorflow(threads)
    from obvious_way.app import build

    model = build(dropout=True)
    return lambda: model.fit(*arrays, batch_size=BATCH, epochs=1, verbose=0)


def pytorch(threads: int | None, arrays: Arrays) -> Callable[[], Any]:
    """Return what trains an epoch with PyTorch: Keras's defaults for Adam, batches by index."""
    import torch
    from torch import nn

    if threads is not None:
        torch.set_num_threads(threads)
    net = nn.Sequential(
        *(nn.Conv2d(1, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.5)),
        *(nn.Conv2d(64, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.5)),
        *(nn.Flatten(), nn.Linear(800, 128), nn.Sigmoid(), nn.Linear(128, 10)),
    )
    optimizer, loss = torch.optim.Adam(net.parameters(), lr=0.001, eps=1e-7), nn.CrossEntropyLoss()
    images = torch.from_numpy(arrays[0]).permute(0, 3, 1, 2).contiguous()  # (n, 1, 28, 28)
    labels = torch.from_numpy(arrays[1].astype(np.int64))

    def train() -> None:
        for batch in torch.randperm(len(images)).split(BATCH):
            optimizer.zero_grad()
            loss(net(images[batch]), labels[batch]).backward()
            optimizer.step()

    return train


WAYS: dict[str, tuple[Callable[[int | None, Arrays], Callable[[], Any]], int | None]] = {
    "this program, 1 thread": (this_program, 1),
    "Keras fit, 1 thread": (plain_keras, 1),
    "Keras fit, as it comes": (plain_keras, None),
    "PyTorch, 1 thread": (pytorch, 1),
    "PyTorch, as it comes": (pytorch, None),
}


def work(way: str, given: argparse.Namespace, results: Any) -> None:
    """Be a way's process: send the (wall, processor) seconds of each epoch after the first."""
    made = workload.made(given.images, 1)
    make, threads = WAYS[way]
    train = make(threads, (made["x_train"][..., None] / np.float32(255), made["y_train"].astype(np.int32)))
    train()
    taken = []
    for _ in range(given.repeats):
        started, cpu_started = time.perf_counter(), time.process_time()
        train()
        taken.append((time.perf_counter() - started, time.process_time() - cpu_started))
    results.put(taken)


def measure(way: str, given: argparse.Namespace) -> list[str]:
    """Return the way's row of the table."""
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    process = context.Process(target=work, args=(way, given, results))
    process.start()
    while process.is_alive() and results.empty():
        time.sleep(0.1)
    process.join()
    if results.empty():
        raise RuntimeError(f"{way} ended with exit code {process.exitcode}")
    steps = -(-given.images // BATCH)
    wall, cpu = (median(column) / steps for column in zip(*results.get(), strict=True))
    epoch = wall * -(-EPOCH_IMAGES // BATCH)
    return [way, f"{wall * 1e3:.2f}", f"{cpu * 1e3:.2f}", f"{epoch:.1f}"]


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=16_000, help="training images of a measured epoch")
    parser.add_argument("--repeats", type=int, default=3, help="epochs measured, after one that is not")
    given = parser.parse_args()
    print(machine())
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    ways = [way for way in WAYS if not way.startswith("PyTorch") or importlib.util.find_spec("torch")]
    rows = [measure(way, given) for way in ways]
    print(table(["final net, batches of 32", "wall, ms a step", "processor, ms a step", "wall, s an epoch"], rows))
    print(f"medians of n = {given.repeats} epochs of {given.images:,} images; an epoch of {EPOCH_IMAGES:,} from them")
    if len(ways) < len(WAYS):
        print(f"PyTorch is not installed, so it is left out; {HOW_TO_GET_TORCH}")


if __name__ == "__main__":
    main()
