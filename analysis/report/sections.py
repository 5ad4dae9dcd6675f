"""A study's evidence -> the lines of report.md, section by section; each appears where its data are there."""

from collections.abc import Mapping

import pandas as pd

from analysis.reading.study import Study
from analysis.report.evidence import Evidence
from analysis.report.looks import FIGURE, looks_lines, looks_section
from analysis.report.provenance import cost, made
from analysis.report.recipe import recipe_lines
from analysis.report.summary import summary
from analysis.report.tables import comparison_columns, comparison_table, effects_table, markdown_table
from analysis.statistics.completeness import left_out
from analysis.statistics.contrasts import shared_pairs
from analysis.statistics.inert import inert_factors
from analysis.statistics.intervals import ALPHA
from analysis.statistics.reported import steps
from analysis.statistics.splits import Split
from analysis.words.ends import ends_note, ends_sentences, ends_table
from analysis.words.family import (
    effects_note,
    epochs_text,
    family_sentence,
    imported_sentence,
    moving_sentence,
    runs_in_cells,
)
from analysis.words.glossary import glossary
from analysis.words.markup import COMMAND_LENGTH, code, markdown, one_line
from analysis.words.misses import (
    last_looks_sentence,
    mcnemar_sentences,
    missed_sentence,
    share_among,
    split_sentences,
    wilson_sentence,
)
from analysis.words.phrases import capital, count, listed, reason, seed_range
from analysis.words.reported import STEPS_NOTE, reported_note, reported_sentence, reported_table, steps_table
from analysis.words.rounding import p_value
from analysis.words.screening import alias_sentence
from runner.store import without_folders

LISTED = 20  # runs or examples listed one by one
MISSED_LISTED = 24  # examples that cannot be drawn

WITHOUT_ANSWERS = (
    "What these runs answer was not kept, so which {noun}s most of them miss cannot be shown: run the study's command "
    "again."
)

Captions = Mapping[str, str]  # of figures, by the names of their files


def report(evidence: Evidence, captions: Captions) -> list[str]:
    """Return the lines of report.md."""
    study = evidence.study
    curves = [name for name in captions if name == "overview" or name.startswith("curves_")]
    apart = "" if study.source else ", taken apart"  # another tool's figures are two, training and validation
    return [
        f"# {markdown(study.declaration['name'])}",
        "",
        *summary(evidence),
        *_section("What was asked", _asked(evidence)),
        *_section("Findings", _findings(evidence)),
        *_section("Words", _words(evidence)),
        *_section("What failed or is missing", _missing(study)),
        *_section("Comparison", _comparison(evidence)),
        *_section("Reported and reproduced", _reported_section(evidence)),
        *_section("Effects", _effects_section(evidence, captions)),
        *_section("Looks", looks_section(evidence, _shown(captions, FIGURE))),
        *_section("Leave-one-out against add-one", _ends_section(evidence)),
        *_section("Training against validation", _curves_section(evidence, captions, curves)),
        *_section(f"The gap between training and validation{apart}", _gap_section(evidence, captions)),
        *_section(f"The {study.example}s that most runs miss", _misses_section(evidence, captions)),
        *_section("Recipe", recipe_lines(evidence)),
        *_section("Cost", cost(study) if study.summaries else []),
        *_section("How this was made", made(study)),
    ]


def _section(title: str, lines: list[str]) -> list[str]:
    """Return the section with its heading, or nothing where it has nothing to say."""
    return ["", f"## {title}", "", *lines] if lines else []


def _shown(captions: Captions, *names: str) -> list[str]:
    """Return the figures of these names that there are, each with its caption below."""
    found = []
    for name in names:
        if name in captions:
            caption = markdown(captions[name])
            found += [f"![{caption}](figures/{name}.png)", "", f"*{caption}.*", ""]
    return found[:-1]


def _asked(evidence: Evidence) -> list[str]:
    """Return the command, the design, the factors with their levels, the number of seeds, and what is tested."""
    study = evidence.study
    declaration = study.declaration
    cells, seeds = len(declaration["cells"]), declaration["seeds"]
    lines = [code(declaration["command"]), ""]
    for key, levels in study.design.factors.items():
        listed = ", ".join(markdown(one_line(level)) for level in levels)
        lines.append(f"- **{markdown(one_line(key))}**: {listed} (baseline {markdown(one_line(levels[0]))})")
        legend = evidence.labels.legend(key)
        lines += [
            f"  - {markdown(short)} stands for {markdown(one_line(text, COMMAND_LENGTH))}" for short, text in legend
        ]
    lines += [f"- {markdown(f'{one_line(arm)} against {one_line(against)}')}" for arm, against in _compared_arms(study)]
    mode = study.design.mode
    fewest, most = study.replicates
    replicate = study.design.replicate
    each = count(most, replicate) if fewest == most else f"{fewest} to {count(most, replicate)}"
    times = f"{count(cells, 'cell')} × {each} ({seed_range(seeds)}) = {count(len(declaration['runs']), 'run')}"
    size = times if study.design.paired else runs_in_cells(study.runs)
    return [
        *lines,
        f"- design {markdown(declaration['design'])}{mode and f' ({markdown(mode)})'}: {size}",
        *([] if not study.source else [f"- {markdown(imported_sentence(study.source, study.design.paired))}"]),
        f"- figures: {_looked_at(study)}",
        f"- {markdown(family_sentence(evidence.effects, evidence.responses))}",
    ]


