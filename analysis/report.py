"""A study's evidence -> report.md, its figures and its tables; the same records give the same bytes."""

import csv
import io
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from analysis import effects, ends, errors, reported, tables
from analysis.evidence import RESPONSES, Evidence, draw, gather, shown_effects
from analysis.figures import png
from analysis.findings import inert_factors
from analysis.latex import latex_table
from analysis.markup import code, markdown, one_line, spreadsheet
from analysis.rounding import difference_and_interval, duration, mean_and_half_width, p_value
from analysis.tables import Study
from runner.store import SCRAP, make_folder, write_file

FOLDERS = ("figures", "tables")
LISTED = 20  # runs or images listed one by one
SHOWN_METRICS = {
    "val_accuracy": "validation accuracy, %",
    "accuracy": "training accuracy, %",
    "val_loss": "validation loss, nats",
    "loss": "training loss, nats",
}
INTERVAL = "95 % t-interval over seeds"
CAPTIONS = {  # by the start of the figure's name
    "effects_val_accuracy": f"Effects on validation accuracy: mean and {INTERVAL}; dots are single seeds",
    "effects_val_loss": f"Effects on validation loss: mean and {INTERVAL}; dots are single seeds",
    "interaction": f"How the effect of one factor depends on another: mean and {INTERVAL}, each seed joined",
    "overview": f"Mean validation curves of the cells, with {INTERVAL}",
    "curves_accuracy": "Accuracy in training, as logged while the weights move, and in validation",
    "curves_loss": "Loss in training, as logged while the weights move, and in validation",
    "gap_accuracy": f"What the gap in accuracy is made of: means over seeds; the net gap with its {INTERVAL}",
    "gap_loss": f"What the gap in loss is made of: means over seeds; the net gap with its {INTERVAL}",
    "missed": "The validation images that most runs miss",
    "confusion": "True against given classes, counts over the runs of a cell: the baseline and the best cell",
}


@dataclass(frozen=True)
class Written:
    """What the terminal says of a report, and whether every run of the study has an outcome."""

    summary: str
    complete: bool


def write_report(folder: Path) -> Written:
    """Write report.md, figures/ and tables/ of the study declared in `folder`; what is no longer part of it goes."""
    evidence = gather(folder)
    files = {f"figures/{name}.png": png(figure) for name, figure in draw(evidence).items()}
    figures = [path.removeprefix("figures/").removesuffix(".png") for path in files]
    files["report.md"] = "\n".join([*report(evidence, figures), ""]).encode()
    put_in_place(folder, itertools.chain(table_files(evidence), files.items()))
    complete = not evidence.study.runs["status"].isin(["failed", "missing"]).any()
    return Written(summary(evidence), complete)


