"""The store under attack: every system call of a write failing in turn, full disks, kills, races, links."""

import errno
import os
import random
import resource
import shutil
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from benchmarks.kill_sweep import kill_again_and_again
from conftest import here, small_study
from made import RUN, SPEC, STUDY, snapshot, summary
from rivals import processes

from runner.store import Store, StoreError, read_study, record_id, write_file

OTHER_SPEC = {"seed": 1}
OTHER = record_id(OTHER_SPEC)
CALLS = ("open", "write", "fsync", "close", "replace", "mkdir", "unlink", "rmdir")


class Killed(BaseException):
    """Stands for SIGKILL: once raised, no call reaches the disk any more."""


@contextmanager
def failing(monkeypatch, at, kind):
    """Let the `at`-th call that writing makes fail; yields the list of calls made, the failed one last of interest.

    A number: with that errno, once; a write puts half of its bytes down first. "full": ENOSPC for all
    that needs room from then on. "interrupt", "interrupt after": KeyboardInterrupt instead of, or
    behind, the call. "kill": nothing reaches the disk from then on.
    """
    calls = []
    with monkeypatch.context() as patched:
        for name in CALLS:
            patched.setattr(os, name, failing_call(name, getattr(os, name), calls, at, kind))
        yield calls


def failing_call(name, real, calls, at, kind):
    def call(*arguments, **keywords):
        calls.append(name)
        if len(calls) > at and kind == "kill":
            if name == "close":  # the system closes what a killed process had open
                real(*arguments)
            raise Killed
        if len(calls) > at and kind == "full" and name in ("open", "write", "mkdir", "fsync"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if len(calls) != at or (kind == "full" and name not in ("open", "write", "mkdir", "fsync")):
            return real(*arguments, **keywords)
        if name == "close" or kind == "interrupt after":
            done = real(*arguments, **keywords)
            if name == "open":
                os.closerange(done, done + 1)
        elif name == "write":
            real(arguments[0], arguments[1][: len(arguments[1]) // 2])
        if kind == "kill":
            raise Killed
        if kind in ("interrupt", "interrupt after"):
            raise KeyboardInterrupt
        number = errno.ENOSPC if kind == "full" else kind
        raise OSError(number, os.strerror(number))

    return call


# ---- what is written, and what a reader may find meanwhile


def trained(store, epochs):
    """Do what a worker does: under the lock, put right what was cut short; record what is missing."""
    with store.lock(RUN):
        store.recover(RUN)
        record = store.record(RUN)
        if record is None or not record.covers(epochs):
            store.commit(RUN, SPEC, snapshot(epochs), summary(epochs))


def checkpointed(store, epochs):
    with store.lock(RUN):
        store.recover(RUN)
        store.save_snapshot(RUN, snapshot(epochs))


def failed(store, reason):
    with store.lock(RUN):
        store.recover(RUN)
        store.save_failure(RUN, {"label": "seed 0", "reason": reason, "traceback": ""})


def epochs_of(store):
    record = store.record(RUN)
    return record and (record.epochs, record.history["epoch"])


def epoch_reached(store):
    found = store.snapshot(RUN)
    return found and (found.epoch, found.weights[0].tobytes())


def reason_of(store):
    failure = store.failure(RUN)
    return failure and failure["reason"]


def images_of(store):
    found = store.validation("d" * 64)
    return found and found[0].sum()


def command_of(store):
    return read_study(store.root / "mine")["command"] if (store.root / "mine" / "study.json").exists() else None


IMAGES = np.ones((3, 4, 4, 1), np.float32)
WRITES = {
    "first checkpoint": (None, lambda store: checkpointed(store, 1), epoch_reached),
    "next checkpoint": (lambda store: checkpointed(store, 1), lambda store: checkpointed(store, 2), epoch_reached),
    "first record": (lambda store: checkpointed(store, 2), lambda store: trained(store, 2), epochs_of),
    "longer record": (lambda store: trained(store, 2), lambda store: trained(store, 4), epochs_of),
    "failure": (lambda store: failed(store, "one"), lambda store: failed(store, "two"), reason_of),
    "validation images": (None, lambda store: store.save_validation("d" * 64, IMAGES, np.arange(3)), images_of),
    "study": (None, lambda store: store.write_study("mine", STUDY), command_of),
    "next study": (
        lambda store: store.write_study("mine", STUDY),
        lambda store: store.write_study("mine", {**STUDY, "command": "another"}),
        command_of,
    ),
}


@pytest.fixture
def store(tmp_path):
    """A store with a record of another run, which nothing below may touch."""
    store = Store(tmp_path / "results")
    store.prepare()
    store.commit(OTHER, OTHER_SPEC, snapshot(3), summary(3))
    return store


@pytest.mark.parametrize("kind", [errno.ENOSPC, "full", "interrupt", "interrupt after", "kill"])
@pytest.mark.parametrize("write", WRITES)
def test_a_write_that_fails_at_any_call_leaves_what_was_or_what_is_to_be(tmp_path, monkeypatch, write, kind):
    before, act, look = WRITES[write]
    template = Store(tmp_path / "template")
    template.prepare()
    template.commit(OTHER, OTHER_SPEC, snapshot(3), summary(3))
    if before:
        before(template)
    at = 0
    while True:
        at += 1
        root = tmp_path / str(at)
        shutil.copytree(template.root, root)
        was = look(Store(root))
        wrong, calls = attempt(monkeypatch, Store(root), act, at, kind)
        found = look(Store(root))
        act(Store(root))
        done = look(Store(root))
        assert found in (was, done) and done != was
        assert wrong or found == done
        if kind in (errno.ENOSPC, "full") and wrong:
            assert "must have room" in str(wrong) and "are free" in str(wrong) and "\n" not in str(wrong)
        assert Store(root).record(OTHER).epochs == 3
        assert not (root / "quarantine").exists()
        if kind != "kill":
            assert not list(root.rglob("*.tmp")), calls
        assert not list((root / "runs").rglob("*.old"))
        shutil.rmtree(root)
        if len(calls) < at:
            break
    assert at > 5 and wrong is None


def attempt(monkeypatch, store, act, at, kind):
    """Act with the `at`-th call failing; return the error that came out, if one did, and the calls."""
    with failing(monkeypatch, at, kind) as calls:
        try:
            act(store)
        except (StoreError, KeyboardInterrupt, Killed) as error:
            return error, list(calls)
    return None, list(calls)


@pytest.mark.parametrize("kind", [errno.ENOSPC, errno.EIO, "full", "interrupt", "interrupt after", "kill"])
def test_setting_aside_that_fails_at_any_call_loses_nothing_and_is_done_the_next_time(tmp_path, monkeypatch, kind):
    at, calls = 0, [0]
    while len(calls) >= at:
        at += 1
        store = Store(tmp_path / str(at))
        store.prepare()
        store.commit(RUN, SPEC, snapshot(2), summary(2))
        (store.runs / RUN / "history.csv").write_bytes(b"")
        wrong, calls = attempt(monkeypatch, store, lambda store: store.record(RUN), at, kind)
        assert not isinstance(wrong, StoreError)
        again = Store(store.root)
        assert again.record(RUN) is None
        [(run_id, reason)] = again.quarantined({RUN})
        assert run_id == RUN and ("history.csv has 0 bytes" in reason or "cannot be read" in reason)
        trained(again, 2)
        assert again.record(RUN).epochs == 2
    assert at > 8


def test_one_reading_that_fails_costs_no_record(tmp_path, monkeypatch):
    at, calls = 0, [0]
    while len(calls) >= at:
        at += 1
        store = Store(tmp_path / str(at))
        store.prepare()
        store.commit(RUN, SPEC, snapshot(2), summary(2))
        with failing(monkeypatch, at, errno.EIO) as calls:
            assert store.record(RUN).epochs == 2
        assert not store.quarantine.exists()
    assert at > 6


def test_every_file_is_on_the_disk_before_the_rename_that_shows_it(store, monkeypatch):
    store.commit(RUN, SPEC, snapshot(2), summary(2))
    events, paths = [], {}

    def traced(name, real):
        def call(*arguments, **keywords):
            done = real(*arguments, **keywords)
            if name == "open":
                paths[done] = Path(arguments[0])
            where = paths.get(arguments[0]) if name in ("write", "fsync") else Path(arguments[0])
            events.append((name, where, Path(arguments[1]) if name == "replace" else None))
            return done

        return call

    with monkeypatch.context() as patched:
        for name in ("open", "write", "fsync", "replace", "rmdir"):
            patched.setattr(os, name, traced(name, getattr(os, name)))
        store.commit(RUN, SPEC, snapshot(4), summary(4))
    work, place = store.work(RUN), store.runs / RUN
    shown = next(at for at, event in enumerate(events) if event == ("replace", work, place))
    for at, (name, source, _) in enumerate(events):
        if name == "replace" and source.parent == work:
            last_write = max(i for i, event in enumerate(events[:at]) if event[:2] == ("write", source))
            assert ("fsync", source, None) in events[last_write:at]
            assert ("fsync", work, None) in events[at:shown]
    assert ("fsync", work / "run.log", None) in events[:shown]
    deleted = next(at for at, event in enumerate(events) if event[0] == "rmdir" and event[1].name.endswith(".old"))
    assert ("fsync", store.runs, None) in events[shown:deleted]


def test_a_whole_record_beside_a_broken_longer_one_is_taken(store):
    trained(store, 2)
    shutil.copytree(store.runs / RUN, store.root / "kept")
    store.commit(RUN, SPEC, snapshot(4), summary(4))
    os.replace(store.root / "kept", store.work(RUN).with_suffix(".old"))
    (store.runs / RUN / "run.json").write_bytes(b"")
    with store.lock(RUN):
        store.recover(RUN)
    assert store.record(RUN).epochs == 2
    assert "run.json" in store.quarantined({RUN})[0][1]


def test_a_longer_record_takes_its_place_although_one_is_left_over_beside_it(store):
    trained(store, 2)
    shutil.copytree(store.runs / RUN, store.work(RUN).with_suffix(".old"))
    store.commit(RUN, SPEC, snapshot(4), summary(4))
    assert store.record(RUN).epochs == 4
    assert not store.work(RUN).with_suffix(".old").exists()


# ---- full disks


def test_a_file_too_large_is_one_sentence_with_the_limit(store):
    trained(store, 2)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(StoreError) as refused:
            checkpointed(store, 4000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    said = str(refused.value)
    assert said.startswith("results_dir must have room for what is recorded; '") and "\n" not in said
    assert f"{RUN}/checkpoint.npz' needs " in said and "a file may have 4,096. Free some space" in said
    assert store.record(RUN).epochs == 2 and store.snapshot(RUN).epoch == 2
    checkpointed(store, 4000)
    assert store.snapshot(RUN).epoch == 4000


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 256 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder], stderr=subprocess.PIPE, text=True
    )
    if mounted.returncode:
        pytest.skip(f"needs the right to mount a tmpfs: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_one_sentence_and_the_same_command_goes_on_when_there_is_room(small_disk):
    store = Store(small_disk / "results")
    store.prepare()
    trained(store, 2)
    with open(small_disk / "filler", "wb") as file:
        file.write(b"x" * (160 * 1024))
    with pytest.raises(StoreError) as refused:
        checkpointed(store, 3000)
    said = str(refused.value)
    needed, free = (int(said.split(before)[1].split()[0].replace(",", "")) for before in ("needs ", "bytes, "))
    assert needed > free > 0 and "checkpoint.npz" in said
    assert store.record(RUN).epochs == 2
    with open(small_disk / "filler", "ab") as file, pytest.raises(OSError, match="No space left"):
        while True:
            os.write(file.fileno(), b"x" * 512)
    for act in (lambda: trained(store, 3), lambda: store.write_study("mine", STUDY), lambda: failed(store, "two")):
        with pytest.raises(StoreError, match="Free some space or choose another results_dir"):
            act()
    assert store.record(RUN).epochs == 2 and store.snapshot(RUN).epoch == 2
    (store.runs / RUN / "run.log").write_bytes(b"")
    (small_disk / "filler").unlink()
    trained(store, 4)
    store.write_study("mine", STUDY)
    assert Store(store.root).record(RUN).epochs == 4 and command_of(store) == STUDY["command"]


# ---- several at once


def competed(store, trainings=6):
    return [record_id({"seed": seed}) for seed in range(10, 10 + trainings)]


def test_eight_processes_that_want_the_same_runs_train_each_once(store):
    started = processes("compete(store, me)", store, 8)
    assert [process.communicate(timeout=60)[1] for process in started] == [""] * 8
    assert sorted((store.root / "marks").read_text().split()) == sorted(competed(store))
    assert all(store.record(run_id).epochs == 2 for run_id in competed(store))
    assert not store.quarantine.exists()


def test_killed_holders_free_their_locks_and_the_others_finish(store):
    started = processes("compete(store, me, seconds=0.2)", store, 6)
    while not (store.root / "marks").exists():
        time.sleep(0.01)
    for process in started[:4]:
        time.sleep(0.1)
        process.kill()
    assert [process.communicate(timeout=60)[1] for process in started[4:]] == [""] * 2
    for process in started[:4]:
        process.communicate(timeout=60)
    assert all(store.record(run_id).epochs == 2 for run_id in competed(store))
    assert not store.quarantine.exists()


def test_a_record_is_found_at_every_moment_of_its_replacement(store):
    trained(store, 2)
    [process] = processes("replace_for_ever(store)", store, 1)
    seen = set()
    while len(seen) < 100:
        seen.add(store.record(RUN).epochs)
    process.kill()
    process.communicate()
    assert not store.quarantine.exists()


def test_a_process_killed_at_a_random_moment_leaves_a_store_that_reads(store):
    chance = random.Random(0)
    trained(store, 2)
    reached = 2
    for _ in range(12):
        [process] = processes("extend_for_ever(store)", store, 1)
        before = store.record(RUN).epochs
        while store.record(RUN).epochs == before:
            time.sleep(0.001)
        time.sleep(chance.random() * 0.1)
        process.kill()
        process.communicate()
        found = Store(store.root).record(RUN).epochs
        assert found > reached
        reached = found
    assert not store.quarantine.exists() and store.record(OTHER).epochs == 3


# ---- links


@pytest.fixture
def outside(tmp_path):
    """A folder beside the results, with a file in it that must stay the only one."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "keep.txt").write_text("mine")
    yield folder
    assert [path.name for path in folder.rglob("*")] == ["keep.txt"]
    assert (folder / "keep.txt").read_text() == "mine"


@pytest.mark.parametrize("place", ["runs", "runs/.work", "runs/.locks", "runs/.validation", "quarantine"])
def test_a_link_in_place_of_one_of_the_stores_folders_is_refused(store, outside, place):
    shutil.rmtree(store.root / place, ignore_errors=True)
    (store.root / place).symlink_to(outside)
    with pytest.raises(StoreError, match="is a symbolic link, which is not followed") as refused:
        Store(store.root)
    assert str(store.root / place) in str(refused.value) and "\n" not in str(refused.value)
    for act in (store.prepare, lambda: trained(store, 2), lambda: store.save_validation("d" * 64, IMAGES, IMAGES)):
        try:
            act()
        except StoreError:
            continue


@pytest.mark.parametrize("place", ["figures", "tables"])
def test_a_link_in_place_of_a_studys_folders_is_refused(store, outside, place):
    folder = store.write_study("mine", STUDY)
    (folder / place).symlink_to(outside)
    for act in (lambda: store.write_study("mine", STUDY), lambda: read_study(folder)):
        with pytest.raises(StoreError, match=f"{place}' is a symbolic link, which is not followed"):
            act()


def test_a_link_in_place_of_a_file_is_replaced_not_written_through(store, outside):
    folder = store.write_study("mine", STUDY)
    (folder / "report.md").symlink_to(outside / "keep.txt")
    write_file(folder / "report.md", b"report")
    assert not (folder / "report.md").is_symlink() and (folder / "report.md").read_bytes() == b"report"


def test_a_link_in_place_of_a_studys_declaration_is_not_read(store, outside):
    folder = store.write_study("mine", STUDY)
    os.replace(folder / "study.json", store.root / "elsewhere.json")
    (folder / "study.json").symlink_to(store.root / "elsewhere.json")
    with pytest.raises(StoreError, match=r"study\.json is a symbolic link"):
        read_study(folder)


@pytest.mark.parametrize("name", ["", "run.log", "checkpoint.npz", "history.csv", "failure.json"])
def test_a_link_among_what_is_in_training_is_set_aside(store, outside, name):
    checkpointed(store, 1)
    path = store.work(RUN) / name
    if name:
        path.unlink(missing_ok=True)
        path.symlink_to(outside / "keep.txt")
    else:
        shutil.rmtree(path)
        path.symlink_to(outside)
    trained(store, 2)
    assert store.record(RUN).epochs == 2
    assert len(store.quarantined({RUN})) == 1


def test_a_link_in_a_locks_place_is_set_aside(store, outside):
    (store.runs / ".locks" / RUN).symlink_to(outside / "made")
    trained(store, 2)
    assert store.record(RUN).epochs == 2
    assert "a lock's place" in store.quarantined({RUN})[0][1]


def test_the_results_folder_itself_may_be_a_link(store, tmp_path):
    (tmp_path / "named").symlink_to(store.root)
    through = Store(tmp_path / "named")
    trained(through, 2)
    assert store.record(RUN).epochs == through.record(RUN).epochs == 2


# ---- real kills of real sweeps


def test_kills_of_a_sweeps_workers_at_random_moments_lose_nothing(tmp_path):
    axes = ["dropout=true,false", "seed=0,1", "epochs=2", "name=killed"]
    unharmed = lambda npz, results, words: here(*small_study(npz, results, *words))  # noqa: E731
    tally = kill_again_and_again(tmp_path, 4, [("workers",)], seconds=1.0, axes=axes, workers_killed=4, finish=unharmed)
    assert tally.losses == []
    assert tally.tries["one worker"] >= 3
