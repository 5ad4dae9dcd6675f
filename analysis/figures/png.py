"""A figure -> the bytes of a PNG, the same for the same figure."""

import io

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from analysis.figures.style import pinned

LARGEST_FILE = 200_000  # bytes of a PNG


@pinned
def png(figure: Figure) -> bytes:
    """Return the figure as PNG: the same bytes for the same figure, without dates or versions, at most 200 kB.

    Colours are reduced to 256; a page of photographs that is still too large gets fewer, and then fewer pixels.
    """
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())
    for colours, scale in ((256, 1), (64, 1), (64, 0.75), (32, 0.5)):
        written = io.BytesIO()
        smaller = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS)
        smaller.quantize(colours, method=Image.Quantize.MEDIANCUT).save(written, "PNG", optimize=True)
        if written.tell() <= LARGEST_FILE:
            break
    return written.getvalue()
