"""Lines and tables of texts -> what a terminal shows of them: none wider than it is, and nothing in them steers it.

Where no terminal is asked for a width, as in a pipe or a file, every line and every row stays whole.
"""

import os
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from runner.store.files import plain

GAP = "  "  # between the columns of a table; no cell holds two spaces in a row
LEAST = 8  # columns that a value is given beside the labels
NARROWEST = 20  # columns of a terminal; a narrower one is taken to have as many
HEAD_LINES = 2  # that the head of a column may take where a table is wider than the terminal
_PARTS = re.compile(r"[^=/_:,;.\-]+[=/_:,;.\-]*|[=/_:,;.\-]+")  # where a long word may be broken

Cell = list[str]  # the lines that a cell takes


def terminal_width() -> int | None:
    """Return how many columns a line may take: those of COLUMNS, else of the terminal; None where there is neither."""
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal() and int(told):
        return max(int(told), NARROWEST)
    try:
        found = os.get_terminal_size(sys.stdout.fileno()).columns
    except (OSError, ValueError, AttributeError):
        return None
    return max(found, NARROWEST) if found else None


def show(text: str) -> None:
    """Print the text's lines folded to the terminal's width."""
    print("\n".join(folded(text.split("\n"), terminal_width())), flush=True)


def folded(lines: Iterable[str], width: int | None) -> list[str]:
    """Return the lines in as many as it takes for none to be wider than `width`; what is folded is indented."""
    return [part for line in lines for part in _folded(plain(line), width)]


