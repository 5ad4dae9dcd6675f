"""Training histories -> the gap between validation and logged training figures, taken apart exactly, and told in words.

After an epoch, for accuracy (share) and cross-entropy loss (nats):

    val − logged = [on − logged]      moving_weights: the logged figure is a mean over an epoch of learning
                 + [off − on]         train_mode_noise: same images, same weights, training against inference mode
                 + [holdout − off]    memorisation: images never trained on against trained-on ones, of one file
                 + [val − holdout]    split_difference: the validation file against the training file

Columns of `terms`, a row per run, epoch, response and term (keys as in the history: run, cell, factors, seed, epoch):

| column | type | unit | meaning |
|---|---|---|---|
| response | category | | accuracy or loss |
| term | category | | net (val − logged), or one of the four; see below for what is not measured |
| value | float | share, nats | the difference; the terms of a row of the history sum to its net |
| monte_carlo_se | float | share, nats | standard error left by the masks drawn for `on`; 0 for terms without `on` |

Without a holdout the last two terms are one, `memorisation_and_split` = val − off. Without a probe there is only `net`.
`on` and `off` score the probe. Where that is a sample of the training images, the luck of the sample enters
moving_weights and, with the other sign, memorisation. Intervals are over seeds: each seed draws its own masks, probe
and holdout, so their luck is in the intervals. The validation file is one and the same, so its luck is not.

Columns of `means` (tables/gap.csv), a row per cell, response, epoch and term: `mean`, `low`, `high` (95 % t-interval
over seeds; empty below two seeds), `n` (seeds), `monte_carlo_se` (of the mean).
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from analysis.rounding import decimals, scale_of
from analysis.tables import METRICS, TIMES
from runner.store import Record

RESPONSES = ("accuracy", "loss")
NET = "net"
MERGED = "memorisation_and_split"
TERMS = ("moving_weights", "train_mode_noise", "memorisation", "split_difference")
ALL_TERMS = (NET, *TERMS, MERGED)
UNITS = {"accuracy": "percentage points", "loss": "nats"}
CELLS_TOLD = 8  # of more cells, only the baseline and the extremes are told
NO_NOISE = 1e-6  # a smaller train-mode term is the rounding of float32 sums in batches of another size
WORTH_SAYING = 0.2  # Monte-Carlo error, as a share of the term, from which a sentence mentions it
EXTRA_DECIMALS = 2  # tried for parts that do not add up as rounded
BATCH_STATISTICS = "BatchNormalization"
NO_PROBE = " No training images were scored after the epoch (probe=0), so the gap cannot be taken apart."


# ---- numbers


def terms(history: pd.DataFrame) -> pd.DataFrame:
    """Return the terms of every run and epoch, long; the columns are those of the module's table."""
    keys = [name for name in history.columns if name not in (*METRICS, *TIMES)]
    rows, codes, values, errors = [], [], [], []
    for place, response in enumerate(RESPONSES):
        for code, (term, (value, measured)) in enumerate(differences(history, response).items()):
            rows.append(np.flatnonzero(measured))
            codes.append(np.full(len(rows[-1]), place * len(ALL_TERMS) + code))
            values.append(value[measured])
            errors.append(draw_error(history, response, term)[measured])
    code = np.concatenate(codes)
    frame = history[keys].take(np.concatenate(rows)).reset_index(drop=True)
    frame["response"] = pd.Categorical.from_codes(code // len(ALL_TERMS), list(RESPONSES))
    frame["term"] = pd.Categorical.from_codes(code % len(ALL_TERMS), list(ALL_TERMS))
    return frame.assign(value=np.concatenate(values), monte_carlo_se=np.concatenate(errors))


def differences(history: pd.DataFrame, response: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return for every term, net first, its values and where it is measured; (rows,) each.

    What was measured is judged by either response, since a diverged run has accuracies but no loss.
    """
    logged, on, off, holdout, val = (
        column(history, f"{score}{response}") for score in ("", "on_", "off_", "holdout_", "val_")
    )
    probed, held = is_measured(history, "off"), is_measured(history, "holdout")
    with np.errstate(invalid="ignore"):  # a loss that is not finite stays so in its differences
        return {
            NET: (val - logged, np.full(len(history), True)),
            "moving_weights": (on - logged, probed),
            "train_mode_noise": (off - on, probed),
            "memorisation": (holdout - off, probed & held),
            "split_difference": (val - holdout, probed & held),
            MERGED: (val - off, probed & ~held),
        }


def column(history: pd.DataFrame, name: str) -> np.ndarray:
    """Return the column as floats, all NaN where the history has none."""
    return history[name].to_numpy(float) if name in history else np.full(len(history), np.nan)


def is_measured(history: pd.DataFrame, score: str) -> np.ndarray:
    """Return for every row whether the probe (`off`) or the `holdout` was scored."""
    return ~np.isnan(column(history, f"{score}_accuracy")) | ~np.isnan(column(history, f"{score}_loss"))


def draw_error(history: pd.DataFrame, response: str, term: str) -> np.ndarray:
    """Return what the drawn masks leave as standard error in the term of every row: that of `on`, or none."""
    holds_on = term in ("moving_weights", "train_mode_noise")
    return column(history, f"on_{response}_se") if holds_on else np.zeros(len(history))


def means(terms: pd.DataFrame) -> pd.DataFrame:
    """Return each term's mean over seeds with its 95 % t-interval, as `analysis.tables.interval` has it.

    A row per cell (in the order given), response, epoch and term. A value that is NaN makes mean
    and interval NaN: nothing is averaged over what is there.
    """
    keys = ["cell", "response", "epoch", "term"]
    ordered = terms.assign(cell=in_order(terms["cell"]), variance=terms["monte_carlo_se"] ** 2)
    grouped = ordered.groupby(keys, observed=True)
    spread = grouped["value"].agg(["mean", "std", "size", "count"])
    whole, n = spread["size"] == spread["count"], spread["size"]
    half = t_quantile(n.to_numpy()) * spread["std"] / np.sqrt(n)
    mean = spread["mean"].where(whole)
    averaged = pd.DataFrame({"mean": mean, "low": mean - half, "high": mean + half, "n": n})
    averaged["monte_carlo_se"] = np.sqrt(grouped["variance"].sum(min_count=1)) / n
    averaged = averaged.reset_index()
    return averaged.assign(**{key: averaged[key].astype(str) for key in ("cell", "response", "term")})


def in_order(cells: pd.Series) -> pd.Categorical:
    """Return the cells' labels as categories in order of appearance."""
    codes, labels = pd.factorize(cells)
    return pd.Categorical.from_codes(codes, labels)


def t_quantile(n: np.ndarray) -> np.ndarray:
    """Return the .975 quantile of t on n − 1 df for each n, NaN below two."""
    counts, places = np.unique(n, return_inverse=True)
    quantiles = np.full(len(counts), np.nan)
    quantiles[counts > 1] = stats.t.ppf(0.975, counts[counts > 1] - 1)
    return quantiles[places]


def run_gaps(history: pd.DataFrame) -> pd.DataFrame:
    """Return a row per run, `cell` and `seed`, and its gaps after its last epoch, to be merged into `runs`.

    Columns `gap_accuracy`, `gap_accuracy_moving_weights` and so on for every term, the same with `loss`;
    NaN where a term is not measured.
    """
    whole = history.reset_index(drop=True)
    last = whole.loc[whole.groupby(["cell", "seed"], sort=False)["epoch"].idxmax()]
    gaps = last[["cell", "seed"]].reset_index(drop=True)
    for response in RESPONSES:
        parts = differences(last, response)
        for term in ALL_TERMS:
            value, measured = parts[term]
            gaps[gap_column(response, term)] = np.where(measured, value, np.nan)
    return gaps


def gap_column(response: str, term: str) -> str:
    """Return `gap_accuracy` for the net gap, `gap_accuracy_memorisation` for a term."""
    return f"gap_{response}" if term == NET else f"gap_{response}_{term}"


def crossing(history: pd.DataFrame) -> dict[str, int | None]:
    """Return per cell the epoch from which mean validation accuracy stays below the logged one, or None."""
    net = history["val_accuracy"].to_numpy(float) - history["accuracy"].to_numpy(float)
    frame = pd.DataFrame({"cell": in_order(history["cell"]), "epoch": history["epoch"].to_numpy(), "net": net})
    spread = frame.groupby(["cell", "epoch"], observed=True)["net"].agg(["mean", "size", "count"])
    below = (spread["mean"] < 0) & (spread["size"] == spread["count"])
    backwards = below[::-1].groupby(level="cell", observed=True, sort=False).cummin()
    first = dict(backwards.index[backwards])  # the earliest epoch comes last and stands
    return {cell: None if cell not in first else int(first[cell]) for cell in frame["cell"].cat.categories}


# ---- words


def sentences(
    history: pd.DataFrame,
    declaration: dict[str, Any],
    records: Mapping[str, Record] | None = None,
    averaged: pd.DataFrame | None = None,
) -> list[str]:
    """Return for each cell where its gap comes from, in the first and in the last epoch, and where it turns round.

    `history` should hold only seeds that are complete in every cell (`analysis.tables.complete_seeds`).
    Of more than eight cells only the baseline and those with the largest and the smallest gap are
    told, and a line on the rest. `records` tell which nets have dropout, augmentation or batch statistics.
    `averaged` is `means(terms(history))` where that is at hand.
    """
    if history.empty:
        return ["There is no complete run, so there is no gap to take apart."]
    averaged = means(terms(history)) if averaged is None else averaged
    falls = crossing(history)
    labels = [cell["label"] for cell in declaration["cells"]]
    told = {label: label for label in labels if label in falls}
    many = len(told) > CELLS_TOLD
    headings = extremes(averaged, next(iter(told))) if many else told
    specs, explained = specs_by_cell(declaration, records or {}), set()
    lines = []
    for label, heading in headings.items():
        view = averaged[averaged["cell"] == label]
        noise = noise_name(view, specs.get(label))
        lines.append(f"{heading}: {cell_story(view, falls[label], noise, explained)}")
    closing = [summary(averaged, falls)] if many else []
    return [*lines, *closing, *absences([label for label in labels if label not in falls])]


def absences(labels: list[str]) -> list[str]:
    """Return a line on the cells that have nothing to tell, if there are any."""
    if not labels:
        return []
    more = f" and {len(labels) - CELLS_TOLD} more" if len(labels) > CELLS_TOLD else ""
    return [f"No complete run, so no gap to take apart: {'; '.join(labels[:CELLS_TOLD])}{more}."]


def extremes(averaged: pd.DataFrame, baseline: str) -> dict[str, str]:
    """Return heading by label for the baseline and the cells of the largest and smallest net gap in the last epoch."""
    gaps = last_gaps(averaged)
    roles: dict[str, list[str]] = {baseline: ["baseline"]}
    for role, place in (("largest gap", gaps.argmax()), ("smallest gap", gaps.argmin())):
        roles.setdefault(gaps.index[place], []).append(role)
    return {label: f"{label} ({', '.join(role)})" for label, role in roles.items()}


def last_gaps(averaged: pd.DataFrame) -> pd.Series:
    """Return each cell's mean net gap of accuracy in its last epoch, by cell, where it is a number."""
    net = averaged[(averaged["response"] == "accuracy") & (averaged["term"] == NET)]
    return net.groupby("cell", sort=False).tail(1).set_index("cell")["mean"].dropna()


def summary(averaged: pd.DataFrame, falls: dict[str, int | None]) -> str:
    """Return one sentence on all cells."""
    gaps = last_gaps(averaged)
    crossed = sum(epoch is not None for epoch in falls.values())
    scale, places = scale_of("accuracy")
    low, high = (signed(gap * scale, places) for gap in (gaps.min(), gaps.max()))
    return (
        f"Over all {len(falls)} cells the gap in the last epoch runs from {low} to {high} percentage points; "
        f"validation accuracy ends below the logged training accuracy in {crossed} of them. "
        f"tables/gap.csv has every cell and epoch."
    )


def cell_story(view: pd.DataFrame, falls: int | None, noise: tuple[str, str], explained: set[str]) -> str:
    """Return a cell's sentences from its rows of `means`; `explained` holds the terms that need no more explaining."""
    first, last = int(view["epoch"].min()), int(view["epoch"].max())
    opening = epoch_story(view, first, noise, explained)
    if last == first:
        closing = ["There is one epoch only, so nothing can be said of how the gap goes on."]
    else:
        again = epoch_story(view, last, noise, explained, again=True)
        closing = [again[0].upper() + again[1:], turn(view, falls)]
    return " ".join(sentence for sentence in (opening, *closing, loss_story(view, first, last)) if sentence)


def epoch_story(
    view: pd.DataFrame, epoch: int, noise: tuple[str, str], explained: set[str], again: bool = False
) -> str:
    """Return one sentence on accuracy: the net gap in an epoch with its interval, and parts that add up as printed."""
    rows = rows_of(view, "accuracy", epoch)
    if not np.isfinite(rows["mean"]).all():
        return f"in epoch {epoch} a run has no finite number, so the gap cannot be averaged."
    parts = [term for term in (*TERMS, MERGED) if term in rows.index]
    scale, places = shown_scale(rows.loc[NET], "accuracy")
    places, whole = places_that_add_up(rows.loc[parts, "mean"] * scale, rows.loc[NET, "mean"] * scale, places)
    opening = f"in epoch {epoch} {difference(rows.loc[NET], 'accuracy', places, again)}"
    if not parts:
        return f"{opening}.{explain(NO_PROBE, NO_PROBE, explained)}"
    names = term_names(rows, noise)
    sizes = [signed(mean * scale, places) for mean in rows.loc[parts, "mean"]]
    listed = [f"{size} from {named(*names[term], explained)}" for size, term in zip(sizes, parts, strict=True)]
    rounded = "" if whole else " (rounded; before rounding they add up)"
    return f"{opening}: {', '.join(listed)}{rounded}.{draws_remark(rows, scale, places)}"


def rows_of(view: pd.DataFrame, response: str, epoch: int) -> pd.DataFrame:
    """Return the cell's rows of one response and epoch, indexed by term."""
    return view[(view["response"] == response) & (view["epoch"] == epoch)].set_index("term")


def shown_scale(net: pd.Series, response: str) -> tuple[float, int]:
    """Return the factor to the shown unit, and the decimals that show one digit of the interval's half width."""
    scale, otherwise = scale_of(response)
    places = decimals((net["high"] - net["low"]) / 2 * scale, otherwise + 1) - 1
    return scale, min(max(places, 0), otherwise + 1)


def places_that_add_up(parts: Iterable[float], net: float, places: int) -> tuple[int, bool]:
    """Return the decimals, `places` or a few more, with which the rounded parts sum to the rounded net, if any do."""
    parts = list(parts)
    for tried in range(places, places + EXTRA_DECIMALS + 1):
        if not parts or sum(Decimal(f"{part:.{tried}f}") for part in parts) == Decimal(f"{net:.{tried}f}"):
            return tried, True
    return places, False


def difference(net: pd.Series, response: str, places: int, again: bool) -> str:
    """Return `validation accuracy is 4.1 percentage points above the logged training accuracy (95 % interval ...)`."""
    scale = scale_of(response)[0]
    size = f"{abs(net['mean'] * scale):.{places}f}"
    side = f"{size} {UNITS[response]} {'above' if net['mean'] >= 0 else 'below'}"
    if not float(size):
        side = "level with" if not again else "level with it"
    subject, logged = ("it", "") if again else (f"validation {response}", f" the logged training {response}")
    return f"{subject} is {side}{logged} ({evidence(net, scale, places)})"


def evidence(net: pd.Series, scale: float, places: int) -> str:
    """Return the interval and the number of seeds, or that there is no interval."""
    if net["n"] < 2:
        return "n = 1 seed, so without an interval"
    low, high = (signed(net[end] * scale, places, plus="") for end in ("low", "high"))
    unclear = ", which includes zero" if net["low"] <= 0 <= net["high"] else ""
    return f"95 % interval {low} to {high}{unclear}, n = {net['n']:.0f} seeds"


def signed(value: float, places: int, plus: str = "+") -> str:
    """Return the number with a true minus or `plus` before it, nothing before a zero as printed."""
    size = f"{abs(value):.{places}f}"
    if not float(size):
        return size
    return f"{plus if value > 0 else '−'}{size}"


def named(name: str, meaning: str, explained: set[str]) -> str:
    """Return the term's name, with its meaning in brackets the first time that it has this meaning."""
    return name + explain(name + meaning, f" ({meaning})", explained)


def explain(key: str, text: str, explained: set[str]) -> str:
    """Return the text the first time it is asked for, then nothing."""
    if key in explained:
        return ""
    explained.add(key)
    return text


def draws_remark(rows: pd.DataFrame, scale: float, places: int) -> str:
    """Return what the random draws leave open, where that is a good part of a term and shows at these decimals."""
    held = rows.loc[["moving_weights", "train_mode_noise"]]
    error = held["monte_carlo_se"].max()
    matters = (held["monte_carlo_se"] > WORTH_SAYING * held["mean"].abs()).any()
    if not matters or not float(f"{error * scale:.{places}f}"):
        return ""
    return (
        f" (The random draws of training mode leave a standard error of {error * scale:.{places}f} in the first two "
        f"parts; it cancels in their sum.)"
    )


def turn(view: pd.DataFrame, falls: int | None) -> str:
    """Return from which epoch on validation accuracy is below the logged one, on the mean of the seeds."""
    net = view[(view["response"] == "accuracy") & (view["term"] == NET)]
    last, below = int(net["epoch"].max()), [int(epoch) for epoch in net.loc[net["mean"] < 0, "epoch"]]
    subject = "Averaged over the seeds, validation" if net["n"].min() > 1 else "Validation"
    logged = "the logged training accuracy"
    if falls == net["epoch"].min():
        return f"{subject} is below {logged} from the first epoch on."
    if falls == last:
        return f"{subject} falls below {logged} only in the last epoch, {last}."
    if falls is not None:
        return f"{subject} falls below {logged} for good from epoch {falls} on."
    if below:
        epochs = ", ".join(str(epoch) for epoch in below)
        return f"{subject} is below {logged} in {plural(below, 'epoch')} {epochs} but not in the last."
    return f"{subject} never falls below {logged} in these {last} epochs."


def plural(items: list[int], noun: str) -> str:
    """Return the noun, with an s unless there is one item."""
    return noun if len(items) == 1 else f"{noun}s"


def loss_story(view: pd.DataFrame, first: int, last: int) -> str:
    """Return a sentence on the loss where it says clearly something else than accuracy: both higher, or both lower.

    The last such epoch of the two that are told.
    """
    for epoch in dict.fromkeys((last, first)):
        accuracy, loss = (rows_of(view, response, epoch).loc[NET] for response in RESPONSES)
        if accuracy["mean"] * loss["mean"] > 0 and (loss["low"] > 0 or loss["high"] < 0):
            side = "better" if loss["mean"] < 0 else "worse"
            told = difference(loss, "loss", shown_scale(loss, "loss")[1], again=False)
            return f"The loss tells another story: in epoch {epoch} {told}, so by loss validation does {side}."
    return ""


def specs_by_cell(declaration: dict[str, Any], records: Mapping[str, Record]) -> dict[str, dict[str, Any]]:
    """Return the spec of each cell's net, from the first of its records that is there."""
    found: dict[str, dict[str, Any]] = {}
    for run in declaration["runs"] if records else []:
        if run["run"] in records:
            found.setdefault(declaration["cells"][run["cell"]]["label"], records[run["run"]].spec)
    return found


def term_names(rows: pd.DataFrame, noise: tuple[str, str]) -> dict[str, tuple[str, str]]:
    """Return each term's name and what it means, as far as the signs of an epoch's rows decide that."""
    names = {
        "moving_weights": ("moving weights", "the logged figure is a mean over an epoch in which the net still learns"),
        "train_mode_noise": noise,
        MERGED: (
            "memorisation and the split together",
            "nothing was held out of the training file, so the two cannot be told apart",
        ),
    }
    if "memorisation" in rows.index:
        names["memorisation"] = ("memorisation", memorisation_meaning(rows.loc["memorisation"]))
        names["split_difference"] = ("the split", split_meaning(rows.loc["split_difference"]))
    return names


def noise_name(view: pd.DataFrame, spec: dict[str, Any] | None) -> tuple[str, str]:
    """Return what the second term is called: with batch statistics in the net it is not noise alone."""
    noise = view[view["term"] == "train_mode_noise"]
    sources = noise_sources(spec or {})
    if "batch against moving statistics" in sources:
        return "train mode − inference mode", " and ".join(sources)
    if (noise[["mean", "monte_carlo_se"]].abs().max() <= NO_NOISE).all():
        return "training-mode noise", "this net has none"
    return "training-mode noise", " and ".join(sources) or "dropout and the like"


def noise_sources(spec: dict[str, Any]) -> list[str]:
    """Return what makes training mode differ from inference mode, as far as the spec shows."""
    classes = class_names(spec.get("layers", []))
    there = {
        "batch against moving statistics": BATCH_STATISTICS in classes,
        "dropout": any("Dropout" in name for name in classes),
        "augmentation": bool(spec.get("transforms", {}).get("augment")),
    }
    return [source for source, is_there in there.items() if is_there]


def class_names(part: Any) -> set[str]:
    """Return the class names of all layers in a layer list, wrapped ones too."""
    if isinstance(part, dict):
        own = {part["class_name"]} if isinstance(part.get("class_name"), str) else set()
        return own.union(*(class_names(value) for value in part.values()))
    return set().union(*(class_names(value) for value in part)) if isinstance(part, list) else set()


def memorisation_meaning(row: pd.Series) -> str:
    """Return whether the net does worse on images it has not seen, as far as the interval says."""
    does = verdict(row, "better", "worse", "neither clearly better nor clearly worse")
    return f"the net does {does} on images of the training file that it was not trained on"


def split_meaning(row: pd.Series) -> str:
    """Return whether the validation file is easier than the training file, as far as the interval says."""
    easier = verdict(row, "easier", "harder", "neither clearly easier nor clearly harder")
    return f"the validation file is {easier} than images held out of the training file"


def verdict(row: pd.Series, positive: str, negative: str, unclear: str) -> str:
    """Return the word for the sign of the mean, or `unclear` where the interval includes zero or there is none."""
    if not (row["low"] > 0 or row["high"] < 0):
        return unclear
    return positive if row["mean"] > 0 else negative
