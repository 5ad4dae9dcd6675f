"""Records are complete or absent, verified when read, and set aside when broken."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

from runner import store as store_module
from runner.records import npz_bytes, read_record, read_snapshot, sealed_npz_bytes, snapshot_bytes
from runner.store import Corrupt, Snapshot, Store, StoreError, canonical_json, read_study, record_id

SPEC = {"seed": 0, "layers": [{"class_name": "Dense", "units": 3}]}
RUN = record_id(SPEC)


def snapshot(epochs=2, value=1.0):
    rows = [{"epoch": e, "accuracy": 0.1 * e, "val_loss": 1 / 3 / e, "cpu_seconds": 0.5} for e in range(1, epochs + 1)]
    return Snapshot(
        epoch=epochs,
        weights=[np.full((2, 3), value, np.float32), np.arange(4, dtype=np.float32)],
        slots=[np.array(epochs, np.int64)],
        history=rows,
        predictions=[np.array([0, 1, 2, epochs % 256], np.uint8)] * epochs,
        environments=[{"python": "3", "from_epoch": 1}],
    )


def summary(epochs=2, status="complete"):
    return {"status": status, "epochs": epochs, "metrics": {"accuracy": 0.2}, "timing": {"epochs": epochs}}


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch):
    """No power fails in these tests, so nothing need reach the disk; that it would is tested by name."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


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
    assert list(found.environments[0]) == ["python", "from_epoch"]  # a report shows them in this order


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


# ---- damage of every kind


def forged(store, name, content):
    """Put other content into a record's file and make run.json vouch for it."""
    folder = store.runs / RUN
    (folder / name).write_bytes(content)
    whole = json.loads((folder / "run.json").read_bytes())
    whole["files"][name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    reseal(folder, whole)


def reseal(folder, whole):
    whole.pop("seal", None)
    whole["seal"] = store_module.seal(whole)
    (folder / "run.json").write_text(json.dumps(whole))


@pytest.mark.parametrize("name", [*store_module.RECORD_FILES, "run.json"])
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


@pytest.mark.parametrize("name", [*store_module.RECORD_FILES, "run.json"])
def test_two_runs_whose_files_were_swapped_are_both_set_aside(store, name):
    other_spec = {"seed": 1}
    other = record_id(other_spec)
    committed(store)
    store.work(other).mkdir()
    (store.work(other) / "run.log").write_bytes(b"another log")
    store.commit(other, other_spec, snapshot(2, value=2.0), summary())
    ours, theirs = store.runs / RUN / name, store.runs / other / name
    kept = ours.read_bytes()
    if kept == theirs.read_bytes():
        assert name in ("history.csv", "predictions.npz")
        return
    ours.write_bytes(theirs.read_bytes())
    theirs.write_bytes(kept)
    assert store.snapshot(RUN) is store.snapshot(other) is None
    assert [run_id for run_id, _ in store.quarantined({RUN, other})] == sorted([RUN, other])


def test_a_checkpoint_in_work_that_is_another_runs_is_not_gone_on_from(store):
    other = record_id({"seed": 1})
    store.save_snapshot(other, snapshot())
    store.work(RUN).mkdir()
    shutil.copy(store.work(other) / "checkpoint.npz", store.work(RUN))
    assert store.snapshot(RUN) is None and store.snapshot(other).epoch == 2
    assert store.quarantined({RUN}) == [(RUN, f"checkpoint.npz is of another run, {other}")]


@pytest.mark.parametrize("name", [*store_module.RECORD_FILES, "run.json"])
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


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        '"text"',
        "1" * 5000,
        "[" * 100_000,
        '{"schema":' * 50_000,
        '{"schema": NaN}',
        '{"schema": 1, "seal": "x", "epochs": Infinity}',
        '{"schema": 1, "seal": "x", "epochs": 1e999}',
        '{"schema": 1, "seal": {}}',
        '{"schema": [1]}',
        "\ud800".encode("utf-8", "surrogatepass"),
        b"\xff\xfe\x00",
    ],
)
@pytest.mark.parametrize("name", ["run.json", "failure.json", "study.json"])
def test_json_that_is_not_what_was_written_harms_nobody(store, name, text):
    folder = committed(store)
    content = text if isinstance(text, bytes) else text.encode()
    if name == "run.json":
        (folder / name).write_bytes(content)
        assert store.record(RUN) is None
        assert store.quarantined({RUN})[0][1].startswith("run.json")
    elif name == "failure.json":
        store.save_failure(RUN, {})
        (store.work(RUN) / name).write_bytes(content)
        failure = store.failure(RUN)
        assert failure is None or failure["reason"] == "not known"
    else:
        (store.root / "mine").mkdir()
        (store.root / "mine" / name).write_bytes(content)
        with pytest.raises(StoreError, match=r"must hold a study\.json as the program wrote it") as refused:
            read_study(store.root / "mine")
        assert "\n" not in str(refused.value)


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
        ("files", {name: {"sha256": 1, "bytes": "many"} for name in store_module.RECORD_FILES}),
        ("metrics", [1]),
        ("metrics", {"accuracy": "good"}),
        ("timing", {"epochs": 10**400}),
        ("timing", "long"),
        ("images", {"train": 0.5}),
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


