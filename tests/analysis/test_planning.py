"""What is said of a design before anything trains."""

from analysis.planning import planned_lines
from runner.plan import assignments


def declaration(factors, design="screening"):
    axes = {f"f{place}": ["on", "off"] for place in range(factors)}
    cells = [{"label": str(cell), "levels": cell} for cell in assignments(axes, design)]
    return {
        "design": design,
        "factors": [{"key": key, "levels": levels} for key, levels in axes.items()],
        "cells": cells,
    }


def test_a_screening_of_16_cells_says_which_pairs_share_a_figure_and_one_of_24_that_all_do():
    assert len(planned_lines(declaration(8))) == 7
    assert planned_lines(declaration(8))[0].startswith("the figure for f0 × f1 is shared with f2 × f3 and ")
    [line] = planned_lines(declaration(9))
    assert line.endswith("interactions are not reported.")
    assert planned_lines(declaration(2, "factorial")) == []
