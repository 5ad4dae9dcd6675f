"""Labels as people have them -> classes from 0, and in words what became what."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MOST_CLASSES = 65_536
NAMED = 12  # classes that a sentence lists
NO_USE = "though the net has an output for each"
FEW = 20  # distinct values that are classes, however few the examples


@dataclass(frozen=True)
class Classes:
    """The classes of the training and of the validation examples, int32 (n,) each, how many there are, and notes."""

    train: np.ndarray
    test: np.ndarray
    count: int
    notes: tuple[str, ...] = ()


def read_classes(train: np.ndarray, test: np.ndarray, examples: tuple[int, int], given: int | None) -> Classes:
    """Return the classes of the labels of y_train and y_test; ValueError, one sentence, where they are none.

    Labels are whole numbers, of any type, texts, (n,), (n, 1), or one-hot (n, classes). `examples` is how many each
    must have, `given` the number of classes, None where the data tell it. Whole numbers from 0 stay as they are; others
    and texts are numbered in their order.
    """
    names, parts = ("y_train", "y_test"), (train, test)
    flat = [_flat(name, part, count) for name, part, count in zip(names, parts, examples, strict=True)]
    columns = [0 if part.ndim < 2 else part.shape[1] for part in parts]
    for name, part in zip(names, flat, strict=True):
        refuse_missing(name, part)
    values = _of_one_kind([_plain(name, part) for name, part in zip(names, flat, strict=True)])
    distinct = np.unique(np.concatenate(values))
    if given is None:
        refuse_regression("y_train", distinct, sum(examples))
    known = _numbered(distinct, given, max(columns))
    places = values if known is None else [np.searchsorted(known, part) for part in values]
    classes = [part.astype(np.int32) for part in places]
    told = int(distinct[-1]) + 1 if known is None else len(known)
    count = given or (max(columns) if max(columns) > 1 else told)
    if count < 2:
        raise ValueError(f"y_train must hold at least 2 classes; got {_shown(distinct[0])} alone.")
    return Classes(classes[0], classes[1], count, (*_told(parts, flat, known), *_absent(classes, count, known)))


def refuse_regression(name: str, distinct: np.ndarray, examples: int) -> None:
    """Raise ValueError where labels have so many values that they are a quantity, or each example's own."""
    if len(distinct) > MOST_CLASSES or (len(distinct) > FEW and 2 * len(distinct) > examples):
        raise ValueError(
            f"{name} must hold classes; got {len(distinct):,} different values in {examples:,} examples. A quantity "
            "takes a recipe of your own, such as examples/diabetes.py."
        )


def refuse_missing(name: str, labels: np.ndarray) -> None:
    """Raise ValueError where labels are NaN, as where they are not known; each would be a class of its own."""
    if labels.dtype.kind == "f" and (lost := int(np.isnan(labels).sum())):
        raise ValueError(
            f"{name} must hold a label for each example; got NaN for {lost:,} of {len(labels):,}. Leave these examples "
            "out."
        )


def _flat(name: str, labels: np.ndarray, examples: int) -> np.ndarray:
    """Return one label for each example: a column as a row, one-hot rows as the places of their ones."""
    if labels.shape in ((examples,), (examples, 1)):
        return labels.reshape(examples)
    if labels.ndim == 2 and len(labels) == examples and labels.dtype.kind in "biuf":
        if np.isin(labels, (0, 1)).all() and (labels.sum(axis=1) == 1).all():
            return labels.argmax(axis=1)
        raise ValueError(
            f"{name} must have one label for each of the {examples} images, or one-hot rows of a single 1; got the "
            f"shape {labels.shape} with other rows."
        )
    raise ValueError(f"{name} must have one label for each of the {examples} images; got the shape {labels.shape}.")


