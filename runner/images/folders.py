"""Image folders, a folder a class, and CSV files with a column of classes -> examples and labels as arrays."""

import csv
import difflib
from pathlib import Path
from typing import Any

import numpy as np

from runner.images.labels import refuse_missing, refuse_regression
from runner.training.streams import generator

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
TRAINING, VALIDATION = ("train", "training"), ("test", "val", "valid", "validation")
SHARE = 0.2  # of each class that validates, where the data are not divided
MOST_LEVELS = 50  # different texts of a column of a table
GREY = ("1", "L", "I;16", "I", "F")  # Pillow's modes of one channel
MISSING = ("", "?", "na", "n/a", "nan", "none", "null")


def read_folder(path: Path, size: int | None) -> dict[str, np.ndarray]:
    """Return the four arrays of a folder with a folder a class; ValueError, one sentence, where it is none.

    Folders train and test (or val) hold such folders each; where there are none, a fixed fifth of each class validates.
    Images are uint8, grey where all are, else RGB; labels are the folders' names. `size` resizes them to a square.
    """
    if not path.is_dir():
        raise ValueError(
            f"dataset.path must be a folder with a folder of images a class; got {path.name!r}, which is none."
        )
    parts = {each.name.lower(): each for each in _folders(path)}
    train = next((parts[name] for name in TRAINING if name in parts), None)
    test = next((parts[name] for name in VALIDATION if name in parts), None)
    if train is None or test is None:
        images, labels = _examples(_files(path), size)
        return divided(images, labels, "dataset.path")
    first = len(trained := _files(train))
    images, labels = _examples(trained | _files(test), size)
    return {"x_train": images[:first], "y_train": labels[:first], "x_test": images[first:], "y_test": labels[first:]}


def _folders(path: Path) -> list[Path]:
    return sorted(each for each in path.iterdir() if each.is_dir() and not each.name.startswith("."))


def _files(path: Path) -> dict[Path, str]:
    """Return the images of each class's folder with the class, in the order of their names."""
    found = {
        file: folder.name
        for folder in _folders(path)
        for file in sorted(folder.iterdir())
        if file.suffix.lower() in SUFFIXES and not file.name.startswith(".")
    }
    if len(set(found.values())) < 2:
        raise ValueError(
            f"dataset.path must be a folder with at least two folders of images, one a class; {path.name!r} has "
            f"{len(set(found.values()))}. Images end in {', '.join(SUFFIXES)}."
        )
    return found


