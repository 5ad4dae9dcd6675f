"""What records mean: from a study's folder to its frames, its effects, its sentences, its figures and its report.

    from analysis import read
    study = read("results/dropout_x_binarize")
    study.runs                                    # a row per run

The rooms, each importing only those before it: `reading` (records -> frames), `statistics` (frames -> effects,
intervals, tests), `words` (numbers -> sentences), `figures` (frames -> figures), `report` (all of it -> files).
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analysis.reading.study import Study

__all__ = ["read"]


def read(folder: str | Path) -> "Study":
    """Return the study declared in `folder`, its records read from the store around it, as frames."""
    from analysis.reading.study import study_in  # here, so that who imports the package pays no pandas

    return study_in(Path(folder))
