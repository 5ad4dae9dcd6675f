"""A table of texts -> LaTeX tables with booktabs rules, for \\input into a paper of one column or two."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from analysis.words.markup import COMMAND_LENGTH, latex

COLUMNS = 6  # of a table, at most: what a column of a page holds
STACKED = 14  # characters of a head from which it stands on two lines
WIDE = 34  # characters of a text in the first column from which it is broken into lines
NEEDS = r"% needs \usepackage{booktabs,graphicx}"
ESTIMATE = "Estimate [95 % interval]"
MATH = {
    ESTIMATE: r"\shortstack{Estimate\\{}[95 \% interval]}",
    "n": "$n$",
    "p": "$p$",
    "p Holm": r"$p_{\mathrm{Holm}}$",
    "p exact (floor)": r"\shortstack{$p_{\mathrm{exact}}$\\(floor)}",
    "p pooled": r"$p_{\mathrm{pooled}}$",
    "d_z": "$d_z$",
    "ρ": r"$\rho$",
}


@dataclass(frozen=True)
class LatexTable:
    """A table of texts as a paper prints it: the first `keys` columns name a row, `bold` are (row, column)."""

    texts: pd.DataFrame
    keys: int
    caption: str
    label: str  # what \\ref takes, after tab:
    bold: frozenset[tuple[int, str]] = field(default_factory=frozenset)


def latex_tables(table: LatexTable) -> str:
    """Return as many table environments as hold its columns, at most six in each; the keys stand in every one.

    A table that is wider than the column it stands in is made smaller.
    """
    names = list(table.texts.columns)
    keys, others = names[: table.keys], names[table.keys :]
    room = max(COLUMNS - len(keys), 1)
    parts = [others[start : start + room] for start in range(0, len(others), room)] or [[]]
    lines = [NEEDS]
    for place, part in enumerate(parts):
        again = "" if place == 0 else f"Table~\\ref{{tab:{table.label}}}, continued: "
        label = table.label if place == 0 else f"{table.label}-{place + 1}"
        lines += _environment(table, [*keys, *part], again, label)
    return "\n".join(lines) + "\n"


def _environment(table: LatexTable, names: Sequence[str], again: str, label: str) -> list[str]:
    """Return the lines of one table environment with these columns."""
    caption = _further(table.caption) if again else table.caption
    return [
        r"\begin{table}",
        r"\centering",
        r"\footnotesize",
        r"\setlength{\tabcolsep}{4pt}",
        rf"\caption{{{again}{latex(caption, COMMAND_LENGTH)}}}",
        rf"\label{{tab:{label}}}",
        rf"\sbox0{{\begin{{tabular}}{{{_columns(table, names)}}}",
        r"\toprule",
        _row([_head(name) for name in names]),
        r"\midrule",
        *(_row([_cell(table, place, name) for name in names]) for place in range(len(table.texts))),
        r"\bottomrule",
        r"\end{tabular}}",
        r"\ifdim\wd0>\linewidth\resizebox{\linewidth}{!}{\usebox0}\else\usebox0\fi",
        r"\end{table}",
    ]


def _further(caption: str) -> str:
    """Return the first sentence of a caption: the rest stands under the first table."""
    return re.split(r"(?<=\.)\s+(?=[A-Z])", caption)[0]


def _columns(table: LatexTable, names: Sequence[str]) -> str:
    """Return how columns are set: names of rows to the left, a long one in lines, all else to the right."""
    longest = table.texts[names[0]].map(len).max() if len(table.texts) else 0
    first = r"p{0.4\linewidth}" if longest > WIDE else "l"
    keys = max(table.keys, 1)
    return first + "l" * (keys - 1) + "r" * (len(names) - keys)


def _head(name: str) -> str:
    """Return a column's head, a long one on two lines."""
    if name in MATH:
        return MATH[name]
    words = name.split(" ")
    if len(name) < STACKED or len(words) < 2:
        return latex(name)
    at = min(range(1, len(words)), key=lambda place: abs(len(" ".join(words[:place])) - len(name) / 2))
    upper, lower = (latex(" ".join(part)) for part in (words[:at], words[at:]))
    return rf"\shortstack{{{upper}\\{_shielded(lower)}}}"


def _cell(table: LatexTable, row: int, name: str) -> str:
    text = latex(table.texts[name].iloc[row])
    if name == table.texts.columns[0]:
        text = text.replace(r"\_", r"\_\allowbreak{}")  # where a long name may go on in the next line
    return rf"\textbf{{{text}}}" if (row, name) in table.bold else text


def _row(cells: Sequence[str]) -> str:
    r"""Return a row; what starts with [ or * is shielded, since \\ and the rules would take it for their argument."""
    return _shielded(" & ".join(cells)) + r" \\"


def _shielded(text: str) -> str:
    return f"{{}}{text}" if text.lstrip().startswith(("[", "*")) else text
