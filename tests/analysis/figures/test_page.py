"""Every figure is legible whatever its text says, small, and the same bytes each time."""

import dataclasses
import io
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT
from designs import ACCURACY, LOSS, METRICS, RESPONSES
from drawn import (
    HOSTILE,
    LONG,
    MANY,
    check_legible,
    effects_of,
    gap_of,
    history_of,
    interaction_of,
    means_of,
    missed_of,
    texts,
)
from PIL import Image

from analysis.figures.confusion import confusion
from analysis.figures.curves import curves
from analysis.figures.effects import effects
from analysis.figures.gallery import gallery
from analysis.figures.gap import gap
from analysis.figures.interaction import interaction
from analysis.figures.overview import overview
from analysis.figures.png import png
from analysis.figures.style import palette
from analysis.figures.text import width_of, wrap
from analysis.statistics.responses import responses_of
from analysis.words.markup import mark


def drawn_with(labels, metrics=METRICS) -> dict[str, object]:
    """Every figure, with these labels in every place a label can have."""
    accuracy, response = metrics[0], responses_of(metrics)["val_accuracy"]
    history, styles = history_of(labels, epochs=3), palette(labels)
    runs, means = interaction_of(labels, labels[:5])
    names = (labels[0], labels[-1])
    renamed = [frame.rename(columns=dict(zip(("dropout", "model"), names, strict=True))) for frame in (runs, means)]
    matrix = np.random.default_rng(0).integers(0, 2000, (10, 10))
    return {
        "curves": curves(history, means_of(history), accuracy, styles),
        "overview": overview(means_of(history), styles, metrics),
        "effects": effects(*effects_of(labels), response),
        "interaction": interaction(*renamed, names, accuracy),
        "gap": gap(gap_of(labels), labels, accuracy),
        "gallery": gallery(missed_of(len(labels), label=labels, answers=labels), np.zeros((99, 8, 8), np.uint8)),
        "confusion": confusion({labels[0]: matrix, labels[-1]: matrix}),
    }


@pytest.mark.parametrize(
    "labels",
    [
        ["dropout=true", "dropout=false"],
        [f"dropout={level}, model={LONG}_{place}" for place, level in enumerate("abcd")],
        [f"arm=stage_{stage}" for stage in range(1, 14)],
        HOSTILE,
    ],
    ids=["short", "long", "thirteen", "hostile"],
)
def test_no_text_overlaps_or_leaves_the_page_and_files_are_small(labels):
    for name, figure in drawn_with(labels).items():
        assert check_legible(figure) >= 2, name


def test_no_text_overlaps_or_leaves_the_page_whatever_a_metric_is_called_and_measured_in():
    units = {"unit": "kilometres of a very long unit", "difference_unit": HOSTILE[3]}
    for label in (LONG, HOSTILE[0], HOSTILE[2]):
        metrics = tuple(dataclasses.replace(metric, label=label, **units) for metric in METRICS)
        for name, figure in drawn_with(["dropout=true", "dropout=false"], metrics).items():
            assert check_legible(figure) >= 2, name


def test_a_page_of_24_cells_and_100_epochs_is_legible_and_small():
    history = history_of(MANY, epochs=100)
    means, styles = means_of(history), palette(MANY)
    for figure in (curves(history, means, ACCURACY, styles), overview(means, styles, METRICS)):
        assert check_legible(figure) > 24


def test_labels_are_taken_letter_for_letter():
    figure = effects(*effects_of(HOSTILE), RESPONSES["val_accuracy"])
    shown = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert shown[0] == r"$x_1$=\frac{a}{b}, …=…"
    assert shown[1] == "_private with a newline and a tab"
    assert not any(text.get_parse_math() for text in texts(figure))


def test_wrapping_keeps_every_letter_and_the_width():
    wrapped = wrap(LONG, 1.2)
    assert wrapped.replace("\n", "") == LONG
    assert max(width_of(line) for line in wrapped.split("\n")) <= 1.2
    assert wrap("dropout=true, binarize=false", 1.0).split("\n") == ["dropout=true,", "binarize=false"]
    assert wrap("a b c d e f g h", 0.01, lines=4).split("\n") == ["a", "b", f"… {mark('a b c d e f g h')}", "h"]


def test_the_same_frames_give_the_same_bytes_and_no_metadata():
    history = history_of(["a", "b"])
    first, second = (png(curves(history, means_of(history), LOSS, palette("ab"))) for _ in range(2))
    assert first == second
    assert Image.open(io.BytesIO(first)).info == {}


def test_a_users_matplotlibrc_changes_no_bytes():
    import matplotlib as mpl

    table, own = effects_of(["a", "b"])
    plain = png(effects(table, own, RESPONSES["val_accuracy"]))
    with mpl.rc_context({"font.size": 20, "lines.linewidth": 9, "figure.facecolor": "red", "axes.grid": False}):
        assert png(effects(table, own, RESPONSES["val_accuracy"])) == plain


def test_figures_leave_no_state_behind_and_need_no_tensorflow():
    code = (
        "import sys, matplotlib; before = dict(matplotlib.rcParams)\n"
        "from analysis.figures.gallery import gallery; from analysis.figures.png import png\n"
        "png(gallery(__import__('pandas').DataFrame(columns=['example']), None))\n"
        "import matplotlib.pyplot as plt\n"
        "print(plt.get_fignums(), 'tensorflow' in sys.modules, before == dict(matplotlib.rcParams))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.split("\n")[0] == "[] False True", done.stderr
