"""What the store tells of trainings is shown as it comes: epochs, time left, where."""

import io

import pytest
from made import RUN, SPEC, snapshot, summary

from runner import progress
from runner.plan import Job
from runner.progress import Display, Watch, duration


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes when it is told to."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])
    return now


def test_the_time_left_goes_down_between_epochs_and_is_told_anew_by_each(clock):
    display = Display(2, 10, io.StringIO())
    assert display.seconds_left() is None
    clock[0] += 4
    display.advance(2)
    assert display.seconds_left() == 16
    clock[0] += 3
    assert display.seconds_left() == 13
    clock[0] += 3
    display.advance(2)
    assert display.seconds_left() == 15  # 4 epochs in 10 s
    clock[0] += 100
    assert display.seconds_left() == 0


def test_a_terminal_shows_how_long_is_left_and_on_how_many_machines(clock):
    terminal = Terminal()
    display = Display(3, 9, terminal)
    clock[0] += 60
    display.advance(3)
    display.run_ended("dropout=true, seed 0", "here")
    display.running({"one", "two"})
    assert "1/3 trainings on 2 machines" in terminal.getvalue() and "about 2 min left" in terminal.getvalue()
    assert "done" not in terminal.getvalue()
    display.close()


def test_elsewhere_a_line_a_training_tells_where_it_was_made_and_nothing_steers_the_terminal(clock, capsys):
    log = io.StringIO()
    display = Display(2, 2, log)
    clock[0] += 5
    display.advance(1)
    display.run_ended("dropout=\x1b[31mtrue", "node7")
    display.run_ended("dropout=false", progress.host())
    assert log.getvalue().splitlines() == [
        "[1/2] dropout=\\x1b[31mtrue: done on node7; 5 s so far, about 5 s left",
        "[2/2] dropout=false: done; 5 s so far, about 5 s left",
    ]


def test_a_watch_takes_in_what_others_do_whatever_was_there_before(store, monkeypatch):
    monkeypatch.setattr(progress.sys, "stderr", log := io.StringIO())
    store.commit(RUN, SPEC, snapshot(2), summary(2))
    job = Job(RUN, SPEC, 5, "seed 0", {}, "", str(store.root), 1)
    with Watch(store, [job]) as watch:
        assert watch.display.epochs == 3
        store.tell(RUN, {"host": "node7", "pid": 1, "epoch": 3})
        watch.look()
        assert watch.display.done == 1 and watch.left
        store.commit(RUN, SPEC, snapshot(4), summary(4))  # of another study, that goes less far
        watch.look()
        assert watch.left
        store.commit(RUN, SPEC, snapshot(6), summary(6))
        watch.look()
        assert not watch.left and not watch.failed and watch.display.done == 3
    assert log.getvalue().startswith("[1/1] seed 0: done on node7; ")


def test_what_another_recorded_after_the_plan_was_made_has_ended_at_the_first_look(store, monkeypatch):
    monkeypatch.setattr(progress.sys, "stderr", log := io.StringIO())
    job = Job(RUN, SPEC, 2, "seed 0", {}, "", str(store.root), 1)
    store.save_failure(RUN, {"reason": "of an earlier attempt"})
    store.commit(RUN, SPEC, snapshot(2), summary(2))
    with Watch(store, [job]) as watch:
        watch.look()
        assert not watch.left and not watch.failed
    assert log.getvalue().startswith("[1/1] seed 0: done; ")


def test_seconds_are_told_as_people_do():
    assert [duration(seconds) for seconds in (0.4, 89, 90, 3480, 7500)] == [
        "0 s",
        "89 s",
        "2 min",
        "58 min",
        "2 h 5 min",
    ]
