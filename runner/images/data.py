"""A named dataset -> arrays that a net can be given: checked for what they seem to be, scaled, transformed."""

from dataclasses import dataclass

import numpy as np

from runner.images.labels import Classes, read_classes
from runner.images.reading import Named, arrays_digest, read_arrays, unread

CHANNELS = (1, 3, 4)  # that images usually have
DARK_BYTE, DARK = 128, 0.1  # images that reach no higher are on another scale
DIM = 0.5  # of floats; binarize would leave nothing of images that reach no higher
APART = 4  # times: how far the largest values of the two parts may lie apart without a word
SQUARE = 64  # columns of a table from which it may be images whose pixels lie in a row


@dataclass(frozen=True)
class Dataset:
    """Examples as float32 in [0, 1], images (n, h, w, channels) or tables (n, d), and classes as int32, (n,)."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


@dataclass(frozen=True)
class Facts:
    """What planning knows of a dataset: its digest, an example's shape, its classes, and what must be told of it."""

    sha256: str
    shape: tuple[int, ...]
    classes: int
    notes: tuple[str, ...] = ()


def load(named: Named, sha256: str, classes: int | None) -> Dataset:
    """Return the checked dataset; ValueError, one sentence, where its arrays have another sha256 than this.

    `classes` is their number, None where the labels tell it.
    """
    arrays = read_arrays(named)
    found = check_arrays(arrays, classes)[0]
    digest = arrays_digest(arrays)
    if digest != sha256:
        raise ValueError(
            f"dataset={named.name} must have the content {sha256[:12]}...; got {digest[:12]}... "
            f"from {named.path or 'the download'}. To use other data, say dataset=npz dataset.path=FILE."
        )
    x_train, x_test = scaled(arrays["x_train"], arrays["x_test"])
    return Dataset(x_train=x_train, y_train=found.train, x_test=x_test, y_test=found.test)


def look(named: Named, classes: int | None) -> Facts:
    """Return what is known of the dataset once it is read; ValueError, one sentence, where it cannot be trained on."""
    arrays = read_arrays(named)
    found, notes = check_arrays(arrays, classes)
    notes += [f"{name} is not read, since x_test validates" for name in unread(named)]
    shape = arrays["x_train"].shape[1:]
    return Facts(arrays_digest(arrays), (*shape, 1) if len(shape) == 2 else shape, found.count, (*found.notes, *notes))


# ---- what the arrays seem to be


def check_arrays(arrays: dict[str, np.ndarray], classes: int | None) -> tuple[Classes, list[str]]:
    """Return the classes, and what must be told; ValueError, one sentence, where arrays are not what they should be."""
    train, test = arrays["x_train"], arrays["x_test"]
    for name, examples in (("x_train", train), ("x_test", test)):
        check_shape(name, examples)
    for part in ("train", "test"):
        _check_lengths(arrays[f"x_{part}"], arrays[f"y_{part}"], part)
    if _shape(train) != _shape(test):
        raise ValueError(f"x_test must have examples of the shape of x_train, {_shape(train)}; got {_shape(test)}.")
    found = read_classes(arrays["y_train"], arrays["y_test"], (len(train), len(test)), classes)
    if train.ndim == 2:
        return found, [*_check_table(train, test)]
    return found, [
        *_check_pixels("x_train", train),
        *_check_pixels("x_test", test, alone=False),
        *_compared(train, test),
    ]


def check_shape(name: str, examples: np.ndarray) -> None:
    """Raise ValueError unless the shape is that of images with the channels last, or of a table."""
    shape = examples.shape
    if examples.ndim not in (2, 3, 4) or 0 in shape:
        raise ValueError(
            f"{name} must have the shape (n, h, w) or (n, h, w, c) of images, or (n, d) of a table, none empty; got "
            f"{shape}."
        )
    if examples.ndim == 4 and shape[1] in CHANNELS and shape[3] not in (*CHANNELS, 2):
        raise ValueError(
            f"{name} must have the channels last, (n, h, w, c); got {shape}, which looks like (n, c, h, w). Turn it "
            f"with numpy.moveaxis({name}, 1, -1)."
        )