@pytest.mark.parametrize("key", ["id", "status", "epochs", "files"])
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
        ("predictions.npz", npz_bytes({"predictions": np.zeros((9, 4), np.uint8)}), "disagree about the number"),
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


def test_a_foreign_file_in_a_records_folder_changes_nothing(store):
    folder = committed(store)
    (folder / ".DS_Store").write_bytes(b"x")
    (folder / "history (copy).csv").write_bytes(b"x")
    assert store.record(RUN).epochs == 2 and store.snapshot(RUN).epoch == 2
    assert not store.quarantine.exists()


def test_a_foreign_file_in_a_records_place_is_set_aside(store):
    (store.runs / RUN).write_text("notes")
    assert store.record(RUN) is None
    assert store.quarantined({RUN}) == [(RUN, "the record is no folder")]


def test_a_file_that_may_not_be_read_is_set_aside_and_costs_only_itself(store, monkeypatch):
    folder = committed(store)
    real = os.open

    def forbidden(path, *arguments, **keywords):
        if Path(path) == folder / "history.csv":
            raise PermissionError(13, "Permission denied")
        return real(path, *arguments, **keywords)

    monkeypatch.setattr(os, "open", forbidden)
    assert store.record(RUN) is None
    assert store.quarantined({RUN}) == [(RUN, "history.csv cannot be read (Permission denied)")]


def test_too_many_open_files_set_nothing_aside(store, monkeypatch):
    committed(store)

    def exhausted(*_, **__):
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", exhausted)
        with pytest.raises(StoreError, match="Too many open files"):
            store.record(RUN)
    assert store.record(RUN).epochs == 2


def test_a_broken_record_is_not_set_aside_under_the_eyes_of_who_holds_its_lock(store):
    (committed(store) / "run.json").write_bytes(b"")
    with store.lock(RUN):
        assert Store(store.root).record(RUN) is None
        assert (store.runs / RUN).exists()
        assert store.record(RUN) is None  # the holder itself may
        assert not (store.runs / RUN).exists()


def test_where_nothing_can_be_set_aside_a_broken_record_is_missing_all_the_same(store, monkeypatch):
    (committed(store) / "run.json").write_bytes(b"")
    store.quarantine.write_text("a file in the quarantine's place")
    assert store.record(RUN) is None
    assert (store.runs / RUN).exists()
    store.commit(RUN, SPEC, snapshot(3), summary(3))
    assert store.record(RUN).epochs == 3


def test_validation_images_that_were_damaged_are_written_again(store):
    images, labels = np.ones((3, 4, 4, 1), np.float32), np.arange(3, dtype=np.uint8)
    store.save_validation("d" * 64, images, labels)
    path = store.validation_path("d" * 64)
    content = path.read_bytes()
    path.write_bytes(content[:200] + bytes([content[200] ^ 1]) + content[201:])
    assert store.validation("d" * 64) is None
    store.save_validation("d" * 64, images, labels)
    assert (store.validation("d" * 64)[0] == images).all() and (store.validation("d" * 64)[1] == labels).all()
    assert "does not match its own checksum" in next(store.quarantine.glob("*/reason.txt")).read_text()