def put_in_place(folder: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Write the report's files one by one, and remove those of an earlier report that it no longer has."""
    for part in FOLDERS:
        make_folder(folder / part)
    written = set()
    for name, content in files:
        write_file(folder / name, content)
        written.add(name)
    for part in FOLDERS:
        for path in (folder / part).iterdir():
            if f"{part}/{path.name}" not in written and not path.is_dir() and not path.match(SCRAP):
                path.unlink(missing_ok=True)


def table_files(evidence: Evidence) -> Iterator[tuple[str, bytes]]:
    """Yield the files of tables/, each when it is asked for, since the largest have 100 MB: CSV, and two as LaTeX."""
    frames = {
        "runs": evidence.study.runs,
        "history": evidence.study.history,
        "cells": evidence.cells,
        "effects": evidence.effects,
        "gap": evidence.gap,
    }
    if len(evidence.reported):
        frames["reported"] = evidence.reported
    if evidence.ends is not None:
        frames["ends"] = evidence.ends
    if evidence.misses is not None:
        frames["missed"] = evidence.misses.table
    for frame, content in frames.items():
        yield f"tables/{frame}.csv", csv_bytes(content)
    name = evidence.study.declaration["name"]
    comparison = latex_table(comparison_table(evidence), f"{name}: {comparison_note(evidence)}")
    yield "tables/comparison.tex", comparison.encode()
    effects = latex_table(effects_table(evidence), f"{name}: effects, 95 % t-intervals over seeds.")
    yield "tables/effects.tex", effects.encode()


def csv_bytes(frame: pd.DataFrame) -> bytes:
    """Return the frame as CSV, floats to the last bit, text that no spreadsheet runs as a formula."""
    text = frame.select_dtypes(["object", "string"]).columns
    columns = [each_once(frame[name], spreadsheet) if name in text else frame[name] for name in frame]
    content = io.StringIO(newline="")
    writer = csv.writer(content, lineterminator="\n")
    writer.writerow(map(spreadsheet, frame.columns))
    writer.writerows(zip(*map(values_of, columns), strict=True))  # DataFrame.to_csv takes a third longer
    return content.getvalue().encode()


def values_of(column: pd.Series) -> list[Any]:
    """Return the column's values, None where there is none, which CSV has as nothing."""
    whole = column.astype(object).where(column.notna(), None) if column.isna().any() else column
    return whole.tolist()


def each_once(texts: pd.Series, change: Callable[[str], str]) -> pd.Series:
    """Return the texts changed, each distinct one computed once."""
    return texts.map({text: change(text) for text in texts.dropna().unique()})


# ---- report.md


def report(evidence: Evidence, figures: list[str]) -> list[str]:
    """Return the lines of report.md."""
    study = evidence.study
    return [
        f"# {markdown(study.declaration['name'])}",
        *section("What was asked", asked(study)),
        *section("Findings", findings(evidence)),
        *section("What failed or is missing", missing(study)),
        *section("Comparison", comparison(evidence)),
        *section("Reported and reproduced", reported_section(evidence)),
        *section("Effects", effects_section(evidence, figures)),
        *section("Leave-one-out against add-one", ends_section(evidence)),
        *section("Training against validation", shown(figures, "overview", "curves_accuracy", "curves_loss")),
        *section("The gap between training and validation, taken apart", gap_section(evidence, figures)),
        *section("The images that most runs miss", misses_section(evidence, figures)),
        *section("Cost", cost(study)),
        *section("How this was made", made(study)),
    ]


def section(title: str, lines: list[str]) -> list[str]:
    """Return the section with its heading, or nothing where it has nothing to say."""
    return ["", f"## {title}", "", *lines] if lines else []


def shown(figures: list[str], *names: str) -> list[str]:
    """Return the figures of these names that there are, each with its caption below."""
    found = []
    for name in names:
        if name in figures:
            caption = next(text for start, text in CAPTIONS.items() if name.startswith(start))
            found += [f"![{caption}](figures/{name}.png)", "", f"*{caption}.*", ""]
    return found[:-1]


def asked(study: Study) -> list[str]:
    """Return the command, the design, the factors with their levels, and the number of seeds."""
    declaration = study.declaration
    cells, seeds = len(declaration["cells"]), declaration["seeds"]
    lines = [code(declaration["command"]), ""]
    for key, levels in study.design.factors.items():
        listed = ", ".join(markdown(one_line(level)) for level in levels)
        lines.append(f"- **{markdown(one_line(key))}**: {listed} (baseline {markdown(one_line(levels[0]))})")
    lines += [f"- {markdown(f'{one_line(arm)} against {one_line(against)}')}" for arm, against in compared_arms(study)]
    mode = declaration["mode"]
    return [
        *lines,
        f"- design {markdown(declaration['design'])}{mode and f' ({mode})'}: {count(cells, 'cell')} × "
        f"{count(len(seeds), 'seed')} ({seed_range(seeds)}) = {count(len(declaration['runs']), 'run')}",
    ]


def compared_arms(study: Study) -> list[tuple[str, str]]:
    """Return the comparisons of arms, none where all are with the baseline."""
    [baseline, *_] = next(iter(study.design.factors.values()), ("",))
    return [] if all(against == baseline for _, against in study.design.comparisons) else [*study.design.comparisons]


def findings(evidence: Evidence) -> list[str]:
    """Return one graded sentence a line."""
    sentences = [finding.text for finding in evidence.findings]
    sentences += [] if evidence.ends is None else ends.ends_sentences(evidence.ends)
    sentences += filter(None, [reported.reported_sentence(evidence.reported)])
    return [f"- {markdown(sentence)}" for sentence in sentences]


def inert(study: Study) -> list[str]:
    """Return a sentence for each factor whose levels are one and the same run."""
    return [
        f"{one_line(factor)} changes nothing{' at ' if where else ' here'}{one_line(where)}: "
        "its levels are one and the same run, trained once."
        for factor, where in inert_factors(study.declaration)
    ]


def missing(study: Study) -> list[str]:
    """Return what has no metrics and why: runs by status, seeds left out, records in quarantine."""
    if study.runs["status"].eq("complete").all() and not study.quarantined:
        return []
    lines = [f"- {markdown(line)}" for line in [*status_lines(study), *failure_lines(study), *quarantine_lines(study)]]
    left_out = [f"seed {seed} ({reason})" for seed, reason in effects.left_out(study.runs)]
    if left_out:
        lines.append(f"- left out of all comparisons: {markdown('; '.join(left_out))}")
    return lines


def status_lines(study: Study) -> list[str]:
    """Return a line a cell and status other than complete, with its share of the seeds."""
    lines = []
    for (cell, status), group in study.runs.groupby(["cell", "status"], sort=False):
        if status != "complete":
            total = study.runs["cell"].eq(cell).sum()
            seeds = seed_range(list(group["seed"]))
            lines.append(f"{one_line(cell)}: {status} in {len(group)} of {count(total, 'seed')} ({seeds})")
    return lines


def failure_lines(study: Study) -> list[str]:
    """Return how each failed run failed and where its log lies."""
    failed = study.runs[study.runs["status"].eq("failed")].drop_duplicates("run")
    lines = [
        f"{one_line(row.cell)}, seed {row.seed}: {one_line(study.failures[row.run]['reason'])} "
        f"(log in runs/.work/{row.run}/)"
        for row in failed.head(LISTED).itertuples()
    ]
    return lines + ([f"and {len(failed) - LISTED} more"] if len(failed) > LISTED else [])


def quarantine_lines(study: Study) -> list[str]:
    """Return a line for each record of this study that was set aside."""
    return [f"record {run} was moved to quarantine/: {one_line(why)}" for run, why in study.quarantined]


# ---- comparison and effects


def comparison(evidence: Evidence) -> list[str]:
    """Return the comparison table with what its figures mean."""
    lines = [*markdown_table(comparison_table(evidence)), "", comparison_note(evidence)]
    if len(evidence.shown) < len(evidence.cells):
        lines.append(f"Shown: the baseline and the best and worst of {len(evidence.cells):,} cells; all: cells.csv.")
    return lines


def comparison_note(evidence: Evidence) -> str:
    """Return what the table's figures are."""
    n = evidence.cells["n"].max()
    if n == 0:
        return "No seed is complete, so there is nothing to compare."
    spread = "mean ± half of the 95 % t-interval over seeds" if n > 1 else "one seed, so without an interval"
    return (
        f"After the last epoch of each run; {spread}. Training accuracy and loss are as Keras logs them, "
        "while the weights move. Time is wall time of training and measuring one run."
    )


def comparison_table(evidence: Evidence) -> pd.DataFrame:
    """Return the table as text: a row per shown cell, a column per factor, n, each shown metric, seconds."""
    cells = evidence.cells[evidence.cells["cell"].isin(evidence.shown)]
    factors = [key for key in evidence.study.factors if key in cells] or ["cell"]
    table = pd.DataFrame({key: cells[key].map(one_line) for key in factors})
    table["n"] = cells["n"].astype(str)
    for metric, title in SHOWN_METRICS.items():
        columns = cells[[metric, f"{metric}_low", f"{metric}_high"]].to_numpy(float)
        table[title] = [mean_and_half_width(*row, metric) for row in columns]
    table["time"] = [duration(seconds) for seconds in cells["train_seconds"] + cells["measure_seconds"]]
    return table


def reported_section(evidence: Evidence) -> list[str]:
    """Return a paper's figures beside the reproduced ones, or nothing where none are given."""
    if evidence.reported.empty:
        return []
    found = evidence.reported
    lines = [*markdown_table(reported.reported_table(found)), "", reported.reported_note(found)]
    steps = reported.steps_table(found, evidence.effects)
    return lines if steps.empty else [*lines, "", *markdown_table(steps), "", reported.STEPS_NOTE]


def ends_section(evidence: Evidence) -> list[str]:
    """Return what each component contributes at either end, or nothing where only one was run."""
    if evidence.ends is None:
        return []
    return [*markdown_table(ends.ends_table(evidence.ends)), "", ends.ENDS_NOTE]


def effects_section(evidence: Evidence, figures: list[str]) -> list[str]:
    """Return the table of effects on the primary responses, what its columns mean, and the figures."""
    table = effects_table(evidence)
    if table.empty:
        return []
    drawn = shown(figures, *(name for name in figures if name.startswith(("effects_", "interaction_"))))
    return [*markdown_table(table), "", *EFFECTS_NOTE, "", *drawn]


EFFECTS_NOTE = [
    "Estimates are within-seed differences (level − baseline; an interaction is half the difference of the simple "
    "effects), with 95 % t-intervals. p is that of the paired t-test; p exact is the sign-flip test over all patterns, "
    "with the lowest value that so few seeds allow; p Holm is corrected over all terms and both responses. d_z is the "
    "estimate over the standard deviation of the seeds' differences; ρ the correlation of the arms over seeds; seeds "
    "is how many show an effect of the size seen, and of the smallest size of interest, with 80 % power; p pooled is "
    "the ANOVA with seed as block and one error for all cells, which a cell that scatters far more than the others "
    "widens for all.",
    "Accuracies are in percentage points, losses in nats. The exploratory responses (the gap and its parts) are in "
    "tables/effects.csv.",
]


def effects_table(evidence: Evidence) -> pd.DataFrame:
    """Return the table as text: a row per contrast and primary response."""
    rows = pd.concat([shown_effects(evidence.effects, response) for response in RESPONSES])
    return pd.DataFrame([effect_texts(row) for row in rows.to_dict("records")])


def effect_texts(row: dict[str, Any]) -> dict[str, str]:
    """Return one effect as the cells of the table."""
    return {
        "effect": one_line(row["contrast"]),
        "on": {"val_accuracy": "accuracy", "val_loss": "loss"}[row["response"]],
        "estimate": difference_and_interval(row["estimate"], row["low"], row["high"], row["response"]),
        "n": str(row["n"]),
        "p": p_value(row["p"]),
        "p exact (floor)": f"{p_value(row['p_exact'])} ({p_value(row['p_floor'])})",
        "p Holm": p_value(row["p_holm"]),
        "d_z": number(row["d_z"], ".2f"),
        "ρ": number(row["rho"], ".2f"),
        "seeds": f"{number(row['seeds_needed'], ',.0f')}; {number(row['seeds_needed_sesoi'], ',.0f')}",
        "p pooled": p_value(row["pooled_p"]),
        "grade": row["grade"],
    }


def number(value: Any, shape: str) -> str:
    """Return the number in that format, or a dash where there is none."""
    return "–" if pd.isna(value) else format(value, shape).replace("-", "−")


# ---- the gap and the images that are missed


def gap_section(evidence: Evidence, figures: list[str]) -> list[str]:
    """Return where the gap comes from, cell by cell, and how it moves over epochs."""
    lines = [f"- {markdown(sentence)}" for sentence in evidence.gap_sentences]
    return [*lines, "", *shown(figures, "gap_accuracy", "gap_loss"), "", "By epoch, with intervals: tables/gap.csv."]


def misses_section(evidence: Evidence, figures: list[str]) -> list[str]:
    """Return which validation images are missed, by whom, and what is mistaken for what."""
    misses = evidence.misses
    if misses is None:
        return []
    sentences = [
        *errors.missed_sentences(misses.table, misses.runs, len(misses.images)),
        *errors.split_sentences(misses.split.contrasts),
        *errors.mcnemar_sentences(misses.mcnemar),
        *errors.looks_sentence(evidence.study.design),
    ]
    best = evidence.cells["val_accuracy"].max()
    if pd.notna(best):
        sentences.append(errors.binomial_sentence(float(best), len(misses.images)))
    lines = [f"- {markdown(sentence)}" for sentence in sentences]
    return [*lines, "", *shown(figures, "missed"), "", *split_table(misses.split), *shown(figures, "confusion")]


def split_table(split: errors.Split) -> list[str]:
    """Return the images that a factor changes with an exact p of .05 or less, as many of each contrast, if any."""
    clear = split.images[split.images["p"] <= effects.ALPHA]
    if clear.empty:
        return []
    room = max(1, LISTED // clear["contrast"].nunique())
    images = clear.groupby("contrast", sort=False).head(room).head(LISTED)
    table = pd.DataFrame(
        {
            "effect": images["contrast"].map(one_line),
            "image": images["image"].astype(str),
            "class": images["label"].astype(str),
            "missed at the baseline": of(images["missed_baseline"], images["runs_baseline"]),
            "missed at the level": of(images["missed_level"], images["runs_level"]),
            "p exact": images["p"].map(p_value),
        }
    )
    left = len(split.images) - len(table)
    more = [f"And {left:,} more; tables/missed.csv has every image.", ""] if left else []
    return [*markdown_table(table), "", *more]


def of(part: pd.Series, whole: pd.Series) -> pd.Series:
    """Return `3 of 20` a row."""
    return part.astype(str) + " of " + whole.astype(str)


# ---- cost and provenance


def cost(study: Study) -> list[str]:
    """Return what the study took, what sharing saved and what one more seed would take."""
    declaration, records = study.declaration, study.records.values()
    asked_for = sum(run["epochs"] for run in declaration["runs"])
    used = epochs_used(study)
    epochs = sum(used.values())
    seconds, cpu = spent(study, used, tables.SECONDS), spent(study, used, ("cpu_seconds",))
    elsewhere = sum(record.summary.get("study") != declaration["name"] for record in records)
    each_seed = seconds / max(len(declaration["seeds"]), 1)
    return [
        f"- {count(len(records), 'training')}, {count(epochs, 'epoch')}, for {count(asked_for, 'epoch')} asked for; "
        f"sharing trainings saved {declaration['epochs_shared']:,}",
        f"- {count(elsewhere, 'training')} made or last extended by another study",
        f"- {duration(seconds)} of training and measuring, {duration(cpu)} of processor time",
        f"- one more seed would take about {duration(each_seed)} of training and measuring, shared by the workers",
    ]


def epochs_used(study: Study) -> dict[str, int]:
    """Return the epochs of each record that the study looks at, fewer than it has where another study went on."""
    longest: dict[str, int] = {}
    for run in study.declaration["runs"]:
        longest[run["run"]] = max(run["epochs"], longest.get(run["run"], 0))
    return {run_id: min(longest[run_id], record.epochs) for run_id, record in study.records.items()}


def spent(study: Study, used: dict[str, int], columns: Iterable[str]) -> float:
    """Return what columns of the history sum to over the epochs that are used, in seconds."""
    histories = [(study.records[run_id].history, epochs) for run_id, epochs in used.items()]
    return sum(sum(history.get(name, [])[:epochs]) for history, epochs in histories for name in columns)


def made(study: Study) -> list[str]:
    """Return what made the records: commits, dataset, versions, machines."""
    records = study.records.values()
    lines = []
    for title, values in {
        "commit": [record.summary.get("commit") for record in records],
        "code that determines numbers": [f"sha256 {record.spec['code'][:16]}" for record in records],
        "dataset": [f"{r.summary['data']}, sha256 {r.summary['validation'][:16]}" for r in records],
        "images": [images_of(record.summary) for record in records],
        "environment": [described(each) for record in records for each in record.summary["environments"]],
    }.items():
        lines += [f"- {title}: {markdown(value)}{share}" for value, share in shares(values)]
    rebuild = code(f"python -m analysis results/{study.declaration['name']}")
    return [*lines, f"- rebuilt from its records by {rebuild}"]


def shares(values: list[str | None]) -> list[tuple[str, str]]:
    """Return each distinct value with ` (3 of 20)`, or with nothing where there is only one."""
    counts = Counter(str(value) for value in values if value is not None)
    return [(value, "" if n == counts.total() else f" ({n} of {counts.total()})") for value, n in counts.items()]


def images_of(summary: dict[str, Any]) -> str:
    """Return `54,000 train, 6,000 holdout, ...`."""
    return ", ".join(f"{number:,} {split}" for split, number in summary["examples"].items())


def described(environment: dict[str, Any]) -> str:
    """Return an environment as one line, without the epoch that it began with."""
    return ", ".join(f"{key} {value}" for key, value in sorted(environment.items()) if key != "from_epoch")


# ---- tables as text


def markdown_table(table: pd.DataFrame) -> list[str]:
    """Return the table of texts as a markdown table, every text escaped."""
    rows = [[markdown(one_line(value)) for value in row] for row in table.itertuples(index=False)]
    heads = [markdown(one_line(column)) for column in table.columns]
    return [table_row(heads), table_row(["---"] * len(heads)), *map(table_row, rows)]


def table_row(values: Iterable[str]) -> str:
    """Return one row of a markdown table."""
    return f"| {' | '.join(values)} |"


def summary(evidence: Evidence) -> str:
    """Return what the terminal shows: the comparison table and what is missing."""
    study = evidence.study
    return "\n".join(
        [
            comparison_table(evidence).to_string(index=False),
            *inert(study),
            *status_lines(study),
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
