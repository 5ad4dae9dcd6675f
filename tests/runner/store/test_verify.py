"""`python -m runner verify` finds what cannot be believed, changes nothing unless asked, and then puts it right."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from made import RUN, SPEC, STUDY, snapshot, summary

from runner.store import Store, record_id, verify

WORK_SPEC = {"seed": 7}
IN_WORK = record_id(WORK_SPEC)


@pytest.fixture
def store(tmp_path):
    """A store with a record, a training, validation images and a study, all well."""
    store = Store(tmp_path / "results")
    store.prepare()
    with store.lock(RUN):
        store.commit(RUN, SPEC, snapshot(2), summary(2))
    store.save_snapshot(IN_WORK, snapshot(1))
    store.save_failure(IN_WORK, {"label": "seed 7", "reason": "killed", "traceback": ""})
    store.save_validation("d" * 64, np.ones((3, 4, 4, 1), np.float32), np.arange(3))
    runs = [{"cell": 0, "seed": 0, "epochs": 2, "run": RUN}, {"cell": 1, "seed": 0, "epochs": 2, "run": IN_WORK}]
    store.write_study("mine", {**STUDY, "runs": runs})
    (store.root / "mine" / "tables").mkdir()
    return store


def tree(root):
    """Every path with its kind, size, contents, and when it was changed."""
    found = {}
    for path in [root, *root.rglob("*")]:
        state = path.lstat()
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else None
        found[path] = (state.st_mode, state.st_mtime_ns, state.st_ino, content)
    return found


def checked(store, capsys, *arguments):
    """The exit code and the lines of a check."""
    code = verify.main([f"results_dir={store.root}", *arguments])
    return code, capsys.readouterr().out.splitlines()


def test_a_store_that_is_well_is_said_to_be(store, capsys):
    before = tree(store.root)
    code, lines = checked(store, capsys)
    assert (code, lines) == (0, ["1 record whole, 1 training unfinished, 1 study; 0 problems"])
    assert tree(store.root) == before


def flip(path, place=None):
    content = bytearray(path.read_bytes())
    content[len(content) // 2 if place is None else place] ^= 1
    path.write_bytes(content)


def old(path):
    os.utime(path, (time.time() - 3600,) * 2, follow_symlinks=False)


def scrap(path):
    path.write_bytes(b"x")
    old(path)


def emptied(folder):
    folder.mkdir(parents=True)
    old(folder)


ELSEWHERE = Path("nowhere")
DAMAGES = {
    "record": (lambda s: flip(s.runs / RUN / "history.csv"), f"runs/{RUN}", "history.csv does not match its checksum"),
    "checkpoint": (lambda s: flip(s.runs / RUN / "checkpoint.npz"), f"runs/{RUN}", "checkpoint.npz does not match"),
    "no run.json": (lambda s: (s.runs / RUN / "run.json").unlink(), f"runs/{RUN}", "run.json is missing"),
    "copied": (
        lambda s: shutil.copytree(s.runs / RUN, s.runs / IN_WORK),
        f"runs/{IN_WORK}",
        f"run.json is of another run, {RUN}",
    ),
    "link to a record": (
        lambda s: (s.runs / ("0" * 24)).symlink_to(s.runs / RUN),
        "runs/" + "0" * 24,
        "the record is a symbolic link",
    ),
    "in work": (lambda s: flip(s.work(IN_WORK) / "checkpoint.npz"), f"runs/.work/{IN_WORK}/checkpoint.npz", "does not"),
    "failure": (
        lambda s: (s.work(IN_WORK) / "failure.json").write_text("["),
        f"{IN_WORK}/failure.json",
        "cannot be read",
    ),
    "scrap in work": (
        lambda s: scrap(s.work(IN_WORK) / ".run.json.1.tmp"),
        f"{IN_WORK}/.run.json.1.tmp",
        "is left over",
    ),
    "folder in work": (lambda s: (s.work(IN_WORK) / "run.log").mkdir(), f"{IN_WORK}/run.log", "is no plain file"),
    "linked work": (
        lambda s: (s.runs / ".work" / ("0" * 24)).symlink_to(ELSEWHERE),
        "0" * 24,
        "a link or a file is in",
    ),
    "left beside": (
        lambda s: shutil.copytree(s.runs / RUN, s.runs / ".work" / f"{RUN}.old"),
        f"runs/.work/{RUN}.old",
        "is left over from a record that a longer one replaced",
    ),
    "cut short": (
        lambda s: os.replace(s.runs / RUN, s.runs / ".work" / f"{RUN}.old"),
        f"runs/.work/{RUN}.old",
        "is a record whose replacement was cut short",
    ),
    "lock": (lambda s: (s.runs / ".locks" / IN_WORK).mkdir(), f"runs/.locks/{IN_WORK}", "a lock's place"),
    "validation images": (
        lambda s: flip(s.validation_path("d" * 64)),
        "runs/.validation/" + "d" * 64 + ".npz",
        "does not match its own checksum",
    ),
    "study": (lambda s: flip(s.root / "mine" / "study.json", 30), "mine/study.json", ""),
    "linked tables": (
        lambda s: (s.root / "mine" / "figures").symlink_to(ELSEWHERE),
        "mine/figures",
        "is a symbolic link, which is not followed",
    ),
    "linked page": (
        lambda s: (s.root / "mine" / "report.html").symlink_to(ELSEWHERE),
        "mine/report.html",
        "is a symbolic link, which is not followed",
    ),
    "scrap in a study": (
        lambda s: scrap(s.root / "mine" / ".report.md.1.tmp"),
        "mine/.report.md.1.tmp",
        "is left over",
    ),
    "empty quarantine": (
        lambda s: ((s.quarantine / "a-1").mkdir(parents=True), old(s.quarantine / "a-1")),
        "a-1",
        "empty",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_named_then_put_right(store, capsys, damage):
    harm, where, reason = DAMAGES[damage]
    harm(store)
    before = tree(store.root)
    code, lines = checked(store, capsys)
    assert code == 1
    assert where in lines[0] and reason in lines[0]
    assert lines[-1].endswith("; 1 problem; add --repair to move them to quarantine/")
    assert tree(store.root) == before
    code, lines = checked(store, capsys, "--repair")
    assert code == 1
    assert lines[0].endswith("; put right") and lines[-1].endswith("; 1 problem, 1 put right")
    code, lines = checked(store, capsys)
    assert code == 0 and "0 problems" in lines[-1]


FOREIGN = {
    "runs/no\\ntes.txt: is no record": lambda s: (s.runs / "no\ntes.txt").write_text("x"),
    "runs/mine: is no record": lambda s: (s.runs / "mine").mkdir(),
    f"runs/{RUN}/copy.csv: is no part of the run": lambda s: (s.runs / RUN / "copy.csv").write_text("x"),
    "runs/.work/mine: is no training": lambda s: (s.runs / ".work" / "mine").mkdir(),
    "runs/.validation/photo.png: is no file of validation images": (
        lambda s: (s.runs / ".validation" / "photo.png").write_bytes(b"x")
    ),
}


@pytest.mark.parametrize("told", FOREIGN)
def test_what_the_program_did_not_write_is_named_and_left_where_it_is(store, capsys, told):
    FOREIGN[told](store)
    before = tree(store.root)
    code, lines = checked(store, capsys, "--repair")
    assert code == 0 and lines[0] == f"{told}, left alone" and tree(store.root) == before


def test_studies_with_runs_that_cannot_be_believed_are_named_with_the_command_that_trains_them(store, capsys):
    flip(store.runs / RUN / "history.csv")
    store.write_study(
        "another", {**STUDY, "runs": [{"cell": 0, "seed": 0, "epochs": 1, "run": record_id({"seed": 9})}]}
    )
    _, lines = checked(store, capsys)
    assert [line for line in lines if line.startswith("study ")] == [
        "study mine: 1 of 2 trainings cannot be believed; train again with: python -m runner -m seed=0 "
        f"results_dir={store.root} (dataset.path as its folder was)"
    ]


def test_what_was_set_aside_before_is_said(store, capsys):
    flip(store.runs / RUN / "history.csv")
    store.record(RUN)
    code, lines = checked(store, capsys)
    assert code == 0
    assert lines[0].startswith("quarantine/: 1 thing set aside before, each with a reason.txt")


def test_hidden_files_of_other_programs_are_left_alone(store, capsys):
    (store.runs / RUN / ".DS_Store").write_bytes(b"x")
    code, lines = checked(store, capsys, "--repair")
    assert code == 0 and lines[0] == f"runs/{RUN}/.DS_Store: is a hidden file, left alone"
    assert (store.runs / RUN / ".DS_Store").exists()


def test_what_is_in_training_at_the_moment_is_left_alone(store, capsys):
    flip(store.work(IN_WORK) / "checkpoint.npz")
    flip(store.runs / RUN / "run.json")
    scrap(store.root / "mine" / ".report.md.2.tmp")
    os.utime(store.root / "mine" / ".report.md.2.tmp")
    with store.lock(IN_WORK), store.lock(RUN):
        code, lines = checked(store, capsys, "--repair")
    assert code == 0
    assert f"runs/.work/{IN_WORK}: in training at the moment, so not checked" in lines
    assert f"runs/{RUN}: in training at the moment, so not checked" in lines
    assert (store.runs / RUN).exists() and (store.root / "mine" / ".report.md.2.tmp").exists()


def test_a_link_in_a_store_folders_place_is_said_and_not_followed(store, capsys, tmp_path):
    os.replace(store.quarantine.parent / "runs", tmp_path / "outside")
    store.runs.symlink_to(tmp_path / "outside")
    before = tree(tmp_path)
    code, lines = checked(store, capsys, "--repair")
    assert code == 1 and "is a symbolic link, which is not followed" in lines[0] and len(lines) == 1
    assert tree(tmp_path) == before


def test_what_the_disk_refuses_to_move_is_said(store, capsys):
    flip(store.runs / RUN / "run.json")
    store.quarantine.write_text("in the way")
    code, lines = checked(store, capsys, "--repair")
    assert code == 1
    assert lines[0].endswith("; could not be put right") and lines[-1].endswith("1 problem, 0 put right")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["result_dir=x"],
            "result_dir is no key of verify. Write python -m runner verify [results_dir=PATH] [--repair].",
        ),
        (["--fix"], "--fix is no key of verify."),
        (["results_dir="], "results_dir must be given once, with a folder; got 'results_dir='."),
        (["results_dir=a", "results_dir=b"], "results_dir must be given once, with a folder; got 'results_dir=b'."),
        (["results_dir=/no/such/folder"], "results_dir must be a folder that exists; got '/no/such/folder'."),
    ],
)
def test_wrong_use_is_one_sentence_that_names_the_key(capsys, arguments, sentence):
    assert verify.main(arguments) == 2
    said = capsys.readouterr()
    assert said.err.startswith(sentence) and said.err.count("\n") == 1 and said.out == ""


def test_checking_needs_no_tensorflow_and_ten_thousand_records_take_seconds(tmp_path):
    store = Store(tmp_path / "results")
    store.prepare()
    store.commit(RUN, SPEC, snapshot(30), summary(30))
    started = time.perf_counter()
    for _ in range(300):
        assert store.record(RUN).epochs == 30
    assert (time.perf_counter() - started) / 300 < 0.0075  # 1.5 ms for 10,000 records in 15 s, five times over
    program = "import sys; from runner.store.verify import main; print(main(sys.argv[1:]), 'tensorflow' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program, f"results_dir={store.root}"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout.splitlines() == ["1 record whole, 0 trainings unfinished, 0 studies; 0 problems", "0 False"]
