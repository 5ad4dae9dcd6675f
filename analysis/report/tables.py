"""A study's evidence -> the tables of texts that the report, the terminal and LaTeX show."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from analysis.report.evidence import Evidence
from analysis.words.markup import markdown, one_line
from analysis.words.names import titled
from analysis.words.quantities import bounds_of, exact_text, grade_text
from analysis.words.rounding import difference_and_interval, duration, mean_and_half_width, number, p_value, places_of
from runner.metrics import Metric

MORE_SEEDS = 1000  # a larger number of seeds is not printed
OPTIONAL = (
    "for new images",
    "for new examples",
    "p pooled",
    "± images",
    "± examples",
    "p exact (floor)",
    "ρ",
    "d_z",
)  # columns of the table of effects that may have nothing to say
EFFECTS_SHOWN = 40  # contrasts in a table or figure


def comparison_columns(evidence: Evidence) -> dict[str, tuple[str, Metric, str]]:
    """Return the columns of metrics in the comparison table: their heads to (split, metric, column of cells)."""
    found = {}
    for metric in evidence.study.metrics:
        kinds = {"validation": f"val_{metric.name}"} | ({"training": metric.name} if metric.primary else {})
        for kind, column in kinds.items():
            if column in evidence.cells:
                found[one_line(titled(f"{kind} {metric.label}", metric.unit))] = (kind, metric, column)
    return found


def comparison_table(evidence: Evidence) -> pd.DataFrame:
    """Return a row per shown cell: factors, n, each metric in validation, primary ones also as logged, seconds."""
    cells = evidence.cells[evidence.cells["cell"].isin(evidence.shown)]
    factors = [key for key in evidence.study.factors if key in cells] or ["cell"]
    table = pd.DataFrame({key: cells[key].map(one_line) for key in factors})
    table["n"] = cells["n"].astype(str)
    for title, (_, metric, column) in comparison_columns(evidence).items():
        figures = cells[[column, f"{column}_low", f"{column}_high"]].to_numpy(float)
        table[title] = [mean_and_half_width(mean, low, high, metric) for mean, low, high in figures]
    if "train_seconds" in cells:
        table["time"] = [duration(seconds) for seconds in cells["train_seconds"] + cells["measure_seconds"]]
    return table


def effects_table(evidence: Evidence) -> pd.DataFrame:
    """Return a row per contrast and primary response."""
    columns = [column for column, response in evidence.responses.items() if response.primary]
    rows = pd.concat([shown_effects(evidence.effects, column) for column in columns]) if columns else pd.DataFrame()
    texts = pd.DataFrame([_effect_texts(evidence, row) for row in rows.to_dict("records")])
    if evidence.looks is not None and len(texts):
        texts = texts.drop(columns="seeds")  # how many are needed is what the looks find out
    optional = OPTIONAL if not evidence.study.design.paired else OPTIONAL[:5]
    return texts.drop(columns=[name for name in optional if name in texts and texts[name].eq("–").all()])


def shown_effects(found: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return the rows of the response that can be shown, the largest by size of t where there are too many."""
    rows = found[found["response"].eq(column) & found["estimate"].notna()]
    if len(rows) <= EFFECTS_SHOWN:
        return rows
    return rows.loc[rows["t"].abs().sort_values(ascending=False, kind="stable").index[:EFFECTS_SHOWN]].sort_index()


def _effect_texts(evidence: Evidence, row: dict[str, Any]) -> dict[str, str]:
    """Return one effect as the cells of the table."""
    metric = evidence.responses[row["response"]].metric
    needed = [seeds_needed(row, "")] + ([] if metric.sesoi is None else [seeds_needed(row, "sesoi_")])
    interval = difference_and_interval(row["estimate"], row["low"], row["high"], metric)
    places, paired = places_of(row, metric), evidence.study.design.paired
    return {
        "effect": one_line(row["contrast"]),
        "grade": grade_text(row),
        "on": one_line(metric.label),
        "estimate": f"{interval} †" if row["floored"] else interval,
        "± seeds" if paired else "±": number(row["se"] * metric.scale, f".{places}f"),
        f"± {evidence.study.example}s": number(row["se_examples"] * metric.scale, f".{places}f"),
        f"for new {evidence.study.example}s": _for_new(row | {"metric": metric}),
        "n": str(row["n"]),
        "p": p_value(row["p"]),
        "p exact (floor)": exact_text(row) if paired else "–",
        "p Holm": p_value(row["p_holm"]),
        "d_z": number(row["d_z"], ".2f") if paired else "–",
        "ρ": number(row["rho"], ".2f"),
        "seeds" if paired else "runs": "; ".join(needed),
        "p pooled": p_value(row["pooled_p"]) if row["alike"] else "–",
    }


def _for_new(row: dict[str, Any]) -> str:
    """Return the interval that holds for new examples too; a dash where it is not known."""
    if pd.isna(row["new_low"]):
        return "–"
    return f"[{bounds_of(row, ('new_low', 'new_high')).replace(' to ', ', ')}]"


def seeds_needed(row: dict[str, Any], prefix: str) -> str:
    """Return `6–40`, `36–1,000+`: how many seeds are needed as far as the spread is known."""
    low, high = row[f"{prefix}seeds_low"], row[f"{prefix}seeds_high"]
    if pd.isna(low):
        return "–"
    ends = (f"{MORE_SEEDS:,}+" if end > MORE_SEEDS else f"{end:,}" for end in (low, high))
    return "–".join(dict.fromkeys(ends))


def markdown_table(table: pd.DataFrame) -> list[str]:
    """Return the table of texts as a markdown table, every text escaped."""
    rows = [[markdown(one_line(value)) for value in row] for row in table.itertuples(index=False)]
    heads = [markdown(one_line(column)) for column in table.columns]
    return [_row(heads), _row(["---"] * len(heads)), *map(_row, rows)]


def _row(values: Iterable[str]) -> str:
    return f"| {' | '.join(values)} |"
