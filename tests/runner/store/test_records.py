"""What a record and a checkpoint hold comes back to the bit, or is not believed."""

import io
import json
import os
import shutil
from dataclasses import replace

import numpy as np
import pytest
from made import RUN, SPEC, committed, forged, json_or_none, reseal, snapshot, summary

from runner.store import Corrupt, Snapshot, canonical_json, record_id
from runner.store import store as store_module
from runner.store.records import (
    RECORD_FILES,
    SUMMARY,
    npz_bytes,
    read_record,
    read_snapshot,
    sealed_npz_bytes,
    snapshot_bytes,
)


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
    record = store.record(RUN)
    assert record.covers(100) and record.ended and record.diverged


def test_a_stopped_record_answers_for_any_number_of_epochs_and_has_not_diverged(store):
    committed(store, epochs=2, status="stopped")
    record = store.record(RUN)
    assert record.covers(100) and record.ended and not record.diverged and record.epochs == 2


def test_a_complete_record_has_not_ended(store):
    committed(store)
    assert not store.record(RUN).ended


# ---- predictions


PREDICTIONS = {
    "uint8": np.array([0, 1, 255], np.uint8),
    "uint16": np.array([0, 256, 65_535], np.uint16),
    "none": np.empty(0, np.uint8),
}


@pytest.mark.parametrize("kind", PREDICTIONS)
def test_predictions_of_few_classes_many_or_none_come_back_with_their_type(store, kind):
    given = replace(snapshot(2), predictions=[PREDICTIONS[kind]] * 2)
    store.save_snapshot(RUN, given)
    kept = store.snapshot(RUN).predictions
    assert [each.dtype for each in kept] == [PREDICTIONS[kind].dtype] * 2
    assert [each.tolist() for each in kept] == [PREDICTIONS[kind].tolist()] * 2
    store.commit(RUN, SPEC, given, summary(2))
    found = store.record(RUN).predictions
    assert found.dtype == PREDICTIONS[kind].dtype and found.shape == (2, len(PREDICTIONS[kind]))
    assert found.tolist() == [PREDICTIONS[kind].tolist()] * 2


@pytest.mark.parametrize(
    ("rows", "got"),
    [
        ([np.zeros(3, np.uint32)], "uint32 of 2 dimensions"),
        ([np.zeros(3)], "float64 of 2 dimensions"),
        ([np.zeros((3, 1), np.uint8)], "uint8 of 3 dimensions"),
        ([np.zeros(0, np.uint16)], "uint16 of 2 dimensions"),
    ],
)
def test_other_predictions_are_not_written(store, rows, got):
    given = replace(snapshot(1), predictions=rows)
    for write in (
        lambda: store.save_snapshot(RUN, given),
        lambda: store.commit(RUN, SPEC, given, summary(1)),
    ):
        with pytest.raises(ValueError, match=f"predictions must be whole numbers, uint8 or uint16, .*; got {got}"):
            write()
    assert store.record(RUN) is None and store.snapshot(RUN) is None


# ---- a trajectory that a callback stopped


@pytest.mark.parametrize("stopped", [True, False])
def test_a_snapshot_keeps_whether_the_training_was_stopped(store, stopped):
    store.save_snapshot(RUN, replace(snapshot(2), stopped=stopped))
    assert store.snapshot(RUN).stopped is stopped
    store.commit(RUN, SPEC, replace(snapshot(2), stopped=stopped), summary(2))
    assert store.snapshot(RUN).stopped is stopped


def test_a_snapshot_is_not_stopped_unless_it_says_so():
    assert snapshot().stopped is False


def parts_of(given):
    with np.load(io.BytesIO(snapshot_bytes(given, RUN))) as file:
        return {name: file[name] for name in file.files}


@pytest.mark.parametrize(
    ("part", "value", "reason"),
    [
        ("stopped", np.array(1), "stopped is neither true nor false"),
        ("stopped", np.array([True]), "stopped is neither true nor false"),
        ("stopped", None, "cannot be read .KeyError: 'stopped'"),
        ("predictions", np.zeros((2, 4), np.int64), "does not hold a class for every epoch and example"),
        ("predictions", np.zeros(2, np.uint8), "does not hold a class for every epoch and example"),
        ("predictions", np.zeros((3, 0), np.uint8), "disagrees with itself about the number of epochs"),
    ],
)
def test_a_checkpoint_with_other_contents_is_not_gone_on_from(tmp_path, part, value, reason):
    parts = {**parts_of(snapshot(2)), part: value}
    path = tmp_path / "checkpoint.npz"
    path.write_bytes(sealed_npz_bytes({name: each for name, each in parts.items() if each is not None}))
    with pytest.raises(Corrupt, match=reason):
        read_snapshot(path, RUN)


