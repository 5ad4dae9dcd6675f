"""What every reader gives of a study: the one shape that records and tables have in common."""

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from analysis.reading.answers import Answered


@dataclass(frozen=True)
class Parts:
    """Frames as `analysis.reading.frames` documents them, and what only some sources hold.

    `summaries` maps a training to what its record says of it (`analysis.reading.records.SUMMARY`), the epochs that the
    study uses, `used`, and the seconds that they took; none of runs made elsewhere. `tables` tells that all of it was
    read from the study's own tables, which a report then leaves as they are.
    """

    runs: pd.DataFrame
    history: pd.DataFrame
    summaries: dict[str, dict[str, Any]] = field(default_factory=dict)
    answered: Answered | None = None
    failures: dict[str, dict[str, Any]] = field(default_factory=dict)
    quarantined: list[tuple[str, str]] = field(default_factory=list)
    tables: bool = False
    other_end: pd.DataFrame | None = None  # as `runs`: of leave-one-out the add-one runs, and the reverse
