"""A study's frames -> report.md, its figures and its tables; the same records give the same bytes."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from analysis import tables
from analysis.markup import code, markdown, one_line, spreadsheet
from analysis.rounding import duration, mean_and_half_width
from analysis.tables import Study
from runner.store import write_file

CELLS_SHOWN = 24  # in tables and figures; all cells are in the CSV files
LISTED = 20  # runs listed one by one where some failed
SHOWN_METRICS = {
    "val_accuracy": "validation accuracy, %",
    "accuracy": "training accuracy, %",
    "val_loss": "validation loss, nats",
    "loss": "training loss, nats",
}


@dataclass(frozen=True)
class Written:
    """What the terminal says of a report, and whether every run of the study has an outcome."""

    summary: str
    complete: bool


def write_report(folder: Path) -> Written:
    """Write report.md, figures/ and tables/ of the study declared in `folder`."""
    study = tables.read(folder)
    cells = tables.cells_frame(study.runs, study.factors)
    write_tables(folder, {"runs": study.runs, "history": study.history, "cells": cells})
    write_file(folder / "report.md", "\n".join([*report(study, cells), ""]).encode())
    complete = not study.runs["status"].isin(["failed", "missing"]).any()
    return Written(summary(study, cells, folder), complete)


def write_tables(folder: Path, frames: dict[str, pd.DataFrame]) -> None:
    """Write each frame to tables/<name>.csv, floats to the last bit, text that no spreadsheet runs as a formula."""
    (folder / "tables").mkdir(exist_ok=True)
    for name, frame in frames.items():
        text = frame.select_dtypes(["object", "string"]).columns
        safe = frame.assign(**{column: frame[column].map(spreadsheet, na_action="ignore") for column in text})
        write_file(folder / "tables" / f"{name}.csv", safe.to_csv(index=False, lineterminator="\n").encode())


# ---- report.md


def report(study: Study, cells: pd.DataFrame) -> Iterable[str]:
    """Return the lines of report.md."""
    return [
        f"# {markdown(study.declaration['name'])}",
        *section("What was asked", asked(study)),
        *section("What failed or is missing", missing(study)),
        *section("Comparison", comparison(study, cells)),
        *section("Cost", cost(study)),
        *section("How this was made", made(study)),
    ]


def section(title: str, lines: list[str]) -> list[str]:
    """Return the section with its heading, or nothing where it has nothing to say."""
    return ["", f"## {title}", "", *lines] if lines else []


def asked(study: Study) -> list[str]:
    """Return the command, the design, the factors with their levels, and the number of seeds."""
    declaration = study.declaration
    cells, seeds = len(declaration["cells"]), declaration["seeds"]
    lines = [code(declaration["command"]), ""]
    for key, levels in study.design.factors.items():
        shown = ", ".join(markdown(one_line(level)) for level in levels)
        lines.append(f"- **{markdown(key)}**: {shown} (baseline {markdown(one_line(levels[0]))})")
    return [
        *lines,
        f"- design {markdown(declaration['design'])}: {count(cells, 'cell')} × {count(len(seeds), 'seed')} "
        f"({seed_range(seeds)}) = {count(len(declaration['runs']), 'run')}",
        *(f"- {sentence}" for sentence in inert(study)),
    ]


def inert(study: Study) -> list[str]:
    """Return a sentence for each factor whose levels are one and the same run."""
    return [
        f"{markdown(each['factor'])} changes nothing{' at ' if each['where'] else ' here'}"
        f"{markdown(one_line(each['where']))}: its levels are one and the same run, trained once."
        for each in study.declaration["inert"]
    ]


def missing(study: Study) -> list[str]:
    """Return what has no metrics and why: runs by status, seeds left out, records in quarantine."""
    if study.runs["status"].eq("complete").all() and not study.quarantined:
        return []
    lines = [f"- {line}" for line in [*status_lines(study), *quarantine_lines(study)]]
    left_out = [seed for seed in study.declaration["seeds"] if seed not in tables.complete_seeds(study.runs)]
    if left_out:
        lines.append(f"- left out of all comparisons, since not complete in every cell: seed {seed_range(left_out)}")
    return lines


def status_lines(study: Study) -> list[str]:
    """Return a line a cell and status, with the share of seeds, and a line for each failed run up to a limit."""
    lines = []
    for (cell, status), group in study.runs.groupby(["cell", "status"], sort=False):
        if status != "complete":
            total = study.runs["cell"].eq(cell).sum()
            lines.append(
                f"{markdown(one_line(cell))}: {status} in {len(group)} of {count(total, 'seed')} "
                f"({seed_range(list(group['seed']))})"
            )
    return lines + failure_lines(study)


def failure_lines(study: Study) -> list[str]:
    """Return how each failed run failed and where its log lies."""
    failed = study.runs[study.runs["status"].eq("failed")].drop_duplicates("run")
    lines = [
        f"{markdown(one_line(row.cell))}, seed {row.seed}: {markdown(one_line(study.failures[row.run]['reason']))} "
        f"(log in {code(f'runs/.work/{row.run}/')})"
        for row in failed.head(LISTED).itertuples()
    ]
    return lines + ([f"and {len(failed) - LISTED} more"] if len(failed) > LISTED else [])


def quarantine_lines(study: Study) -> list[str]:
    """Return a line for each record of this study that was set aside."""
    return [f"record {run} was moved to quarantine/: {markdown(one_line(why))}" for run, why in study.quarantined]


def comparison(study: Study, cells: pd.DataFrame) -> list[str]:
    """Return the comparison table with what its figures mean."""
    shown = shown_cells(cells)
    lines = markdown_table(comparison_table(study, cells[cells["cell"].isin(shown)]))
    if len(shown) < len(cells):
        lines += ["", f"The baseline and the best and worst of {len(cells)} cells; tables/cells.csv has all."]
    return [*lines, "", comparison_note(int(cells["n"].max()))]


def comparison_note(n: int) -> str:
    """Return what the table's figures are."""
    if n == 0:
        return "No seed is complete, so there is nothing to compare."
    spread = "mean ± half of the 95 % t-interval over seeds" if n > 1 else "one seed, so without an interval"
    return (
        f"After the last epoch of each run; {spread}. Training accuracy and loss are as Keras logs them, "
        "while the weights move; seconds are wall time of training and measuring one run."
    )


