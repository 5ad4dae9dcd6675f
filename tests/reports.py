"""A study's folder -> its report as text, for tests of words and tables: its figures are not drawn."""

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from PIL import Image

MISSES = "The images that most runs miss"
SECTIONS = [
    "What was asked",
    "Findings",
    "Words",
    "Comparison",
    "Effects",
    "Training against validation",
    "The gap between training and validation, taken apart",
    MISSES,
    "Cost",
    "How this was made",
]


@contextlib.contextmanager
def undrawn(laid_out: bool = False) -> Iterator[None]:
    """Let every figure of a report be one white pixel meanwhile: drawing takes four fifths of a report's time.

    Those that are `laid_out` are not rendered either, but a study that they cannot show comes to light.
    """
    made = io.BytesIO()
    Image.new("L", (1, 1), 255).save(made, "PNG")
    pixel = made.getvalue()
    pixels = lambda drawn, kinds: {f"figures/{name}.png": pixel for name in drawn}  # noqa: E731
    rendered = mock.patch("analysis.report.files.png", return_value=pixel)
    with rendered if laid_out else mock.patch("analysis.report.files.pictures", pixels):
        yield


def written(folder: Path, laid_out: bool = False):
    """Write the report, its figures not drawn; return its text and what its writing returned."""
    from analysis.report.files import write_report

    with undrawn(laid_out):
        result = write_report(folder)
    return (folder / "report.md").read_text(), result
