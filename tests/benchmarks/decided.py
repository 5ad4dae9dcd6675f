"""Seeds trained once, replayed in many orders -> the trainings that each rule takes until all is decided; its errors.

python tests/benchmarks/decided.py                      20 seeds of three studies, about 25 minutes on 2 cores
python tests/benchmarks/decided.py --results-dir mine   what is recorded there is not trained again
python tests/benchmarks/decided.py --only two_by_two --seeds 4 --epochs 1 --orders 9    a try-out

The studies are trained by the command line, and read as a report reads them. Then their seeds are put into random
orders, and each rule is given the first of them: so many, or as many as it asks for. A contrast is decided when it is
established or smaller than of interest. A decision is wrong where the report of all the seeds contradicts it: it was
established and the interval of all seeds does not lie on that side of zero; it was smaller and the mean of all seeds is
not. Rules that take all seeds are right by definition, and orders of the same seeds are not new seeds. An accuracy over
the digits' 500 validation images moves in steps of twice its smallest effect of interest, so that no seeds show one to
be smaller; hence each study is also asked for the loss alone.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from calibration import first_version
from machine import PYTHON, machine, run, table

from analysis.reading.study import Study, study_of
from analysis.statistics.contrast_tests import assessed
from analysis.statistics.decided import primary_looks
from analysis.statistics.effects import effects
from analysis.statistics.floors import Precision
from analysis.statistics.futility import chance_of_decision, unlikely
from analysis.statistics.holm import holm
from analysis.statistics.intervals import ALPHA
from analysis.statistics.kept import kept_seeds
from analysis.statistics.looks import BUDGET, PLANNED, Family, Replay, cells_to_train, next_look, replay
from analysis.statistics.responses import responses_of
from runner.store import Store, read_study

LEFT_OUT = "[],[dropout_1],[dropout_2],[max_pooling2d_1],[max_pooling2d_2],[conv2d_2],[dense_1]"
STUDIES = {
    "two_by_two": ["dropout=true,false", "binarize=true,false"],
    "components": [f"model.without={LEFT_OUT}", "design=one_at_a_time"],
    "three_factors": ["dropout=true,false", "binarize=true,false", "normalize=unit,column_l2"],
}
FAMILIES = (("accuracy", "loss"), ("loss",))  # primary metrics
FIXED = (5, 10, 20)  # seeds


@dataclass(frozen=True)
class Recorded:
    """The primary contrasts of a study, all its seeds, and what all of them say."""

    family: Family
    weights: np.ndarray  # (contrasts, cells)
    together: bool  # whether the design goes on or stops as a whole
    answer: np.ndarray  # (contrasts, 3) estimate of all seeds and its interval


@dataclass(frozen=True)
class Outcome:
    """What a rule makes of one order of the seeds; arrays are (contrasts,), both False where a contrast is open."""

    trainings: int
    established: np.ndarray
    smaller: np.ndarray
    estimate: np.ndarray

    @property
    def decided(self) -> np.ndarray:
        """Which contrasts are decided: (contrasts,) bool."""
        return self.established | self.smaller

    def wrong(self, recorded: Recorded) -> np.ndarray:
        """Return which decisions all seeds contradict: (contrasts,) bool."""
        mean, low, high = recorded.answer.T
        borne_out = np.where(self.estimate > 0, low > 0, high < 0)
        inside = np.abs(mean) < recorded.family.sesoi
        return np.where(self.established, ~borne_out, self.smaller & ~inside)


Rule = Callable[[Recorded], Outcome]  # given a study with its seeds in one order


# ---- what is recorded


def train(name: str, results: Path, seeds: int, epochs: int) -> Path:
    """Train what is missing of a study by the command line; return its folder."""
    fixed = [f"seed=range(0,{seeds})", f"epochs={epochs}", f"name={name}", f"results_dir={results.absolute()}"]
    run([*PYTHON, "-m", "runner", "-m", *STUDIES[name], *fixed])
    return results / name


def recorded(folder: Path, primary: Sequence[str], window: int | None) -> Recorded:
    """Return the study of these primary metrics, over so many last epochs or over as many as it declares."""
    declaration = read_study(folder)
    study = study_of(declaration | ({} if window is None else {"window": window}), Store(folder.parent))
    responses = responses_of(replace(metric, primary=metric.name in primary) for metric in study.metrics)
    precision = Precision(study.examples, study.window)
    looked = primary_looks(study.runs, study.design, responses, precision)
    found = effects(study.runs, study.design, responses, precision).table.set_index(["response", "contrast"])
    answer = found.loc[looked.names, ["estimate", "low", "high"]].to_numpy(float)
    return Recorded(looked.family, looked.weights.toarray(), study.design.whole_seeds, answer)


def ordered(study: Recorded, order: np.ndarray) -> Recorded:
    """Return the study with its seeds in this order."""
    return replace(study, family=replace(study.family, own=study.family.own[order], known=study.family.known[order]))


# ---- rules


def fixed(seeds: int) -> Rule:
    """Return the rule that the program had in its first version, at a fixed number of seeds.

    No grid under the spread; equal differences tested by signs alone, and none at all not tested but called no
    difference.
    """

    def rule(study: Recorded) -> Outcome:
        family = study.family
        found = assessed(family.own[:seeds])
        none = (found.positive == 0) & (found.negative == 0)
        p = np.where(none, np.nan, np.where(found.sd > 0, found.p, found.p_exact))
        established = (p < ALPHA) & first_version(found, holm(p))
        inside = (-family.sesoi < found.low) & (found.high < family.sesoi) & ((found.sd > 0) | (p < ALPHA))
        return Outcome(seeds * study.weights.shape[1], established, ~established & (inside | none), found.estimate)

    return rule


def until_decided(moderated: bool = True, futile: bool = False) -> Rule:
    """Return what until=decided does: seeds look by look, of the cells that need them, up to 20."""

    def rule(study: Recorded) -> Outcome:
        family = study.family if moderated else replace(study.family, squares=None)
        counts = np.full(study.weights.shape[1], PLANNED[0])
        while True:
            so_far = trained(family, study, counts)
            found = replay(so_far, BUDGET)
            going_on = found.open & ~unlikely(chance_of_decision(so_far, found)) if futile else found.open
            needed = cells_to_train(going_on, study.weights, study.together)
            ahead = next_look(int(counts.max()))
            if ahead is None or ahead > len(family.own) or not needed.any():
                return outcome(found, int(counts.sum()))
            counts = np.where(needed, ahead, counts)

    return rule


def trained(family: Family, study: Recorded, counts: np.ndarray) -> Family:
    """Return the family as it is when each cell has the first so many seeds: (cells,)."""
    there = np.where(np.arange(len(family.own))[:, None] < counts, 1.0, np.nan)
    known = family.known & kept_seeds(there, study.weights, study.together)
    return replace(family, own=np.where(known, family.own, np.nan), known=known)


def outcome(found: Replay, trainings: int) -> Outcome:
    """Return where the looks leave the contrasts."""
    last = found.last()
    established = last["grade"].eq("established").to_numpy()
    return Outcome(trainings, established, ~found.open & ~established, last["estimate"].to_numpy(float))


def rules(study: Study) -> Iterator[tuple[str, int | None, Rule]]:
    """Yield what the rules are called, the window of their figures, and the rules."""
    for seeds in (seeds for seeds in FIXED if seeds <= len(study.declaration["seeds"])):
        yield f"first version, {seeds} seeds", 1, fixed(seeds)
    yield "until decided, last epoch", 1, until_decided(moderated=False)
    yield "until decided", None, until_decided(moderated=False)
    if study.design.whole_seeds and len(study.cells) >= 8:
        yield "until decided, variances shared", None, until_decided()
    yield "until decided or futile", None, until_decided(futile=True)


# ---- replays


def replayed(study: Recorded, rule: Rule, orders: int, seed: int) -> list[Outcome]:
    """Return what the rule makes of so many random orders of the seeds, the same ones for every rule."""
    random = np.random.default_rng(seed)
    return [rule(ordered(study, random.permutation(len(study.family.own)))) for _ in range(orders)]


def row(name: str, study: Recorded, found: list[Outcome], most: int) -> list[str]:
    """Return a row of the table; `most` is how many trainings all seeds of the study are."""
    trainings = np.array([each.trainings for each in found])
    decided = np.array([each.decided.sum() for each in found])
    wrong = np.array([each.wrong(study).sum() for each in found])
    low, middle, high = np.percentile(trainings, [25, 50, 75])
    spread = f"{middle:.0f}" if low == high else f"{middle:.0f} ({low:.0f} to {high:.0f})"
    return [
        name,
        spread,
        f"{most / trainings.mean():.2f}",
        f"{decided.mean():.1f} of {study.weights.shape[0]}",
        f"{100 * (decided == study.weights.shape[0]).mean():.0f}",
        f"{100 * wrong.sum() / max(decided.sum(), 1):.1f}",
    ]


HEAD = (
    *("rule", "trainings: median (quartiles)", "times fewer than with all seeds", "contrasts decided, mean"),
    *("all decided, % of orders", "contradicted by all seeds, % of decisions"),
)


def compare(folder: Path, primary: Sequence[str], orders: int, seed: int) -> str:
    """Return the table of a recorded study with these primary metrics."""
    study = study_of(read_study(folder), Store(folder.parent))
    read = {window: recorded(folder, primary, window) for window in (1, None)}
    most = len(study.cells) * len(read[1].family.own)
    lines = [
        row(name, read[window], replayed(read[window], rule, orders, seed), most) for name, window, rule in rules(study)
    ]
    return table(HEAD, lines)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results-dir", type=Path, help="where the studies are recorded; none trains them anew")
    parser.add_argument("--only", choices=[*STUDIES], help="one study")
    parser.add_argument("--seeds", type=int, default=max(FIXED), help="that are trained, and put into orders")
    parser.add_argument("--epochs", type=int, default=10, help="of a training")
    parser.add_argument("--orders", type=int, default=200, help="random orders of the seeds")
    parser.add_argument("--seed", type=int, default=0, help="of the orders")
    given = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as scratch:
        for name in STUDIES if given.only is None else [given.only]:
            folder = train(name, given.results_dir or Path(scratch), given.seeds, given.epochs)
            for primary in FAMILIES:
                asked = f"{' '.join(STUDIES[name])} 'analysis.primary=[{','.join(primary)}]'"
                print(f"\n{asked}: {given.seeds} seeds, {given.orders} orders of them\n", flush=True)
                print(compare(folder, primary, given.orders, given.seed), flush=True)


if __name__ == "__main__":
    main()