def _shape(examples: np.ndarray) -> tuple[int, ...]:
    """Return an example's shape; one channel that is not written is one."""
    shape = examples.shape[1:]
    return (*shape, 1) if len(shape) == 2 else shape


def _check_lengths(examples: np.ndarray, labels: np.ndarray, part: str) -> None:
    """Raise ValueError where the examples lie along the last axis, which the number of labels shows."""
    count = len(labels) if labels.ndim else 0
    if len(examples) != count and examples.ndim > 2 and examples.shape[-1] == count:
        raise ValueError(
            f"x_{part} must have its {count} images along the first axis; got {examples.shape}. Turn it with "
            f"numpy.moveaxis(x_{part}, -1, 0)."
        )


def _check_pixels(name: str, images: np.ndarray, alone: bool = True) -> list[str]:
    """Return what must be told of the images' range; ValueError where it is none that pixels have.

    `alone` says whether the images may be judged by how bright they are: those that validate may be darker.
    """
    kind = images.dtype.kind
    if kind == "b":
        return []
    if kind not in "iuf":
        raise ValueError(f"{name} must be whole numbers from 0 to 255, or floats in [0, 1]; got {images.dtype}.")
    if kind == "f" and not np.isfinite(images).all():
        raise ValueError(f"{name} must hold finite pixels; got {int((~np.isfinite(images)).sum())} that are not.")
    low, high = images.min().item(), images.max().item()
    if alone and low == high:
        raise ValueError(f"{name} must hold images that differ; got {low:g} in every pixel.")
    return _check_bytes(name, low, high, alone) if kind in "iu" else _check_floats(name, low, high, alone)


def _check_bytes(name: str, low: int, high: int, alone: bool) -> list[str]:
    """Return what must be told of whole numbers as pixels: nothing; ValueError where they are not those of bytes."""
    if low < 0 or high > 255:
        raise ValueError(
            f"{name} must be whole numbers from 0 to 255, or floats in [0, 1]; got {low} to {high}. Divide by the "
            "largest that a pixel can be, and save it as float."
        )
    if alone and high < DARK_BYTE:
        raise ValueError(
            f"{name} must be whole numbers from 0 to 255, or floats in [0, 1]; got {low} to {high}, and divided by 255 "
            f"that would be all but black. {_divided(name, high)}"
        )
    return []


def _divided(name: str, high: int) -> str:
    """Return how to turn whole numbers up to `high` into floats in [0, 1]."""
    if high == 1:
        return f"Save it as float, {name}.astype('float32')."
    return f"Divide by the largest that a pixel can be, such as {name} / {high}, and save it as float."


def _check_floats(name: str, low: float, high: float, alone: bool) -> list[str]:
    """Return what must be told of floats as pixels; ValueError where they are not in [0, 1], or all but zero."""
    got = f"{name} must be whole numbers from 0 to 255, or floats in [0, 1]; got floats from {low:g} to {high:g}"
    if low < 0:
        reach = max(-low, high)  # such as 1 of [-1, 1], whose ends these images need not reach
        raise ValueError(f"{got}. Shift and scale it, such as ({name} + {reach:g}) / {2 * reach:g}.")
    if high > 1:
        raise ValueError(f"{got}. Divide by the largest that a pixel can be, such as {max(high, 255):g}.")
    if alone and high < DARK:
        raise ValueError(f"{got}, as if it had been divided by 255 twice. Scale it so that it reaches 1.")
    if alone and high < DIM:
        return [f"{name} reaches no higher than {high:g}, so binarize=true, which cuts at 0.5, leaves nothing of it"]
    return []


