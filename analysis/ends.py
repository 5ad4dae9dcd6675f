"""Leave-one-out and add-one runs of the same components -> what each contributes at either end, and the difference.

Leave-one-out measures a component with all others on, add-one with all others off. Where the two differ, the component
acts together with others. Each figure is a within-seed difference, on minus off, over the seeds that have all cells.

Columns of `contributions` (tables/ends.csv), a row per component and primary response:

| column | type | unit | meaning |
|---|---|---|---|
| component | str | | the factor's key |
| response | str | | val_accuracy or val_loss |
| n | int | seeds | complete in every cell of both ends |
| all_on, all_on_low, all_on_high | float | share, nats | contribution with all others on, with 95 % t-interval |
| all_off, all_off_low, all_off_high | float | share, nats | contribution with all others off |
| difference, difference_low, difference_high | float | share, nats | the first less the second |
| p | float | | of the difference, paired t-test, Holm's correction over the table's rows |
"""

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from analysis.effects import ALPHA, holm
from analysis.findings import listed
from analysis.markup import one_line
from analysis.rounding import difference_and_interval, p_value
from analysis.tables import interval

RESPONSES = {"val_accuracy": "accuracy", "val_loss": "loss"}
UNITS = {"val_accuracy": "percentage points", "val_loss": "nats"}
COLUMNS = (
    *("component", "response", "n", "all_on", "all_on_low", "all_on_high"),
    *("all_off", "all_off_low", "all_off_high", "difference", "difference_low", "difference_high", "p"),
)


def contributions(runs: pd.DataFrame, other: pd.DataFrame, factors: list[str]) -> pd.DataFrame:
    """Return what each component contributes at either end; `runs` and `other` are those of `analysis.tables`.

    Either may be the leave-one-out design; all factors have the levels true and false.
    """
    both = pd.concat([runs, other]).drop_duplicates(["cell", "seed"])
    seeds = whole_seeds(both)
    rows = [
        contribution(both[both["seed"].isin(seeds)], factors, component, response)
        for component in factors
        for response in RESPONSES
    ]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    table["p"] = holm(table["p"].to_numpy(float))
    return table


def whole_seeds(runs: pd.DataFrame) -> list[int]:
    """Return the seeds that are complete in every cell."""
    by_seed = runs[runs["status"].eq("complete")].groupby("seed")["cell"].nunique()
    return list(by_seed.index[by_seed == runs["cell"].nunique()])


def contribution(runs: pd.DataFrame, factors: list[str], component: str, response: str) -> dict[str, Any]:
    """Return one row: the component's effect with all others on, with all others off, and their difference."""
    ends = {name: at_end(runs, factors, component, others)[response] for name, others in ENDS.items()}
    pair = pd.concat(ends, axis=1).dropna()  # (seeds, 2)
    measured = {**{name: pair[name] for name in ENDS}, "difference": pair["all_on"] - pair["all_off"]}
    row: dict[str, Any] = {"component": component, "response": response, "n": len(pair)}
    for name, values in measured.items():
        bounds = interval(values.to_numpy(float))
        row |= dict(zip((name, f"{name}_low", f"{name}_high"), bounds, strict=True))
    return row | {"p": paired_p(measured["difference"].to_numpy(float))}


ENDS = {"all_on": "true", "all_off": "false"}


def at_end(runs: pd.DataFrame, factors: list[str], component: str, others: str) -> pd.DataFrame:
    """Return the primary responses with the component on less those with it off, by seed, others at one level."""
    rest = [factor for factor in factors if factor != component]
    here = runs[runs[rest].eq(others).all(axis=1)].set_index("seed")
    on, off = (here.loc[here[component].eq(level), list(RESPONSES)] for level in ("true", "false"))
    return on - off


def paired_p(differences: np.ndarray) -> float:
    """Return the two-sided p of the mean difference being zero; NaN without spread."""
    if len(differences) < 2 or differences.std(ddof=1) == 0:
        return np.nan
    return float(stats.ttest_1samp(differences, 0.0).pvalue)


# ---- as text


def ends_table(found: pd.DataFrame) -> pd.DataFrame:
    """Return the table as text."""
    return pd.DataFrame([texts(row) for row in found.to_dict("records")])


def texts(row: dict[str, Any]) -> dict[str, str]:
    """Return one component's row as the cells of the table."""
    shown = {name: figure(row, name) for name in (*ENDS, "difference")}
    return {
        "component": one_line(row["component"]),
        "on": RESPONSES[row["response"]],
        "contributes with all others on (leave-one-out)": shown["all_on"],
        "with all others off (add-one)": shown["all_off"],
        "difference": shown["difference"],
        "n": str(row["n"]),
        "p Holm": p_value(row["p"]),
    }


def figure(row: dict[str, Any], name: str) -> str:
    """Return one of the row's figures with its interval."""
    return difference_and_interval(row[name], row[f"{name}_low"], row[f"{name}_high"], row["response"])


ENDS_NOTE = (
    "Contributions are on minus off within each seed, with 95 % t-intervals: percentage points of validation accuracy, "
    "nats of validation loss. A difference that excludes zero says that the component acts together with the others; "
    "p is corrected over this table alone, so all of it is exploratory."
)


def ends_sentences(found: pd.DataFrame) -> list[str]:
    """Return whose contribution depends on the others, and a line on those of which it is not shown."""
    clear = found[found["p"] < ALPHA]
    sentences = [
        f"Exploratory, leave-one-out against add-one: what {one_line(row['component'])} contributes to validation "
        f"{RESPONSES[row['response']]} depends on the other components: {figure(row, 'all_on')} with all of them on, "
        f"{figure(row, 'all_off')} with all off ({UNITS[row['response']]}, n = {row['n']})."
        for row in clear.to_dict("records")
    ]
    unclear = [component for component in found["component"].unique() if component not in set(clear["component"])]
    if unclear:
        names = listed([one_line(component) for component in unclear])
        sentences.append(
            f"Exploratory, leave-one-out against add-one: that what {names} contribute{'s' * (len(unclear) == 1)} "
            "depends on the others is not shown."
        )
    return sentences
