"""A figure -> the bytes of a PDF or an SVG for papers, the same for the same figure."""

import io

import matplotlib as mpl
from matplotlib.figure import Figure

from analysis.figures.style import pinned

VECTOR = ("pdf", "svg")
_NAMELESS = {"pdf": ("Creator", "Producer", "CreationDate", "ModDate"), "svg": ("Creator", "Date")}


@pinned
def vector(figure: Figure, kind: str) -> bytes:
    """Return the figure as `kind`, one of VECTOR: the same bytes for the same figure, without dates or versions.

    Letters are TrueType in a PDF, which journals ask for, and outlines in an SVG, which look the same everywhere.
    """
    written = io.BytesIO()
    with mpl.rc_context({"pdf.fonttype": 42, "svg.fonttype": "path", "svg.hashsalt": "figure"}):
        figure.savefig(written, format=kind, metadata=dict.fromkeys(_NAMELESS[kind]))
    return written.getvalue()
