"""Kill a small sweep at random moments, again and again; in the end its tables are those of an uninterrupted one.

python tests/benchmarks/kill_sweep.py --kills 200     about 25 minutes on 2 cores

Each round starts the sweep in an empty results folder and kills it with SIGKILL: the whole process
group, so that nothing can clean up, or one worker alone, which the sweep must survive. The same
command is then given again, and killed again, `--kills-a-round` times in all; then it is left to
end, and its tables, less the columns of seconds, must equal the uninterrupted ones byte for byte,
and so must its report, less the times. After every kill the store must read as well: no record and
no checkpoint that cannot be believed.

Moments: a quarter of the kills come at any time from the start of the process; the others once it
has begun to write trainings, within the time that they take.
"""

import argparse
import csv
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

from conftest import ROOT, made_arrays, small_study  # noqa: E402

from runner.store import Store  # noqa: E402
from runner.verify import check  # noqa: E402

AXES = ["dropout=true,false", "seed=0,1,2", "epochs=4", "name=killed"]
STARTING_SECONDS = 8.0  # from the command to the end of a whole sweep, on 2 cores
TRAINING_SECONDS = 4.0  # of these, from the first file of a training to the last
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


def start(npz: Path, results: Path) -> subprocess.Popen:
    """Start the sweep as the leader of a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "runner", *small_study(npz, results, *AXES)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(npz: Path, results: Path) -> str:
    """Run the sweep to its end; return what it said on its error stream, RuntimeError unless it ended well."""
    sweep = start(npz, results)
    said = sweep.communicate(timeout=300)[1]
    if sweep.returncode:
        raise RuntimeError(f"the sweep ended with {sweep.returncode}: {said}")
    return said


def outcome(results: Path) -> dict[str, str]:
    """Return the study's tables without their columns of seconds, and its report without its times."""
    folder = results / "killed"
    tables = {path.name: without_seconds(path) for path in sorted((folder / "tables").glob("*.csv"))}
    return {**tables, "report.md": without_times((folder / "report.md").read_text())}


def without_seconds(path: Path) -> str:
    """Return a table's text without the columns that hold seconds."""
    with open(path, newline="") as file:
        head, *rows = csv.reader(file)
    kept = [place for place, column in enumerate(head) if "seconds" not in column]
    return "\n".join(",".join(row[place] for place in kept) for row in [head, *rows])


def without_times(report: str) -> str:
    """Return the report with every time of day or length replaced."""
    return re.sub(r"[\d.,]+(?: ± [\d.,]+)? (?:s|ms|min|h)\b(?: [\d.,]+ (?:s|min)\b)?", "TIME", report)


# ---- kills


def workers_of(parent: int) -> list[int]:
    """Return the processes that the parent's fork server has forked, found by their parent's parent in /proc."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue
    return [pid for pid, above in parents.items() if parents.get(above) == parent]


def wait_for_moment(sweep: subprocess.Popen, results: Path, chance: random.Random) -> None:
    """Wait for a random moment of the sweep's life, or its end."""
    until = time.monotonic() + chance.random() * STARTING_SECONDS
    if chance.random() < 0.75:
        before = written(results)
        while sweep.poll() is None and written(results) == before:
            time.sleep(0.005)
        until = time.monotonic() + chance.random() * TRAINING_SECONDS
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
    workers = workers_of(sweep.pid) if sweep.poll() is None else []
    try:
        os.kill(chance.choice(workers), signal.SIGKILL)
    except (IndexError, ProcessLookupError):
        return False
    return True


def unbelievable(results: Path) -> list[str]:
    """Return what cannot be believed in the store, and what was moved to quarantine; nothing is to be expected."""
    if not results.exists():
        return []
    store = Store(results)
    found = check(store)
    broken = [each for each in found.problems if not any(words in each.reason for words in CUT_SHORT)]
    kept = list(store.quarantine.iterdir()) if store.quarantine.exists() else []
    return [f"{each.path.name}: {each.reason}" for each in broken] + [f"quarantined: {path.name}" for path in kept]


def attack(npz: Path, results: Path, kind: str, chance: random.Random, tally: Tally) -> bool:
    """Start the sweep and kill it, or a worker of it, once; tell whether something was running to be killed."""
    sweep = start(npz, results)
    wait_for_moment(sweep, results, chance)
    hit = kill_group(sweep) if kind == "process group" else kill_worker(sweep, chance)
    if kind == "one worker":
        said = sweep.communicate(timeout=300)[1]
        if hit and sweep.returncode not in (0, 1):
            tally.losses.append(f"{kind}: the sweep ended with {sweep.returncode}: {said}")
    tally.tries[kind] += hit
    tally.losses += [f"{kind}: {each}" for each in unbelievable(results)]
    return hit


def one_round(npz: Path, results: Path, kinds: list[str], chance: random.Random, tally: Tally) -> dict[str, str] | None:
    """Kill the sweep once for each kind, let it end, and return its outcome; None where it did not end well."""
    for kind in kinds:
        attack(npz, results, kind, chance, tally)
    try:
        finish(npz, results)
    except RuntimeError as error:
        tally.losses.append(f"{kinds[-1]}: {error}")
        return None
    tally.losses += [f"{kinds[-1]}: {each}" for each in unbelievable(results)]
    return outcome(results)


def kill_again_and_again(
    folder: Path, kills: int, a_round: int, seed: int = 0, share_of_workers: float = 0.25
) -> Tally:
    """Make `kills` kills in rounds of `a_round` at most; return the tally."""
    npz = folder / "small.npz"
    np.savez(npz, **made_arrays())
    finish(npz, folder / "uninterrupted")
    expected, tally, chance = outcome(folder / "uninterrupted"), Tally(), random.Random(seed)
    place = 0
    while (left := kills - tally.tries.total()) > 0:
        place += 1
        kinds = ["one worker" if chance.random() < share_of_workers else "process group" for _ in range(a_round)]
        found = one_round(npz, folder / f"round-{place}", kinds[:left], chance, tally)
        for name in expected if found is not None else ():
            if found.get(name) != expected[name]:
                tally.losses.append(f"{kinds[-1]}: {name} of round {place} differs")
        print(f"round {place}: {dict(tally.tries)}, {len(tally.losses)} losses", file=sys.stderr, flush=True)
    return tally


def main() -> int:
    """Run from the command line; 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200, help="kills in all")
    parser.add_argument("--kills-a-round", type=int, default=4, help="kills before a sweep is left to end")
    parser.add_argument("--seed", type=int, default=0, help="of the random moments")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tally = kill_again_and_again(Path(folder), given.kills, given.kills_a_round, given.seed)
    print(tally.table())
    return 1 if tally.losses else 0


if __name__ == "__main__":
    raise SystemExit(main())
