"""Other tools' files, read into the tidy frames that analysis begins at.

histories = read(["multirun/2026-01-01"])             # by what lies there; see `sources`
understanding = understand(histories, read_options(baseline="dropout=0", at="last"))
print(understanding.text)                             # what --dry-run prints
understanding.declaration, understanding.runs, understanding.history
"""

from analysis.foreign.histories import Histories, Run
from analysis.foreign.options import Options, read_options
from analysis.foreign.refusal import Refused
from analysis.foreign.sources import read
from analysis.foreign.understanding import Understanding, understand

__all__ = ["Histories", "Options", "Refused", "Run", "Understanding", "read", "read_options", "understand"]