def _looked_at(study: Study) -> str:
    """Return which epochs figures are taken from."""
    if study.source and study.history.empty:
        return "final ones, as they were logged"
    stopped = "; of a run that a callback stopped, its last" if study.any_stopped else ""
    return epochs_text([run["epochs"] for run in study.declaration["runs"]], study.window) + stopped


def _compared_arms(study: Study) -> list[tuple[str, str]]:
    """Return the comparisons of arms, none where all are with the baseline."""
    [baseline, *_] = next(iter(study.design.factors.values()), ("",))
    return [] if all(against == baseline for _, against in study.design.comparisons) else [*study.design.comparisons]


def _findings(evidence: Evidence) -> list[str]:
    """Return one graded sentence a line."""
    sentences = [*looks_lines(evidence), *(finding.text for finding in evidence.findings)]
    sentences += [] if evidence.ends is None else ends_sentences(evidence.ends, evidence.responses)
    sentences += filter(None, [reported_sentence(evidence.reported, evidence.responses)])
    return [f"- {markdown(sentence)}" for sentence in sentences]


def _words(evidence: Evidence) -> list[str]:
    """Return what the findings' words mean, and where the rest of their evidence is; nothing where none is graded."""
    table, study = effects_table(evidence), evidence.study
    if table.empty:
        return []
    told = glossary(study.primary, study.design.paired, evidence.looks is not None)
    lines = [f"- **{word}**: {markdown(text)}" for word, text in told.items()]
    exact = ["exact tests"] if any(name.startswith("p exact") for name in table) else []
    needed = [f"the {study.design.replicate}s that it takes"] if f"{study.design.replicate}s" in table else []
    rest = listed(["p values", *exact, *needed])
    return [*lines, "", f"The rest of the evidence, {rest}, is in the table of effects."]


def inert(study: Study) -> list[str]:
    """Return a sentence for each factor whose levels are one and the same run."""
    return [
        f"{one_line(factor)} changes nothing{' at ' if where else ' here'}{one_line(where)}: "
        "its levels are one and the same run, trained once."
        for factor, where in inert_factors(study.declaration)
    ]


def _missing(study: Study) -> list[str]:
    """Return what has no metrics and why: runs by status, seeds left out, records in quarantine."""
    if study.runs["status"].eq("complete").all() and not study.parts.quarantined:
        return []
    lines = [
        f"- {markdown(line)}" for line in [*status_lines(study), *_failure_lines(study), *_quarantine_lines(study)]
    ]
    seeds = [f"seed {seed} ({reason(broken)})" for seed, broken in left_out(study.runs)]
    if seeds and study.design.whole_seeds:
        lines.append(f"- left out of all comparisons: {markdown('; '.join(seeds))}")
    return lines


def status_lines(study: Study) -> list[str]:
    """Return a line a cell and status other than complete, with its share of the seeds."""
    lines = []
    for (cell, status), group in study.runs.groupby(["cell", "status"], sort=False):
        if status != "complete":
            total = study.runs["cell"].eq(cell).sum()
            seeds = seed_range(list(group["seed"]))
            lines.append(
                f"{one_line(cell)}: {status} in {len(group)} of {count(total, study.design.replicate)} ({seeds})"
            )
    return lines


def _failure_lines(study: Study) -> list[str]:
    """Return how each failed run failed and where its log lies."""
    failed = study.runs[study.runs["run"].isin(list(study.parts.failures)) & study.runs["status"].eq("failed")]
    failed = failed.drop_duplicates("run")
    lines = [
        f"{one_line(row.cell)}, seed {row.seed}: {_reason(study.parts.failures[row.run]['reason'])} "
        f"(log in runs/.work/{row.run}/)"
        for row in failed.head(LISTED).itertuples()
    ]
    return lines + ([f"and {len(failed) - LISTED} more"] if len(failed) > LISTED else [])


