"""Stored predictions -> the validation images that most runs miss, who misses them, and what runs mistake for what.

`predictions` maps a cell's label to the class that each of its runs gives every validation image after its last
epoch: (runs, images) uint8, seeds in the same order in every cell (`analysis.tables.predictions`). `labels` are the
true classes, (images,). Runs that share a record and epoch (an inert factor) are one training: pass them once.

Columns of `missed`, a row per image that at least one run misses, most missed first:

| column | type | unit | meaning |
|---|---|---|---|
| image | int | | place in the validation set, from 0 |
| label | int | | true class |
| missed_by, runs | int | runs | how many miss it, of how many |
| answers | str | | what the runs said, the most frequent first: `9 ×12, 4 ×3` |
| a column per cell | float | share | of the cell's runs that miss it |

Where epochs are a factor, what follows takes of each training its last look, and of the contrast of epochs all.

`split_by_factor` gives two frames, exploratory both. `images`, a row per contrast and image whose share of misses
differs by at least half: `contrast`, `image`, `label`, `missed_baseline`, `runs_baseline`, `missed_level`,
`runs_level`, `difference` (share at the level minus share at the baseline), `p` (two-sided exact: runs shuffled between
the two levels). `contrasts`, a row per contrast: `contrast`, `up`, `down` (such images, missed more or less at the
level), `by_chance` (how many shuffled runs give on average), `lowest_p` (the lowest p that so few runs can reach;
above .05 no image is listed).

Columns of `mcnemar_contrasts`, a row per contrast: `contrast`, `pairs` (nets that differ in the level only, seed by
seed), `differ` (pairs with exact p <= .05), `better`, `worse` (of these, the net at the level is better or worse),
`median_only_baseline`, `median_only_level` (images that only one of the two nets gets right).
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from analysis.rounding import ACCURACY_DECIMALS, PERCENT
from analysis.tables import Design

ALMOST_EVERY = 0.9  # share of runs
HALF = 0.5  # difference in the share of misses from which a factor is said to change who is missed
SLACK = 1e-9  # differences of shares come with rounding
SIGNIFICANT = 0.05
CHUNK = 1 << 20  # predictions counted at a time, so that no copy of all of them is made
LOOKS = "epochs"  # the factor whose levels are looks at one training
SIDES = ("missed_baseline", "runs_baseline", "missed_level", "runs_level")
IMAGE_COLUMNS = ("contrast", "image", "label", *SIDES, "difference", "p")
SUMMARY_COLUMNS = ("contrast", "up", "down", "by_chance", "lowest_p")

Predictions = dict[str, np.ndarray]
Levels = dict[str, dict[str, str]]  # cell label -> factor -> level label


# ---- which images are missed


def missed(predictions: Predictions, labels: np.ndarray) -> pd.DataFrame:
    """Return the images that at least one run misses; the columns are those of the module's table."""
    classes = class_count(predictions, labels)
    votes = {cell: count_answers(rows, classes) for cell, rows in predictions.items()}  # (images, classes)
    total = sum(votes.values(), np.zeros((len(labels), classes), np.int64))
    runs = sum(len(rows) for rows in predictions.values())
    missed_by = runs - right_answers(total, labels)
    order = np.argsort(-missed_by, kind="stable")
    images = order[missed_by[order] > 0]
    shares = {cell: 1 - right_answers(votes[cell], labels)[images] / len(rows) for cell, rows in predictions.items()}
    return pd.DataFrame(
        {
            "image": images,
            "label": labels[images].astype(int),
            "missed_by": missed_by[images],
            "runs": runs,
            "answers": [answers_text(row) for row in total[images]],
            **shares,
        }
    )


def class_count(predictions: Predictions, labels: np.ndarray) -> int:
    """Return how many classes there are, as far as labels and answers show."""
    return 1 + max([int(labels.max()), *(int(rows.max()) for rows in predictions.values())])


