"""A study's evidence -> how its report opens: the answer, under which conditions, and the choices in a small table."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from analysis.reading.study import Study
from analysis.report.evidence import Evidence
from analysis.statistics.cells import best_cell
from analysis.statistics.completeness import left_out, lost_cells
from analysis.words.answer import Best, answer, choices
from analysis.words.markup import markdown, one_line
from analysis.words.methods import pairing
from analysis.words.names import in_unit, response_label, titled
from analysis.words.phrases import capital, count, listed
from analysis.words.quantities import grade_text
from analysis.words.rounding import difference_and_interval, mean_and_half_width
from analysis.words.told import told_of

DATA_NAMED = 3


def summary(evidence: Evidence) -> list[str]:
    """Return the lines before the first section of report.md."""
    study = evidence.study
    told = told_of(study.declaration, evidence.effects, evidence.responses, study.example, study.examples)
    table = _choices_table(choices(told), evidence)
    return [
        f"**{markdown(answer(told, _best(evidence)))}**",
        "",
        markdown(conditions(study)),
        *(["", *table] if table else []),
    ]


def _best(evidence: Evidence) -> Best | None:
    """Return the best cell by the first primary metric, None where there is none or where one seed says it."""
    study, metric = evidence.study, evidence.study.primary[0]
    label = best_cell(evidence.cells, metric)
    if label is None or len(evidence.cells) < 2:
        return None
    row = evidence.cells[evidence.cells["cell"].eq(label)].iloc[0]
    column = f"val_{metric.name}"
    levels = next(cell["levels"] for cell in study.declaration["cells"] if cell["label"] == label)
    mean, low, high = (float(row[f"{column}{end}"]) for end in ("", "_low", "_high"))
    figure = mean_and_half_width(mean, low, high, metric)
    baseline = {key: known[0] for key, known in study.design.factors.items()}
    return Best(
        label,
        [f"{key}={levels[key]}" for key, known in baseline.items() if levels.get(key, known) != known],
        in_unit(figure.partition(" ")[0], metric.unit),
        bool(evidence.cells[column].notna().all()),
    )


# ---- under which conditions


def conditions(study: Study) -> str:
    """Return what is missing, the design, seeds, epochs, data and examples in one line of text."""
    examples = [f"validated on {count(study.examples, study.example)}"] if study.examples else []
    window = [f"figures are means of the last {study.window} epochs"] if study.window > 1 else []
    design = _design(study)
    told = [f"After {_epochs(study)}", f"{design[:1].lower()}{design[1:]}", *examples, *window]
    return f"{_incomplete(study)}{'; '.join(told)}."


def _incomplete(study: Study) -> str:
    """Return which share of the runs has no figures and what that leaves, "" where all are complete."""
    counts = study.runs["status"].value_counts()
    lacking = [f"{counts[status]:,} {status}" for status in ("missing", "failed", "diverged") if status in counts]
    if not lacking:
        return ""
    seeds, parts = study.runs["seed"].nunique(), []
    if study.design.whole_seeds:
        compared = seeds - len(left_out(study.runs))
        parts += [f"{compared} of {count(seeds, 'seed')} compared"] if compared < seeds else []
    lost = lost_cells(study.runs)
    parts += [f"{count(len(lost), 'cell')} without any complete run"] if lost else []
    return f"Incomplete: of {count(len(study.runs), 'run')} {listed(lacking)}{''.join(f', {part}' for part in parts)}. "


def _design(study: Study) -> str:
    """Return `Factorial, 4 cells × 5 seeds, matched`, or `4 cells × 5 runs, unpaired`."""
    declaration = study.declaration
    kind = study.design.mode or one_line(study.design.kind).replace("_", " ")
    fewest, most = study.replicates
    few = "" if fewest == most else f"{fewest:,} to "
    how = f", {pairing(declaration)}" if len(declaration["cells"]) > 1 else ""
    each = f"{few}{count(most, study.design.replicate)}"
    return f"{capital(kind)}, {count(len(declaration['cells']), 'cell')} × {each}{how}"


def looked_at(study: Study) -> str:
    """Return `after 10 epochs of mnist`, with the window that figures are means over."""
    window = f", means of the last {study.window}" if study.window > 1 else ""
    return f"after {_epochs(study)}{window}"


def _epochs(study: Study) -> str:
    """Return `10 epochs of mnist`, `10 and 30 epochs`, `at most 30 epochs` where a callback stopped a run."""
    epochs = sorted({run["epochs"] for run in study.declaration["runs"]})
    told = count(epochs[0], "epoch")
    if len(epochs) > 1:
        between = " and " if len(epochs) == 2 else " to "
        told = f"{epochs[0]:,}{between}{count(epochs[-1], 'epoch')}"
    told = f"at most {told}" if study.any_stopped else told
    data = _distinct(each.get("data") for each in study.summaries.values())
    return f"{told} of {listed(data)}" if 0 < len(data) <= DATA_NAMED else told


def _distinct(values: Iterable[Any]) -> list[str]:
    return list(dict.fromkeys(one_line(value) for value in values if value))


# ---- the table of choices


def _choices_table(found: pd.DataFrame, evidence: Evidence) -> list[str]:
    """Return the table in markdown, established estimates in bold; nothing where there are none, or too many."""
    if found.empty:
        return []
    responses = [evidence.responses[column] for column in found.columns[1:]]
    heads = ["choice", *(titled(response_label(each), each.metric.difference_unit) for each in responses)]
    rows = [
        [markdown(one_line(row["contrast"])), *(_seen(row[response.column]) for response in responses)]
        for row in found.to_dict("records")
    ]
    lines = [[markdown(one_line(head)) for head in heads], ["---"] * len(heads), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def _seen(row: dict[str, Any] | None) -> str:
    """Return an effect in markdown: `**+0.17** [0.08, 0.27] established`."""
    if row is None or pd.isna(row["estimate"]):
        return "cannot be said"
    size, _, interval = difference_and_interval(row["estimate"], row["low"], row["high"], row["metric"]).partition(" ")
    size = f"**{markdown(size)}**" if row["grade"] == "established" else markdown(size)
    return " ".join(filter(None, [size, markdown(interval), markdown(grade_text(row))]))
