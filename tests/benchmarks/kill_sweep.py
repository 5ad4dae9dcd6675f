"""Kill a small sweep at random moments, again and again; in the end its tables are those of an uninterrupted one.

python tests/benchmarks/kill_sweep.py --kills 200     about 15 minutes on 2 cores

Each round starts the sweep in an empty results folder and kills it with SIGKILL: the whole process
group, so that nothing can clean up, or some workers alone, which the sweep must survive. The same
command is then given again, and killed again, as `ROUNDS` says; then it is left to end, and its
tables, less the columns of seconds, must equal the uninterrupted ones byte for byte, and so must its
report, less the times. After every kill the store must read as well: no record and no checkpoint
that cannot be believed.

Moments: a quarter of the kills of all come at any time from the start of the process; the others once
it has begun to write trainings, within the time that they take.
"""

import argparse
import csv
import difflib
import itertools
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

from conftest import ROOT, made_arrays, small_study  # noqa: E402
from jobs import workers_of  # noqa: E402

from runner.store import Store  # noqa: E402
from runner.store.verify import check  # noqa: E402

AXES = ["dropout=true,false", "seed=range(0,8)", "epochs=3", "name=killed"]
SWEEP_SECONDS = 12.0  # from the command to the end of a whole sweep, on 2 cores
TRAINING_SECONDS = 6.0  # of these, from the first file of a training to the last
HANGS = 3600.0  # seconds after which a sweep is believed to hang, however busy the machine is
WORKERS_KILLED = 16  # one after the other in one sweep
ROUNDS = (("group", "group", "group"), ("group", "workers", "group"), ("group", "group"), ("workers", "group"))
Finish = Callable[[Path, Path, Sequence[str]], object]  # dataset, results folder, what the command says
CUT_SHORT = ("cut short", "left over from")  # what the next run puts right by itself


@dataclass
class Tally:
    """How often each attack was made, and everything that was lost."""

    tries: Counter[str] = field(default_factory=Counter)
    losses: list[str] = field(default_factory=list)

    def table(self) -> str:
        """Return attack, tries and losses as a markdown table."""
        rows = [f"| {attack} | {tries} | {self.lost(attack)} |" for attack, tries in sorted(self.tries.items())]
        return "\n".join(["| attack | tries | losses |", "| --- | --- | --- |", *rows, *self.losses])

    def lost(self, attack: str) -> int:
        """Return the losses of one attack."""
        return sum(loss.startswith(attack) for loss in self.losses)


def start(npz: Path, results: Path, axes: Sequence[str]) -> subprocess.Popen:
    """Start the sweep as the leader of a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "runner", *small_study(npz, results, *axes)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(npz: Path, results: Path, axes: Sequence[str]) -> str:
    """Run the sweep to its end; return what it said on its error stream, RuntimeError unless it ended well."""
    sweep = start(npz, results, axes)
    said = sweep.communicate(timeout=HANGS)[1]
    if sweep.returncode:
        raise RuntimeError(f"the sweep ended with {sweep.returncode}: {said}")
    return said


def outcome(results: Path) -> dict[str, str]:
    """Return the study's tables without their columns of seconds, and its report without its times."""
    folder = results / "killed"
    tables = {path.name: without_seconds(path) for path in sorted((folder / "tables").glob("*.csv"))}
    report = (folder / "report.md").read_text().replace(os.path.relpath(results, ROOT), "RESULTS")
    return {**tables, "report.md": without_times(report)}


def without_seconds(path: Path) -> str:
    """Return a table's text without the columns that hold seconds."""
    with open(path, newline="") as file:
        head, *rows = csv.reader(file)
    kept = [place for place, column in enumerate(head) if "seconds" not in column]
    return "\n".join(",".join(row[place] for place in kept) for row in [head, *rows])


def without_times(report: str) -> str:
    """Return the report with every time of day or length replaced."""
    return re.sub(r"[\d.,]+(?: ± [\d.,]+)? (?:s|ms|min|h)\b(?: [\d.,]+ (?:s|min)\b)?", "TIME", report)


def difference(name: str, expected: str, found: str | None) -> str:
    """Return the first lines that differ, on one line."""
    lines = difflib.unified_diff(expected.splitlines(), (found or "").splitlines(), n=0, lineterm="")
    return f"{name} differs: " + " / ".join(list(lines)[3:7])


# ---- kills


def wait_for_moment(sweep: subprocess.Popen, results: Path, chance: random.Random, seconds: float) -> None:
    """Wait for a random moment within `seconds` of the sweep's first writing, or for its end."""
    before = written(results)
    while sweep.poll() is None and written(results) == before:
        time.sleep(0.005)
    wait(sweep, chance.random() * seconds)


def wait(sweep: subprocess.Popen, seconds: float) -> None:
    """Wait for some seconds, or for the sweep's end."""
    until = time.monotonic() + seconds
    while sweep.poll() is None and time.monotonic() < until:
        time.sleep(0.002)


