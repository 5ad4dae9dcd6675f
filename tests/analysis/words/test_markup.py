"""Text from a user stays text in markdown, LaTeX and a spreadsheet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from analysis.words.markup import LABEL_LENGTH, code, latex, markdown, one_line, spreadsheet

GITHUB = MarkdownIt("gfm-like", {"html": True, "linkify": False}).disable("linkify")
HOSTILE = [
    "a|b",
    "`code`",
    "<script>alert(1)</script>",
    "[text](http://example.org)",
    "![x](y.png)",
    "**bold** _slanted_ ~~gone~~",
    "# heading",
    "- item",
    "1. item",
    "> quote",
    "line\nbreak\n\n# new",
    "\\",
    "\\|",
    "&lt;b&gt;",
    "$x$",
    "*",
    "+ plus",
    "=" * 5,
    "- - -",
    "tab\tand\x00null",
    "😀 日本",
    "x" * 300,
]
PLAIN = {"paragraph_open", "paragraph_close", "inline"}


def rendered(text: str) -> tuple[set[str], str]:
    """The kinds of tokens that markdown makes of the text, and what a reader sees."""
    tokens = GITHUB.parse(text)
    kinds = {token.type for token in tokens}
    children = [child for token in tokens for child in token.children or []]
    kinds |= {child.type for child in children} - {"text", "text_special"}
    return kinds, "".join(child.content for child in children)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_letter_for_letter(text):
    kinds, seen = rendered(markdown(one_line(text)))
    assert kinds <= PLAIN
    assert seen.replace("\u2060", "") == one_line(text)


@given(st.text(max_size=60))
def test_any_text_is_shown_letter_for_letter(text):
    kinds, seen = rendered(markdown(one_line(text)))
    assert kinds <= PLAIN
    assert seen.replace("\u2060", "").strip() == one_line(text).replace("\u2060", "").strip()


@pytest.mark.parametrize("text", ["www.example.org", "https://example.org", "me@example.org", "@someone"])
def test_addresses_and_mentions_are_broken(text):
    assert "\u2060" in markdown(text) and markdown(text).replace("\u2060", "").replace("\\", "") == text


@given(st.text(max_size=40).filter(lambda text: one_line(text)))
def test_a_code_span_holds_any_text(text):
    kinds, seen = rendered(code(text))
    assert kinds <= PLAIN | {"code_inline"} and seen == one_line(text, 4096)


def test_a_row_of_a_table_keeps_its_columns():
    table = f"| a | b |\n| --- | --- |\n| {markdown('x|y')} | {markdown('z')} |"
    cells = [token for token in GITHUB.parse(table) if token.type == "td_open"]
    assert len(cells) == 2


def test_long_labels_lose_their_middle():
    shown = one_line("a" * 200 + "end")
    assert len(shown) <= LABEL_LENGTH + 1 and shown.endswith("end") and " … " in shown


def test_long_labels_that_differ_in_their_middle_stay_different():
    shown = [one_line("a" * 100 + letter + "b" * 100) for letter in "xy"]
    assert shown[0] != shown[1] and [text[:30] for text in shown] == ["a" * 30] * 2


@pytest.mark.parametrize(
    ("text", "safe"), [("=1+1", "'=1+1"), ("-2", "'-2"), ("@x", "'@x"), ("+x", "'+x"), ("a=1", "a=1")]
)
def test_formulas_are_text_in_a_spreadsheet(text, safe):
    assert spreadsheet(text) == safe


def test_latex_sets_every_special_character():
    assert latex(r"50% of_a #1 & {x} \cmd ~ ^ $") == (
        r"50\% of\_a \#1 \& \{x\} \textbackslash{}cmd \textasciitilde{} \textasciicircum{} \$"
    )
    assert latex("😀日本é α") == r"\dots{}é $\alpha$"