def _plain(name: str, labels: np.ndarray) -> np.ndarray:
    """Return the labels as int64 or as texts; texts that are all whole numbers as int64."""
    match labels.dtype.kind:
        case "b" | "i" | "u":
            return labels.astype(np.int64)
        case "f" if np.isfinite(labels).all() and (labels == np.rint(labels)).all():
            return labels.astype(np.int64)
        case "f":
            odd = labels[~(labels == np.rint(labels)) | ~np.isfinite(labels)]
            raise ValueError(
                f"{name} must hold whole numbers or texts, a class each; got {odd[0]:g}. A quantity takes a recipe of "
                "your own, such as examples/diabetes.py."
            )
        case "S":
            return _plain(name, np.char.decode(labels, "utf-8", "replace"))
        case "U":
            digits = np.char.isdecimal(labels)
            return labels.astype(np.int64) if digits.all() and np.char.str_len(labels).max() < 18 else labels
    raise ValueError(f"{name} must hold whole numbers or texts, a class each; got {labels.dtype}.")


def _of_one_kind(values: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
    if len({part.dtype.kind for part in values}) > 1:
        kinds = ["texts" if part.dtype.kind == "U" else "numbers" for part in values]
        raise ValueError(f"y_test must hold labels of the kind of y_train, {kinds[0]}; got {kinds[1]}.")
    return values


def _numbered(distinct: np.ndarray, given: int | None, columns: int) -> np.ndarray | None:
    """Return the labels in the order in which they are numbered from 0, None where they are classes as they are."""
    if distinct.dtype.kind == "U":
        return _as_many(distinct, given)
    low, high = int(distinct[0]), int(distinct[-1])
    if given is not None and low >= 0 and high < given:
        return None
    if given is not None and low == 1 and high == given:
        return np.arange(1, given + 1)
    if given is not None or low != 0:
        return _as_many(distinct, given)
    return None if columns > 1 or high + 1 <= 2 * len(distinct) else distinct


def _as_many(distinct: np.ndarray, given: int | None) -> np.ndarray:
    """Return the labels; ValueError where they are not as many as is given."""
    if given is not None and len(distinct) != given:
        raise ValueError(
            f"y_train and y_test must hold the {given} classes that dataset.classes says, from 0 to {given - 1}; got "
            f"{_shown(distinct[0])} to {_shown(distinct[-1])}, {len(distinct)} in all. Leave dataset.classes out: the "
            "data tell it."
        )
    return distinct


def _told(parts: Sequence[np.ndarray], flat: Sequence[np.ndarray], known: np.ndarray | None) -> list[str]:
    """Return what became of labels that are not classes from 0 as they stand."""
    notes = []
    if parts[0].ndim == 2 and parts[0].shape[1] > 1:
        notes.append(f"labels are one-hot rows of {parts[0].shape[1]}; the place of the 1 is the class")
    if known is not None:
        pairs = [f"{_shown(label)} is {place}" for place, label in enumerate(known[:NAMED])]
        more = f" and so on, {len(known)} in all" if len(known) > NAMED else ""
        notes.append(f"labels are numbered as classes: {', '.join(pairs)}{more}")
    elif flat[0].dtype.kind not in "iu":
        kind = "texts" if flat[0].dtype.kind in "US" else str(flat[0].dtype)
        notes.append(f"labels are {kind}, whole numbers from 0, each of which is a class")
    return notes


def _absent(classes: Sequence[np.ndarray], count: int, known: np.ndarray | None) -> list[str]:
    """Return which classes never occur, in training, in validation or in both."""
    train, test = (np.bincount(part, minlength=count) > 0 for part in classes)
    told = {
        f"in y_train or y_test, {NO_USE}": ~train & ~test,
        "in y_train, so that no net can learn what it is": ~train & test,
        "in y_test, so that nothing is validated there": train & ~test,
    }
    notes = []
    for what, where in told.items():
        places = np.flatnonzero(where)
        if len(places):
            named = [str(place) if known is None else _shown(known[place]) for place in places[:NAMED]]
            named += [f"{len(places) - NAMED} more"] if len(places) > NAMED else []
            notes.append(absent(named, what))
    return notes


def absent(classes: Sequence[str], where: str) -> str:
    """Return `class 3 never occurs in y_test`, `classes 3 and 4 never occur in y_test`."""
    if len(classes) == 1:
        return f"class {classes[0]} never occurs {where}"
    return f"classes {', '.join(classes[:-1])} and {classes[-1]} never occur {where}"


def _shown(label: object) -> str:
    """Return a label as it is written, short."""
    text = str(label)
    return text if len(text) <= 24 else f"{text[:24]}…"
