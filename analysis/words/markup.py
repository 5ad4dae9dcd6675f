"""Text that came from a user -> text that is nothing but text in markdown, LaTeX and a spreadsheet."""

import re
import unicodedata

from analysis.reading.csv_files import spreadsheet

__all__ = ["code", "latex", "markdown", "one_line", "spreadsheet"]

LABEL_LENGTH = 96
COMMAND_LENGTH = 4096
WORD_JOINER = "\u2060"  # no width: breaks what a renderer would take for a mention, an address or a link
LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "→": r"$\rightarrow$",
    "×": r"$\times$",
    "±": r"$\pm$",
    "−": "$-$",
    "ρ": r"$\rho$",
    "–": "--",
    "…": r"\dots{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}


def one_line(text: str, length: int = LABEL_LENGTH) -> str:
    """Return the text on one line without control characters, its middle left out where it is longer than `length`."""
    shown = "".join(" " if unicodedata.category(character)[0] in "CZ" else character for character in str(text))
    shown = re.sub(" +", " ", shown).strip()
    half = length // 2 - 1
    return shown if len(shown) <= length else f"{shown[:half]} … {shown[-half:]}"


def markdown(text: str) -> str:
    """Return the text with everything that markdown or HTML would act on made plain."""
    shown = "".join(" " if unicodedata.category(character)[0] == "C" else character for character in str(text))
    shown = re.sub(r"([\\`*_\[\]<>|~$#&])", r"\\\1", shown)
    shown = re.sub(r"(?i)(www)\.", rf"\1{WORD_JOINER}.", shown.replace("@", f"@{WORD_JOINER}"))
    shown = shown.replace("://", f":{WORD_JOINER}//")
    shown = re.sub(r"^(\s*)([-+=])(?=\s|[-=\s]*$)", r"\1\\\2", shown)
    return re.sub(r"^(\s*\d+)([.)])(?=\s|$)", r"\1\\\2", shown)


def code(text: str) -> str:
    """Return the text as a markdown code span; not for tables, whose bars it would not hide."""
    shown = one_line(text, COMMAND_LENGTH)
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", shown)), default=0))
    pad = " " if "`" in shown else ""
    return f"{fence}{pad}{shown}{pad}{fence}" if shown else ""


def latex(text: str, length: int = LABEL_LENGTH) -> str:
    """Return the text, shortened to `length`, as LaTeX sets it letter for letter; beyond Latin a question mark."""
    shown = "".join(LATEX.get(character, character) for character in one_line(text, length))
    return "".join(character if ord(character) < 0x250 else "?" for character in shown)
