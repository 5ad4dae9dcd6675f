"""A study's records -> what it cost, and how it was made."""

import itertools
import shlex
from collections import Counter
from collections.abc import Iterable
from typing import Any

from analysis.reading.columns import SECONDS
from analysis.reading.study import BUILT_IN, Study
from analysis.words.markup import code, markdown
from analysis.words.phrases import count, listed
from analysis.words.rounding import duration


def cost(study: Study) -> list[str]:
    """Return what the study took, what sharing saved and what one more seed would take."""
    declaration, summaries = study.declaration, study.summaries.values()
    asked_for = sum(run["epochs"] for run in declaration["runs"])
    epochs = sum(summary["used"] for summary in summaries)
    seconds, cpu = (sum(each[name] for each in summaries for name in names) for names in (SECONDS, ("cpu_seconds",)))
    elsewhere = sum(summary.get("study") != declaration["name"] for summary in summaries)
    each_seed = seconds * len(declaration["cells"]) / max(len(declaration["runs"]), 1)
    return [
        f"- {count(len(summaries), 'training')}, {count(epochs, 'epoch')}, for {count(asked_for, 'epoch')} asked for; "
        f"sharing trainings saved {declaration['epochs_shared']:,}",
        f"- {count(elsewhere, 'training')} made or last extended by another study",
        f"- {duration(seconds)} of training and measuring, {duration(cpu)} of processor time",
        f"- one more seed would take about {duration(each_seed)} of training and measuring, shared by the workers",
    ]


def made(study: Study) -> list[str]:
    """Return what made the records: what the runner noted, commits, data, versions, machines."""
    summaries = list(study.summaries.values())
    lines = [f"- {sentence}" for sentence in _notes(study.declaration)]
    told: dict[str, list[str | None]] = {
        "commit": [summary.get("commit") for summary in summaries],
        "dataset" if study.declaration.get("recipe") == BUILT_IN else "data": [
            _data(study, each) for each in summaries
        ],
        f"{study.example}s": [_examples(summary) for summary in summaries],
        "environment": [_environment(each) for summary in summaries for each in summary["environments"]],
    }
    for title, values in told.items():
        lines += [f"- {title}: {markdown(value)}{share}" for value, share in _shares(values)]
    rebuild = code(f"python -m analysis {shlex.quote(_folder(study.declaration))}")
    return [*lines, f"- rebuilt from its {'tables' if study.source else 'records or tables'} by {rebuild}"]


def _folder(declaration: dict[str, Any]) -> str:
    """Return the study's folder, seen from where its command was typed."""
    try:
        words = shlex.split(declaration["command"])
    except ValueError:  # a quote that is not closed, in a declaration that was written by hand
        words = []
    after = dict(itertools.pairwise(words))
    named = [word.removeprefix("results_dir=").strip("'\"") for word in words if word.startswith("results_dir=")]
    results = named[-1] if named else after.get("--results-dir", "results")
    return f"{results.rstrip('/')}/{declaration['name']}"


def _notes(declaration: dict[str, Any]) -> list[str]:
    """Return in markdown what cells do not share with the baseline, fixed seeds, and the runner's own sentences."""
    return [
        *(_initial_weights(each) for each in declaration.get("initial_weights", ())),
        *(
            f"{markdown(variable)} has a fixed seed in the recipe's code, so every seed starts from the same weights "
            "there."
            for variable in declaration.get("explicit_seeds", ())
        ),
        *(markdown(note) for note in declaration.get("notes", ())),
    ]


def _initial_weights(counted: dict[str, Any]) -> str:
    """Return how many of a cell's initial weights are the baseline's, and what would make them more."""
    share = f"{counted['shared']} of {counted['random']} random initial weights"
    parts = [markdown(f"{counted['cell']}: {share} are those of the baseline")]
    apart, resized = counted["apart"], counted["resized"]
    if resized:
        no_like = "has no counterpart of its" if len(resized) == 1 else "have no counterpart of their"
        parts.append(markdown(f"{listed(resized)} {no_like} shape there"))
    if apart:
        which = "the rest are" if not resized else f"{'it is' if len(apart) == 1 else 'they are'}"
        parts.append(f"give `name=` to the layers of {markdown(listed(apart))} so that {which} shared too")
    return "; ".join(parts) + "."


def _shares(values: Iterable[str | None]) -> list[tuple[str, str]]:
    """Return each distinct value with ` (3 of 20)`, or with nothing where there is only one."""
    counts = Counter(str(value) for value in values if value is not None)
    return [(value, "" if n == counts.total() else f" ({n} of {counts.total()})") for value, n in counts.items()]


def _data(study: Study, summary: dict[str, Any]) -> str:
    """Return what a run was trained on; the built-in recipe keeps the validation set by the dataset's own digest."""
    key = summary.get("validation", "")[:16]
    kind = "sha256" if study.declaration.get("recipe") == BUILT_IN else "validation examples"
    return f"{summary.get('data')}, {kind} {key}" if key else str(summary.get("data"))


def _examples(summary: dict[str, Any]) -> str:
    """Return `54,000 train, 6,000 holdout, ...`."""
    return ", ".join(f"{number:,} {split}" for split, number in summary["examples"].items())


def _environment(environment: dict[str, Any]) -> str:
    """Return an environment as one line, without the epoch that it began with."""
    return ", ".join(f"{key} {value}" for key, value in sorted(environment.items()) if key != "from_epoch")
