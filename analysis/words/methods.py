"""What a study trained and how it is analysed -> the paragraph that a paper's methods take, and the citation."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from analysis.reading.study import Study
from analysis.words.markup import one_line
from analysis.words.phrases import count, listed, plural
from analysis.words.told import tests_of
from runner.store import canonical_json

BIBTEX = (
    "@software{ablation_runner,",
    "  title  = {Ablation runner: matched ablation studies of Keras recipes},",
    "  author = {{The ablation-runner authors}},",
    "  year   = {2026},",
    "}",
)
KINDS = {
    "factorial": "all combinations of",
    "one_at_a_time": "one change at a time from the baseline in",
    "screening": "a two-level screening design over",
    "arms": "arms of",
}
SPLITS = {"train": "training", "holdout": "held-out", "validation": "validation"}


def sizes_of(study: Study) -> dict[str, int]:
    """Return the data's sizes: classes, and examples by split, as the first record has them; {} where there is none."""
    summary = next(iter(study.summaries.values()), None)
    if summary is None:
        return {}
    return {"classes": summary["classes"], **{split: summary["examples"].get(split, 0) for split in SPLITS}}


def data_text(sizes: Mapping[str, int], noun: str) -> str:
    """Return `54,000 training, 6,000 held-out and 10,000 validation images of 10 classes`."""
    if not sizes:
        return ""
    parts = [f"{sizes[split]:,} {word}" for split, word in SPLITS.items() if sizes[split]]
    classes = f" of {sizes['classes']:,} classes" if sizes["classes"] else ""
    return f"{listed(parts)} {noun}s{classes}"


def methods(study: Study, effects: pd.DataFrame, looked: Sequence[int] | None = None) -> str:
    """Return the paragraph: what was varied, on what, how it was trained, and how it is analysed.

    `looked` are the numbers of seeds after which was looked, None where their number was fixed.
    """
    return " ".join(filter(None, [_varied(study), _trained(study), _analysed(study, effects, looked)]))


def pairing(declaration: Mapping[str, Any], matched: str = "matched") -> str:
    """Return whether seeds are matched: ours are; of an imported study, whether its user says that they are pairs."""
    if "paired" in declaration:
        return "paired by seed" if declaration["paired"] else "unpaired"
    apart = len(declaration.get("initial_weights", ()))
    return matched + (f" but for initial weights of {count(apart, 'cell')}" if apart else "")


def _varied(study: Study) -> str:
    declaration, factors = study.declaration, study.design.factors
    names = [f"{one_line(key)} ({', '.join(one_line(level) for level in levels)})" for key, levels in factors.items()]
    data = list(dict.fromkeys(str(each.get("data")) for each in study.summaries.values()))
    on = f" on {listed(data)}" if 0 < len(data) < 4 else ""
    sizes = data_text(sizes_of(study), study.example)
    where = f"{on} ({sizes})" if on and sizes else on
    if not names:
        return f"We trained one recipe{where}."
    kind = "levels of" if len(names) == 1 and study.design.kind != "arms" else KINDS[study.design.kind]
    compared = f"We compared {count(len(declaration['cells']), 'setting')}, {kind} {listed(names)}"
    return f"{compared},{where}." if where else f"{compared}."


def _trained(study: Study) -> str:
    epochs = sorted({run["epochs"] for run in study.declaration["runs"]})
    most = "at most " if study.any_stopped else ""
    fewest, seeds = study.replicates
    few = "" if fewest == seeds else f"{fewest:,} to "
    matched = pairing(study.declaration, "matched across settings") if len(study.declaration["cells"]) > 1 else ""
    told = f"Each was trained from {few}{count(seeds, 'random seed')}{matched and f', {matched}'}, for {most}"
    told += f"{listed([str(each) for each in epochs])} {plural(max(epochs), 'epoch')}"
    return f"{told}{_optimized(study.declaration['trained']['nets'])}."


def _optimized(nets: Sequence[Mapping[str, Any]]) -> str:
    """Return how the nets were trained, as far as that is the same for all, and how large they are."""
    optimizers, batches, losses = (
        {canonical_json(net[key]): net[key] for net in nets} for key in ("optimizers", "batch_size", "minimizes")
    )
    told = f" by {' and '.join(*optimizers.values())}" if len(optimizers) == 1 else ""
    told += f" in batches of {next(iter(batches))}" if len(batches) == 1 and all(batches.values()) else ""
    told += f", minimizing {next(iter(losses.values())).replace('_', ' ')}" if len(losses) == 1 else ""
    sizes = sorted({net["parameters"] for net in nets if net["parameters"] is not None})
    if sizes:
        span = f"{sizes[0]:,}" if len(sizes) == 1 else f"{sizes[0]:,} to {sizes[-1]:,}"
        told += f"; the net has {span} parameters"
    return told


def _analysed(study: Study, effects: pd.DataFrame, looked: Sequence[int] | None) -> str:
    tests = tests_of(effects) if len(effects) else 0
    window = study.window
    figures = "those after the last epoch" if window == 1 else f"means over the last {window} epochs"
    told = f"Figures are {figures}, none selected by validation."
    if not tests:
        return told
    corrected = f"p values are corrected by Holm's method over {count(tests, 'test')} at 5 %"
    signs = "an effect is called established only where the seeds' signs bear it out"
    if looked is None:
        return (
            f"{told} Effects are differences within seeds with 95 % t-intervals over seeds; {corrected}, and {signs}."
        )
    after = f" Seeds were added look by look, after {listed([str(seeds) for seeds in looked])}" if looked else ""
    ended = ", until every effect was decided or the budget of seeds was spent." if looked else ""
    return (
        f"{told}{after}{ended} Effects are differences within seeds with 95 % intervals that hold over all looks, "
        f"which share the 5 % chance of a false finding; {corrected}, and {signs}."
    )
