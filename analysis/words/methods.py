"""What a study trained and how it is analysed -> the paragraph that a paper's methods take, and the citation."""

from collections.abc import Mapping

import pandas as pd

from analysis.reading.study import Study
from analysis.words.markup import one_line
from analysis.words.phrases import count, listed
from analysis.words.told import tests_of

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


def methods(study: Study, effects: pd.DataFrame) -> str:
    """Return the paragraph: what was varied, on what, how it was trained, and how it is analysed."""
    return " ".join(filter(None, [_varied(study), _trained(study), _analysed(study, effects)]))


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
    what = f"{kind} {listed(names)}"
    return f"We compared {count(len(declaration['cells']), 'setting')}, {what},{where}."


def _trained(study: Study) -> str:
    nets = study.declaration["trained"]["nets"]
    runs = study.declaration["runs"]
    epochs = listed([str(each) for each in sorted({run["epochs"] for run in runs})])
    seeds = count(len(study.declaration["seeds"]), "random seed")
    matched = ", matched across settings" if len(study.declaration["cells"]) > 1 else ""
    told = f"Each was trained from {seeds}{matched}, for {epochs} {'epoch' if epochs == '1' else 'epochs'}"
    if nets:
        net = nets[0]
        batch = f" in batches of {net['batch_size']}" if net["batch_size"] else ""
        told += f" by {' and '.join(net['optimizers'])}{batch}, minimizing {net['minimizes'].replace('_', ' ')}"
        sizes = sorted({each["parameters"] for each in nets if each["parameters"] is not None})
        if sizes:
            span = f"{sizes[0]:,}" if len(sizes) == 1 else f"{sizes[0]:,} to {sizes[-1]:,}"
            told += f"; the net has {span} parameters"
    return f"{told}."


def _analysed(study: Study, effects: pd.DataFrame) -> str:
    tests = tests_of(effects) if len(effects) else 0
    window = study.window
    figures = "those after the last epoch" if window == 1 else f"means over the last {window} epochs"
    told = f"Figures are {figures}, none selected by validation."
    if not tests:
        return told
    return (
        f"{told} Effects are differences within seeds with 95 % t-intervals over seeds; p values are corrected by "
        f"Holm's method over {count(tests, 'test')} at 5 %, and an effect is called established only where the seeds' "
        "signs bear it out."
    )