def test_a_snapshot_is_bit_identical_to_the_bit(store):
    store.save_snapshot(RUN, snapshot())
    found, expected = store.snapshot(RUN), snapshot()
    for kind in ("weights", "slots", "predictions"):
        for left, right in zip(getattr(found, kind), getattr(expected, kind), strict=True):
            assert left.dtype == right.dtype and left.tobytes() == right.tobytes()
    assert found.history == expected.history and found.environments == expected.environments
    assert list(found.environments[0]) == ["python", "from_epoch"]  # a report shows them in this order


def test_a_snapshot_keeps_values_that_are_not_finite(store):
    rows = [{"epoch": 1, "accuracy": 0.1, "val_loss": float("inf"), "train_seconds": 0.5}]
    store.save_snapshot(RUN, Snapshot(1, [], [], rows, [np.zeros(2, np.uint8)], []))
    assert store.snapshot(RUN).history[0]["val_loss"] == float("inf")


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


def test_a_pickle_in_a_checkpoint_is_never_loaded(tmp_path):
    path = tmp_path / "checkpoint.npz"
    path.write_bytes(sealed_npz_bytes({"epoch": np.array([{"a": 1}], object)}))
    with pytest.raises(Corrupt, match=r"cannot be read .ValueError: Object arrays cannot be loaded"):
        read_snapshot(path, RUN)


def test_the_same_snapshot_gives_the_same_bytes():
    assert snapshot_bytes(snapshot(), RUN) == snapshot_bytes(snapshot(), RUN)


@pytest.mark.parametrize("name", [*RECORD_FILES, "run.json"])
def test_a_file_cut_at_any_length_or_with_any_bit_flipped_is_not_believed(store, name):
    folder = committed(store, epochs=3)
    (folder / "run.log").write_bytes(b"epoch 1\n")
    forged(store, "run.log", b"epoch 1\n")
    content = (folder / name).read_bytes()
    lengths = range(len(content)) if len(content) < 400 else [*range(0, len(content), 17), len(content) - 1]
    for length in lengths:
        (folder / name).write_bytes(content[:length])
        with pytest.raises(Corrupt, match=name):
            read_record(folder, RUN, whole=True)
    for place in lengths:
        changed = content[:place] + bytes([content[place] ^ 1 << place % 8]) + content[place + 1 :]
        if name == "run.json" and json_or_none(changed) == json_or_none(content):
            continue
        (folder / name).write_bytes(changed)
        with pytest.raises(Corrupt, match=r"run\.json|" + name):
            read_record(folder, RUN, whole=True)
    (folder / name).write_bytes(content)
    assert read_record(folder, RUN, whole=True).epochs == 3


def test_a_checkpoint_cut_at_any_length_or_with_any_bit_flipped_is_not_gone_on_from(store):
    store.save_snapshot(RUN, snapshot())
    path = store.work(RUN) / "checkpoint.npz"
    content = path.read_bytes()
    for place in range(0, len(content), 5):
        for changed in (
            content[:place],
            content[:place] + bytes([content[place] ^ 1 << place % 8]) + content[place + 1 :],
        ):
            path.write_bytes(changed)
            with pytest.raises(Corrupt, match=r"checkpoint\.npz does not match its own checksum"):
                read_snapshot(path, RUN)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("id", 3),
        ("status", "perfect"),
        ("status", ["complete"]),
        ("epochs", "2"),
        ("epochs", True),
        ("epochs", 0),
        ("epochs", -2),
        ("epochs", 10**400),
        ("files", []),
        ("files", {}),
        ("files", {name: {"sha256": 1, "bytes": "many"} for name in RECORD_FILES}),
        ("metrics", [1]),
        ("metrics", {"accuracy": "good"}),
        ("timing", {"epochs": 10**400}),
        ("timing", "long"),
        ("data", None),
        ("examples", {"train": 0.5}),
        ("validation", 7),
        ("classes", -1),
        ("classes", None),
        ("train_mode", "dropout"),
        ("train_mode", ["magic"]),
        ("initial_weights", ["dense/kernel"]),
        ("initial_weights", {"dense/kernel": "0123456789abcde"}),
        ("initial_weights", {"dense/kernel": "0123456789ABCDEF"}),
        ("compiled", [["loss", "mean_squared_error"]]),
        ("compiled", [["loss", "mean_squared_error", None]]),
        ("compiled", {"loss": "mean_squared_error"}),
        ("explicit_seeds", "dense/kernel"),
        ("explicit_seeds", [3]),
        ("environments", {"python": "3"}),
        ("environments", ["3"]),
        ("label", {}),
        ("commit", 7),
    ],
)
def test_a_summary_with_values_that_no_record_has_is_not_believed(store, key, value):
    folder = committed(store)
    whole = json.loads((folder / "run.json").read_bytes())
    reseal(folder, {**whole, key: value})
    assert store.record(RUN) is None
    assert store.quarantined({RUN})[0][1].startswith(("run.json gives a value for ", "run.json cannot be read"))


