"""What the disk refuses is one sentence, and no file is ever half of one."""

import os
from pathlib import Path

import pytest
from made import RUN, committed, snapshot

from runner.store import Store, StoreError


def test_a_write_that_fails_leaves_the_file_before(store, monkeypatch):
    store.save_snapshot(RUN, snapshot(1))

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="are free"):
        store.save_snapshot(RUN, snapshot(2))
    monkeypatch.undo()
    assert store.snapshot(RUN).epoch == 1
    assert [path.name for path in store.work(RUN).iterdir()] == ["checkpoint.npz"]


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="results_dir must be a folder that can be written") as refused:
        Store(tmp_path / "file" / "results").prepare()
    assert "\n" not in str(refused.value)


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