def written(results: Path) -> set[tuple[str, int]]:
    """Return what lies in training, with the time of its last change."""
    found = set()
    for path in (results / "runs" / ".work").glob("*/*"):
        try:
            found.add((str(path), path.stat().st_mtime_ns))
        except OSError:
            continue
    return found


def kill_group(sweep: subprocess.Popen) -> bool:
    """Kill the sweep with all its processes; tell whether it was still running."""
    running = sweep.poll() is None
    try:
        os.killpg(sweep.pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    finally:
        sweep.communicate()
    return running


def kill_worker(sweep: subprocess.Popen, chance: random.Random) -> bool:
    """Kill one of the sweep's workers; tell whether there was one."""
    while sweep.poll() is None:
        try:
            os.kill(chance.choice(workers_of(sweep.pid)), signal.SIGKILL)
        except (IndexError, ProcessLookupError):
            time.sleep(0.005)
        else:
            return True
    return False


def unbelievable(results: Path) -> list[str]:
    """Return what cannot be believed in the store, and what was moved to quarantine; nothing is to be expected."""
    if not results.exists():
        return []
    store = Store(results)
    found = check(store)
    broken = [each for each in found.problems if not any(words in each.reason for words in CUT_SHORT)]
    kept = list(store.quarantine.iterdir()) if store.quarantine.exists() else []
    return [f"{each.path.name}: {each.reason}" for each in broken] + [f"quarantined: {path.name}" for path in kept]


@dataclass
class Attacks:
    """What is killed and when, and what came of it."""

    npz: Path
    axes: Sequence[str]  # of the sweep
    chance: random.Random
    seconds: float = TRAINING_SECONDS  # in which most kills come, from the first writing
    workers_killed: int = WORKERS_KILLED
    finish: Finish = finish
    tally: Tally = field(default_factory=Tally)

    def group(self, results: Path) -> None:
        """Start the sweep and kill all of it."""
        sweep = start(self.npz, results, self.axes)
        if self.chance.random() < 0.25:
            wait(sweep, self.chance.random() * SWEEP_SECONDS)
        else:
            wait_for_moment(sweep, results, self.chance, self.seconds)
        self.tally.tries["process group"] += kill_group(sweep)
        self.lose("process group", unbelievable(results))

    def workers(self, results: Path) -> None:
        """Start the sweep and kill some workers; the sweep itself must go on and end."""
        sweep, hits = start(self.npz, results, self.axes), 0
        wait_for_moment(sweep, results, self.chance, self.seconds)
        for _ in range(self.workers_killed):
            hits += kill_worker(sweep, self.chance)
            wait(sweep, self.chance.random() * 0.5)
        said = sweep.communicate(timeout=HANGS)[1]
        self.tally.tries["one worker"] += hits
        if sweep.returncode not in (0, 1) or "Traceback" in said:
            self.lose("one worker", [f"the sweep ended with {sweep.returncode}: {said}"])
        self.lose("one worker", unbelievable(results))

    def end(self, results: Path, expected: dict[str, str], last: str) -> None:
        """Let the sweep end and compare its outcome with the uninterrupted one's."""
        try:
            self.finish(self.npz, results, self.axes)
        except RuntimeError as error:
            self.lose(last, [str(error)])
            return
        found = outcome(results)
        self.lose(last, unbelievable(results))
        self.lose(
            last,
            [
                difference(name, expected[name], found.get(name))
                for name in expected
                if expected[name] != found.get(name)
            ],
        )

    def lose(self, attack: str, losses: list[str]) -> None:
        """Note losses."""
        self.tally.losses += [f"{attack}: {loss}" for loss in losses]


def kill_again_and_again(
    folder: Path,
    kills: int,
    rounds: Iterable[Sequence[str]],
    seconds: float = TRAINING_SECONDS,
    seed: int = 0,
    axes: Sequence[str] = AXES,
    workers_killed: int = WORKERS_KILLED,
    finish: Finish = finish,
) -> Tally:
    """Kill at least `kills` times; each round names the attacks ("group", "workers") on one sweep before its end.

    `finish` runs a sweep that nothing kills.
    """
    npz = folder / "small.npz"
    np.savez(npz, **made_arrays())
    finish(npz, folder / "uninterrupted", axes)
    expected = outcome(folder / "uninterrupted")
    attacks = Attacks(npz, axes, random.Random(seed), seconds, workers_killed, finish)
    for place, kinds in enumerate(rounds):
        results = folder / f"round-{place}"
        for kind in kinds:
            getattr(attacks, kind)(results)
        attacks.end(results, expected, "one worker" if kinds[-1] == "workers" else "process group")
        print(f"round {place}: {dict(attacks.tally.tries)}, {len(attacks.tally.losses)} losses", file=sys.stderr)
        if attacks.tally.tries.total() >= kills:
            break
    return attacks.tally


def main() -> int:
    """Run from the command line; 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200, help="kills in all")
    parser.add_argument("--seed", type=int, default=0, help="of the random moments")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tally = kill_again_and_again(Path(folder), given.kills, itertools.cycle(ROUNDS), seed=given.seed)
    print(tally.table())
    return 1 if tally.losses else 0


if __name__ == "__main__":
    raise SystemExit(main())
