"""LaTeX tables hold the rules that let them compile and fit, and say what a paper would."""

import re

import pandas as pd
import pytest
from conftest import recorded_study
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.report import paper
from analysis.report.evidence import gather
from analysis.report.latex import COLUMNS, LatexTable, latex_tables

HOSTILE = {"opt_i": ["*adam", "[a & b_%]"], "model.without": ["[]", '["conv2d_1"]', '["drop_1","drop_2"]']}


def tables_in(text):
    """Each table's column letters, rows of cells, caption and label."""
    found = []
    for body in re.findall(r"\\begin\{table\}(.*?)\\end\{table\}", text, re.DOTALL):
        spec, inside = re.search(r"\\begin\{tabular\}\{(.*)\}\n(.*?)\\end\{tabular\}", body, re.DOTALL).groups()
        rows = [line for line in inside.splitlines() if line.endswith(r" \\")]
        caption, label = re.search(r"\\caption\{(.*)\}\n\\label\{tab:(.*)\}", body).groups()
        letters = re.sub(r"p\{[^}]*\}", "p", spec.replace(r"\linewidth", ""))
        found.append((letters, rows, caption, label))
    return found


def cells_of(row):
    return re.split(r"(?<!\\)&", row.removesuffix(r" \\"))


def check(text):
    """The tables, each with at most six columns and rows that no command takes for its argument."""
    tables = tables_in(text)
    for letters, rows, _, label in tables:
        assert 0 < len(letters) <= COLUMNS and re.fullmatch(r"[A-Za-z0-9-]+", label)
        for row in rows:
            assert len(cells_of(row)) == len(letters), row
            assert not row.startswith(("[", "*")) and r"\\[" not in row and r"\\*" not in row
    assert len({label for *_, label in tables}) == len(tables)
    return tables


@settings(max_examples=40)
@given(st.lists(st.text(alphabet=r"a[]*&%_\{}$^ ~#<日", max_size=12), min_size=1, max_size=9))
def test_any_text_is_a_cell_of_a_table_of_at_most_six_columns(texts):
    frame = pd.DataFrame([texts], columns=[f"{place}{text}" for place, text in enumerate(texts)])
    tables = check(latex_tables(LatexTable(frame, 1, "A caption.", "made")))
    assert len(tables) == max(1, -(-(len(texts) - 1) // (COLUMNS - 1)))


@pytest.fixture(scope="module")
def evidence(tmp_path_factory):
    return gather(recorded_study(tmp_path_factory.mktemp("latex"), HOSTILE, seeds=3, name="my_study", noise=0.0005))


def test_the_comparison_names_its_rows_as_a_paper_does_and_prints_the_best_bold(evidence):
    tables = check(text := latex_tables(paper.comparison(evidence)))
    (_, rows, caption, label), (_, more, again, second) = tables
    assert rows[0].startswith(r"Opt i & \shortstack{Layers\\left out} & $n$ & \shortstack{Val.\\accuracy (\%)}")
    assert rows[4].startswith(r"{}[a \& b\_\allowbreak{}\%] & nothing")
    assert caption == (
        r"Accuracy and loss by opt i and layers left out, after 3 epochs of npz: mean $\pm$ half of the 95 \% "
        "t-interval over 3 seeds. Best in bold."
    )
    assert (label, second) == ("my-study-cells", "my-study-cells-2")
    assert again.startswith(r"Table~\ref{tab:my-study-cells}, continued: Accuracy") and "bold" not in again
    best = evidence.cells["val_accuracy"].idxmax() + 1
    assert [r"\textbf" in cells_of(row)[3] for row in rows].index(True) == best
    assert text.count(r"\textbf{") == 4 and r"\resizebox{\linewidth}" in text and len(more) == len(rows)


def test_the_effects_have_estimate_n_p_and_grade_first_and_the_rest_in_further_tables(evidence):
    tables = check(latex_tables(paper.effects(evidence, "95 % t-intervals over seeds")))
    heads = [cell.strip() for cell in cells_of(tables[0][1][0])]
    assert heads == [
        "Effect",
        "Metric",
        r"\shortstack{Estimate\\{}[95 \% interval]}",
        "$n$",
        r"$p_{\mathrm{Holm}}$",
        "Grade",
    ]
    effects = [cells_of(row)[0].strip() for row in tables[0][1][1:]]
    assert r"without conv2d\_\allowbreak{}1" in effects and not any("model.without" in effect for effect in effects)
    assert len(tables) == 3 and all(len(rows) == len(tables[0][1]) for _, rows, _, _ in tables)


def test_switches_are_yes_and_no_and_keys_have_no_underscores():
    assert paper.paper_contrast("use_bias: true → false", ["use_bias"]) == "use bias: yes → no"
    assert (
        paper.paper_contrast("rate: 0.1 → 0.3 at use_bias=false", ["rate", "use_bias"])
        == "rate: 0.1 → 0.3 at use bias=no"
    )


def test_many_factors_are_one_column(tmp_path):
    factors = {f"factor_{place}": ["true", "false"] for place in range(4)}
    table = paper.comparison(gather(recorded_study(tmp_path, factors, seeds=2)))
    assert table.keys == 1 and table.texts["Setting"].nunique() == 16
