"""The lines of report.md and its figures -> report.html: one file that asks no host for anything.

What `words.markup` escaped for markdown stays text: no HTML is let through, links are not looked for, and a policy in
the page's head allows this page's own style and script, by their digests, and images that are inside, and nothing else.
"""

import base64
import hashlib
import html
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from analysis.words.markup import WORD_JOINER

SORTABLE = ("Comparison", "Effects")  # sections whose tables can be sorted
LONG = 16  # characters of a cell from which its column is given room
_NUMBER = re.compile(r"\\?[+−<-]?[.\d]|–$")
_HERE = Path(__file__).parent


def page(title: str, lines: Sequence[str], pictures: Mapping[str, bytes]) -> bytes:
    """Return the page; `pictures` are the PNG files by their paths in `lines`. The same input gives the same bytes."""
    tokens = list(_arranged(_reader().parse("\n".join(lines)), pictures))
    heads = [
        (str(token.attrs["id"]), _plain(tokens[place + 1])) for place, token in enumerate(tokens) if "id" in token.attrs
    ]
    reader = _reader()
    body = reader.renderer.render(tokens, reader.options, {}).replace(WORD_JOINER, "")
    style, script = ((_HERE / f"page.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_policy(style, script)}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{html.escape(title)}</title>",
            f"<style>{style}</style>",
            "</head>",
            "<body>",
            '<nav aria-label="Contents"><ul>',
            *(f'<li><a href="#{anchor}">{html.escape(text)}</a></li>' for anchor, text in heads),
            "</ul></nav>",
            f"<main>\n{body}</main>",
            f"<script>{script}</script>",
            "</body>",
            "</html>",
            "",
        ]
    ).encode()


def _reader() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False, "xhtmlOut": False}).enable("table")


def _policy(style: str, script: str) -> str:
    """Return what the page may use: nothing of any host, and of its own only what has these digests."""
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script)]
    return (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digests[0]}'; script-src 'sha256-{digests[1]}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _arranged(tokens: Sequence[Token], pictures: Mapping[str, bytes]) -> Iterator[Token]:
    """Yield the tokens of the page: the answer in a box, anchors at headings, boxes round tables, captions."""
    section, place = "", 0
    while place < len(tokens):
        token = tokens[place]
        if token.type == "heading_open" and token.tag == "h2":
            if not section:
                yield _html("</div>")
            section = _plain(tokens[place + 1])
            token.attrs["id"] = re.sub(r"[^a-z0-9]+", "-", section.lower()).strip("-")
        if token.type == "table_open":
            end = next(at for at in range(place, len(tokens)) if tokens[at].type == "table_close")
            yield from _table(tokens[place : end + 1], section)
            place = end + 1
        elif _is_picture(tokens[place : place + 3]) and _is_caption(tokens[place + 3 : place + 6]):
            yield from _figure(tokens[place : place + 6], pictures)
            place += 6
        else:
            yield token
            place += 1
            if token.type == "heading_close" and token.tag == "h1":
                yield _html('<div class="answer">')  # up to the first section


def _plain(inline: Token) -> str:
    """Return the text of a heading, without what marks it up."""
    return "".join(child.content for child in inline.children or ()).replace(WORD_JOINER, "")


def _html(text: str) -> Token:
    """Return a token for HTML of this module's own."""
    return Token("html_block", "", 0, content=f"{text}\n")


# ---- tables


def _table(tokens: Sequence[Token], section: str) -> Iterator[Token]:
    """Yield the table in a box that scrolls by itself, columns of numbers set to the right, long texts with room."""
    cells = _cells(tokens)
    columns = [[tokens[place + 1].content for place in column if tokens[place].tag == "td"] for column in cells]
    for column, texts in zip(cells, columns, strict=True):
        kind = "number" if section and texts and all(map(_NUMBER.match, texts)) else ""
        kind = kind or ("long" if any(len(text) > LONG for text in texts) else "")
        for place in column if kind else ():
            tokens[place].attrs["class"] = kind
    if section in SORTABLE:
        tokens[0].attrs["class"] = "sortable"
    label = html.escape(f"Table: {section or 'Choices'}")
    yield _html(f'<div class="scroll" role="region" tabindex="0" aria-label="{label}">')
    yield from tokens
    yield _html("</div>")


def _cells(tokens: Sequence[Token]) -> list[list[int]]:
    """Return for each column the places of its cells' opening tokens, the head's first."""
    rows: list[list[int]] = []
    for place, token in enumerate(tokens):
        if token.type == "tr_open":
            rows.append([])
        elif token.type in ("th_open", "td_open"):
            rows[-1].append(place)
    return [list(column) for column in zip(*rows, strict=True)]


# ---- figures


def _is_picture(tokens: Sequence[Token]) -> bool:
    """Tell whether the tokens are a paragraph of one image."""
    return _types(tokens) == ["image"]


def _is_caption(tokens: Sequence[Token]) -> bool:
    """Tell whether the tokens are a paragraph in italics."""
    found = _types(tokens)
    return found[:1] == ["em_open"] and found[-1:] == ["em_close"]


def _types(tokens: Sequence[Token]) -> list[str]:
    """Return the types of what is in a paragraph, nothing where the tokens are none."""
    if [token.type for token in tokens] != ["paragraph_open", "inline", "paragraph_close"]:
        return []
    return [child.type for child in tokens[1].children or ()]


def _figure(tokens: Sequence[Token], pictures: Mapping[str, bytes]) -> Iterator[Token]:
    """Yield the image, itself inside the page, and its caption."""
    image = (tokens[1].children or [])[0]
    content = pictures[str(image.attrs["src"])]
    width, height = struct.unpack(">II", content[16:24])  # of a PNG's first chunk
    source = f"data:image/png;base64,{base64.b64encode(content).decode()}"
    image.attrs = {"src": source, "alt": "", "width": width, "height": height}
    yield _html('<figure>\n<div class="scroll">')
    yield tokens[1]
    yield _html("</div>\n<figcaption>")
    caption = tokens[4]
    caption.children = (caption.children or [])[1:-1]
    yield caption
    yield _html("</figcaption>\n</figure>")