def _quarantine_lines(study: Study) -> list[str]:
    return [f"record {run} was moved to quarantine/: {_reason(why)}" for run, why in study.parts.quarantined]


def _reason(text: str) -> str:
    """Return why something failed on one line, less the folders of the machine."""
    return one_line(without_folders(text))


# ---- comparison and effects


def _comparison(evidence: Evidence) -> list[str]:
    """Return the comparison table with what its figures mean."""
    lines = [*markdown_table(comparison_table(evidence)), "", markdown(comparison_note(evidence))]
    lines += [markdown(moving_sentence(evidence.responses[name], cells)) for name, cells in evidence.moving.items()]
    if len(evidence.shown) < len(evidence.cells):
        lines.append(f"Shown: the baseline and the best and worst of {len(evidence.cells):,} cells; all: cells.csv.")
    return lines


def comparison_note(evidence: Evidence) -> str:
    """Return what the table's figures are."""
    n = evidence.cells["n"].max()
    if n == 0:
        return f"No {evidence.study.design.replicate} is complete, so there is nothing to compare."
    spread = "mean ± half of the 95 % t-interval over seeds" if n > 1 else "one seed, so without an interval"
    fewest, most = evidence.study.replicates
    spread += "" if fewest == most else ", each cell's own (n)"
    if (
        comparison_table(evidence)
        .map(lambda text: "[" in text)
        .loc[:, list(comparison_columns(evidence))]
        .any(axis=None)
    ):
        spread += "; an interval in brackets ends where the metric does"
    if evidence.study.source:
        return f"Figures: {_looked_at(evidence.study)}; mean ± half of the 95 % t-interval over a cell's runs."
    labels = [metric.label for metric in evidence.study.primary]
    are, them = ("is", "it") if len(labels) == 1 else ("are", "them")
    stopped = "; of one that a callback stopped, the epoch where it ended" if evidence.study.any_stopped else ""
    return (
        f"{_when(evidence)}{stopped}; {spread}. Training {listed(labels)} {are} as Keras logs {them}, "
        "while the weights move. Time is wall time of training and measuring one run."
    )


def _when(evidence: Evidence) -> str:
    window = evidence.study.window
    return "After the last epoch of each run" if window == 1 else f"Means over the last {window} epochs of each run"


def _reported_section(evidence: Evidence) -> list[str]:
    """Return a paper's figures beside the reproduced ones, or nothing where none are given."""
    found, responses = evidence.reported, evidence.responses
    if found.empty:
        return []
    lines = [*markdown_table(reported_table(found, responses)), "", reported_note(found)]
    compared = steps_table(steps(found, evidence.effects), responses)
    return lines if compared.empty else [*lines, "", *markdown_table(compared), "", STEPS_NOTE]


def _ends_section(evidence: Evidence) -> list[str]:
    """Return what each component contributes at either end, or nothing where only one was run."""
    if evidence.ends is None:
        return []
    table = ends_table(evidence.ends, evidence.responses)
    return [*markdown_table(table), "", markdown(ends_note(evidence.ends, evidence.responses))]


def _effects_section(evidence: Evidence, captions: Captions) -> list[str]:
    """Return the table of effects on the primary responses, what its columns mean, and the figures."""
    study = evidence.study
    table = effects_table(evidence)
    if table.empty:
        return []
    drawn = _shown(captions, *(name for name in captions if name.startswith(("effects_", "interaction_"))))
    note = effects_note(
        evidence.effects,
        len(study.primary),
        study.example,
        study.examples,
        study.design.paired,
        evidence.looks is not None,
    )
    shared = [f"- {markdown(capital(alias_sentence(pairs)))}." for pairs in shared_pairs(study.design).values()]
    shared = [*shared, ""] if shared else []
    return [*markdown_table(table), "", note, _units(evidence), "", *shared, *drawn]


def _units(evidence: Evidence) -> str:
    """Return in what unit the estimates are, of the metrics that have one, and where the rest of the table is."""
    units = [
        f"{metric.label} is in {metric.difference_unit}"
        if place == 0
        else f"{metric.label} in {metric.difference_unit}"
        for place, metric in enumerate(each for each in evidence.study.primary if each.difference_unit)
    ]
    stated = f"{capital(markdown(', '.join(units)))}. " if units else ""
    others = "" if len(evidence.study.metrics) == len(evidence.study.primary) else "metrics that are not primary, "
    return f"{stated}The exploratory responses ({others}the gap and its parts) are in tables/effects.csv."


# ---- curves and the gap


REACHED = (
    "Some trainings were stopped early: means over seeds, here and of the gap, end at the epoch that all compared "
    "seeds of a cell reached; curves of single seeds go on."
)


