"""Made frames for figures, and what is drawn of them, for the tests of figures."""

import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from analysis.figures.effects import GRADES
from analysis.figures.png import png

LONG = "conv_64_pool_dropout_conv_32_pool_dropout_flatten_dense_128_sigmoid_and_a_name_that_does_not_end"
HOSTILE = [
    r"$x_1$=\frac{a}{b}, 日本語=🎉",
    "_private\nwith a newline\tand a tab",
    "a" * 120 + "=" + "b" * 90,
    "<script>|`*_[x](y)_*` %d {0} #&~^ مرحبا",
    "factor=level" + ", factor=level" * 60,
    "",
    "é" * 40,
]
COLUMNS = ("accuracy", "loss", "val_accuracy", "val_loss")
MANY = [
    f"dropout={a}, optimizer={b}, normalize={c}" for a in "tf" for b in "asr" for c in ("unit", "l2", "max", "none")
]


def history_of(cells, seeds=3, epochs=10) -> pd.DataFrame:
    """Smooth curves that differ a little between cells and seeds."""
    rows = []
    for (place, cell), seed, epoch in itertools.product(enumerate(cells), range(seeds), range(1, epochs + 1)):
        validation = 0.98 - 0.02 / epoch - 0.001 * place - 0.0005 * seed
        training = validation - 0.03 / epoch
        rows.append((cell, seed, epoch, training, 4 * (1 - training), validation, 4 * (1 - validation)))
    return pd.DataFrame(rows, columns=["cell", "seed", "epoch", *COLUMNS])


def means_of(history, columns=COLUMNS) -> pd.DataFrame:
    long = history.melt(["cell", "seed", "epoch"], list(columns), var_name="metric")
    means = long.groupby(["cell", "epoch", "metric"], sort=False)["value"].mean().rename("mean").reset_index()
    return means.assign(low=means["mean"] - 0.002, high=means["mean"] + 0.002, n=3)


def effects_of(contrasts, seeds=(0, 1, 2), response="val_accuracy", sesoi=0.001):
    grades = itertools.cycle(GRADES)
    table = pd.DataFrame(
        [
            (contrast, response, 0.002 - 0.0015 * place, 0.001 - 0.0015 * place, 0.003 - 0.0015 * place, sesoi, grade)
            for place, (contrast, grade) in enumerate(zip(contrasts, grades, strict=False))
        ],
        columns=["contrast", "response", "estimate", "low", "high", "sesoi", "grade"],
    ).assign(new_low=np.nan, new_high=np.nan)
    own = table.merge(pd.DataFrame({"seed": seeds}), how="cross")
    return table, own.assign(effect=own["estimate"] + 0.0005 * (own["seed"] - 1))


def interaction_of(first, second, seeds=3):
    rows = [
        (a, b, seed, 0.9 + 0.01 * i - 0.004 * j + 0.001 * seed)
        for (i, a), (j, b), seed in itertools.product(enumerate(first), enumerate(second), range(seeds))
    ]
    runs = pd.DataFrame(rows, columns=["dropout", "model", "seed", "val_accuracy"])
    means = runs.groupby(["dropout", "model"], sort=False)["val_accuracy"].mean().rename("mean").reset_index()
    return runs, means.assign(low=means["mean"] - 0.003, high=means["mean"] + 0.003)


def gap_of(cells, epochs=5, terms=("moving_weights", "train_mode_noise", "memorisation", "split_difference")):
    sizes = dict(zip(terms, (0.02, 0.015, -0.01, 0.004), strict=False))
    rows = [
        (cell, "accuracy", epoch, term, size / epoch, size / epoch - 0.001, size / epoch + 0.001)
        for cell, epoch, (term, size) in itertools.product(
            cells, range(1, epochs + 1), [*sizes.items(), ("net", sum(sizes.values()))]
        )
    ]
    return pd.DataFrame(rows, columns=["cell", "response", "epoch", "term", "mean", "low", "high"])


def missed_of(images=24, label="4", answers="9 ×12, 4 ×3"):
    return pd.DataFrame(
        {"example": np.arange(images), "label": label, "missed_by": 15, "runs": 20, "answers": answers},
    )


def texts(figure) -> list[Text]:
    return [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]


def boxes(figure) -> list:
    """Draw the figure; return every text that is drawn and where it stands in pixels: (text, box)."""
    asked = []
    draw = Text.draw
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Text, "draw", lambda text, renderer: (asked.append(text), draw(text, renderer)))
        assert len(png(figure)) < 200_000
    renderer = figure.canvas.get_renderer()
    return [(text.get_text(), text.get_window_extent(renderer)) for text in asked if text.get_text().strip()]


def check_legible(figure) -> int:
    """Fail if a text leaves the canvas or overlaps another, or the file is large; return how many texts there are."""
    placed = boxes(figure)
    width, height = figure.get_size_inches() * figure.dpi
    for text, box in placed:
        assert box.x0 >= -0.5 and box.x1 <= width + 0.5, (text, box, width)
        assert box.y0 >= -0.5 and box.y1 <= height + 0.5, (text, box, height)
    for (text, box), (other, beside) in itertools.combinations(placed, 2):
        across = min(box.x1, beside.x1) - max(box.x0, beside.x0)
        down = min(box.y1, beside.y1) - max(box.y0, beside.y0)
        assert across <= 1 or down <= 2, (text, other, across, down)
    return len(placed)


def runs_of_numbers(values) -> list[list[float]]:
    """The stretches between NaNs."""
    return [list(part) for real, part in itertools.groupby(values, key=np.isfinite) if real]