def count_answers(predictions: np.ndarray, classes: int) -> np.ndarray:
    """Return how many of the runs give each image each class: (runs, images) -> (images, classes) int64."""
    images = predictions.shape[1]
    counts = np.zeros(images * classes, np.int64)
    offsets = np.arange(images) * classes
    step = max(1, CHUNK // images)
    for start in range(0, len(predictions), step):
        counts += np.bincount((predictions[start : start + step] + offsets).ravel(), minlength=len(counts))
    return counts.reshape(images, classes)


def right_answers(votes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return how many runs get each image right: (images, classes) -> (images,)."""
    return votes[np.arange(len(labels)), labels]


def answers_text(votes: np.ndarray) -> str:
    """Return `9 ×12, 4 ×3` from an image's count per class, (classes,); the lower class first in a tie."""
    given = [int(answer) for answer in np.argsort(-votes, kind="stable") if votes[answer]]
    return ", ".join(f"{answer} ×{votes[answer]}" for answer in given)


def confusion(predictions: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Return how often an image of a class (row) is given each class (column), summed over the runs of a cell.

    `predictions` is (runs, images), the result (classes, classes) int64.
    """
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, labels, count_answers(predictions, classes))
    return counts


# ---- does a factor change who is missed


@dataclass(frozen=True)
class Contrast:
    """A level against the baseline, and the pairs of cells (baseline cell, level cell) that differ in it alone."""

    label: str
    pairs: list[tuple[str, str]]


def contrasts(levels: Levels, design: Design) -> list[Contrast]:
    """Return every contrast that has a pair of cells; labels as in the table of effects.

    A training that is looked at after 10 and after 30 epochs misses much the same images both times,
    so only its last look counts, but where the looks themselves are compared.
    """
    if design.kind == "arms":
        asked = [("arm", against, arm, f"{arm} against {against}") for arm, against in design.comparisons]
    else:
        asked = [
            (factor, baseline, level, f"{factor}: {baseline} → {level}")
            for factor, (baseline, *others) in design.factors.items()
            for level in others
        ]
    found = [
        Contrast(label, last_looks(matched_cells(levels, factor, (base, level)), levels))
        for factor, base, level, label in asked
    ]
    return [contrast for contrast in found if contrast.pairs]


def matched_cells(levels: Levels, factor: str, pair: tuple[str, str]) -> list[tuple[str, str]]:
    """Return the (baseline cell, level cell) that have the two levels of the factor and are the same elsewhere."""
    places = {tuple(sorted(cell.items())): label for label, cell in levels.items()}
    found = []
    for label, cell in levels.items():
        other = places.get(tuple(sorted({**cell, factor: pair[1]}.items())))
        if cell.get(factor) == pair[0] and other is not None:
            found.append((label, other))
    return found


def last_looks(pairs: list[tuple[str, str]], levels: Levels) -> list[tuple[str, str]]:
    """Return the pairs, of those that are alike but for the epochs of both cells only the one with the most."""
    last: dict[tuple[tuple[str, str], ...], tuple[str, str]] = {}
    for pair in sorted(pairs, key=lambda pair: int(levels[pair[0]].get(LOOKS, 0))):
        first, second = (levels[cell] for cell in pair)
        alike = first.get(LOOKS) == second.get(LOOKS)
        last[tuple(sorted((key, level) for key, level in first.items() if not alike or key != LOOKS))] = pair
    kept = set(last.values())
    return [pair for pair in pairs if pair in kept]


@dataclass(frozen=True)
class Split:
    """Which images a factor changes, `images`, and how many it does, `contrasts`; columns as in the module's text."""

    images: pd.DataFrame
    contrasts: pd.DataFrame


def split_by_factor(predictions: Predictions, labels: np.ndarray, levels: Levels, design: Design) -> Split:
    """Return the images that one level misses and the other does not, by half of the runs or more.

    `levels` maps each cell's label to its levels; cells without predictions are left out.
    """
    counts = {cell: miss_count(rows, labels) for cell, rows in predictions.items()}
    images, summaries = [], []
    for contrast in contrasts({cell: levels[cell] for cell in predictions}, design):
        table = miss_table([tuple(counts[cell] for cell in pair) for pair in contrast.pairs])
        table = table.assign(contrast=contrast.label, label=labels.astype(int))
        kept = differing(table) if lowest_p(table) <= SIGNIFICANT else table.iloc[:0].assign(p=0.0)
        images.append(kept)
        summaries.append(
            {
                "contrast": contrast.label,
                "up": int((kept["difference"] > 0).sum()),
                "down": int((kept["difference"] < 0).sum()),
                "by_chance": float(shuffle_p(table, HALF).sum()),
                "lowest_p": lowest_p(table),
            }
        )
    joined = pd.concat(images, ignore_index=True) if images else pd.DataFrame(columns=IMAGE_COLUMNS)
    return Split(joined[list(IMAGE_COLUMNS)], pd.DataFrame(summaries, columns=SUMMARY_COLUMNS))


def miss_count(predictions: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, int]:
    """Return how many of a cell's runs miss each image, (images,), and how many runs there are."""
    counts = np.zeros(len(labels), np.int64)
    step = max(1, CHUNK // len(labels))
    for start in range(0, len(predictions), step):
        counts += (predictions[start : start + step] != labels).sum(axis=0)
    return counts, len(predictions)


def miss_table(pairs: list[tuple[tuple[np.ndarray, int], tuple[np.ndarray, int]]]) -> pd.DataFrame:
    """Return a row per image: misses and runs summed over the pairs' sides, and the difference of the shares."""
    sides: dict[str, np.ndarray] = {}
    for name, cells in zip(("baseline", "level"), zip(*pairs, strict=True), strict=True):
        sides[f"missed_{name}"] = np.sum([misses for misses, _ in cells], axis=0)
        sides[f"runs_{name}"] = np.full(len(cells[0][0]), sum(runs for _, runs in cells))
    table = pd.DataFrame({"image": np.arange(len(sides["missed_level"])), **sides})
    shares = table["missed_level"] / table["runs_level"], table["missed_baseline"] / table["runs_baseline"]
    return table.assign(difference=shares[0] - shares[1])


def differing(table: pd.DataFrame) -> pd.DataFrame:
    """Return the images whose share of misses differs by at least half, the largest difference first."""
    size = table["difference"].abs()
    order = size[size >= HALF - SLACK].sort_values(ascending=False, kind="stable").index
    kept = table.loc[order]
    return kept.assign(p=shuffle_p(kept, kept["difference"].abs().to_numpy()))


def shuffle_p(table: pd.DataFrame, size: np.ndarray | float) -> np.ndarray:
    """Return for each image the chance that the shares differ by at least `size` when runs are shuffled between levels.

    The misses that fall on the level are then hypergeometric.
    """
    missed_baseline, baseline, missed_level, level = (table[name].to_numpy() for name in SIDES)
    total, spread = missed_baseline + missed_level, 1 / level + 1 / baseline
    high = np.ceil((total / baseline + size) / spread - SLACK)
    low = np.floor((total / baseline - size) / spread + SLACK)
    drawn = stats.hypergeom(baseline + level, total, level)
    return np.minimum(1.0, drawn.sf(high - 1) + drawn.cdf(low))


def lowest_p(table: pd.DataFrame) -> float:
    """Return the p of an image that every run of one level misses and no run of the other."""
    baseline, level = int(table["runs_baseline"].iloc[0]), int(table["runs_level"].iloc[0])
    return min(1.0, (2 if baseline == level else 1) / math.comb(baseline + level, level))


# ---- two nets on one validation set


def mcnemar(first: np.ndarray, second: np.ndarray, labels: np.ndarray, corrected: bool = False) -> pd.DataFrame:
    """Return McNemar's test for each pair of nets, a row per seed: `only_first`, `only_second` (right), `p`.

    `first` and `second` are (seeds, images) uint8, paired by row. The test is exact; `corrected`
    gives the chi-square with continuity correction instead, in `chi2` and `p`. It compares two
    trained nets on these images, not the two recipes they were trained by.
    """
    if first.shape != second.shape:
        raise ValueError(
            f"first and second must hold the same seeds and images; got {first.shape} and {second.shape}. "
            "Pass only seeds that both cells have."
        )
    only_first, only_second = discordant(first, second, labels)
    counts = pd.DataFrame({"only_first": only_first, "only_second": only_second})
    if not corrected:
        return counts.assign(p=exact_p(only_first, only_second))
    chi2 = corrected_chi2(only_first, only_second)
    return counts.assign(chi2=chi2, p=stats.chi2.sf(chi2, 1))


def discordant(first: np.ndarray, second: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how many images only the first and only the second net of each pair gets right, (seeds,) each."""
    only_first, only_second = np.zeros((2, len(first)), np.int64)
    for seed, (one, other) in enumerate(zip(first, second, strict=True)):
        right, other_right = one == labels, other == labels
        only_first[seed] = np.count_nonzero(right & ~other_right)
        only_second[seed] = np.count_nonzero(other_right & ~right)
    return only_first, only_second


def exact_p(only_first: np.ndarray, only_second: np.ndarray) -> np.ndarray:
    """Return the two-sided exact p: discordant images fall on either side with even chance; 1 where there are none."""
    smaller = np.minimum(only_first, only_second)
    return np.minimum(1.0, 2 * stats.binom.cdf(smaller, only_first + only_second, 0.5))


def corrected_chi2(only_first: np.ndarray, only_second: np.ndarray) -> np.ndarray:
    """Return (|b − c| − 1)² / (b + c); 0 where the counts are equal, as R has it."""
    gap = np.maximum(np.abs(only_first - only_second) - 1, 0)
    return gap**2 / np.maximum(only_first + only_second, 1)


def mcnemar_contrasts(predictions: Predictions, labels: np.ndarray, levels: Levels, design: Design) -> pd.DataFrame:
    """Return the exact tests of all seed pairs, summed up per contrast; the columns are those of the module's table."""
    rows = []
    for contrast in contrasts({cell: levels[cell] for cell in predictions}, design):
        first, second = (
            np.concatenate([predictions[cell] for cell in arm]) for arm in zip(*contrast.pairs, strict=True)
        )
        tests = mcnemar(first, second, labels)
        clear = tests[tests["p"] <= SIGNIFICANT]
        rows.append(
            {
                "contrast": contrast.label,
                "pairs": len(tests),
                "differ": len(clear),
                "better": int((clear["only_second"] > clear["only_first"]).sum()),
                "worse": int((clear["only_second"] < clear["only_first"]).sum()),
                "median_only_baseline": float(tests["only_first"].median()),
                "median_only_level": float(tests["only_second"].median()),
            }
        )
    columns = ["contrast", "pairs", "differ", "better", "worse", "median_only_baseline", "median_only_level"]
    return pd.DataFrame(rows, columns=columns)


def binomial_error(accuracy: float, images: int) -> float:
    """Return the standard error of an accuracy (share) that is due to the validation set being finite."""
    return math.sqrt(accuracy * (1 - accuracy) / images)


# ---- words


def missed_sentences(table: pd.DataFrame, runs: int, images: int) -> list[str]:
    """Return the answer to which validation images (almost) every run gets wrong, from the frame of `missed`.

    `runs` and `images` are how many there are in all.
    """
    if table.empty:
        return [f"No validation image of {images:,} is missed by any of {of_runs(runs)}."]
    first = table.iloc[0]
    most = f"image {first['image']}, of class {first['label']} (answers: {first['answers']})"
    if runs == 1:
        return [
            f"One run alone cannot show which images every run misses; it misses {len(table):,} of {images:,} "
            "validation images."
        ]
    never = images - len(table)
    ending = f"{never:,} {are(never)} missed by none. The most missed is {most}."
    return [f"{almost_every(table['missed_by'], runs, images)}; {ending}"]


def almost_every(missed_by: pd.Series, runs: int, images: int) -> str:
    """Return `11 of 10,000 validation images are missed by at least 9 of 10 runs (n = 20 runs), 3 by every run`."""
    bar = math.ceil(ALMOST_EVERY * runs - 1e-9)
    every, almost = int((missed_by == runs).sum()), int((missed_by >= bar).sum())
    if bar == runs:
        return f"{every:,} of {images:,} validation images {are(every)} missed by every one of {of_runs(runs)}"
    return (
        f"{almost:,} of {images:,} validation images {are(almost)} missed by at least 9 of 10 runs "
        f"(n = {of_runs(runs)}), {every:,} by every run"
    )


def are(count: int) -> str:
    """Return the verb for the count."""
    return "is" if count == 1 else "are"


def of_runs(runs: int) -> str:
    """Return `1 run` or `20 runs`."""
    return f"{runs:,} run" if runs == 1 else f"{runs:,} runs"


def split_sentences(summary: pd.DataFrame) -> list[str]:
    """Return for each contrast how many images it changes, and how many it would by chance, from `Split.contrasts`."""
    return [split_sentence(row) for _, row in summary.iterrows()]


def split_sentence(row: pd.Series) -> str:
    """Return the sentence of one contrast."""
    if row["lowest_p"] > SIGNIFICANT:
        return f"{row['contrast']}: too few runs to say whether it changes which images are missed (exploratory)."
    count = row["up"] + row["down"]
    if not count:
        return (
            f"{row['contrast']}: for no image does the share of runs that miss it change by half or more (exploratory)."
        )
    return (
        f"{row['contrast']}: the share of runs that miss an image changes by half or more for {count} "
        f"{'image' if count == 1 else 'images'} (up for {row['up']}, down for {row['down']}); "
        f"runs shuffled between the two levels would give about {row['by_chance']:.1f} (exploratory)."
    )


def mcnemar_sentences(table: pd.DataFrame) -> list[str]:
    """Return for each contrast how many pairs of nets differ, from the frame of `mcnemar_contrasts`."""
    return [mcnemar_sentence(row) for _, row in table.iterrows()]


def mcnemar_sentence(row: pd.Series) -> str:
    """Return the sentence of one contrast."""
    pairs = "1 pair" if row["pairs"] == 1 else f"{row['pairs']:,} pairs"
    verb = "differs" if row["differ"] == 1 else "differ"
    sides = f" (the changed net is better in {row['better']:,}, worse in {row['worse']:,})" if row["differ"] else ""
    return (
        f"{row['contrast']}: {row['differ']:,} of {pairs} of nets with the same seed {verb} by McNemar's exact test at "
        f".05{sides}. In the median pair the changed net alone gets {row['median_only_level']:g} images right, "
        f"the other alone {row['median_only_baseline']:g}. This compares trained nets, not recipes."
    )


def looks_sentence(design: Design) -> list[str]:
    """Return what the comparisons take of trainings that are looked at more than once; nothing where none is."""
    if design.kind != "factorial" or LOOKS not in design.factors or len(design.factors) < 2:
        return []
    return [
        "Each training is looked at more than once: these comparisons take its last look, except that of epochs, "
        "which takes all."
    ]


def binomial_sentence(accuracy: float, images: int) -> str:
    """Return how far the finite validation set alone lets an accuracy (share) be known."""
    error = binomial_error(accuracy, images) * PERCENT
    return (
        f"With {images:,} validation images, an accuracy of {accuracy * PERCENT:.{ACCURACY_DECIMALS}f} % has a "
        f"binomial standard error of {error:.{ACCURACY_DECIMALS}f} percentage points from the validation set alone. "
        "Cells are scored on the same images, which helps their comparison."
    )