def _examples(files: dict[Path, str], size: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the images (n, h, w) or (n, h, w, 3), uint8, and their labels."""
    modes, sizes = zip(*(_opened(file, lambda image: (image.mode, image.size)) for file in files), strict=True)
    mode = "L" if set(modes) <= set(GREY) else "RGB"
    if size is None and len(set(sizes)) > 1:
        other = next(place for place, each in enumerate(sizes) if each != sizes[0])
        names = [f"{file.parent.name}/{file.name}" for file in files]
        raise ValueError(
            f"dataset.path must hold images of one size; {names[0]} has {sizes[0][0]} × {sizes[0][1]} pixels and "
            f"{names[other]} {sizes[other][0]} × {sizes[other][1]}. Add dataset.size=64, a side to resize to."
        )
    images = [_opened(file, lambda image: _pixels(image, mode, size)) for file in files]
    return np.stack(images), np.array(list(files.values()))


def _opened(file: Path, read: Any) -> Any:
    """Return what `read` makes of the image in the file; ValueError where it is none."""
    from PIL import Image

    try:
        with Image.open(file) as image:
            return read(image)
    except Exception as error:
        reason = str(error).partition(str(file))[0].rstrip(" '\"") or type(error).__name__
        raise ValueError(
            f"dataset.path must hold images that can be read; {file.parent.name}/{file.name} cannot be ({reason})."
        ) from None


def _pixels(image: Any, mode: str, size: int | None) -> np.ndarray:
    """Return the image as bytes; of one with two bytes a pixel the upper one."""
    if image.mode in ("I;16", "I", "F"):
        from PIL import Image

        image = Image.fromarray((np.asarray(image, float).clip(0, 65535) / 257).round().astype(np.uint8))
    converted = image.convert(mode)
    return np.asarray(converted if size is None else converted.resize((size, size), resample=2), np.uint8)


# ---- tables


def read_csv(path: Path, target: str | None) -> dict[str, np.ndarray]:
    """Return the four arrays of a CSV file with a header; ValueError, one sentence, where it cannot be a table.

    Columns of numbers are taken as they are, one of texts becomes a column of 0 and 1 for each text; a fixed fifth of
    each class of `target` validates.
    """
    if not path.is_file():
        kind = "is a folder" if path.is_dir() else "does not exist"
        raise ValueError(f"dataset.path must be a CSV file; got {path.name!r}, which {kind}.")
    header, rows = _rows(path)
    if target is None:
        raise ValueError(f"dataset.target must name the column of classes; got nothing. Columns: {', '.join(header)}.")
    if target not in header:
        near = difflib.get_close_matches(target, header, n=1)
        hint = f" Did you mean {near[0]}?" if near else f" Columns: {', '.join(header)}."
        raise ValueError(f"dataset.target must be a column of {path.name}; got {target!r}.{hint}")
    columns = {name: [row[place] for row in rows] for place, name in enumerate(header)}
    labels = _column(target, columns.pop(target))
    if not columns:
        raise ValueError(f"dataset.path must be a CSV file with a column beside {target!r}; {path.name} has none.")
    table = np.column_stack([part for name, column in columns.items() for part in _numbers(name, column)])
    return divided(table, labels, "dataset.target")


def _rows(path: Path) -> tuple[list[str], list[list[str]]]:
    """Return the header's names and the rows of a CSV file, whatever separates its columns."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            separator = max(",;\t", key=file.readline().count)
            file.seek(0)
            header, *rows = [*csv.reader(file, delimiter=separator)] or [[]]
    except UnicodeDecodeError:
        raise ValueError(f"dataset.path must be a CSV file in UTF-8; {path.name} is not.") from None
    except csv.Error as error:
        raise ValueError(f"dataset.path must be a CSV file; {path.name} is none that can be read ({error}).") from None
    header, rows = [name.strip() for name in header], [[value.strip() for value in row] for row in rows if row]
    if not rows or len(set(header)) < len(header) or all(map(_is_number, header)):
        raise ValueError(
            f"dataset.path must be a CSV file that opens with the names of its columns; {path.name} does not."
        )
    odd = next((place for place, row in enumerate(rows) if len(row) != len(header)), None)
    if odd is not None:
        raise ValueError(
            f"{path.name} must have {len(header)} columns in every row; row {odd + 1} has {len(rows[odd])}."
        )
    return header, rows


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _column(name: str, values: list[str]) -> np.ndarray:
    """Return a column as floats, or as texts where any is none; ValueError where a value is missing."""
    lost = next((place for place, value in enumerate(values) if value.lower() in MISSING), None)
    if lost is not None:
        raise ValueError(
            f"column {name!r} must have a value in every row; got {values[lost]!r} in row {lost + 1}. Fill it, or "
            "leave the row out."
        )
    return np.array(values, float) if all(map(_is_number, values)) else np.array(values)


def _numbers(name: str, values: list[str]) -> list[np.ndarray]:
    """Return a column of numbers as it is, one of texts as a column of 0 and 1 for each text, in their order."""
    column = _column(name, values)
    if column.dtype.kind == "f":
        return [column]
    levels = np.unique(column)
    if len(levels) > MOST_LEVELS:
        raise ValueError(
            f"column {name!r} must hold numbers, or at most {MOST_LEVELS} different texts; got {len(levels)}, such as "
            f"{str(levels[0])[:40]!r}. Leave it out."
        )
    return [(column == level).astype(float) for level in levels]


# ---- data that come undivided


def divided(examples: np.ndarray, labels: np.ndarray, key: str) -> dict[str, np.ndarray]:
    """Return the four arrays: a fixed fifth of each class, at least one example, validates; the order is kept.

    `key` is where the labels are from, for the sentence of a ValueError where they are no classes.
    """
    if labels.shape[:1] != examples.shape[:1]:
        raise ValueError(f"{key} must have one label for each of the {len(examples)} examples; got {labels.shape}.")
    if labels.ndim not in (1, 2) or 0 in labels.shape[1:]:
        raise ValueError(f"{key} must be one label an example, (n,), or one-hot, (n, classes); got {labels.shape}.")
    flat = labels if labels.ndim == 1 else labels.argmax(axis=1) if labels.shape[1] > 1 else labels[:, 0]
    refuse_missing(key, flat)
    distinct = np.unique(flat)
    refuse_regression(key, distinct, len(flat))
    validates = np.zeros(len(flat), bool)
    for label in distinct:
        places = np.flatnonzero(flat == label)
        if len(places) < 2:
            raise ValueError(f"each class must have at least 2 examples, one to validate; {str(label)!r} has 1.")
        chosen = generator(0, "division", str(label)).permutation(len(places))
        validates[places[chosen[: max(1, round(SHARE * len(places)))]]] = True
    kept = {"train": ~validates, "test": validates}
    return {
        f"{name}_{part}": array[at] for part, at in kept.items() for name, array in (("x", examples), ("y", labels))
    }
