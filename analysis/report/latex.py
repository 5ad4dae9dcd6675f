"""A table of texts -> a LaTeX table with booktabs rules, for \\input into a paper."""

import pandas as pd

from analysis.words.markup import COMMAND_LENGTH, latex


def latex_table(table: pd.DataFrame, caption: str) -> str:
    """Return a table environment; every text is set letter for letter, the first column to the left, others right."""
    heads = " & ".join(latex(column) for column in table.columns)
    rows = [" & ".join(latex(value) for value in row) + r" \\" for row in table.itertuples(index=False)]
    lines = [
        r"% needs \usepackage{booktabs}",
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{latex(caption, COMMAND_LENGTH)}}}",
        rf"\begin{{tabular}}{{l{'r' * (len(table.columns) - 1)}}}",
        r"\toprule",
        rf"{heads} \\",
        r"\midrule",
        *rows,
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"
