"""Figures show the numbers of the frames they are given, and their text is legible whatever it says."""

import io
import itertools
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex
from matplotlib.text import Text
from PIL import Image

from analysis import figures

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
METRICS = ("accuracy", "loss", "val_accuracy", "val_loss")
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
    return pd.DataFrame(rows, columns=["cell", "seed", "epoch", *METRICS])


def means_of(history) -> pd.DataFrame:
    long = history.melt(["cell", "seed", "epoch"], list(METRICS), var_name="metric")
    means = long.groupby(["cell", "epoch", "metric"], sort=False)["value"].mean().rename("mean").reset_index()
    return means.assign(low=means["mean"] - 0.002, high=means["mean"] + 0.002, n=3)


def effects_of(contrasts, seeds=(0, 1, 2), response="val_accuracy", sesoi=0.001):
    grades = itertools.cycle(figures.GRADES)
    table = pd.DataFrame(
        [
            (contrast, response, 0.002 - 0.0015 * place, 0.001 - 0.0015 * place, 0.003 - 0.0015 * place, sesoi, grade)
            for place, (contrast, grade) in enumerate(zip(contrasts, grades, strict=False))
        ],
        columns=["contrast", "response", "estimate", "low", "high", "sesoi", "grade"],
    )
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
        {"image": np.arange(images), "label": label, "missed_by": 15, "runs": 20, "answers": answers},
    )


def texts(figure) -> list[Text]:
    return [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]


def boxes(figure) -> list:
    """Draw the figure; return every text that is drawn and where it stands in pixels: (text, box)."""
    asked = []
    draw = Text.draw
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Text, "draw", lambda text, renderer: (asked.append(text), draw(text, renderer)))
        assert len(figures.png(figure)) < 200_000
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


def test_no_two_of_many_cells_look_alike():
    looks = figures.palette([str(place) for place in range(224)])
    assert len(set(looks.values())) == 224
    assert len({(look.colour, look.line) for look in list(looks.values())[:32]}) == 32


def test_colours_stay_apart_for_the_colour_blind():
    simulated = {  # Machado, Oliveira and Fernandes 2009, severity 1, linear RGB
        "deuteranopia": [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.01182, 0.04294, 0.968881],
        ],
        "protanopia": [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ],
        "none": np.eye(3).tolist(),
    }
    for matrix in simulated.values():
        seen = [lab(np.asarray(matrix) @ linear(colour)) for colour in figures.COLOURS]
        assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 12  # 2.3 is just noticeable


def linear(colour: str) -> np.ndarray:
    share = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ rgb.clip(0, 1)
    f = np.cbrt(xyz / np.array([0.9505, 1, 1.089]))
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_a_cell_has_one_colour_in_every_figure():
    cells = ["a", "b", "c"]
    history, styles = history_of(cells), figures.palette(cells)
    curves = figures.curves(history, means_of(history), "accuracy", styles)
    overview = figures.overview(means_of(history), styles)
    for place, cell in enumerate(cells):
        mean = next(
            line for line in curves.axes[place].lines if line.get_linewidth() > 1 and line.get_linestyle() == "-"
        )
        assert to_hex(mean.get_color()) == to_hex(overview.axes[0].lines[place].get_color()) == styles[cell].colour
    without = figures.curves(history, means_of(history), "loss", {"c": styles["c"]})
    assert to_hex(without.axes[0].lines[2].get_color()) == styles["c"].colour


def test_curves_draw_every_seed_and_the_mean_as_they_are():
    history = history_of(["a", "b"], seeds=3, epochs=4)
    means = means_of(history)
    figure = figures.curves(history, means, "loss", figures.palette(["a", "b"]))
    assert len(figure.axes) == 2
    for panel, cell in zip(figure.axes, "ab", strict=True):
        drawn = iter(panel.lines)
        for metric in ("loss", "val_loss"):
            seeds, mean = next(drawn), next(drawn)
            expected = [list(part[metric]) for _, part in history[history["cell"] == cell].groupby("seed")]
            assert runs_of_numbers(seeds.get_ydata()) == expected
            of_metric = means[(means["cell"] == cell) & (means["metric"] == metric)]
            assert list(mean.get_ydata()) == list(of_metric["mean"])
            assert list(mean.get_xdata()) == [1, 2, 3, 4]
    assert figure.axes[0].get_ylim() == figure.axes[1].get_ylim()


