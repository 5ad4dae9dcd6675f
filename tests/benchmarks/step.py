"""A training step of the final net as a worker takes it, against the machine's bound for its multiply-adds.

python tests/benchmarks/step.py                               about 3 minutes on 2 cores
python tests/benchmarks/step.py --steps 20 --repeats 1        a try-out

As many processes as there are cores work at once, each with one thread, as the program's workers
do. In turn, all at the same time, they multiply large float32 matrices (with TensorFlow's kernels
and with NumPy's; the faster is the bound) and train: the net as it is, with Keras's own dropout
layers, and without dropout. Everything is in processor seconds of the process.

A step's multiply-adds: output values of each convolution and dense layer times the products each
sums, once forward, once for the gradient of the weights, and once more for that of the inputs,
except at the first layer, whose inputs need none.
"""

import argparse
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import workload
from machine import import_tensorflow, machine, table

from runner.plan import Job

MATRIX_SIDE = 1536  # float32; fastest of 512 to 4096 on a core with 2 MB of cache
NETS = ("as the program trains it", "with Keras's Dropout", "without dropout")


def job_of(net: str, npz: Path) -> Job:
    """Return the training of one of the nets on all images of the file."""
    given = {"dataset": workload.dataset(npz), "holdout": 0.0, "probe": 0}
    settings = workload.settings(**given, dropout=net != NETS[2])
    if net == NETS[1]:
        # An argument that the program's own dropout layer does not know makes it take Keras's.
        layers = settings.values["model"]["layers"]
        layers = [{**layer, "noise_shape": None} if layer["class_name"] == "Dropout" else layer for layer in layers]
        settings = workload.settings(**given, model={"layers": layers, "without": []})
    return workload.job(npz.parent, settings)


def multiply_adds(model: Any) -> int:
    """Return the multiply-adds of one image in a training step."""
    total = 0
    weighted = [layer for layer in model.layers if layer.weights]
    for place, layer in enumerate(weighted):
        kernel = layer.weights[0].shape  # (..., inputs, outputs)
        places = 1 if len(layer.output.shape) == 2 else layer.output.shape[1] * layer.output.shape[2]
        products = places
        for size in kernel:
            products *= size
        total += products * (2 if place == 0 else 3)
    return total


def work(given: argparse.Namespace, jobs: dict[str, Job], barrier: Any, results: Any) -> None:
    """Be one of the processes: measure everything in turn, each part begun by all at once, and send the seconds."""
    import_tensorflow(threads=1)
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)
    parts: dict[str, Callable[[], float]] = {
        "TensorFlow": tensorflow_product(),
        "NumPy": numpy_product(),
        **{net: steps_of(job, given) for net, job in jobs.items()},
    }
    for part in parts.values():
        part()  # traced, caches warm
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in parts}
    for _ in range(given.repeats):
        for name, part in parts.items():
            barrier.wait()
            started, cpu_started = time.perf_counter(), time.process_time()
            units = part()
            taken = (time.process_time() - cpu_started, time.perf_counter() - started)
            found[name].append((taken[0] / units, taken[1] / units))
    results.put(found)


def tensorflow_product() -> Callable[[], float]:
    """Return what multiplies matrices for about a second and returns how many multiply-adds that were."""
    import tensorflow as tf

    left, right = (tf.random.stateless_normal([MATRIX_SIDE, MATRIX_SIDE], [0, seed]) for seed in (1, 2))
    product = tf.function(tf.linalg.matmul)

    def multiply() -> float:
        for _ in range(12):
            product(left, right)
        return 12.0 * MATRIX_SIDE**3

    return multiply


def numpy_product() -> Callable[[], float]:
    """Return the same with NumPy's library."""
    random = np.random.default_rng(0)
    left, right = (random.standard_normal((MATRIX_SIDE, MATRIX_SIDE), np.float32) for _ in range(2))

    def multiply() -> float:
        for _ in range(12):
            left @ right
        return 12.0 * MATRIX_SIDE**3

    return multiply


def steps_of(job: Job, given: argparse.Namespace) -> Callable[[], float]:
    """Return what trains an epoch of `given.steps` steps as the worker does and returns how many steps that were."""
    from runner.calling import recipe_at
    from runner.worker import build

    trajectory = build(recipe_at(job.source), job)

    def train() -> float:
        trajectory.train_epoch(1)
        return float(given.steps)

    return train


def measure(given: argparse.Namespace, jobs: dict[str, Job], processes: int) -> dict[str, list[tuple[float, float]]]:
    """Return (processor, wall) seconds a unit of every part: those of all processes and repeats."""
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(processes), context.Queue()
    workers = [context.Process(target=work, args=(given, jobs, barrier, results)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    found = [results.get() for _ in workers]
    for worker in workers:
        worker.join()
    return {name: [pair for each in found for pair in each[name]] for name in found[0]}


def report(found: dict[str, list[tuple[float, float]]], operations: int, given: argparse.Namespace) -> str:
    """Return the bound and each net's step beside it."""
    rates = {name: 2 / median(cpu for cpu, _ in found[name]) / 1e9 for name in ("TensorFlow", "NumPy")}
    library, rate = max(rates.items(), key=lambda pair: pair[1])
    bound = 2 * operations / rate / 1e9
    lines = []
    for net in (name for name in found if name in NETS):
        cpu, wall = zip(*found[net], strict=True)
        lines.append([net, milliseconds(cpu), milliseconds(wall), f"{median(cpu) / bound:.2f}"])
    head = ["step", "processor time, ms", "wall time, ms", "processor time / bound"]
    return (
        f"bound: {rate:.0f} GFLOP/s a core with {library}'s matrices of {MATRIX_SIDE} "
        f"({', '.join(f'{name} {each:.0f}' for name, each in rates.items())}), so {bound * 1e3:.2f} ms a step\n\n"
        + table(head, lines)
        + f"\nmedian (lowest to highest) of n = {len(found['NumPy'])}, {given.steps:,} steps each"
    )


def milliseconds(seconds: Sequence[float]) -> str:
    """Return `9.1 (9.0 to 9.3)`."""
    low, middle, high = (value * 1e3 for value in (min(seconds), median(seconds), max(seconds)))
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def counted(job: Job) -> int:
    """Return the multiply-adds of a step of the job's net."""
    import_tensorflow(threads=1)
    from runner.images.model import build_model

    values = job.spec["recipe"]["values"]
    return multiply_adds(build_model(values["model"]["layers"], (28, 28, 1), 10)) * values["batch_size"]


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=500, help="training steps of each measurement")
    parser.add_argument("--repeats", type=int, default=5, help="measurements of each part")
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)), help="at once")
    given = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as scratch:
        npz, batch = Path(scratch) / "images.npz", workload.settings().values["batch_size"]
        np.savez(npz, **workload.made(given.steps * batch, 1))
        jobs = {net: job_of(net, npz) for net in NETS}
        operations = counted(jobs[NETS[0]])
        print(f"final net, batches of {batch}: {operations:,} multiply-adds a step, {2 * operations / 1e9:.3f} GFLOP")
        print(f"{given.processes} processes at once, one thread each")
        print(report(measure(given, jobs, given.processes), operations, given))


if __name__ == "__main__":
    main()