@pytest.mark.parametrize("key", SUMMARY)
def test_a_summary_that_lacks_what_every_record_has_is_not_believed(store, key):
    folder = committed(store)
    whole = json.loads((folder / "run.json").read_bytes())
    del whole[key]
    reseal(folder, whole)
    assert store.record(RUN) is None
    assert store.quarantined({RUN}) == [(RUN, f"run.json does not give {key}")]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("history.csv", b"", "history.csv cannot be read"),
        ("history.csv", b"accuracy\n0.1\n0.2\n", "must have a column epoch"),
        ("history.csv", b"epoch,accuracy\n1,0.1\n3,0.2\n", "must have a column epoch, counted from 1"),
        ("history.csv", b"epoch,epoch\n1,1\n2,2\n", "no column twice"),
        ("history.csv", b"epoch,accuracy\n1,0.1\n2\n", "history.csv cannot be read"),
        ("history.csv", b"epoch,accuracy\n1,0.1\n2,high\n", "history.csv cannot be read"),
        ("history.csv", b"epoch,accuracy\n1,0.1\n", "disagree about the number of epochs"),
        ("history.csv", b"epoch\n1\n\xff\n", "history.csv cannot be read"),
        ("predictions.npz", b"", "predictions.npz cannot be read"),
        ("predictions.npz", b"\x93NUMPY", "predictions.npz cannot be read"),
        ("predictions.npz", npz_bytes({"classes": np.zeros((2, 4), np.uint8)}), "does not hold a class"),
        ("predictions.npz", npz_bytes({"predictions": np.zeros(2, np.uint8)}), "does not hold a class"),
        ("predictions.npz", npz_bytes({"predictions": np.zeros((2, 4))}), "does not hold a class"),
        ("predictions.npz", npz_bytes({"predictions": np.zeros((2, 4), np.uint32)}), "does not hold a class"),
        ("predictions.npz", npz_bytes({"predictions": np.zeros((2, 4), np.int8)}), "does not hold a class"),
        ("predictions.npz", npz_bytes({"predictions": np.zeros((2, 4), ">u2")}), "does not hold a class"),
        ("predictions.npz", npz_bytes({"predictions": np.zeros((2, 0), np.uint16)}), "does not hold a class"),
        ("predictions.npz", npz_bytes({"predictions": np.zeros((2, 0))}), "does not hold a class"),
        ("predictions.npz", npz_bytes({"predictions": np.zeros((9, 4), np.uint8)}), "disagree about the number"),
        ("predictions.npz", npz_bytes({"predictions": np.zeros((3, 0), np.uint8)}), "disagree about the number"),
        ("predictions.npz", npz_bytes({"predictions": np.array([{}], object)}), "Object arrays cannot be loaded"),
        ("spec.json", b'{"seed": 5}', "spec.json describes another run"),
        ("spec.json", b"[]", "spec.json cannot be read"),
    ],
)
def test_a_file_with_other_contents_is_not_believed_although_its_checksum_holds(store, name, content, reason):
    committed(store)
    forged(store, name, content)
    assert store.record(RUN) is None
    assert reason in store.quarantined({RUN})[0][1]


@pytest.mark.parametrize("name", [*RECORD_FILES, "run.json"])
@pytest.mark.parametrize("thing", ["folder", "pipe", "link", "dangling link"])
def test_what_is_no_plain_file_is_not_read(store, tmp_path, name, thing):
    path = committed(store) / name
    os.replace(path, tmp_path / "elsewhere")
    if thing == "folder":
        path.mkdir()
    elif thing == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(tmp_path / ("elsewhere" if thing == "link" else "nowhere"))
    assert store.record(RUN) is None
    assert store.quarantined({RUN}) == [
        (RUN, f"{name} is " + ("a symbolic link, which is not followed" if "link" in thing else "no plain file"))
    ]


def test_a_record_of_another_schema_is_not_believed(store, monkeypatch):
    monkeypatch.setattr(store_module, "SCHEMA", 99)
    committed(store)
    monkeypatch.undo()
    assert store.record(RUN) is None
    assert "schema version 99" in store.quarantined({RUN})[0][1]


def test_a_record_under_another_runs_name_is_not_believed(store):
    folder = committed(store)
    other = record_id({"seed": 1})
    shutil.copytree(folder, store.runs / other)
    assert store.record(other) is None
    assert "another run" in store.quarantined({other})[0][1]
    assert store.record(RUN) is not None
