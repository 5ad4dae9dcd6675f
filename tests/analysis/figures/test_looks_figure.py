"""The figure of the looks: a panel a contrast, an interval a look, none of a look that had no more seeds of it."""

import numpy as np
import pandas as pd
from designs import RESPONSES

from analysis.figures.looks import looks


def table_of_looks():
    rows = [
        ("val_accuracy", "a", 4, 4, 0.02, -0.20, 0.24, "not shown"),
        ("val_accuracy", "b", 4, 4, 0.05, 0.01, 0.09, "established"),
        ("val_accuracy", "a", 6, 6, 0.02, 0.01, 0.03, "smaller than of interest"),
        ("val_accuracy", "b", 6, 4, 0.05, 0.01, 0.09, "established"),
        ("val_accuracy", "a", 9, 9, 0.03, 0.01, 0.03, "established"),
        ("val_loss", "a", 4, 4, 0.1, np.nan, np.nan, "cannot be said"),
    ]
    return pd.DataFrame(rows, columns=["response", "contrast", "planned", "n", "estimate", "low", "high", "grade"])


def test_each_contrast_has_its_looks_until_its_arm_stops():
    first, second, third = looks(table_of_looks(), RESPONSES).axes
    drawn = [[line.get_ydata()[0] for line in panel.lines if len(line.get_ydata()) == 1] for panel in (first, second)]
    assert drawn == [[0.02, 0.02, 0.03], [0.05]]
    ends = [tuple(segment[:, 1]) for bars in first.collections for segment in bars.get_segments()]
    assert ends[1] == (0.01, 0.03) and ends[0][0] < -0.05  # the wide one as far as the panel reaches
    assert [label.get_text() for label in third.get_xticklabels()] == ["4", "6", "9"]


def test_every_panel_says_of_what_it_is_in_which_unit():
    texts = [text.get_text().replace("\n", " ") for text in looks(table_of_looks(), RESPONSES).texts]
    assert "a on validation accuracy, percentage points" in texts and "a on validation loss, nats" in texts
