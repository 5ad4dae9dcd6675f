"""Lightning's `version_k/metrics.csv` with `hparams.yaml` beside it -> histories.

The command line of Lightning writes its `config.yaml` into the same folder; its keys count too.
"""

from pathlib import Path

from analysis.foreign.epochs import has_epochs, read_epochs
from analysis.foreign.files import Tree, read_settings
from analysis.foreign.histories import Histories, Run, flat, from_path, gather

SOURCE = "Lightning CSV logs"
_SETTINGS = ("config.yaml", "hparams.yaml")


def find(tree: Tree) -> list[Path]:
    """Return the metrics files that have settings beside them."""
    return [path for path in tree.named("metrics.csv") if path.with_name("hparams.yaml").is_file() and has_epochs(path)]


def read(places: list[Path], tree: Tree) -> Histories:
    """Return the versions' histories, in the order of their numbers."""
    return gather(SOURCE, [_run(path) for path in places])


def _run(path: Path) -> Run:
    there = [path.with_name(name) for name in _SETTINGS if path.with_name(name).is_file()]
    config = from_path(path.parent)
    for each in there:
        config |= flat(read_settings(each))
    return Run(path.parent.as_posix(), config, read_epochs(path))
