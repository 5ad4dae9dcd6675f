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
    monkeypatch.setattr(machine, "cores", lambda: 3)
    assert machine.slots(workers, per_gpu) == expected


def test_gpus_are_those_that_the_driver_lists(monkeypatch, tmp_path):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(machine, "NVIDIA", tmp_path)
    assert machine.gpus() == []
    for name in ("0000:01:00.0", "0000:02:00.0"):
        (tmp_path / name).mkdir()
    assert machine.gpus() == ["0", "1"]
