"""What this machine has for trainings: GPUs, cores, and its processor's name; no TensorFlow."""

import contextlib
import itertools
import os
import platform
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

NVIDIA = Path("/proc/driver/nvidia/gpus")  # the driver lists a folder a GPU there
CGROUP = Path("/sys/fs/cgroup")
CGROUP_OF = Path("/proc/self/cgroup")
MEMORY = Path("/proc/meminfo")
PROCESSOR = Path("/proc/cpuinfo")
NO_GPU = "-1"
SLURMS = ("SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE")  # the first only where it was asked for
LAUNCHERS = ("OMP_NUM_THREADS",)  # set by Ray and joblib for what they start; others set it for another purpose
INSTRUCTIONS = (
    "sse4_2",
    "avx",
    "avx2",
    "fma",
    "avx_vnni",
    "avx512f",
    "avx512_vnni",
    "avx512_bf16",
    "amx_tile",
    "asimd",
)


def slots(workers: int | None, workers_per_gpu: int, gpus: Sequence[str], launched: bool = False) -> list[str | None]:
    """Return a place for every trajectory that runs at a time: the GPU it has, or None where it computes on a core.

    Without `workers`: `workers_per_gpu` on each GPU, or one a core where there is no GPU. With it: so
    many, on the GPUs in turn. A worker that was `launched` shares the machine with others: see `cores`.
    """
    if not gpus:
        return [None] * (workers or cores(launched))
    return list(itertools.islice(itertools.cycle(gpus), workers or len(gpus) * workers_per_gpu))


def gpus() -> list[str]:
    """Return the names, as CUDA_VISIBLE_DEVICES has them, of the GPUs that this process is given; no TensorFlow.

    Whether TensorFlow can use them it alone knows. Of a GPU that is cut into instances (MIG) those are named.
    """
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        names = [name.strip() for name in named.split(",")]
        return list(itertools.takewhile(lambda name: name not in ("", NO_GPU), names))  # as CUDA reads it
    listed = [str(place) for place, _ in enumerate(NVIDIA.glob("*"))]
    return instances(_listing()) or listed if listed else []


def instances(listing: str) -> list[str]:
    """Return the GPUs and, of those cut into instances, the UUIDs of these, from what `nvidia-smi -L` prints."""
    found: list[str] = []
    for line in listing.splitlines():
        if whole := re.match(r"GPU (\d+):", line):
            found.append(whole[1])
        elif part := re.search(r"UUID: (MIG-[^)\s]+)", line):
            if found and found[-1].isdigit():
                found.pop()  # CUDA gives no part of a GPU that is named whole but its first
            found.append(part[1])
    return found


def _listing() -> str:
    """Return what the driver's own tool says of the GPUs; nothing where it cannot be run."""
    try:
        done = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout if done.returncode == 0 else ""


def driver() -> str:
    """Return the version of NVIDIA's driver, "" where there is none."""
    with contextlib.suppress(OSError):
        found = re.search(r"Kernel Module\s+(?:for \S+\s+)?([\d.]+)", NVIDIA.with_name("version").read_text())
        return found[1] if found else ""
    return ""


def host() -> str:
    """Return this machine's name."""
    return platform.node() or "unknown"


def cores(launched: bool = False) -> int:
    """Return how many cores this process may use: as it is bound, or fewer where a quota or Slurm says so.

    One that was `launched` uses as many as its launcher lets it have threads, since it may be one of several here.
    """
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    told = (os.environ.get(name, "") for name in (*SLURMS, *(LAUNCHERS if launched else ())))
    return max(1, min([bound, *_quotas(), *(int(number) for number in told if number.isdigit())]))


def _quotas() -> Iterator[int]:
    """Yield the cores that each control group above this process may use, where it has a quota."""
    for folder in _cgroups():
        with contextlib.suppress(OSError, ValueError, ZeroDivisionError):
            quota, period = (folder / "cpu.max").read_text().split()
            yield int(quota) // int(period)
        with contextlib.suppress(OSError, ValueError, ZeroDivisionError):
            quota, period = ((folder / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
            if int(quota) > 0:
                yield int(quota) // int(period)


def memory() -> int | None:
    """Return the bytes that this process may still take: what is free, or less where a control group allows less."""
    free = []
    with contextlib.suppress(OSError):
        found = re.search(r"MemAvailable:\s+(\d+) kB", MEMORY.read_text())
        free += [1024 * int(found[1])] if found else []
    for folder in _cgroups():
        for limit, used in (("max", "current"), ("limit_in_bytes", "usage_in_bytes")):
            with contextlib.suppress(OSError, ValueError):
                most, taken = (int((folder / f"memory.{name}").read_text()) for name in (limit, used))
                free.append(max(most - taken + _reclaimable(folder), 0))
    return min(free, default=None)


def _reclaimable(folder: Path) -> int:
    """Return the bytes of files that a control group keeps in memory, which it counts as used and gives up if asked."""
    with contextlib.suppress(OSError):
        told = dict(re.findall(r"^(\w+) (\d+)$", (folder / "memory.stat").read_text(), re.MULTILINE))
        whole = "total_" if "total_active_file" in told else ""  # with the groups below, in the older layout
        return sum(int(told.get(f"{whole}{kind}_file", 0)) for kind in ("active", "inactive"))
    return 0


def _cgroups() -> Iterator[Path]:
    """Yield the folders of the control groups that this process is in, the innermost first, in either layout."""
    with contextlib.suppress(OSError):
        for line in CGROUP_OF.read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            for mount in [CGROUP / name for name in controllers.split(",")]:  # of the second layout the root itself
                place = mount / path.lstrip("/")
                yield from (folder for folder in (place, *place.parents) if folder.is_relative_to(mount))


def processor_name() -> str:
    """Return the processor's model name, as far as the system tells."""
    found = re.search(r"^model name\s*:\s*(.+)$", _processor(), re.MULTILINE)
    return found[1].strip() if found else platform.processor() or "unknown"


def instruction_set() -> str:
    """Return what the processor can do that changes how sums are rounded, as Linux names it."""
    found = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", _processor(), re.MULTILINE)
    able = set(found[1].split()) if found else set()
    return " ".join(name for name in INSTRUCTIONS if name in able) or "unknown"


def _processor() -> str:
    try:
        return PROCESSOR.read_text()
    except OSError:
        return ""
