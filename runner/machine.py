"""What this machine has for trainings: GPUs, cores, and its processor's name; no TensorFlow."""

import contextlib
import itertools
import os
import platform
from pathlib import Path

NVIDIA = Path("/proc/driver/nvidia/gpus")  # the driver lists a folder a GPU there
NO_GPU = "-1"


def slots(workers: int | None, workers_per_gpu: int) -> list[str | None]:
    """Return a place for every trajectory that runs at a time: the GPU it has, or None where it computes on a core.

    Without `workers`: `workers_per_gpu` on each GPU, or one a core where there is no GPU. With it: so
    many, on the GPUs in turn.
    """
    found = gpus()
    if not found:
        return [None] * (workers or cores())
    return list(itertools.islice(itertools.cycle(found), workers or len(found) * workers_per_gpu))


def gpus() -> list[str]:
    """Return the names, as CUDA_VISIBLE_DEVICES has them, of the GPUs that this process may use; no TensorFlow."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is None:
        return [str(place) for place, _ in enumerate(NVIDIA.glob("*"))]
    names = [name.strip() for name in named.split(",")]
    return list(itertools.takewhile(lambda name: name not in ("", NO_GPU), names))  # as CUDA reads it


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor_name() -> str:
    """Return the processor's model name, as far as the system tells."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"
