"""`python -m analysis export results/<study> --to tensorboard DIR`: a study's histories where people already look."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from analysis.words.phrases import count
from runner.store import StoreError

TARGETS = ("tensorboard", "mlflow")


def main(words: Sequence[str]) -> int:
    """Write the study's histories as the words ask; return 0, or 2 with one sentence where that is not possible."""
    parser = argparse.ArgumentParser(prog="python -m analysis export", description=__doc__)
    parser.add_argument("study", type=Path, metavar="results/<study>", help="folder with a study.json")
    parser.add_argument("--to", required=True, choices=TARGETS, help="event files of a run each, or an MLflow store")
    parser.add_argument("target", type=Path, metavar="DIR", help="folder to write into")
    asked = parser.parse_args(words)

    from analysis.export.mlflow import write_experiment
    from analysis.export.runs import CannotExport
    from analysis.export.tensorboard import write_events
    from analysis.reading.study import study_in

    try:
        study = study_in(asked.study)
        written = {"tensorboard": write_events, "mlflow": write_experiment}[asked.to](study, asked.target)
    except (StoreError, CannotExport) as error:
        print(error, file=sys.stderr)
        return 2
    runs = study.runs.drop_duplicates(["cell", "seed"])
    there = int(runs["status"].isin(["complete", "diverged"]).sum())
    left = f"; {count(len(runs) - there, 'run')} without a history left out" if there < len(runs) else ""
    print(f"{count(there, 'run')} of {study.declaration['name']}{left}\n{asked.to}: {written}")
    return 0