def test_epochs_are_whole_numbers():
    assert figures.epoch_ticks(1, 5) == [1]
    assert figures.epoch_ticks(10, 10) == list(range(1, 11))
    assert figures.epoch_ticks(10, 5) == [1, 3, 5, 7, 9]
    assert figures.epoch_ticks(30, 7) == [1, 5, 10, 15, 20, 25, 30]
    assert figures.epoch_ticks(100, 5) == [1, 20, 40, 60, 80, 100]


def test_a_single_epoch_is_drawn_as_points():
    history = history_of(["a"], seeds=1, epochs=1)
    panel = figures.curves(history, means_of(history), "accuracy", figures.palette(["a"])).axes[0]
    assert all(line.get_marker() not in ("", "None") for line in panel.lines)


def test_a_diverged_seed_leaves_the_axis_and_the_others_fill_it():
    history = history_of(["a", "b"], epochs=6)
    bad = (history["cell"] == "a") & (history["seed"] == 1) & (history["epoch"] > 3)
    worst = history.loc[~bad, ["loss", "val_loss"]].max().max()
    history.loc[bad, "val_loss"] = [1e3, 2e5, np.nan]
    figure = figures.curves(history, means_of(history), "loss", figures.palette(["a", "b"]))
    assert worst <= figure.axes[0].get_ylim()[1] <= 1.1 * worst
    marks = [line for line in figure.axes[0].lines if line.get_marker() == "^"]
    assert sorted(x for line in marks for x in line.get_xdata()) == [4, 5, 6]
    assert not [line for line in figure.axes[1].lines if line.get_marker() == "^"]
    shown = [text.get_text().replace("\n", " ") for text in texts(figure)]
    assert "loss beyond the axis, up to 200,000 nats, or not finite" in shown


def test_a_cell_that_starts_badly_is_seen_where_it_ends():
    history = history_of(["a", "b", "c", "d"], epochs=6)
    late = history["cell"] == "d"
    for metric in ("loss", "val_loss"):
        history.loc[late, metric] = 8 / history.loc[late, "epoch"] ** 2.2
    top = figures.curves(history, means_of(history), "loss", figures.palette("abcd")).axes[0].get_ylim()[1]
    assert 8 / 6**2.2 < top < 8


def test_losses_over_some_decades_get_a_logarithmic_axis_that_says_so():
    history = history_of(["a"], epochs=20)
    history["loss"] = history["val_loss"] = 2.0 ** -history["epoch"].astype(float)
    figure = figures.curves(history, means_of(history), "loss", figures.palette(["a"]))
    assert figure.axes[0].get_yscale() == "log"
    assert "loss, nats (logarithmic)" in [text.get_text() for text in texts(figure)]


@pytest.mark.parametrize(("lowest", "shown"), [(2e-5, True), (1e-12, False)])
def test_a_net_that_learns_all_training_images_by_heart_stays_on_the_axis_until_its_loss_is_next_to_nothing(
    lowest, shown
):
    history = history_of(["a", "b"], epochs=20)
    history["val_loss"] = 0.2
    history["loss"] = 0.2 * (lowest / 0.2) ** ((history["epoch"] - 1) / 19)
    panel = figures.curves(history, means_of(history), "loss", figures.palette(["a", "b"])).axes[0]
    low, high = panel.get_ylim()
    assert (low < lowest) == shown
    assert high > 0.2 and low > 0.2 / 1e6


