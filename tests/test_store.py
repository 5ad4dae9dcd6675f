"""Records are complete or absent, verified when read, and set aside when broken."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT

from runner import store as store_module
from runner.records import read_record, read_snapshot, sealed_npz_bytes, snapshot_bytes
from runner.store import Corrupt, Snapshot, Store, StoreError, canonical_json, record_id

SPEC = {"seed": 0, "layers": [{"class_name": "Dense", "units": 3}]}
RUN = record_id(SPEC)


def snapshot(epochs=2, value=1.0):
    rows = [{"epoch": e, "accuracy": 0.1 * e, "val_loss": 1 / 3 / e, "cpu_seconds": 0.5} for e in range(1, epochs + 1)]
    return Snapshot(
        epoch=epochs,
        weights=[np.full((2, 3), value, np.float32), np.arange(4, dtype=np.float32)],
        slots=[np.array(epochs, np.int64)],
        history=rows,
        predictions=[np.array([0, 1, 2, epochs], np.uint8)] * epochs,
        environments=[{"python": "3", "from_epoch": 1}],
    )


def summary(epochs=2, status="complete"):
    return {"status": status, "epochs": epochs, "metrics": {"accuracy": 0.2}, "timing": {"epochs": epochs}}


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "results")
    store.prepare()
    return store


def committed(store, epochs=2, **keywords):
    store.commit(RUN, SPEC, snapshot(epochs), summary(epochs, **keywords))
    return store.runs / RUN


def test_canonical_json_is_one_text_for_one_value():
    assert canonical_json({"b": 1, "a": [True, 0.001]}) == '{"a":[true,0.001],"b":1}'
    assert record_id({"b": 1, "a": 2}) == record_id({"a": 2, "b": 1})
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical_json(float("nan"))


def test_a_record_comes_back_as_it_was_written(store):
    committed(store)
    record = store.record(RUN)
    assert record.spec == SPEC and record.epochs == 2 and not record.diverged
    assert record.history["val_loss"] == [1 / 3, 1 / 6] and record.history["epoch"] == [1, 2]
    assert record.predictions.tolist() == [[0, 1, 2, 2], [0, 1, 2, 2]]


def test_a_record_answers_for_its_epochs_and_fewer(store):
    committed(store, epochs=3)
    record = store.record(RUN)
    assert record.covers(3) and record.covers(1) and not record.covers(4)


def test_a_diverged_record_answers_for_any_number_of_epochs(store):
    committed(store, epochs=1, status="diverged")
    assert store.record(RUN).covers(100)


def test_before_the_commit_there_is_no_record(store):
    store.save_snapshot(RUN, snapshot())
    assert store.record(RUN) is None
    assert store.snapshot(RUN).epoch == 2


def test_a_snapshot_is_bit_identical_to_the_bit(store):
    store.save_snapshot(RUN, snapshot())
    found, expected = store.snapshot(RUN), snapshot()
    for kind in ("weights", "slots", "predictions"):
        for left, right in zip(getattr(found, kind), getattr(expected, kind), strict=True):
            assert left.dtype == right.dtype and left.tobytes() == right.tobytes()
    assert found.history == expected.history and found.environments == expected.environments


def test_a_snapshot_keeps_values_that_are_not_finite(store):
    rows = [{"epoch": 1, "accuracy": 0.1, "val_loss": float("inf"), "train_seconds": 0.5}]
    store.save_snapshot(RUN, Snapshot(1, [], [], rows, [np.zeros(2, np.uint8)], []))
    assert store.snapshot(RUN).history[0]["val_loss"] == float("inf")


def test_a_longer_record_replaces_a_shorter_one(store):
    committed(store, epochs=2)
    committed(store, epochs=4)
    assert store.record(RUN).epochs == 4
    assert not list((store.runs / ".work").iterdir())


@pytest.mark.parametrize("moment", ["aside", "replaced"])
def test_a_replacement_cut_short_leaves_one_of_the_two_records(store, moment, monkeypatch):
    committed(store, epochs=2)
    real, calls = os.replace, []

    def dies(source, target):
        if str(target).endswith((".old", RUN)):
            calls.append(target)
            if len(calls) == (2 if moment == "aside" else 3):
                raise KeyboardInterrupt
        real(source, target)

    monkeypatch.setattr(store_module.os, "replace", dies)
    if moment == "replaced":
        monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        committed(store, epochs=4)
    monkeypatch.undo()
    assert store.record(RUN).epochs == (2 if moment == "aside" else 4)
    store.recover(RUN)
    assert store.record(RUN).epochs == (2 if moment == "aside" else 4)
    assert not (store.runs / ".work" / f"{RUN}.old").exists()


@pytest.mark.parametrize("name", (*store_module.RECORD_FILES, "run.json"))
@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "gone", "folder"])
def test_a_damaged_record_is_set_aside_with_a_reason(store, name, damage):
    path = committed(store) / name
    if name == "run.log" and damage in ("truncated", "flipped", "empty"):
        damage = "longer"
    content = path.read_bytes()
    if damage == "truncated":
        path.write_bytes(content[:-1])
    elif damage == "flipped":
        middle = len(content) // 2
        path.write_bytes(content[:middle] + bytes([content[middle] ^ 4]) + content[middle + 1 :])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "longer":
        path.write_bytes(content + b"x")
    else:
        path.unlink()
        if damage == "folder":
            path.mkdir()
    if name == "checkpoint.npz":
        assert store.snapshot(RUN) is None
    assert store.record(RUN) is None
    assert not (store.runs / RUN).exists()
    [(run_id, reason)] = store.quarantined({RUN})
    assert run_id == RUN and name in reason
    committed(store)
    assert store.record(RUN).epochs == 2


def test_every_bit_of_run_json_counts(store):
    path = committed(store) / "run.json"
    content = path.read_bytes()
    for place in range(0, len(content), 7):
        changed = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        if json_or_none(changed) == json_or_none(content):
            continue
        path.write_bytes(changed)
        with pytest.raises(Corrupt):
            read_record(store.runs / RUN, RUN)
    path.write_bytes(content)
    assert store.record(RUN) is not None


def json_or_none(content):
    try:
        return json.loads(content)
    except ValueError:
        return None


def test_a_record_under_another_runs_name_is_not_believed(store):
    folder = committed(store)
    other = record_id({"seed": 1})
    shutil.copytree(folder, store.runs / other)
    assert store.record(other) is None
    assert "another run" in store.quarantined({other})[0][1]
    assert store.record(RUN) is not None


def test_a_record_of_another_schema_is_not_believed(store, monkeypatch):
    monkeypatch.setattr(store_module, "SCHEMA", 99)
    committed(store)
    monkeypatch.undo()
    assert store.record(RUN) is None
    assert "schema version 99" in store.quarantined({RUN})[0][1]


def test_a_link_in_a_records_place_is_not_followed(store, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "keep.txt").write_text("mine")
    (store.runs / RUN).symlink_to(outside)
    assert store.record(RUN) is None
    assert (outside / "keep.txt").read_text() == "mine"


def test_a_damaged_checkpoint_in_work_is_set_aside(store):
    store.save_snapshot(RUN, snapshot())
    path = store.work(RUN) / "checkpoint.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert store.snapshot(RUN) is None
    assert "checkpoint.npz" in store.quarantined({RUN})[0][1]


def test_training_goes_on_from_the_record_if_it_is_ahead_of_work(store):
    committed(store, epochs=3)
    store.save_snapshot(RUN, snapshot(1))
    assert store.snapshot(RUN).epoch == 3


def test_a_pickle_in_a_checkpoint_is_never_loaded(tmp_path):
    path = tmp_path / "checkpoint.npz"
    path.write_bytes(sealed_npz_bytes({"epoch": np.array([{"a": 1}], object)}))
    with pytest.raises(Corrupt, match=r"cannot be read .ValueError: Object arrays cannot be loaded"):
        read_snapshot(path, RUN)


def test_a_write_that_fails_leaves_the_file_before(store, monkeypatch):
    store.save_snapshot(RUN, snapshot(1))

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store_module.os, "fsync", full)
    with pytest.raises(StoreError, match="are free"):
        store.save_snapshot(RUN, snapshot(2))
    monkeypatch.undo()
    assert store.snapshot(RUN).epoch == 1
    assert [path.name for path in store.work(RUN).iterdir()] == ["checkpoint.npz"]


def test_the_same_snapshot_gives_the_same_bytes():
    assert snapshot_bytes(snapshot(), RUN) == snapshot_bytes(snapshot(), RUN)


def test_a_held_lock_keeps_others_out_and_a_killed_holder_frees_it(store):
    program = (
        "import sys, time; from runner.store import Store\n"
        f"with Store({str(store.root)!r}).lock({RUN!r}):\n"
        "    print('held', flush=True); time.sleep(600)"
    )
    holder = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    with store.alone(RUN) as alone:
        assert not alone
    holder.kill()
    holder.wait()
    holder.stdout.close()
    with store.lock(RUN):
        assert (store.runs / ".locks" / RUN).exists()


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="results_dir must be a folder that can be written") as refused:
        Store(tmp_path / "file" / "results").prepare()
    assert "\n" not in str(refused.value)


def test_a_study_is_not_written_through_a_link(store, tmp_path):
    (tmp_path / "outside").mkdir()
    (store.root / "mine").symlink_to(tmp_path / "outside")
    with pytest.raises(StoreError, match="is a link or a file"):
        store.write_study("mine", {})
    assert not list((tmp_path / "outside").iterdir())
