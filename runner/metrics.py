"""The registry of metrics: which direction is better, in what unit a figure is shown, and what size of effect counts.

A metric here is a name as the compiled model logs it: `loss`, `accuracy`, `val_auc` without its `val_`. A history has
for each such name `m` up to five columns: `m` (logged while training), `on_m` and `off_m` (the training probe in
training and in inference mode), `holdout_m` and `val_m`; `on_m_se` is the standard error of `on_m` over random draws.
Keras's own metrics and losses come known, by the name of their class or function; a user's own says its direction in
`analysis.better`. What is found is sealed into study.json, so that a report imports no recipe and no Keras.
"""

import dataclasses
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

SPLITS = ("on", "off", "holdout", "val")  # prefixes of a metric's columns; the logged column has none
BETTER = ("higher", "lower", "neither")


class UnknownMetric(ValueError):
    """A metric that nothing is known of, or a setting that names no metric; the message is one sentence."""


@dataclass(frozen=True)
class Metric:
    """What is known of a metric; `scale`, units and decimals are of the figure as people see it."""

    name: str
    label: str  # in a sentence: `accuracy`, `loss`, `mean absolute error`
    better: str  # one of BETTER
    unit: str = ""  # of a value: `%`, `nats`; "" where it has none of its own
    difference_unit: str = ""  # of a difference: `percentage points`, `nats`
    scale: float = 1.0  # shown = scale * stored
    decimals: int = 4  # of a shown figure where no interval says how many
    low: float | None = None  # bounds of the stored figure
    high: float | None = None
    sesoi: float | None = None  # smallest effect of interest, as stored; None: no equivalence is graded
    primary: bool = False  # whether it is tested in the corrected family

    @property
    def is_share(self) -> bool:
        """Whether the figure is a share of examples, shown in per cent."""
        return self.scale == 100.0

    def described(self) -> dict[str, Any]:
        """Return the metric as plain JSON values, for study.json."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class Compiled:
    """A metric as a worker finds it in a compiled model."""

    name: str  # as logged
    kind: str  # the class or function behind it, in snake case: `sparse_categorical_accuracy`
    better: str = ""  # where Keras itself says so


@dataclass(frozen=True)
class _Kind:
    """What a class or function of Keras is known by, for `Metric`."""

    label: str
    better: str
    unit: str = ""
    difference_unit: str = ""
    scale: float = 1.0
    decimals: int = 4
    low: float | None = None
    high: float | None = None
    sesoi: float | None = None


_ACCURACY = _Kind("accuracy", "higher", "%", "percentage points", 100.0, 2, 0.0, 1.0, 0.001)
_CROSS_ENTROPY = _Kind("loss", "lower", "nats", "nats", low=0.0, sesoi=0.005)


def _share(label: str) -> _Kind:
    return _Kind(label, "higher", low=0.0, high=1.0)


def _error(label: str, low: float | None = 0.0) -> _Kind:
    return _Kind(label, "lower", low=low)


# By snake-cased class or function name; `loss` is taken from the kind of the compiled loss.
_KINDS: dict[str, _Kind] = {
    **dict.fromkeys(
        (
            *("accuracy", "binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy"),
            *("top_k_categorical_accuracy", "sparse_top_k_categorical_accuracy"),
        ),
        _ACCURACY,
    ),
    **dict.fromkeys(
        (
            *("binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy"),
            *("kl_divergence", "kullback_leibler_divergence"),
        ),
        _CROSS_ENTROPY,
    ),
    "auc": _share("AUC"),
    "precision": _share("precision"),
    "recall": _share("recall"),
    "f1_score": _share("F1"),
    "f_beta_score": _share("F-beta"),
    **dict.fromkeys(("io_u", "binary_io_u", "mean_io_u", "one_hot_io_u", "one_hot_mean_io_u"), _share("IoU")),
    **dict.fromkeys(
        (
            *("sensitivity_at_specificity", "specificity_at_sensitivity"),
            *("precision_at_recall", "recall_at_precision"),
        ),
        _share(""),
    ),
    "true_positives": _Kind("true positives", "higher", decimals=1, low=0.0),
    "true_negatives": _Kind("true negatives", "higher", decimals=1, low=0.0),
    "false_positives": _Kind("false positives", "lower", decimals=1, low=0.0),
    "false_negatives": _Kind("false negatives", "lower", decimals=1, low=0.0),
    "r2_score": _Kind("R²", "higher", high=1.0),
    "cosine_similarity": _Kind("cosine similarity", "higher", low=-1.0, high=1.0),
    "pearson_correlation": _Kind("Pearson correlation", "higher", low=-1.0, high=1.0),
    "concordance_correlation": _Kind("concordance correlation", "higher", low=-1.0, high=1.0),
    "mean_absolute_error": _error("mean absolute error"),
    "mean_squared_error": _error("mean squared error"),
    "root_mean_squared_error": _error("root mean squared error"),
    "mean_absolute_percentage_error": _Kind(
        "mean absolute percentage error", "lower", "%", "percentage points", low=0.0
    ),
    "mean_squared_logarithmic_error": _error("mean squared logarithmic error"),
    "log_cosh": _error("log-cosh"),
    "log_cosh_error": _error("log-cosh error"),
    "huber": _error("Huber loss"),
    "hinge": _error("hinge loss"),
    "squared_hinge": _error("squared hinge loss"),
    "categorical_hinge": _error("categorical hinge loss"),
    "poisson": _error("Poisson loss", low=None),
    "binary_focal_crossentropy": _error("focal loss"),
    "categorical_focal_crossentropy": _error("focal loss"),
}
_SHORT = {
    "acc": "accuracy",
    "mae": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "mse": "mean_squared_error",
    "msle": "mean_squared_logarithmic_error",
    "rmse": "root_mean_squared_error",
}


def snake_case(name: str) -> str:
    """Return `sparse_categorical_accuracy` for `SparseCategoricalAccuracy`, and Keras's long form of a short name."""
    spaced = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    plain = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", spaced).lower()
    return _SHORT.get(plain, plain)