def test_a_cell_without_runs_keeps_its_panel():
    history = history_of(["a"])
    figure = figures.curves(history, means_of(history), "accuracy", figures.palette(["a", "gone"]))
    assert [text.get_text() for text in figure.axes[1].texts] == ["no runs"]
    nothing = history.head(0)
    assert len(figures.curves(nothing, means_of(history).head(0), "loss", figures.palette("ab")).axes) == 2
    assert len(figures.overview(means_of(history).head(0), figures.palette("ab")).axes) == 2
    assert [text.get_text() for text in figures.gap(gap_of("a"), ["a", "gone"], "accuracy").axes[1].texts] == [
        "no runs"
    ]
    assert len(figures.gap(gap_of("a").head(0), ["a", "gone"], "accuracy").axes) == 2


def test_the_overview_has_every_cells_mean_in_one_panel_a_metric():
    cells = list("abcd")
    means = means_of(history_of(cells))
    figure = figures.overview(means, figures.palette(cells))
    for panel, metric in zip(figure.axes, ("val_accuracy", "val_loss"), strict=True):
        for cell, line in zip(cells, panel.lines, strict=True):
            rows = means[(means["cell"] == cell) & (means["metric"] == metric)]
            assert list(line.get_ydata()) == list(rows["mean"])
        first = panel.collections[0].get_paths()[0].vertices[:, 1]
        rows = means[(means["cell"] == "a") & (means["metric"] == metric)]
        assert {*rows["low"], *rows["high"]} <= set(first)


def test_the_overview_of_many_cells_shows_intervals_of_the_last_epoch():
    means = means_of(history_of(MANY))
    panel = figures.overview(means, figures.palette(MANY)).axes[0]
    last = means[(means["metric"] == "val_accuracy") & (means["epoch"] == 10)]
    segments = [bar.get_segments()[0] for bar in panel.collections]
    assert [segment[0][1] for segment in segments] == list(last["low"])
    assert [segment[1][1] for segment in segments] == list(last["high"])
    places = [segment[0][0] for segment in segments]
    assert min(places) > 10 and np.diff(places).min() > 0 and max(places) < panel.get_xlim()[1]


def test_effects_have_a_zero_line_a_band_and_their_intervals():
    table, own = effects_of(["dropout: true → false", "binarize: false → true", "dropout × binarize"])
    panel = figures.effects(table, own, "val_accuracy").axes[0]
    assert [0, 0] in [list(line.get_xdata()) for line in panel.lines]
    band = panel.patches[0].get_extents().transformed(panel.transData.inverted())
    assert (band.x0, band.x1) == pytest.approx((-0.001, 0.001))
    bars = sorted(tuple(segment[:, 0]) for bar in panel.collections for segment in bar.get_segments())
    assert bars == sorted(zip(table["low"], table["high"], strict=True))
    dots = next(line for line in panel.lines if len(line.get_xdata()) == 9)
    assert sorted(dots.get_xdata()) == sorted(own["effect"])
    assert [label.get_text() for label in panel.get_yticklabels()] == list(table["contrast"])


def test_effects_on_accuracy_are_in_percentage_points_and_on_loss_in_nats():
    table, own = effects_of(["a", "b"])
    figure = figures.effects(table, own, "val_accuracy")
    shown = [text.get_text() for text in texts(figure)]
    assert "effect on validation accuracy, percentage points (right is better)" in shown
    assert "smallest effect of interest: ± 0.1 percentage points" in shown
    assert figure.axes[0].xaxis.get_major_formatter().format_ticks([-0.001, 0, 0.001]) == ["−0.1", "0.0", "0.1"]
    table, own = effects_of(["a", "b"], response="val_loss", sesoi=0.005)
    figure = figures.effects(table, own, "val_loss")
    assert "smallest effect of interest: ± 0.005 nats" in [text.get_text() for text in texts(figure)]
    assert figure.axes[0].xaxis.get_major_formatter().format_ticks([-0.001, 0]) == ["−0.001", "0.000"]


