"""What takes a store's room is told, and what can go goes without a report losing anything."""

import pytest
from conftest import here
from made import RUN, SPEC, STUDY, snapshot, summary

from runner.store import Store, record_id
from runner.store.arguments import parse
from runner.store.prune import in_words
from runner.store.prune import main as prune

OTHER_SPEC = {**SPEC, "seed": 1}
OTHER, WORK, LOST = record_id(OTHER_SPEC), record_id({"seed": 7}), record_id({"seed": 8})


@pytest.fixture
def results(store):
    """A study of one record and one training in work, a record and a training of no study, and a thing set aside."""
    named = [{"cell": 0, "seed": seed, "epochs": 2, "run": run} for seed, run in enumerate((RUN, WORK))]
    store.write_study("mine", {**STUDY, "runs": named})
    store.commit(RUN, SPEC, snapshot(2), summary(2))
    store.commit(OTHER, OTHER_SPEC, snapshot(2), summary(2) | {"id": OTHER})
    for run_id in (WORK, LOST):
        store.save_snapshot(run_id, snapshot(1))
    (store.root / "broken").write_text("x")
    store.set_aside(store.root / "broken", "tested")
    return store


def tree(store):
    return sorted(str(path.relative_to(store.root)) for path in store.root.rglob("*") if path.is_file())


def test_without_being_told_so_nothing_is_removed(results, capsys):
    before = tree(results)
    assert prune([f"results_dir={results.root}"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(",")[0] for line in lines[:5]] == [
        "checkpoints of finished trainings: 2",
        "runs that no study names: 1",
        "unfinished trainings that no study names: 1",
        "launchers' own files: 0",
        "set aside in quarantine: 1",
    ]
    assert lines[5] == "nothing was removed; add --delete to remove it" and tree(results) == before


def test_what_can_go_goes_and_what_a_study_needs_stays(results, capsys):
    record = results.record(RUN)
    assert prune([f"results_dir={results.root}", "--delete"]) == 0
    store = Store(results.root)
    assert store.record(RUN).history == record.history and store.snapshot(RUN) is None
    assert store.record(OTHER) is None and store.snapshot(WORK).epoch == 1 and store.snapshot(LOST) is None
    assert not list(store.quarantine.iterdir())
    assert "nothing was removed" not in capsys.readouterr().out


def test_launchers_files_go_when_no_command_asks_for_trainings_any_more(results):
    kept = results.engine / "2026-01-01_00-00-00-0" / ".submitit"
    kept.mkdir(parents=True)
    key = results.save_jobs([{"seed": 1}])
    assert prune([f"results_dir={results.root}", "launchers", "--delete"]) == 0
    assert kept.exists()
    results.forget_jobs(key)
    assert prune([f"results_dir={results.root}", "launchers", "--delete"]) == 0
    assert not kept.parent.exists() and results.record(OTHER) is not None


def test_only_what_is_named_is_meant(results):
    assert prune([f"results_dir={results.root}", "checkpoints", "--delete"]) == 0
    assert results.snapshot(OTHER) is None and results.record(OTHER) is not None and results.snapshot(LOST) is not None


def test_what_a_process_is_at_work_on_stays(results):
    with Store(results.root).lock(LOST):
        assert prune([f"results_dir={results.root}", "work", "--delete"]) == 0
        assert results.snapshot(LOST).epoch == 1


def test_where_a_study_cannot_be_read_no_run_is_taken_for_nobodys(results, capsys):
    (results.root / "mine" / "study.json").write_text("{}")
    before = tree(results)
    assert prune([f"results_dir={results.root}", "runs", "--delete"]) == 2
    assert "study.json" in capsys.readouterr().err and tree(results) == before


def test_what_takes_the_room_is_told_part_by_part(results):
    lines = dict(line.split(": ", 1) for line in here("du", f"results_dir={results.root}").stdout.splitlines())
    assert lines["records"].startswith("2, ") and lines["unfinished trainings"].startswith("2, ")
    size = (results.runs / RUN / "checkpoint.npz").stat().st_size
    assert lines["checkpoints of finished trainings"] == f"2, {in_words(2 * size)}"
    assert lines["study mine"].startswith("1, ")


def test_bytes_are_written_as_people_do():
    assert [in_words(number) for number in (0, 999, 1000, 1_540_000, 5 * 10**15)] == [
        "0 bytes",
        "999 bytes",
        "1.0 kB",
        "1.5 MB",
        "5000.0 TB",
    ]


def test_arguments_that_are_not_understood_are_refused_in_a_sentence(tmp_path):
    usage = r"Write python -m runner prune \[results_dir=PATH\] \[runs\] \[--delete\]\.$"
    for words, reason in {
        ("--remove",): "--remove is no key of prune. ",
        ("runz",): "runz is no key of prune. ",
        ("results_dir=",): "results_dir must be given once, with a folder; got 'results_dir='. ",
        (f"results_dir={tmp_path / 'no'}",): f"results_dir must be a folder that exists; got '{tmp_path / 'no'}'. ",
    }.items():
        with pytest.raises(ValueError, match=f"^{reason}{usage}"):
            parse("prune", words, "--delete", ("runs",))
    found = parse("prune", ["runs", f"results_dir={tmp_path}", "--delete"], "--delete", ("runs",))
    assert (found.results_dir, found.words, found.flag) == (str(tmp_path), ("runs",), True)