def comparison_table(study: Study, cells: pd.DataFrame) -> pd.DataFrame:
    """Return the table as text: a row per cell, a column per factor, n, each shown metric, seconds."""
    factors = [key for key in study.factors if key in cells] or ["cell"]
    table = pd.DataFrame({key: cells[key].map(one_line) for key in factors})
    table["n"] = cells["n"].astype(str)
    for metric, title in SHOWN_METRICS.items():
        columns = cells[[metric, f"{metric}_low", f"{metric}_high"]].to_numpy(float)
        table[title] = [mean_and_half_width(*row, metric) for row in columns]
    table["seconds"] = [duration(seconds) for seconds in cells["train_seconds"] + cells["measure_seconds"]]
    return table


def shown_cells(cells: pd.DataFrame) -> list[str]:
    """Return the labels of the cells to show, in plan order: all, or the baseline and the best and worst."""
    if len(cells) <= CELLS_SHOWN:
        return list(cells["cell"])
    ranked = cells.sort_values("val_accuracy", ascending=False, kind="stable")["cell"]
    half = (CELLS_SHOWN - 1) // 2
    chosen = {cells["cell"].iloc[0], *ranked.head(half), *ranked.tail(half)}
    return [cell for cell in cells["cell"] if cell in chosen]


def cost(study: Study) -> list[str]:
    """Return what the study took, what sharing saved and what one more seed would take."""
    declaration, records = study.declaration, study.records.values()
    epochs = sum(record.epochs for record in records)
    seconds = sum(sum(record.history[name]) for record in records for name in tables.SECONDS)
    cpu = sum(sum(record.history.get("cpu_seconds", [])) for record in records)
    asked_for = sum(run["epochs"] for run in declaration["runs"])
    elsewhere = sum(record.summary.get("study") != declaration["name"] for record in records)
    trained = f"{count(len(study.records), 'training')} of {count(epochs, 'epoch')} for {asked_for:,} epochs asked for"
    each_seed = seconds / max(len(declaration["seeds"]), 1)
    return [
        f"- {trained}; sharing trainings saved {declaration['epochs_shared']:,}",
        f"- {count(elsewhere, 'training')} reused from other studies" if elsewhere else "- nothing reused from others",
        f"- {duration(seconds)} of training and measuring, {duration(cpu)} of processor time",
        f"- one more seed would take about {duration(each_seed)}, less what runs side by side",
    ]


