"""`python -m analysis import PATH...`: files of another tool -> a study's folder with its report.

`results/<name>/` then holds study.json, tables/, the report, and import.yaml, which says how the files were read:
the paths and options as they were given, so that the same command gives the same bytes.
"""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from analysis.foreign import Refused, Understanding, read, read_options, understand
from analysis.reading.csv_files import csv_bytes
from analysis.report.freshness import shown
from runner.metrics import UnknownMetric
from runner.store import Store, StoreError, make_folder, read_study, write_file

COMMAND = "python -m analysis import"
OPTIONS = {  # as `analysis.foreign.options` has them
    "name": ("NAME", "of the study; made of its factors unless given"),
    "seed": ("COLUMN", "where the seed stands; none: replicates are numbered"),
    "factors": ("a,b", "the settings to compare; found unless given"),
    "baseline": ("a=1", "the level, or levels, that others are compared with; the first unless given"),
    "better": ("val_loss=lower,f1=higher", "which direction of a metric is better: higher, lower or neither"),
    "sesoi": ("f1=0.002", "smallest effect of interest, as stored in the files"),
    "primary": ("f1", "the metrics of the corrected family"),
    "where": ("dataset=california", "only runs with this setting"),
    "at": ("last|epoch=10", "which epoch to look at, where runs have different numbers of them"),
    "pair": ("seed", "runs of one seed number are a block; unpaired unless given"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Import the files named on the command line; return 0, 2 with one sentence where they cannot be used."""
    told = _parser().parse_args(arguments)
    options = {name: getattr(told, name) for name in OPTIONS if getattr(told, name) is not None}
    try:
        folder = _imported(told, options)
        if folder is not None:
            print(_report(folder, bool(options.get("pair"))))
    except (Refused, UnknownMetric, StoreError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _imported(told: argparse.Namespace, options: dict[str, str]) -> Path | None:
    """Print how the files are understood, write all but the report and return the folder; None of a dry run.

    What was read is let go on return, so that a report of millions of rows has the memory for itself.
    """
    command = _command(told.paths, options, told.results_dir)
    understanding = understand(read(told.paths), read_options(**options), command)
    folder = None if told.dry_run else _free_folder(Store(told.results_dir), understanding.declaration)
    print(understanding.text, end="" if folder is None else "\n", flush=True)
    if folder is not None:
        _write(folder, understanding, _read_as(told.paths, options, understanding))
    return folder


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__, allow_abbrev=False)
    parser.add_argument("paths", nargs="+", metavar="PATH", help="files, or folders that hold them, of one tool")
    for name, (value, what) in OPTIONS.items():
        parser.add_argument(f"--{name}", metavar=value, help=what)
    parser.add_argument("--dry-run", action="store_true", help="say how the files are understood, and write nothing")
    parser.add_argument("--results-dir", default="results", metavar="DIR", help="where the study's folder is written")
    return parser


def _command(paths: Sequence[str], options: dict[str, str], results_dir: str) -> str:
    """Return the command as it can be typed again."""
    written = [part for name, value in options.items() for part in (f"--{name}", value)]
    written += [] if results_dir == "results" else ["--results-dir", results_dir]
    return shlex.join([*COMMAND.split(), *paths, *written])


def _free_folder(store: Store, declaration: dict[str, Any]) -> Path:
    """Return where the study goes; StoreError where something else stands there that is no import."""
    folder = store.study_folder(declaration["name"])
    if folder.exists() and any(folder.iterdir()) and not (folder / "import.yaml").is_file():
        raise StoreError(
            f"--name must be of a study that is not there yet, or was imported; {str(folder)!r} holds another. "
            "Choose another name."
        )
    return folder


def _read_as(paths: Sequence[str], options: dict[str, str], understanding: Understanding) -> bytes:
    """Return import.yaml's bytes: the paths and options as given, and what they were taken for."""
    how = {"paths": [*paths], "options": options, "source": understanding.declaration["source"]}
    head = f"# How this study was read: {understanding.declaration['command']}\n".replace("\r", " ")
    return (head.replace("\n", " ").rstrip() + "\n" + yaml.safe_dump(how, sort_keys=False, allow_unicode=True)).encode()


def _write(folder: Path, understanding: Understanding, read_as: bytes) -> None:
    """Write what the report is made from; study.json comes last, so that a study is whole or none."""
    make_folder(folder / "tables")
    write_file(folder / "import.yaml", read_as)
    write_file(folder / "tables" / "runs.csv", csv_bytes(understanding.runs))
    write_file(folder / "tables" / "history.csv", csv_bytes(understanding.history))
    Store(folder.parent).write_study(folder.name, understanding.declaration)
    read_study(folder)


def _report(folder: Path, paired: bool) -> str:
    """Write the report and return what the terminal says of it."""
    from analysis.report.files import write_report  # here, so that a dry run pays no matplotlib

    told = shown(write_report(folder), folder)
    return f"{_variance_ratio(folder)}\n{told}" if paired else told


def _variance_ratio(folder: Path) -> str:
    """Return what pairing brought, the median over the contrasts of primary metrics."""
    import pandas as pd

    table = pd.read_csv(folder / "tables" / "effects.csv")
    ratio = table.loc[table["primary"].astype(bool), "variance_ratio"].median()
    return f"Var(paired)/Var(unpaired): {ratio:.2f} (median over contrasts); below 1, pairing by seed buys precision"
