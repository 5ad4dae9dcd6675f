"""A confusion matrix writes its counts."""

import numpy as np
from drawn import texts

from analysis.figures.confusion import confusion


def test_a_confusion_matrix_writes_its_counts():
    counts = np.array([[50, 2, 0], [1, 47, 3], [0, 0, 1200]])
    figure = confusion({"first": counts, "second": counts.T})
    assert len(figure.axes) == 2
    written = {text.get_position(): text.get_text() for text in figure.axes[0].texts}
    assert written == {(0, 0): "50", (1, 0): "2", (0, 1): "1", (1, 1): "47", (2, 1): "3", (2, 2): "1,200"}
    many = confusion({"first": np.eye(40, dtype=int) * 9 + np.eye(40, k=1, dtype=int)})
    assert not many.axes[0].texts and "1 image" in [text.get_text() for text in texts(many)]
