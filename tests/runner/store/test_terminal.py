"""Tables and lines are folded to the terminal's width: nothing is wider, nothing is lost, rows stay told apart."""

import re
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from runner.store import folded, show, table_lines, terminal_width

WIDE = "WF"
TEXTS = st.text(st.sampled_from("ab Z=/_.,;ü高\u0301-9"), min_size=1, max_size=50)


def width_of(line):
    """Columns of a line, letter by letter."""
    kinds = [(unicodedata.combining(letter), unicodedata.east_asian_width(letter)) for letter in line]
    return sum(0 if mark else 2 if wide in WIDE else 1 for mark, wide in kinds)


def letters(text):
    return re.sub(r"\s", "", text)


@settings(max_examples=150)
@given(st.lists(TEXTS, min_size=1, max_size=4), st.integers(20, 90))
@example(["    a/" + "b" * 200], 20)
@example(["word " * 40], 33)
def test_folded_lines_fit_and_lose_no_letter(lines, width):
    found = folded(lines, width)
    assert max(map(width_of, found)) <= width
    assert letters("".join(found)) == letters("".join(lines))
    assert folded(lines, None) == lines


@st.composite
def tables(draw):
    """(rows with a head, how many columns are labels): label columns of distinct rows, then columns of values."""
    labels, values = draw(st.integers(1, 4)), draw(st.integers(0, 6))
    heads = draw(st.lists(TEXTS, min_size=labels + values, max_size=labels + values))
    count = draw(st.integers(1, 4))
    rows = [draw(st.lists(TEXTS, min_size=labels + values, max_size=labels + values)) for _ in range(count)]
    return [heads, *rows], labels


@settings(max_examples=150)
@given(tables(), st.integers(20, 120))
def test_a_folded_table_fits_and_loses_no_letter_of_a_value(table, width):
    rows, labels = table
    lines = table_lines(rows, labels, width)
    assert max(map(width_of, lines)) <= width
    found = sorted(letters("".join(lines)))
    for text in (letters(text) for row in rows for text in row[labels:]):
        for letter in text:
            found.remove(letter)


@settings(max_examples=150)
@given(
    st.lists(st.text("abc/_=.", min_size=1, max_size=70), min_size=2, max_size=4, unique=True),
    st.integers(1, 6),
    st.integers(20, 100),
)
def test_rows_of_every_block_have_their_whole_label(names, values, width):
    rows = [["cell", *("a head of words" for _ in range(values))], *([name, *["12 ± 3"] * values] for name in names)]
    lines = table_lines(rows, 1, width)
    blocks = "\n".join(lines).split("\n\n")
    for block in blocks:
        lines = block.split("\n")
        first = next(place for place, line in enumerate(lines) if "12 ± 3" in line)
        assert "".join(line.partition("12 ± 3")[0].strip() for line in lines[first:]) == "".join(names)
    assert sum(block.count("12 ± 3") for block in blocks) == values * len(names)


def test_a_table_wider_than_the_terminal_goes_on_in_blocks_that_repeat_the_labels():
    rows = [
        ["dropout", "n", "validation accuracy, %", "training accuracy, %", "time"],
        ["true", "2", "59 [0, 100]", "21.3 ± 7.6", "21 s"],
        ["false", "2", "72 ± 23", "36.5 ± 3.3", "13 s"],
    ]
    assert table_lines(rows, 1, None) == [
        "dropout  n  validation accuracy, %  training accuracy, %  time",
        "true     2             59 [0, 100]            21.3 ± 7.6  21 s",
        "false    2                 72 ± 23            36.5 ± 3.3  13 s",
    ]
    assert table_lines(rows, 1, 40) == [
        "             validation     training",
        "dropout  n  accuracy, %  accuracy, %",
        "true     2  59 [0, 100]   21.3 ± 7.6",
        "false    2      72 ± 23   36.5 ± 3.3",
        "",
        "dropout  time",
        "true     21 s",
        "false    13 s",
    ]


def test_of_many_factors_each_row_is_one_text_beside_its_values():
    rows = [[f"factor_{place}" for place in range(5)] + ["loss"], ["true"] * 5 + ["1.0"], ["false"] * 5 + ["2.0"]]
    lines = table_lines(rows, 5, 30)
    assert lines[0].split() == ["cell", "loss"] and lines[1].startswith("factor_0=true,") and lines[1].endswith("1.0")
    assert letters("".join(lines)).count("=false") == 5


@pytest.mark.parametrize(("told", "width"), [("57", 57), ("3", 20), ("0", None), ("wide", None), ("", None)])
def test_the_width_is_what_columns_says_else_that_of_a_terminal_else_lines_stay_whole(
    told, width, monkeypatch, tmp_path
):
    monkeypatch.setenv("COLUMNS", told)
    with open(tmp_path / "out", "w") as out:
        monkeypatch.setattr("sys.stdout", out)
        assert terminal_width() == width


def test_nothing_that_is_shown_steers_the_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    show("a\x1b[2J " + "b " * 20 + "\nc")
    first, *_, last = capsys.readouterr().out.splitlines()
    assert first.startswith("a\\x1b[2J b") and last == "c"
