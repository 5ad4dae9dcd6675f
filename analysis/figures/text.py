"""Any text -> lines that fit a width, measured in the figures' own font."""

import re
import unicodedata
from functools import cache
from typing import Any

from matplotlib.font_manager import findfont, get_font
from matplotlib.ft2font import LoadFlags

from analysis.figures.style import FONT, TEXT
from analysis.words.markup import mark

PARTS = re.compile(r"[^=/_:,;.\-]+[=/_:,;.\-]*|[=/_:,;.\-]+")  # where a long word may be broken
LOST = "…"  # stands for letters that the font lacks


def lines_in(text: str) -> int:
    """Return how many lines a wrapped text takes."""
    return text.count("\n") + 1 if text else 0


@cache
def _font() -> Any:
    """Return the font itself, to measure with and to ask which characters it has."""
    return get_font(findfont(FONT))


@cache
def _glyphs() -> frozenset[int]:
    return frozenset(_font().get_charmap())


def drawn(text: object) -> str:
    """Return the text on one line as a figure shows it, an ellipsis for letters in a row that the font lacks."""
    shown = "".join(" " if unicodedata.category(character)[0] in "CZ" else character for character in str(text))
    lost = re.sub(f"{LOST}+", LOST, "".join(letter if ord(letter) in _glyphs() else LOST for letter in shown))
    return re.sub(" +", " ", lost).strip()


@cache
def width_of(text: str, size: float = TEXT) -> float:
    """Return the width of one line of text in inches, with a little to spare for hinting."""
    _font().set_size(size, 72)
    _font().set_text(text, 0, flags=LoadFlags.NO_HINTING)
    return 1.03 * _font().get_width_height()[0] / 64 / 72


def wrap(text: object, width: float, size: float = TEXT, lines: int = 12) -> str:
    """Return the text in lines of at most `width` inches, broken at spaces where it can be.

    Of more than `lines` lines the middle ones give way to an ellipsis, and a mark that tells the text from others.
    """
    done = [""]
    for word in drawn(text).split(" "):
        joined = f"{done[-1]} {word}" if done[-1] else word
        if width_of(joined, size) <= width:
            done[-1] = joined
            continue
        done += [*_pieces(word, width, size)]
    done = [line for line in done if line]
    if len(done) > lines:
        done = [*done[: lines - lines // 3 - 1], f"… {mark(str(text))}", *done[len(done) - lines // 3 :]]
    return "\n".join(done)


def _pieces(word: str, width: float, size: float) -> list[str]:
    """Return a word cut into pieces no wider than `width` inches: after punctuation where that helps, else anywhere."""
    done = [""]
    for part in PARTS.findall(word):
        if width_of(done[-1] + part, size) <= width:
            done[-1] += part
        elif width_of(part, size) <= width:
            done.append(part)
        else:
            done += _letters(part, width, size)
    return [piece for piece in done if piece]


def _letters(part: str, width: float, size: float) -> list[str]:
    """Return a part cut anywhere into pieces no wider than `width` inches."""
    done = [""]
    for letter in part:
        if done[-1] and width_of(done[-1] + letter, size) > width:
            done.append("")
        done[-1] += letter
    return done