def test_a_grade_has_its_own_mark_and_the_key_names_those_that_occur():
    table, own = effects_of(["a", "b", "c"])
    figure = figures.effects(table, own, "val_accuracy")
    named = {line.get_label(): line.get_marker() for line in figure.axes[0].lines if line.get_label() in figures.GRADES}
    assert named == {"established": "o", "suggestive": "D", "not shown": "o"}
    assert [text.get_text() for text in figure.legends[0].get_texts()][:3] == list(named)
    assert len({figures.GRADES[grade] for grade in figures.GRADES}) == len(figures.GRADES)


def test_an_interval_far_wider_than_the_differences_ends_in_an_arrow():
    table, own = effects_of(["a", "b"])
    table.loc[1, ["low", "high"]] = [-0.9, 0.9]
    panel = figures.effects(table, own, "val_accuracy").axes[0]
    assert max(np.abs(panel.get_xlim())) < 0.01
    assert [len(line.get_xdata()) for line in panel.lines if line.get_marker() in "<>"] == [1, 1]


def test_an_effect_that_would_flatten_all_others_stands_in_figures_at_the_edge():
    table, own = effects_of(list("abcdef"))
    of_e = table["contrast"].eq("e")
    table.loc[of_e, ["estimate", "low", "high"]] = [-0.3, -0.4, -0.2]
    own.loc[own["contrast"].eq("e"), "effect"] = -0.3
    figure = figures.effects(table, own, "val_accuracy")
    panel = figure.axes[0]
    assert panel.get_xlim()[0] > -0.02
    [shown] = panel.texts
    assert shown.get_text() == "−30 [−40, −20]"
    assert shown.xy == (0.0, panel.get_yticks()[4]) and shown.get_ha() == "left"
    assert "beyond the axis: estimate [95 % interval]" in [text.get_text() for text in figure.legends[0].get_texts()]


def test_an_effect_stays_on_the_axis_where_few_others_would_gain_by_its_leaving():
    table, own = effects_of(list("abcd"))
    table.loc[0, ["estimate", "low", "high"]] = [-0.3, -0.4, -0.2]
    own.loc[own["contrast"].eq("a"), "effect"] = -0.3
    panel = figures.effects(table, own, "val_accuracy").axes[0]
    assert panel.get_xlim()[0] < -0.4 and not panel.texts


def test_effects_of_one_seed_have_no_interval():
    table, own = effects_of(["a"], seeds=(0,), sesoi=np.nan)
    table[["low", "high"]] = np.nan
    table["grade"] = "cannot be said"
    panel = figures.effects(table, own, "val_accuracy").axes[0]
    assert not panel.patches
    assert [line.get_xdata()[0] for line in panel.lines if line.get_marker() == "x"] == [0.002]


def test_an_interaction_joins_seeds_and_draws_means_with_intervals():
    runs, means = interaction_of(["true", "false"], ["a", "b"])
    panel = figures.interaction(runs, means, ("dropout", "model"), "val_accuracy").axes[0]
    assert [label.get_text() for label in panel.get_xticklabels()] == ["true", "false"]
    for place, level in enumerate("ab"):
        seeds, mean = panel.lines[2 * place], panel.lines[2 * place + 1]
        own = runs[runs["model"] == level]
        assert runs_of_numbers(seeds.get_ydata()) == [list(part["val_accuracy"]) for _, part in own.groupby("seed")]
        rows = means[means["model"] == level]
        assert list(mean.get_ydata()) == list(rows["mean"])
        bars = [tuple(segment[:, 1]) for segment in panel.collections[place].get_segments()]
        assert bars == list(zip(rows["low"], rows["high"], strict=True))
    assert to_hex(panel.lines[0].get_color()) not in figures.COLOURS