def is_loss(name: str) -> bool:
    """Tell whether a metric of that name is a loss, which is minimized whatever it measures."""
    return name == "loss" or name.endswith("_loss")


def stored_in_percent(metric: Metric) -> Metric:
    """Return a share whose stored figures are per cent already: bounds and size of interest times a hundred."""
    return dataclasses.replace(
        metric,
        high=_ACCURACY.scale,
        scale=1.0,
        sesoi=None if metric.sesoi is None else metric.sesoi * _ACCURACY.scale,
        unit=_ACCURACY.unit,
        difference_unit=_ACCURACY.difference_unit,
        decimals=_ACCURACY.decimals,
    )


def metric_of(compiled: Compiled, better: str = "") -> Metric:
    """Return what is known of the metric; `better` is the user's word. UnknownMetric where its direction is not known.

    A loss is minimized, so that lower is better is known of any.
    """
    known = _KINDS.get(compiled.kind)
    usual = compiled.better or (known.better if known else "")
    direction = better or ("lower" if is_loss(compiled.name) else usual)
    if not direction:
        raise UnknownMetric(
            f"analysis.better must say whether {compiled.name} is better higher or lower; got nothing, and it is no "
            f"metric of Keras's own. Add analysis.better.{compiled.name}=higher, lower or neither."
        )
    if known is None:
        return Metric(compiled.name, _words(compiled.name), direction)
    values = dataclasses.asdict(known) | {"better": direction, "label": _label(compiled.name, known)}
    return Metric(name=compiled.name, **values)


def _label(name: str, known: _Kind) -> str:
    """Return how a sentence calls the metric: by its kind, or by the name where the user gave another."""
    if is_loss(name):
        return _words(name)
    usual = snake_case(name) in _KINDS and known.label
    return known.label if usual else _words(name)


def _words(name: str) -> str:
    return name.replace("_", " ").strip() or name


def register(compiled: Iterable[Compiled], analysis: Mapping[str, Any]) -> tuple[Metric, ...]:
    """Return the study's metrics, primary ones first; UnknownMetric, one sentence, where the settings do not fit them.

    `analysis` holds the user's `better` {metric: higher, lower, neither}, `sesoi` {metric: smallest effect of
    interest, as stored} and `primary` [metrics], None for the first compiled metric and the loss. Names may carry
    `val_`.
    """
    there = {each.name: each for each in compiled}
    better = {_bare(name): value for name, value in (analysis.get("better") or {}).items()}
    sesoi = {_bare(name): value for name, value in (analysis.get("sesoi") or {}).items()}
    written = analysis.get("primary")
    primary = default_primary(list(there)) if written is None else [_bare(name) for name in written]
    _check_named("better", better, there)
    _check_named("sesoi", sesoi, there)
    _check_named("primary", primary, there)
    for name, value in better.items():
        if value not in BETTER:
            raise UnknownMetric(f"analysis.better.{name} must be one of {', '.join(BETTER)}; got {value!r}.")
    for name, value in sesoi.items():
        if value is not None and not (_is_number(value) and value > 0):
            raise UnknownMetric(f"analysis.sesoi.{name} must be above 0, or null for none; got {value!r}.")
    if not primary:
        raise UnknownMetric("analysis.primary must name at least one metric; got an empty list.")
    found = {name: metric_of(each, better.get(name, "")) for name, each in there.items()}
    for name, metric in found.items():
        size = sesoi.get(name, metric.sesoi)
        found[name] = dataclasses.replace(metric, primary=name in primary, sesoi=None if size is None else float(size))
    rest = [name for name in found if name not in primary]
    return tuple(found[name] for name in (*dict.fromkeys(primary), *rest))


def default_primary(names: list[str]) -> list[str]:
    """Return the first compiled metric and the loss, as far as there are both."""
    first = next((name for name in names if not is_loss(name)), None)
    return [name for name in (first, "loss") if name in names]


def _bare(name: str) -> str:
    return str(name).removeprefix("val_")


def _check_named(key: str, names: Iterable[str], there: Mapping[str, Compiled]) -> None:
    for name in names:
        if name not in there:
            raise UnknownMetric(
                f"analysis.{key} must name metrics that the model is compiled with, {', '.join(there)}; got {name!r}."
            )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def read_metrics(described: Iterable[Mapping[str, Any]]) -> tuple[Metric, ...]:
    """Return the metrics that study.json holds, as `Metric.described` wrote them; ValueError where one is none."""
    found = tuple(_read(each) for each in described)
    if not found or len({metric.name for metric in found}) != len(found):
        raise ValueError("metrics must be a list of distinct metrics, at least one")
    return found


def _read(described: Mapping[str, Any]) -> Metric:
    try:
        metric = Metric(**described)
    except TypeError as error:
        raise ValueError(f"a metric cannot be read ({error})") from None
    texts = (metric.name, metric.label, metric.unit, metric.difference_unit)
    optional = (metric.low, metric.high, metric.sesoi)
    if (
        not all(isinstance(text, str) for text in texts)
        or metric.better not in BETTER
        or not (_is_number(metric.scale) and metric.scale > 0)
        or not (isinstance(metric.decimals, int) and 0 <= metric.decimals <= 12)
        or not all(value is None or _is_number(value) for value in optional)
        or not isinstance(metric.primary, bool)
    ):
        raise ValueError("a metric has a value that no metric has")
    return metric