def made(study: Study) -> list[str]:
    """Return what made the records: commits, dataset, versions, machines."""
    records = study.records.values()
    lines = []
    for title, values in {
        "commit": [record.summary.get("commit") for record in records],
        "code that determines numbers (sha256)": [record.spec["code"][:16] for record in records],
        "dataset": [f"{r.summary.get('dataset')}, sha256 {r.spec['dataset']['sha256'][:16]}" for r in records],
        "images": [images_of(record.summary) for record in records],
        "environment": [described(each) for record in records for each in record.summary["environments"]],
    }.items():
        lines += [f"- {title}: {markdown(one_line(value))}{share}" for value, share in shares(values)]
    return [*lines, f"- rebuilt from the records by {code('python -m analysis ' + report_folder(study))}"]


def report_folder(study: Study) -> str:
    """Return the study's folder as a person at the project's root would type it."""
    return f"results/{study.declaration['name']}"


def shares(values: list[str | None]) -> list[tuple[str, str]]:
    """Return each distinct value with ` (3 of 20)`, or with nothing where there is only one."""
    counts = Counter(str(value) for value in values if value is not None)
    total = counts.total()
    return [(value, "" if n == total else f" ({n} of {total})") for value, n in counts.items()]


def images_of(summary: dict[str, Any]) -> str:
    """Return `54,000 train, 6,000 holdout, ...`."""
    return ", ".join(f"{number:,} {split}" for split, number in summary["images"].items())


def described(environment: dict[str, Any]) -> str:
    """Return an environment as one line, without the epoch that it began with."""
    named = {key: value for key, value in environment.items() if key != "from_epoch"}
    return ", ".join(f"{key} {value}" for key, value in named.items())


# ---- tables as text


def markdown_table(table: pd.DataFrame) -> list[str]:
    """Return the table of texts as a markdown table, every text escaped."""
    rows = [[markdown(one_line(value)) for value in row] for row in table.itertuples(index=False)]
    heads = [markdown(one_line(column)) for column in table.columns]
    return [table_row(heads), table_row(["---"] * len(heads)), *map(table_row, rows)]


def table_row(values: Iterable[str]) -> str:
    """Return one row of a markdown table."""
    return f"| {' | '.join(values)} |"


def summary(study: Study, cells: pd.DataFrame, folder: Path) -> str:
    """Return what the terminal shows: the comparison table, what is missing, where the report is."""
    shown = comparison_table(study, cells[cells["cell"].isin(shown_cells(cells))])
    return "\n".join(
        [
            shown.to_string(index=False, justify="left"),
            *(re.sub(r"\\(.)", r"\1", line) for line in [*inert(study), *status_lines(study)]),
            f"report: {folder / 'report.md'}",
        ]
    )


def count(number: int, noun: str) -> str:
    """Return `1 run`, `2 runs`, `1,000 runs`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def seed_range(seeds: list[int]) -> str:
    """Return `0 to 4` for whole stretches of seeds, else the seeds one by one."""
    if len(seeds) > 2 and seeds == list(range(seeds[0], seeds[-1] + 1)):
        return f"{seeds[0]} to {seeds[-1]}"
    return ", ".join(map(str, seeds))