def _compared(train: np.ndarray, test: np.ndarray) -> list[str]:
    """Return what must be told of two parts that are not on one scale, and of unusual channels."""
    highest = [part.max().item() / (255 if part.dtype.kind in "iu" else 1) for part in (train, test)]
    notes = []
    if max(highest) > APART * min(highest):
        notes.append(
            f"scaled into [0, 1], x_train reaches {highest[0]:.3g} and x_test {highest[1]:.3g}; scale both alike if "
            "that is not meant"
        )
    if train.ndim == 4 and train.shape[3] not in (*CHANNELS, 2):
        notes.append(f"images have {train.shape[3]} channels, the last axis of {train.shape}")
    if train.ndim == 3 and min(train.shape[1:]) in CHANNELS and max(train.shape[1:]) > 8:
        notes.append(
            f"images of {train.shape[1]} × {train.shape[2]} pixels are taken as such; channels are a fourth axis"
        )
    return notes


def _check_table(train: np.ndarray, test: np.ndarray) -> list[str]:
    """Return what must be told of a table; ValueError where its columns are no finite numbers, or all are constant."""
    for name, table in (("x_train", train), ("x_test", test)):
        if table.dtype.kind not in "biuf":
            raise ValueError(
                f"{name} must hold numbers; got {table.dtype}. Texts take dataset=csv, or numbers of your own."
            )
        if not np.isfinite(table).all():
            raise ValueError(f"{name} must hold finite numbers; got {int((~np.isfinite(table)).sum())} that are not.")
    constant = np.flatnonzero((train == train[0]).all(axis=0))
    if len(constant) == train.shape[1]:
        raise ValueError("x_train must hold examples that differ; got one value in each column.")
    notes = [f"x_train is a table of {train.shape[1]} columns, each scaled into [0, 1] by its range in x_train"]
    side = round(train.shape[1] ** 0.5)
    if train.shape[1] >= SQUARE and side**2 == train.shape[1] and train.dtype.kind in "iu":
        notes.append(f"if its rows are images, save them as (n, {side}, {side})")
    return notes


# ---- into [0, 1], and as the net sees them


def scaled(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both parts as float32 in [0, 1]: images as `unit_pixels` makes them, a table by its columns' ranges.

    The range of a column is that of the training examples, so a validation example may lie beyond it.
    """
    if train.ndim > 2:
        return unit_pixels(train), unit_pixels(test)
    low, high = train.min(axis=0).astype(float), train.max(axis=0).astype(float)
    width = np.where(high > low, high - low, 1.0)
    return ((train - low) / width).astype(np.float32), ((test - low) / width).astype(np.float32)


def unit_pixels(images: np.ndarray) -> np.ndarray:
    """Return float32 pixels in [0, 1] with a channel axis: (n, h, w) becomes (n, h, w, 1); bytes are divided by 255."""
    scaled = images.astype(np.float32)
    if images.dtype.kind in "iu":
        scaled /= np.float32(255)
    return scaled if scaled.ndim == 4 else scaled[..., None]


def binarize(images: np.ndarray) -> np.ndarray:
    """Return 1.0 where a pixel is at least 0.5, else 0.0; same shape and dtype.

    `images` is float32 in [0, 1]. The threshold is inclusive: the study this
    reproduces rounds 0.5 up.
    """
    return (images >= 0.5).astype(images.dtype)


def column_l2(images: np.ndarray) -> np.ndarray:
    """Return (n, h, w, c) images with each column divided by its L2 norm; columns of zeros stay zero.

    The same as `keras.utils.normalize(images, axis=1)`.
    """
    norms = np.sqrt(np.square(images).sum(axis=1, keepdims=True))  # (n, 1, w, c)
    return images / np.where(norms == 0, np.float32(1), norms)


NORMALIZATIONS = {"unit": lambda images: images, "column_l2": column_l2}


def transform(images: np.ndarray, normalize: str, binarized: bool) -> np.ndarray:
    """Return unit-scaled images as the net sees them: binarized first where asked, then normalized."""
    return NORMALIZATIONS[normalize](binarize(images) if binarized else images)