def test_the_gaps_terms_stack_away_from_zero_and_end_at_the_net_gap():
    frame = gap_of(["a", "b"])
    figure = figures.gap(frame, ["a", "b"], "accuracy")
    assert len(figure.axes) == 2
    stacks = [item for item in figure.axes[0].collections if isinstance(item, PolyCollection)]
    corners = [stack.get_paths()[0].vertices for stack in stacks]  # epoch 1
    assert [(corner[0, 1], corner[2, 1]) for corner in corners] == [
        (0, pytest.approx(0.02)),
        (pytest.approx(0.02), pytest.approx(0.035)),
        (0, pytest.approx(-0.01)),
        (pytest.approx(0.035), pytest.approx(0.039)),
    ]
    net = next(line for line in figure.axes[0].lines if line.get_label() == "net")
    assert list(net.get_ydata()) == list(frame[(frame["cell"] == "a") & (frame["term"] == "net")]["mean"])
    assert "gap in accuracy, percentage points" in [text.get_text() for text in texts(figure)]
    assert figure.axes[0].yaxis.get_major_formatter().format_ticks([0, 0.02]) == ["0", "2"]


def test_the_gap_over_many_epochs_is_an_area_of_the_same_heights():
    frame = gap_of(["a"], epochs=60)
    panel = figures.gap(frame, ["a"], "accuracy").axes[0]
    first = panel.collections[0].get_paths()[0].vertices
    assert first[:, 1].max() == pytest.approx(0.02) and first[first[:, 0] == 60][:, 1].max() == pytest.approx(0.02 / 60)


def test_the_gap_without_a_holdout_or_a_probe_names_what_there_is():
    merged = gap_of(["a"], terms=("moving_weights", "train_mode_noise", "memorisation_and_split"))
    shown = [text.get_text() for text in figures.gap(merged, ["a"], "accuracy").legends[0].get_texts()]
    assert "memorisation and split difference" in shown and len(shown) == 4
    net = gap_of(["a"])
    net = net[net["term"] == "net"]
    shown = [text.get_text() for text in figures.gap(net, ["a"], "accuracy").legends[0].get_texts()]
    assert shown == ["net gap: validation − training as logged"]


def test_one_cells_huge_gap_does_not_flatten_the_others():
    frame = gap_of(list("abcd"))
    frame.loc[frame["cell"] == "b", ["mean", "low", "high"]] *= 1000
    figure = figures.gap(frame, list("abcd"), "accuracy")
    assert figure.axes[0].get_ylim()[1] < 0.05
    assert {line.get_marker() for line in figure.axes[1].lines} >= {"^", "v"}
    assert "beyond the axis" in [text.get_text() for text in texts(figure)]


def test_the_gallery_shows_at_most_24_images_with_what_was_said():
    images = np.arange(30 * 8 * 8, dtype=np.uint8).reshape(30, 8, 8)
    figure = figures.gallery(missed_of(30), images)
    page = figure.axes[0]
    assert len(page.images) == 24 and len(page.texts) == 24
    assert page.texts[3].get_text() == "true 4\nsaid 9 ×12, 4 ×3\nmissed by 15 of 20\nimage 3"
    assert np.allclose(page.images[3].get_array(), images[3] / 255)
    assert "No validation image is missed." in [
        text.get_text() for text in texts(figures.gallery(missed_of(0), images))
    ]


def test_pixels_are_squares():
    image = figures.gallery(missed_of(1), np.zeros((1, 8, 4), np.uint8)).axes[0].images[0]
    left, right, bottom, top = image.get_extent()
    assert (bottom - top) == pytest.approx(2 * (right - left))


def test_the_gallery_keeps_colours():
    colour = np.zeros((2, 8, 8, 3), np.float32)
    colour[:, :, :, 0] = 1
    drawn = figures.gallery(missed_of(2), colour).axes[0].images[0].get_array()
    assert drawn.shape == (8, 8, 3) and drawn[0, 0].tolist() == [1, 0, 0]


def test_a_confusion_matrix_writes_its_counts():
    counts = np.array([[50, 2, 0], [1, 47, 3], [0, 0, 1200]])
    figure = figures.confusion({"first": counts, "second": counts.T})
    assert len(figure.axes) == 2
    written = {text.get_position(): text.get_text() for text in figure.axes[0].texts}
    assert written == {(0, 0): "50", (1, 0): "2", (0, 1): "1", (1, 1): "47", (2, 1): "3", (2, 2): "1,200"}
    many = figures.confusion({"first": np.eye(40, dtype=int) * 9 + np.eye(40, k=1, dtype=int)})
    assert not many.axes[0].texts and "1 image" in [text.get_text() for text in texts(many)]


