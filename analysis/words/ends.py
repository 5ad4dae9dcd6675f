"""What each component contributes at either end -> a table of texts and sentences."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from analysis.statistics.ends import ENDS
from analysis.statistics.intervals import ALPHA
from analysis.statistics.responses import Response
from analysis.words.markup import one_line
from analysis.words.names import response_label
from analysis.words.phrases import listed
from analysis.words.rounding import difference_and_interval, p_value

Responses = Mapping[str, Response]


def ends_table(found: pd.DataFrame, responses: Responses) -> pd.DataFrame:
    """Return the table of `contributions` as text."""
    return pd.DataFrame([_texts(row, responses) for row in found.to_dict("records")])


def _texts(row: dict[str, Any], responses: Responses) -> dict[str, str]:
    """Return one component's row as the cells of the table."""
    shown = {name: _figure(row, name, responses) for name in (*ENDS, "difference")}
    return {
        "component": one_line(row["component"]),
        "on": responses[row["response"]].metric.label,
        "contributes with all others on (leave-one-out)": shown["all_on"],
        "with all others off (add-one)": shown["all_off"],
        "difference": shown["difference"],
        "n": str(row["n"]),
        "p Holm": p_value(row["p"]),
    }


def _figure(row: dict[str, Any], name: str, responses: Responses) -> str:
    """Return one of the row's figures with its interval."""
    metric = responses[row["response"]].metric
    return difference_and_interval(row[name], row[f"{name}_low"], row[f"{name}_high"], metric)


def ends_note(found: pd.DataFrame, responses: Responses) -> str:
    """Return what the table's figures are."""
    units = _units([responses[column] for column in found["response"].unique()])
    return (
        f"Contributions are on minus off within each seed, with 95 % t-intervals{units}. A difference that excludes "
        "zero says that the component acts together with the others; p is corrected over this table alone, so all of "
        "it is exploratory."
    )


def _units(responses: Sequence[Response]) -> str:
    """Return `: percentage points of validation accuracy, nats of validation loss` of those that have a unit."""
    parts = [
        f"{each.metric.difference_unit} of {response_label(each)}" for each in responses if each.metric.difference_unit
    ]
    return f": {', '.join(parts)}" if parts else ""


def ends_sentences(found: pd.DataFrame, responses: Responses) -> list[str]:
    """Return whose contribution depends on the others, and a line on those of which it is not shown."""
    clear = found[found["p"] < ALPHA]
    sentences = [_dependence(row, responses) for row in clear.to_dict("records")]
    unclear = [component for component in found["component"].unique() if component not in set(clear["component"])]
    if unclear:
        names = listed([one_line(component) for component in unclear])
        sentences.append(
            f"Exploratory, leave-one-out against add-one: that what {names} contribute{'s' * (len(unclear) == 1)} "
            "depends on the others is not shown."
        )
    return sentences


def _dependence(row: dict[str, Any], responses: Responses) -> str:
    response = responses[row["response"]]
    unit = response.metric.difference_unit
    return (
        f"Exploratory, leave-one-out against add-one: what {one_line(row['component'])} contributes to "
        f"{response_label(response)} depends on the other components: {_figure(row, 'all_on', responses)} with all of "
        f"them on, {_figure(row, 'all_off', responses)} with all off ({unit + ', ' if unit else ''}n = {row['n']})."
    )
