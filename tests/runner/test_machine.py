"""What this machine has for trainings: a place a core, or places on its GPUs in turn."""

import pytest

from runner import machine


@pytest.mark.parametrize(
    ("visible", "workers", "per_gpu", "expected"),
    [
        ("", None, 2, [None, None, None]),
        ("-1", 5, 2, [None] * 5),
        ("0", None, 1, ["0"]),
        ("0,1", None, 2, ["0", "1", "0", "1"]),
        ("2, GPU-7f", 3, 1, ["2", "GPU-7f", "2"]),
        ("0,-1,1", None, 1, ["0"]),  # CUDA stops at what is no GPU
    ],
)
def test_every_place_has_a_gpu_in_turn_or_a_core(monkeypatch, visible, workers, per_gpu, expected):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    monkeypatch.setattr(machine, "cores", lambda launched: 3)
    assert machine.slots(workers, per_gpu, machine.gpus()) == expected


def test_gpus_are_those_that_the_driver_lists(monkeypatch, tmp_path):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(machine, "NVIDIA", tmp_path)
    assert machine.gpus() == []
    for name in ("0000:01:00.0", "0000:02:00.0"):
        (tmp_path / name).mkdir()
    assert machine.gpus() == ["0", "1"]


MIG = """GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-aaa)
  MIG 1g.5gb     Device  0: (UUID: MIG-111)
  MIG 1g.5gb     Device  1: (UUID: MIG-222)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-bbb)
"""


def test_a_gpu_that_is_cut_into_instances_is_named_by_them(monkeypatch, tmp_path):
    assert machine.instances(MIG) == ["MIG-111", "MIG-222", "1"]
    assert machine.instances("no devices were found") == []
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(machine, "NVIDIA", tmp_path)
    (tmp_path / "0000:01:00.0").mkdir()
    monkeypatch.setattr(machine, "_listing", lambda: MIG)
    assert machine.gpus() == ["MIG-111", "MIG-222", "1"]


@pytest.fixture
def groups(monkeypatch, tmp_path):
    """Control groups of the second layout, and what this process is said to be in."""
    inner = tmp_path / "slurm" / "job_7"
    inner.mkdir(parents=True)
    (tmp_path / "of").write_text("0::/slurm/job_7\n")
    monkeypatch.setattr(machine, "CGROUP", tmp_path)
    monkeypatch.setattr(machine, "CGROUP_OF", tmp_path / "of")
    monkeypatch.setattr(machine, "MEMORY", tmp_path / "meminfo")
    monkeypatch.setattr(machine.os, "sched_getaffinity", lambda _: range(8))
    for name in (*machine.SLURMS, *machine.LAUNCHERS):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_cores_are_those_that_a_container_or_slurm_gives(groups, monkeypatch):
    assert machine.cores() == 8
    (groups / "slurm" / "cpu.max").write_text("max 100000\n")
    assert machine.cores() == 8
    (groups / "slurm" / "cpu.max").write_text("250000 100000\n")
    assert machine.cores() == 2
    (groups / "slurm" / "job_7" / "cpu.max").write_text("50000 100000\n")
    assert machine.cores() == 1  # at least
    (groups / "slurm" / "job_7" / "cpu.max").unlink()
    monkeypatch.setenv("SLURM_CPUS_ON_NODE", "4")
    assert machine.cores() == 2
    (groups / "slurm" / "cpu.max").unlink()
    assert machine.cores() == 4
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "1")
    assert machine.cores() == 1


def test_a_launched_worker_trains_as_many_at_a_time_as_its_launcher_gives_it_threads(groups, monkeypatch):
    assert machine.slots(None, 1, [], launched=True) == [None] * 8
    monkeypatch.setenv("OMP_NUM_THREADS", "2")  # as Ray sets it for a task of two cores
    assert machine.slots(None, 1, [], launched=True) == [None] * 2
    assert machine.slots(None, 1, []) == [None] * 8  # whoever sets it for all programs means threads of one training
    assert machine.slots(None, 1, ["0"], launched=True) == ["0"]


def test_cores_and_memory_are_also_read_where_control_groups_lie_the_older_way(groups):
    (groups / "of").write_text("3:cpu,cpuacct:/docker\n5:memory:/docker\n")
    for name, content in {"cpu/docker/cpu.cfs_quota_us": "300000", "cpu/docker/cpu.cfs_period_us": "100000"}.items():
        (groups / name).parent.mkdir(parents=True, exist_ok=True)
        (groups / name).write_text(content)
    (groups / "memory" / "docker").mkdir(parents=True)
    (groups / "memory" / "docker" / "memory.limit_in_bytes").write_text("5000")
    (groups / "memory" / "docker" / "memory.usage_in_bytes").write_text("1000")
    assert machine.cores() == 3 and machine.memory() == 4000
    told = "inactive_file 9\nactive_file 9\ntotal_inactive_file 500\ntotal_active_file 200\n"
    (groups / "memory" / "docker" / "memory.stat").write_text(told)
    assert machine.memory() == 4700


def test_memory_is_what_is_free_or_less_where_a_container_allows_less(groups):
    assert machine.memory() is None
    (groups / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:       7 kB\n")
    assert machine.memory() == 7 * 1024
    (groups / "slurm" / "memory.max").write_text("max\n")
    (groups / "slurm" / "memory.current").write_text("100\n")
    assert machine.memory() == 7 * 1024
    (groups / "slurm" / "memory.max").write_text("4196\n")
    assert machine.memory() == 4096
    (groups / "slurm" / "memory.stat").write_text("anon 20\ninactive_file 50\nactive_file 30\n")
    assert machine.memory() == 4176  # files that are kept in memory are given up when room is asked for


def test_a_processor_is_known_by_its_name_and_by_what_it_can_do(monkeypatch, tmp_path):
    (tmp_path / "cpuinfo").write_text("model name\t: Some CPU @ 2 GHz\nflags\t\t: fpu avx2 avx512f fma\n")
    monkeypatch.setattr(machine, "PROCESSOR", tmp_path / "cpuinfo")
    assert machine.processor_name() == "Some CPU @ 2 GHz" and machine.instruction_set() == "avx2 fma avx512f"
    monkeypatch.setattr(machine, "PROCESSOR", tmp_path / "none")
    assert machine.instruction_set() == "unknown"


def test_the_driver_says_its_version(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "NVIDIA", tmp_path / "gpus")
    assert machine.driver() == ""
    (tmp_path / "version").write_text("NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.129.03  Thu Oct 19\n")
    assert machine.driver() == "535.129.03"
