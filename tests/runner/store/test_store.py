"""Records are complete or absent, set aside when broken, locked while made."""

import errno
import fcntl
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT
from made import RUN, SPEC, committed, snapshot, summary

from runner.store import Store, StoreError, read_study, record_id
from runner.store.records import RECORD_FILES


def test_before_the_commit_there_is_no_record(store):
    store.save_snapshot(RUN, snapshot())
    assert store.record(RUN) is None
    assert store.snapshot(RUN).epoch == 2


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

    monkeypatch.setattr(os, "replace", dies)
    if moment == "replaced":
        monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        committed(store, epochs=4)
    monkeypatch.undo()
    assert store.record(RUN).epochs == (2 if moment == "aside" else 4)
    store.recover(RUN)
    assert store.record(RUN).epochs == (2 if moment == "aside" else 4)
    assert not (store.runs / ".work" / f"{RUN}.old").exists()


@pytest.mark.parametrize("name", (*RECORD_FILES, "run.json"))
@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "gone", "folder"])
def test_a_damaged_record_is_set_aside_with_a_reason(store, name, damage):
    path = committed(store) / name
    if (name, damage) == ("checkpoint.npz", "gone"):
        pytest.skip("a record needs none: see the next test")
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


def test_a_record_whose_checkpoint_is_gone_is_whole_and_trained_on_from_nothing(store):
    (committed(store) / "checkpoint.npz").unlink()
    assert store.record(RUN).epochs == 2 and not store.quarantined({RUN})
    assert store.snapshot(RUN) is None and not store.can_go_on(RUN)
    committed(store, epochs=3)
    assert store.snapshot(RUN).epoch == 3 and store.can_go_on(RUN)


@pytest.mark.parametrize("name", ["history.csv", "checkpoint.npz"])
def test_what_is_only_looked_at_is_not_changed_whatever_is_broken(store, name):
    (committed(store) / name).write_bytes(b"broken")
    store.save_snapshot(RUN, snapshot(1))
    before = sorted(path.relative_to(store.root) for path in store.root.rglob("*"))
    looked_at = Store(store.root, changes=False)
    assert looked_at.record(RUN) is None and looked_at.snapshot(RUN).epoch == 1
    assert sorted(path.relative_to(store.root) for path in store.root.rglob("*")) == before


def test_a_file_system_whose_locks_do_not_hold_is_refused_before_anything_is_trained(store, monkeypatch):
    def no_locks(descriptor, operation):
        raise OSError(errno.ENOLCK, "No locks available")

    for flock in (no_locks, lambda descriptor, operation: None):  # refused, or done without effect
        monkeypatch.setattr(fcntl, "flock", flock)
        with pytest.raises(StoreError, match=r"^results_dir must be on a file system with file locks \(flock\); "):
            store.prepare()
    assert not list((store.runs / ".locks").iterdir())


def test_a_lock_that_is_refused_is_a_sentence(store, monkeypatch):
    def no_locks(descriptor, operation):
        if operation & fcntl.LOCK_EX:
            raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(StoreError, match="No locks available"), store.lock(RUN):
        pytest.fail("the lock is held")


def test_a_list_of_trainings_is_named_by_its_content_and_leaves_nothing_when_it_is_not_wanted(store):
    key = store.save_jobs([{"id": RUN}])
    assert store.jobs(key) == [{"id": RUN}] and store.are_wanted(key) and not store.has_workers(key)
    with store.at_work_on(key):
        with store.at_work_on(key):
            assert store.has_workers(key)
        assert store.has_workers(key)
    assert not store.has_workers(key)
    path = store.runs / ".jobs" / f"{key}.json"
    path.write_text(path.read_text().replace(RUN, "0" * 24))
    assert store.jobs(key) is None  # another wrote it, so it is not what was asked for
    store.forget_jobs(key)
    assert not store.are_wanted(key) and store.jobs(key) is None
    with store.at_work_on(key):
        assert not store.has_workers(key)
    assert not list((store.runs / ".jobs").iterdir())


def test_a_command_that_asks_no_more_leaves_the_workers_of_another_that_asks_for_the_same(store):
    first, second = store.save_jobs([{"id": RUN}]), store.save_jobs([{"id": RUN}])
    store.forget_jobs(first)
    assert not store.are_wanted(first) and store.jobs(second) == [{"id": RUN}]


def test_how_far_a_training_is_can_be_asked_while_it_goes_on_and_not_after(store):
    assert store.told(RUN) is None and store.reached(RUN) == 0
    store.tell(RUN, {"host": "here", "pid": 1, "epoch": 1})
    assert store.told(RUN) == {"host": "here", "pid": 1, "epoch": 1} and store.at_work() == {RUN}
    committed(store)
    assert store.told(RUN) is None and store.reached(RUN) == 2
    store.tell(RUN, {"epoch": "many"})
    assert store.told(RUN) is None


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


@pytest.mark.parametrize("name", [*RECORD_FILES, "run.json"])
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


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        (np.ones((3, 4, 4), np.float32), np.arange(3)),
        (np.ones((3, 4), np.float32), np.arange(3)),
        (np.ones((3, 4, 4, 1), np.float32), np.arange(2)),
        (np.ones((3, 0), np.float32), np.arange(2)),
        (np.ones((3, 4, 4, 1), np.float32), np.arange(3.0)),
        (np.ones((3, 4, 4, 1), np.float32), np.zeros((3, 1), np.uint8)),
    ],
)
def test_validation_examples_that_are_none_are_not_believed(store, images, labels):
    store.save_validation("d" * 64, images, labels)
    assert store.validation("d" * 64) is None


def test_validation_examples_that_are_no_images_keep_their_labels(store):
    store.save_validation("key", np.empty((3, 0), np.float32), np.array([0, 300, 2], np.uint16))
    images, labels = store.validation("key")
    assert images.shape == (3, 0) and labels.tolist() == [0, 300, 2] and labels.dtype == np.uint16


def test_a_lock_is_held_while_it_is_held_and_asking_makes_no_file(store):
    assert not store.is_held(RUN)
    assert not list((store.runs / ".locks").iterdir())
    with store.lock(RUN):
        assert store.is_held(RUN)
    assert not store.is_held(RUN)


def test_a_lock_that_cannot_be_opened_is_one_sentence_and_nobody_is_alone(store, monkeypatch):
    real = os.open

    def forbidden(path, *arguments, **keywords):
        if str(path).endswith(f".locks/{RUN}"):
            raise PermissionError(13, "Permission denied")
        return real(path, *arguments, **keywords)

    monkeypatch.setattr(os, "open", forbidden)
    with pytest.raises(StoreError, match="Permission denied") as refused, store.lock(RUN):
        pass
    assert "\n" not in str(refused.value) and f".locks/{RUN}" in str(refused.value)
    with store.alone(RUN) as alone:
        assert not alone


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
