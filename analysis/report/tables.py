"""A study's evidence -> the tables of texts that the report, the terminal and LaTeX show."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from analysis.report.evidence import Evidence
from analysis.words.markup import markdown, one_line
from analysis.words.names import titled
from analysis.words.rounding import difference_and_interval, duration, mean_and_half_width, number, p_value

EFFECTS_SHOWN = 40  # contrasts in a table or figure


def comparison_table(evidence: Evidence) -> pd.DataFrame:
    """Return a row per shown cell: factors, n, each metric in validation, primary ones also as logged, seconds."""
    cells = evidence.cells[evidence.cells["cell"].isin(evidence.shown)]
    factors = [key for key in evidence.study.factors if key in cells] or ["cell"]
    table = pd.DataFrame({key: cells[key].map(one_line) for key in factors})
    table["n"] = cells["n"].astype(str)
    for metric in evidence.study.metrics:
        kinds = {"validation": f"val_{metric.name}"} | ({"training": metric.name} if metric.primary else {})
        for kind, column in kinds.items():
            figures = cells[[column, f"{column}_low", f"{column}_high"]].to_numpy(float)
            title = one_line(titled(f"{kind} {metric.label}", metric.unit))
            table[title] = [mean_and_half_width(*row, metric) for row in figures]
    table["time"] = [duration(seconds) for seconds in cells["train_seconds"] + cells["measure_seconds"]]
    return table


def effects_table(evidence: Evidence) -> pd.DataFrame:
    """Return a row per contrast and primary response."""
    columns = [column for column, response in evidence.responses.items() if response.primary]
    rows = pd.concat([shown_effects(evidence.effects, column) for column in columns]) if columns else pd.DataFrame()
    return pd.DataFrame([_effect_texts(evidence, row) for row in rows.to_dict("records")])


def shown_effects(found: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return the rows of the response that can be shown, the largest by size of t where there are too many."""
    rows = found[found["response"].eq(column) & found["estimate"].notna()]
    if len(rows) <= EFFECTS_SHOWN:
        return rows
    return rows.loc[rows["t"].abs().sort_values(ascending=False, kind="stable").index[:EFFECTS_SHOWN]].sort_index()


def _effect_texts(evidence: Evidence, row: dict[str, Any]) -> dict[str, str]:
    """Return one effect as the cells of the table."""
    metric = evidence.responses[row["response"]].metric
    needed = [_number_or_none(row["seeds_needed"])]
    needed += [] if metric.sesoi is None else [_number_or_none(row["seeds_needed_sesoi"])]
    return {
        "effect": one_line(row["contrast"]),
        "on": one_line(metric.label),
        "estimate": difference_and_interval(row["estimate"], row["low"], row["high"], metric),
        "n": str(row["n"]),
        "p": p_value(row["p"]),
        "p exact (floor)": f"{p_value(row['p_exact'])} ({p_value(row['p_floor'])})",
        "p Holm": p_value(row["p_holm"]),
        "d_z": number(row["d_z"], ".2f"),
        "ρ": number(row["rho"], ".2f"),
        "seeds": "; ".join(needed),
        "p pooled": p_value(row["pooled_p"]),
        "grade": row["grade"],
    }


def _number_or_none(seeds: Any) -> str:
    return "–" if pd.isna(seeds) else f"{seeds:,.0f}"


def markdown_table(table: pd.DataFrame) -> list[str]:
    """Return the table of texts as a markdown table, every text escaped."""
    rows = [[markdown(one_line(value)) for value in row] for row in table.itertuples(index=False)]
    heads = [markdown(one_line(column)) for column in table.columns]
    return [_row(heads), _row(["---"] * len(heads)), *map(_row, rows)]


def _row(values: Iterable[str]) -> str:
    return f"| {' | '.join(values)} |"