def _folded(line: str, width: int | None) -> list[str]:
    if width is None or columns(line) <= width:
        return [line]
    text = line.lstrip(" ")
    indent = min(len(line) - len(text), width // 4)
    first, *rest = _wrapped(text, width - indent)
    further = min(indent + 2, width // 4)
    again = _wrapped(text[len(first) :].lstrip(" "), width - further) if rest else []
    return [" " * indent + first, *(" " * further + each for each in again)]


def table_lines(rows: Sequence[Sequence[str]], labels: int, width: int | None) -> list[str]:
    """Return the rows, a head and one or more others, as lines of aligned columns.

    The first `labels` columns say what a row is. Where the whole is wider than `width`, columns follow below in blocks,
    each of which repeats these; what a cell holds then takes several lines where it must, and nothing is cut.
    """
    texts = [[re.sub(" +", " ", plain(str(value))).strip() for value in row] for row in rows]
    whole = [[[text] for text in row] for row in texts]
    if width is None or _width(_widths(whole)) <= width:
        return list(_lines(whole, labels))
    room = _label_room(texts, labels, width)
    lead, values = _narrowed([row[:labels] for row in texts], room), [row[labels:] for row in texts]
    if lead is None:
        joined = ["cell", *(_joined(texts[0], row, labels) for row in texts[1:])]
        lead, labels = _set([[text] for text in joined], [min(room, max(map(columns, joined)))]), 1
    found: list[str] = []
    for block in _blocks(lead, values, width):
        found += ["", *_lines(block, labels)] if found else _lines(block, labels)
    return found


def columns(text: str) -> int:
    """Return how many columns of a terminal the text takes: two for a wide letter, none for a combining one."""
    if text.isascii():
        return len(text)
    kinds = ((unicodedata.category(letter), unicodedata.east_asian_width(letter)) for letter in text)
    return sum(0 if kind in ("Mn", "Me", "Cf") else 2 if wide in ("W", "F") else 1 for kind, wide in kinds)


# ---- columns


def _label_room(texts: Sequence[Sequence[str]], labels: int, width: int) -> int:
    """Return how wide the labels may be together: half of the terminal, or what the widest value beside them leaves."""
    widest = max((columns(text) for row in texts[1:] for text in row[labels:]), default=0)
    widest = max(widest, LEAST)
    return max(width // 2, width - len(GAP) - widest) if labels < len(texts[0]) else width


def _narrowed(rows: Sequence[Sequence[str]], room: int) -> list[list[Cell]] | None:
    """Return the rows' cells folded so that all columns fit into the room; None where columns would be too narrow."""
    widths = _widths([[[text] for text in row] for row in rows])
    least = [min(width, NARROWEST // 2) for width in widths]
    while _width(widths) > room:
        widest = max(range(len(widths)), key=lambda place: widths[place] - least[place])
        if widths[widest] <= least[widest]:
            return None
        widths[widest] -= 1
    return _set(rows, widths)


def _set(rows: Sequence[Sequence[str]], widths: Sequence[int]) -> list[list[Cell]]:
    return [[_wrapped(text, width) for text, width in zip(row, widths, strict=True)] for row in rows]


def _joined(heads: Sequence[str], row: Sequence[str], labels: int) -> str:
    """Return what a row is in one text: `dropout=true, n=5`."""
    return ", ".join(f"{head}={text}" for head, text in zip(heads[:labels], row[:labels], strict=True))


def _blocks(lead: Sequence[Sequence[Cell]], values: Sequence[Sequence[str]], width: int) -> Iterator[list[list[Cell]]]:
    """Yield the labels with as many columns of values as fit beside them, until all columns are there."""
    left = width - len(GAP) - _width(_widths(lead))
    block: list[list[Cell]] = [list(row) for row in lead]
    taken = 0
    for column in zip(*values, strict=True):
        head, *rest = column
        cells = max((columns(text) for text in rest), default=0)
        own = min(max(cells, _head_width(head)), left)
        if taken and taken + len(GAP) + own > left:
            yield block
            block, taken = [list(row) for row in lead], 0
        block = [[*row, _wrapped(text, own)] for row, text in zip(block, column, strict=True)]
        taken += own + (len(GAP) if taken else 0)
    yield block


def _head_width(head: str) -> int:
    """Return how wide a column must be for its head to take few lines and its words to stay whole."""
    return next(width for width in range(1, columns(head) + 2) if _is_set_well(head, width))


def _is_set_well(head: str, width: int) -> bool:
    lines = _wrapped(head, width)
    return " ".join(lines) == head and len(lines) <= HEAD_LINES and max(map(columns, lines)) <= width


# ---- lines


def _widths(rows: Sequence[Sequence[Cell]]) -> list[int]:
    """Return how wide each column is."""
    return [max(columns(line) for cell in column for line in cell) for column in zip(*rows, strict=True)]


def _width(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * max(len(widths) - 1, 0)


def _lines(rows: Sequence[Sequence[Cell]], labels: int) -> Iterator[str]:
    """Yield the rows' lines: labels set to the left, values to the right; a head stands on the row beneath it."""
    widths = _widths(rows)
    for place, row in enumerate(rows):
        height = max(map(len, row), default=0)
        empty = [[""] * (height - len(cell)) for cell in row]
        cells = [[*cell, *no] if place else [*no, *cell] for cell, no in zip(row, empty, strict=True)]
        for line in zip(*cells, strict=True):
            yield GAP.join(
                _padded(text, width, left=column < labels)
                for column, (text, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()


def _padded(text: str, width: int, left: bool) -> str:
    pad = " " * (width - columns(text))
    return text + pad if left else pad + text


def _wrapped(text: str, width: int) -> Cell:
    """Return the text in lines of at most `width` columns: broken at spaces, else after punctuation, else anywhere."""
    done = [""]
    for word in text.split(" "):
        joined = f"{done[-1]} {word}" if done[-1] else word
        if columns(joined) <= width:
            done[-1] = joined
        else:
            done += _pieces(word, width)
    return [line for line in done if line] or [""]


def _pieces(word: str, width: int) -> list[str]:
    done = [""]
    for part in _PARTS.findall(word) if columns(word) > width else [word]:
        for piece in [part] if columns(part) <= width else part:
            if columns(done[-1] + piece) <= width:
                done[-1] += piece
            else:
                done.append(piece)
    return done
