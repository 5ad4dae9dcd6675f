"""Texts that hold folders of a machine -> the same without them, still told apart."""

import re
from collections.abc import Sequence

_PATH = re.compile(r"^(?:~|[A-Za-z]:)?[\\/]")  # a text that is a path from a machine's root or a home
_FOLDER = re.compile(r"""(?<![\w.\\/~])(?:~|[A-Za-z]:)?[\\/](?:[^\s"'\\/,\]]+[\\/])+(?=[^\s"'\\/,\]])""")


def without_folders(text: str) -> str:
    """Return the text with absolute folders left out: `mnist.npz` for `/home/me/data/mnist.npz`."""
    return _FOLDER.sub("", text)


def less_folders(texts: Sequence[str]) -> list[str]:
    """Return the texts without absolute folders; of paths the last parts stay, as many as tell them apart."""
    ends = _ends(texts) if any(map(_PATH.match, texts)) else texts
    return [without_folders(text) for text in ends]


def told_apart(texts: Sequence[str]) -> list[str]:
    """Return the distinct texts without absolute folders, numbered where they would be alike without them."""
    shown = less_folders(texts)
    return shown if len(set(shown)) == len(shown) else numbered(shown)


def numbered(texts: Sequence[str]) -> list[str]:
    """Return the texts with their number at the end, which no rendering takes away."""
    return [f"{text} ({place})".strip() for place, text in enumerate(texts, 1)]


def _ends(texts: Sequence[str]) -> list[str]:
    """Return paths as their last parts, as many as tell them apart; other texts unchanged."""
    parts = [[part for part in re.split(r"[\\/]+", text) if part not in ("", "~")] for text in texts]
    for count in range(1, max(map(len, parts), default=0) + 1):
        found = [
            "/".join(part[-count:]) if _PATH.match(text) else text for text, part in zip(texts, parts, strict=True)
        ]
        if len(set(found)) == len(found):
            return found
    return list(texts)
