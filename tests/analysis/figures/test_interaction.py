"""An interaction joins seeds and draws means with intervals."""

from designs import ACCURACY
from drawn import interaction_of, runs_of_numbers
from matplotlib.colors import to_hex

from analysis.figures.interaction import interaction
from analysis.figures.style import COLOURS


def test_an_interaction_joins_seeds_and_draws_means_with_intervals():
    runs, means = interaction_of(["true", "false"], ["a", "b"])
    panel = interaction(runs, means, ("dropout", "model"), ACCURACY).axes[0]
    assert [label.get_text() for label in panel.get_xticklabels()] == ["true", "false"]
    for place, level in enumerate("ab"):
        seeds, mean = panel.lines[2 * place], panel.lines[2 * place + 1]
        own = runs[runs["model"] == level]
        assert runs_of_numbers(seeds.get_ydata()) == [list(part["val_accuracy"]) for _, part in own.groupby("seed")]
        rows = means[means["model"] == level]
        assert list(mean.get_ydata()) == list(rows["mean"])
        bars = [tuple(segment[:, 1]) for segment in panel.collections[place].get_segments()]
        assert bars == list(zip(rows["low"], rows["high"], strict=True))
    assert to_hex(panel.lines[0].get_color()) not in COLOURS