def _curves_section(evidence: Evidence, captions: Captions, names: list[str]) -> list[str]:
    """Return the curves, and where their means end if some runs were stopped."""
    lines = _shown(captions, *names)
    fewest, most = evidence.study.replicates
    told = [REACHED, ""] if evidence.study.any_stopped else []
    each = evidence.study.design.replicate
    told += [] if fewest == most else [f"Each cell's curves are of its own {fewest} to {most} {each}s.", ""]
    return [*told, *lines] if lines else []


def _gap_section(evidence: Evidence, captions: Captions) -> list[str]:
    """Return where the gap comes from, cell by cell, and how it moves over epochs."""
    if not evidence.gap_sentences:
        return []
    lines = [f"- {markdown(sentence)}" for sentence in evidence.gap_sentences]
    drawn = _shown(captions, *(name for name in captions if name.startswith("gap_")))
    return [*lines, "", *drawn, *([""] if drawn else []), "By epoch, with intervals: tables/gap.csv."]


# ---- what is missed


def _misses_section(evidence: Evidence, captions: Captions) -> list[str]:
    """Return which validation examples are missed, by whom, and what is mistaken for what."""
    misses, noun = evidence.misses, evidence.study.example
    if misses is None:
        return [WITHOUT_ANSWERS.format(noun=noun)] if evidence.study.lacks_answers else []
    examples = misses.examples
    sentences = [
        missed_sentence(misses.table, misses.runs, examples, noun),
        *split_sentences(misses.split.contrasts, noun),
        *mcnemar_sentences(misses.mcnemar, noun),
        *last_looks_sentence(evidence.study.design),
    ]
    share = share_among(evidence.study.metrics)
    if share is not None and pd.notna(best := evidence.cells[f"val_{share.name}"].max()):
        sentences.append(wilson_sentence(share, float(best), examples, noun))
    fewest, most = evidence.study.replicates
    if fewest < most:
        sentences.append("Cells are compared here over the seeds that all of them were trained with.")
    lines = [f"- {markdown(sentence)}" for sentence in sentences]
    listed_ones = [] if "missed" in captions else _missed_table(misses.table, noun)
    drawn = _shown(captions, "missed")
    return [
        *[*lines, "", *drawn, *listed_ones, "", *split_table(misses.split, noun)],
        *[*_shown(captions, "confusion"), *_confused_table(misses.confused)],
    ]


def _missed_table(table: pd.DataFrame, noun: str) -> list[str]:
    """Return the examples that most runs miss as a table, where they cannot be drawn."""
    if table.empty:
        return []
    rows = table.head(MISSED_LISTED)
    texts = pd.DataFrame(
        {
            noun: rows["example"].astype(str),
            "class": rows["label"].astype(str),
            "missed by": _of(rows["missed_by"], rows["runs"]),
            "answers": rows["answers"],
        }
    )
    left = len(table) - len(texts)
    more = ["", f"And {left:,} more; tables/missed.csv has every {noun}."] if left else []
    return [*markdown_table(texts), *more]


def split_table(split: Split, noun: str = "image") -> list[str]:
    """Return the examples that a factor changes with an exact p of .05 or less, as many of each contrast, if any."""
    clear = split.examples[split.examples["p"] <= ALPHA]
    if clear.empty:
        return []
    room = max(1, LISTED // clear["contrast"].nunique())
    rows = clear.groupby("contrast", sort=False).head(room).head(LISTED)
    table = pd.DataFrame(
        {
            "effect": rows["contrast"].map(one_line),
            noun: rows["example"].astype(str),
            "class": rows["label"].astype(str),
            "missed at the baseline": _of(rows["missed_baseline"], rows["runs_baseline"]),
            "missed at the level": _of(rows["missed_level"], rows["runs_level"]),
            "p exact": rows["p"].map(p_value),
        }
    )
    left = len(split.examples) - len(table)
    more = [f"And {left:,} more; tables/missed.csv has every {noun}.", ""] if left else []
    return [*markdown_table(table), "", *more]


def _of(part: pd.Series, whole: pd.Series) -> pd.Series:
    """Return `3 of 20` a row."""
    return part.astype(str) + " of " + whole.astype(str)


def _confused_table(table: pd.DataFrame) -> list[str]:
    """Return which classes are mistaken for which most often, where they are too many to be drawn."""
    if table.empty:
        return []
    texts = pd.DataFrame(
        {
            "cell": table["cell"].map(one_line),
            "true class": table["label"].astype(str),
            "class given": table["answer"].astype(str),
            "answers": _of(table["count"], table["of"]),
        }
    )
    note = (
        "The classes that are mistaken most often, of all answers to examples of the true class, over the runs of a "
        "cell."
    )
    return [*markdown_table(texts), "", note]
