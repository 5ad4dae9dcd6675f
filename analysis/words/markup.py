"""Text that came from a user -> text that is nothing but text in markdown, LaTeX and a spreadsheet."""

import hashlib
import re
import unicodedata

from analysis.reading.csv_files import spreadsheet

__all__ = ["code", "latex", "markdown", "one_line", "spreadsheet"]

LABEL_LENGTH = 96
COMMAND_LENGTH = 4096
WORD_JOINER = "\u2060"  # no width: breaks what a renderer would take for a mention, an address or a link
BEYOND_LATIN = 0x180
NOT_SET = "«»ÐÞðþĄąĐđĘęĦĮįĸĿŀŉŊŋŦŧŲųſ"  # in the encoding that LaTeX starts with
GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta kappa lambda mu nu xi pi rho sigma tau phi chi psi omega "
    "Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega"
)
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
    "–": "--",
    "…": r"\dots{}",
    "†": r"\dag{}",
    "’": "'",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "≈": r"$\approx$",
    **{letter: rf"$\{name}$" for letter, name in zip("αβγδεζηθκλμνξπρστφχψωΓΔΘΛΞΠΣΦΨΩ", GREEK.split(), strict=True)},
    **{character: f"\\{character}" for character in "&%$#_{}"},
}


def one_line(text: str, length: int = LABEL_LENGTH) -> str:
    """Return the text on one line without control characters, its middle left out where it is longer than `length`.

    A mark then stands for the middle, so that texts that differ stay different.
    """
    shown = "".join(" " if unicodedata.category(character)[0] in "CZ" else character for character in str(text))
    shown = re.sub(" +", " ", shown).strip()
    half = (length - len(f" … {mark(shown)} … ")) // 2
    return shown if len(shown) <= length else f"{shown[:half]} … {mark(shown)} … {shown[-half:]}"


def mark(text: str) -> str:
    """Return four letters or digits that tell a text from others where most of it is left out."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:4]


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
    """Return the text, shortened to `length`, as LaTeX sets it letter for letter; an ellipsis for letters it lacks."""
    shown = "".join(letter if is_set(letter) else "…" for letter in one_line(text, length))
    return "".join(LATEX.get(letter, letter) for letter in re.sub("…+", "…", shown))


def is_set(text: str) -> bool:
    """Tell whether LaTeX sets the text letter for letter without further packages."""
    return all(letter in LATEX or (ord(letter) < BEYOND_LATIN and letter not in NOT_SET) for letter in text)
