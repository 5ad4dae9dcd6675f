"""Processes that write into one store: they want the same runs, or record one of them again and again."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

from made import RUN, SPEC, snapshot, summary

from runner.store import Store, record_id

ROOT = Path(__file__).resolve().parent.parent


def processes(program: str, store: Store, count: int) -> list[subprocess.Popen]:
    """Start `count` processes that run the program, which sees `store`, `me` and this module's names."""
    start = f"from rivals import *\nstore, me = Store({str(store.root)!r}), int(sys.argv[1])\n"
    return [
        subprocess.Popen(
            [sys.executable, "-c", start + program, str(me)],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": "tests:."},
            stderr=subprocess.PIPE,
            text=True,
        )
        for me in range(count)
    ]


def compete(store, me, trainings=6, seconds=0.02):
    """Train all of some trajectories in an order of one's own, leaving a mark for each that was trained."""
    specs = [{"seed": seed} for seed in range(10, 10 + trainings)]
    random.Random(me).shuffle(specs)
    while specs:
        spec = specs.pop(0)
        run_id = record_id(spec)
        with store.lock(run_id) as held:
            if not held:
                specs.append(spec)  # looked at again when the others are done
                time.sleep(0.001)
                continue
            store.recover(run_id)
            if store.record(run_id) is None:
                with open(store.root / "marks", "a") as file:
                    file.write(f"{run_id}\n")
                time.sleep(seconds)
                store.commit(run_id, spec, snapshot(2), summary(2))


def replace_for_ever(store):
    """Record one trajectory again and again, each time an epoch longer."""
    with store.lock(RUN):
        for epochs in range(3, 10_000):
            store.commit(RUN, SPEC, snapshot(epochs), summary(epochs))


def extend_for_ever(store):
    """Go on with one trajectory as a worker does, recording it after every epoch."""
    with store.lock(RUN):
        store.recover(RUN)
        for epochs in range(store.record(RUN).epochs + 1, 10_000):
            store.save_snapshot(RUN, snapshot(epochs))
            store.commit(RUN, SPEC, snapshot(epochs), summary(epochs))
