"""A column's name as some tool writes it -> the metric, and the part of the data that it was measured on."""

import re
from dataclasses import dataclass
from functools import cache

from runner.metrics import Compiled, Metric, UnknownMetric, metric_of, snake_case

TRAINING, VALIDATION, TEST = "training", "validation", "test"
_PARTS = {
    **dict.fromkeys(("train", "training"), TRAINING),
    **dict.fromkeys(("val", "valid", "validation", "eval", "evaluation", "dev"), VALIDATION),
    **dict.fromkeys(("test", "testing"), TEST),
}
_SEEDS = ("seed", "random_seed", "rng_seed", "seed_everything")  # the last one of Lightning's command line
_FILLERS = ("metrics", "metric", "final", "last")
_TIMES = {
    "time",
    "seconds",
    "secs",
    "sec",
    "minutes",
    "hours",
    "ms",
    "runtime",
    "timestamp",
    "duration",
    "eta",
    "second",
}
_COUNTS = {"epoch", "epochs", "step", "steps", "iteration", "iterations", "iter"}
_IDENTITIES = {
    *("run", "run_id", "run_uuid", "run_name", "id", "uuid", "host", "hostname", "pid", "date", "datetime", "user"),
    *("created", "created_at", "start", "end", "log_dir", "output_dir", "save_dir", "run_dir", "commit", "git_hash"),
    *("trial", "replicate", "repetition", "repeat", "rep", "fold", "device", "gpu", "rank", "node"),
    *(
        "n_params",
        "num_params",
        "params",
        "n_parameters",
        "num_parameters",
        "parameters",
        "total_params",
        "flops",
        "macs",
    ),
}


@dataclass(frozen=True)
class Named:
    """What a column's name says: `valid/best_F1` is the metric f1, of validation, at the best epoch."""

    metric: str
    part: str = ""  # TRAINING, VALIDATION, TEST; "" where the name does not say
    best: bool = False


@cache
def named(column: str) -> Named:
    """Return the metric and its part of a column's name; prefixes, folders (`val/loss`) and suffixes (`Loss/val`)."""
    words = [
        word for word in re.split(r"[^0-9A-Za-z]+", re.sub(r"([a-z])([A-Z][a-z])", r"\1_\2", column).lower()) if word
    ]
    while len(words) > 1 and words[0] in _FILLERS:
        words.pop(0)
    best = len(words) > 1 and "best" in (words[0], words[1], words[-1])
    if best:
        words.remove("best")
    part = ""
    if len(words) > 1 and words[0] in _PARTS:
        part = _PARTS[words.pop(0)]
    elif len(words) > 1 and words[-1] in _PARTS:
        part = _PARTS[words.pop()]
    return Named("_".join(words) or column, part, best)


def known_metric(name: str, better: str = "", column: str = "") -> Metric | None:
    """Return what the registry knows of a metric's name, None where it has no direction for it; `better` gives one."""
    kind = snake_case(re.sub(r"_\d+$", "", name))  # `accuracy_1` of a second model in one process
    try:
        return metric_of(Compiled(column or name, kind), better)
    except UnknownMetric:
        return None


@cache
def is_known(column: str) -> bool:
    """Tell whether a column's name is that of a metric with a known direction."""
    return known_metric(named(column).metric) is not None


def is_seed(key: str) -> bool:
    """Tell whether a key is that of a seed: `seed`, `random_seed`, `rng_seed`, and `data.seed`."""
    return re.split(r"[./]", key.lower())[-1] in _SEEDS


def seed_rank(key: str) -> tuple[bool, int]:
    """Return a sorting key, best first, of keys that are seeds."""
    lower = key.lower()
    return lower not in _SEEDS, _SEEDS.index(re.split(r"[./]", lower)[-1])


def is_identity(key: str) -> bool:
    """Tell whether a key names a run, a place, a time or a size, which is no setting whatever its values are."""
    last = re.split(r"[./]", key.lower())[-1].strip("_")
    return last in _IDENTITIES or re.split(r"[_ ]", last)[-1] in _TIMES


def is_bookkeeping(column: str) -> bool:
    """Tell whether a logged column is no result: times, counters, learning rates, the machine's own figures."""
    lower = column.lower()
    words = [word for word in re.split(r"[^0-9a-z]+", lower) if word]
    return (
        lower.startswith(("system/", "system.", "gradients/", "parameters/", "_"))
        or not words
        or words[0] == "lr"
        or words[-1] in {"lr", *_TIMES, *_COUNTS}
        or words[-2:] == ["grad", "norm"]
        or "learning_rate" in "_".join(words)
    )