@pytest.mark.parametrize("digest", ["../../outside", "a/b", "/etc/passwd", "x" * 300, "a\nb"])
def test_a_dataset_whose_digest_is_no_digest_stays_inside(store, digest):
    store.save_validation(digest, np.ones((1, 2, 2, 1), np.float32), np.zeros(1, np.uint8))
    assert store.validation_path(digest).parent == store.runs / ".validation"
    assert store.validation(digest)[1].tolist() == [0]


def test_outlines_are_of_whole_records_only_and_set_nothing_aside(store):
    committed(store)
    (store.runs / "notes").mkdir()
    (store.runs / record_id({"seed": 1})).mkdir()
    assert [(spec, found["epochs"]) for spec, found in store.outlines()] == [(SPEC, 2)]
    assert not store.quarantine.exists()


# ---- studies

STUDY = {
    "schema": 1,
    "name": "mine",
    "command": "python -m runner -m seed=0",
    "design": "factorial",
    "factors": [{"key": "dropout", "levels": ["true", "false"]}],
    "seeds": [0],
    "cells": [{"label": f"dropout={level}", "levels": {"dropout": level}} for level in ("true", "false")],
    "runs": [{"cell": place, "seed": 0, "epochs": 2, "run": RUN} for place in (0, 1)],
    "inert": [{"factor": "dropout", "where": ""}],
    "epochs_shared": 2,
    "sesoi": {"accuracy": 0.001},
}


def test_a_study_comes_back_as_it_was_declared(store):
    assert read_study(store.write_study("mine", STUDY)) == STUDY


def test_a_study_with_a_changed_value_is_refused(store):
    path = store.write_study("mine", STUDY) / "study.json"
    path.write_text(path.read_text().replace('"epochs": 2', '"epochs": 3'))
    with pytest.raises(StoreError, match=r"it does not match its own checksum\). Run the study's command again\."):
        read_study(path.parent)


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("schema", 2, "no schema version 1"),
        ("schema", None, "no schema version 1"),
        ("name", 5, "gives name that"),
        ("design", [], "gives design that"),
        ("factors", {"dropout": ["true"]}, "gives factors that"),
        ("factors", [{"key": "dropout", "levels": [True, False]}], "gives factors that"),
        ("factors", [{"key": "batch_size", "levels": ["32"]}], "a cell lacks a level of a factor"),
        ("seeds", [-1], "gives seeds that"),
        ("cells", [], "runs of no cell"),
        ("cells", [{"label": "a"}], "gives cells that"),
        ("cells", [STUDY["cells"][0]] * 2, "two of its cells have one label"),
        ("runs", [], "has no runs"),
        ("runs", [{**STUDY["runs"][0], "run": "../../outside"}], "gives runs that"),
        ("runs", [{**STUDY["runs"][0], "epochs": 0}], "gives runs that"),
        ("runs", [{**STUDY["runs"][0], "cell": 2}], "runs of no cell"),
        ("inert", ["dropout"], "gives inert that"),
        ("epochs_shared", "none", "gives epochs_shared that"),
        ("sesoi", {"accuracy": None}, "gives sesoi that"),
        ("comparisons", [["a"]], "gives comparisons that"),
    ],
)
def test_a_foreign_study_is_refused_in_one_sentence_with_the_reason(store, key, value, reason):
    folder = store.write_study("mine", {**STUDY, key: value})
    with pytest.raises(StoreError, match=reason) as refused:
        read_study(folder)
    assert "\n" not in str(refused.value) and "Run the study's command again." in str(refused.value)
    folder = store.write_study("mine", {name: given for name, given in STUDY.items() if name != key})
    if key == "comparisons":
        assert read_study(folder)["name"] == "mine"
    else:
        with pytest.raises(StoreError, match=f"does not give {key}|no schema version 1"):
            read_study(folder)


@pytest.mark.parametrize("thing", ["gone", "folder", "pipe"])
def test_a_study_without_a_declaration_is_refused_in_one_sentence(store, thing):
    path = store.write_study("mine", STUDY) / "study.json"
    path.unlink()
    if thing == "folder":
        path.mkdir()
    elif thing == "pipe":
        os.mkfifo(path)
    with pytest.raises(StoreError, match=r"study\.json is (missing|no plain file)"):
        read_study(path.parent)