def drawn_with(labels) -> dict[str, object]:
    """Every figure, with these labels in every place a label can have."""
    history, styles = history_of(labels, epochs=3), figures.palette(labels)
    runs, means = interaction_of(labels, labels[:5])
    names = (labels[0], labels[-1])
    renamed = [frame.rename(columns=dict(zip(("dropout", "model"), names, strict=True))) for frame in (runs, means)]
    matrix = np.random.default_rng(0).integers(0, 2000, (10, 10))
    return {
        "curves": figures.curves(history, means_of(history), "accuracy", styles),
        "overview": figures.overview(means_of(history), styles),
        "effects": figures.effects(*effects_of(labels), "val_accuracy"),
        "interaction": figures.interaction(*renamed, names, "val_accuracy"),
        "gap": figures.gap(gap_of(labels), labels, "accuracy"),
        "gallery": figures.gallery(
            missed_of(len(labels), label=labels, answers=labels), np.zeros((99, 8, 8), np.uint8)
        ),
        "confusion": figures.confusion({labels[0]: matrix, labels[-1]: matrix}),
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


def test_a_page_of_24_cells_and_100_epochs_is_legible_and_small():
    history = history_of(MANY, epochs=100)
    means, styles = means_of(history), figures.palette(MANY)
    for figure in (figures.curves(history, means, "accuracy", styles), figures.overview(means, styles)):
        assert check_legible(figure) > 24


def test_labels_are_taken_letter_for_letter():
    figure = figures.effects(*effects_of(HOSTILE), "val_accuracy")
    shown = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert shown[0] == r"$x_1$=\frac{a}{b}, □□□=□"
    assert shown[1] == "_private with a newline and a tab"
    assert not any(text.get_parse_math() for text in texts(figure))


def test_wrapping_keeps_every_letter_and_the_width():
    wrapped = figures.wrap(LONG, 1.2)
    assert wrapped.replace("\n", "") == LONG
    assert max(figures.width_of(line) for line in wrapped.split("\n")) <= 1.2
    assert figures.wrap("dropout=true, binarize=false", 1.0).split("\n") == ["dropout=true,", "binarize=false"]
    assert figures.wrap("a b c d e f g h", 0.01, lines=4).split("\n") == ["a", "b", "…", "h"]


def test_the_same_frames_give_the_same_bytes_and_no_metadata():
    history = history_of(["a", "b"])
    first, second = (
        figures.png(figures.curves(history, means_of(history), "loss", figures.palette("ab"))) for _ in range(2)
    )
    assert first == second
    assert Image.open(io.BytesIO(first)).info == {}


def test_a_users_matplotlibrc_changes_no_bytes():
    import matplotlib as mpl

    table, own = effects_of(["a", "b"])
    plain = figures.png(figures.effects(table, own, "val_accuracy"))
    with mpl.rc_context({"font.size": 20, "lines.linewidth": 9, "figure.facecolor": "red", "axes.grid": False}):
        assert figures.png(figures.effects(table, own, "val_accuracy")) == plain


def test_a_page_of_photographs_stays_small():
    noise = np.random.default_rng(0).integers(0, 256, (24, 100, 100, 3), dtype=np.uint8)
    assert len(figures.png(figures.gallery(missed_of(), noise))) < 200_000


def test_figures_leave_no_state_behind_and_need_no_tensorflow():
    code = (
        "import sys, matplotlib; before = dict(matplotlib.rcParams)\n"
        "from analysis import figures\n"
        "figures.png(figures.gallery(__import__('pandas').DataFrame(columns=['image']), None))\n"
        "import matplotlib.pyplot as plt\n"
        "print(plt.get_fignums(), 'tensorflow' in sys.modules, before == dict(matplotlib.rcParams))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.split("\n")[0] == "[] False True", done.stderr
