"""Datasets of images -> arrays: read, verified and transformed."""

import gzip
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from runner.quiet import errors_unseen
from runner.training.streams import generator

ARRAYS = ("x_train", "y_train", "x_test", "y_test")
DIGITS_VALIDATION = 500
# As Fashion-MNIST's own page lists them (github.com/zalandoresearch/fashion-mnist), in the order of ARRAYS.
FASHION_MD5 = {
    "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
}
CACHED_FILES = {"mnist": ["mnist.npz"], "fashion_mnist": [f"fashion-mnist/{name}" for name in FASHION_MD5]}
GLYPH_SIDE = 20
IMAGE_SIDE = 28


@dataclass(frozen=True)
class Dataset:
    """Images as float32 in [0, 1], shape (n, h, w, channels), and labels as int32, shape (n,)."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def arrays_digest(arrays: dict[str, np.ndarray]) -> str:
    """Return the sha256 of the four arrays: names, types, shapes and bytes."""
    digest = hashlib.sha256()
    for name in ARRAYS:
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def embedded_digits() -> dict[str, np.ndarray]:
    """Return scikit-learn's 1,797 digits as MNIST-like uint8 arrays, 28x28; the last 500 of a fixed shuffle validate.

    Made as MNIST was: the 8x8 glyph is resized to 20x20 (bilinear) and centred by its mass in 28x28.
    """
    from sklearn.datasets import load_digits

    raw, labels = load_digits(return_X_y=True)
    images = np.stack([centre(enlarge(glyph)) for glyph in raw.reshape(-1, 8, 8) / 16.0])
    pixels = np.rint(images * 255).astype(np.uint8)
    order = generator(0, "digits split").permutation(len(pixels))
    train, validation = order[:-DIGITS_VALIDATION], order[-DIGITS_VALIDATION:]
    labels = labels.astype(np.uint8)
    return {
        "x_train": pixels[train],
        "y_train": labels[train],
        "x_test": pixels[validation],
        "y_test": labels[validation],
    }


def enlarge(glyph: np.ndarray) -> np.ndarray:
    """Return an (8, 8) glyph at (20, 20), bilinear, pixel centres aligned, edges repeated."""
    places = (np.arange(GLYPH_SIDE) + 0.5) * len(glyph) / GLYPH_SIDE - 0.5
    low = np.clip(np.floor(places), 0, len(glyph) - 1).astype(int)
    high = np.minimum(low + 1, len(glyph) - 1)
    share = np.clip(places - low, 0, 1)
    rows = glyph[low] * (1 - share)[:, None] + glyph[high] * share[:, None]  # (20, 8)
    return rows[:, low] * (1 - share) + rows[:, high] * share  # (20, 20)


def centre(glyph: np.ndarray) -> np.ndarray:
    """Return a (20, 20) glyph in a (28, 28) frame, its centre of mass as near the middle as it fits."""
    frame = np.zeros((IMAGE_SIDE, IMAGE_SIDE))
    mass = glyph.sum()
    margin = IMAGE_SIDE - GLYPH_SIDE
    corner = []
    for axis in (0, 1):
        middle = (glyph.sum(axis=1 - axis) * np.arange(GLYPH_SIDE)).sum() / mass
        corner.append(int(np.clip(np.rint((IMAGE_SIDE - 1) / 2 - middle), 0, margin)))
    frame[corner[0] : corner[0] + GLYPH_SIDE, corner[1] : corner[1] + GLYPH_SIDE] = glyph
    return frame


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """Return the four arrays of an npz file; ValueError, one sentence, where it is no such file. Never unpickles."""
    if not path.is_file():
        raise ValueError(f"dataset.path must be an npz file; got {str(path)!r}, which does not exist.")
    try:
        with np.load(path, allow_pickle=False) as file:
            missing = [name for name in ARRAYS if name not in file]
            if missing:
                raise MissingArrays(missing, sorted(file.files))
            return {name: file[name] for name in ARRAYS}
    except MissingArrays as error:
        raise ValueError(
            f"dataset.path must hold the arrays {', '.join(ARRAYS)}; got {', '.join(error.found) or 'none'}. "
            f"Add {', '.join(error.missing)}."
        ) from None
    except Exception as error:
        reason = "it is no npz file or holds pickled objects" if "pickle" in str(error) else error
        raise ValueError(
            f"dataset.path must be an npz file of plain arrays; {str(path)!r} cannot be read ({reason}). "
            "Write it with numpy.savez and no object arrays."
        ) from None


class MissingArrays(Exception):
    """Some of the four arrays are not in the file."""

    def __init__(self, missing: list[str], found: list[str]) -> None:
        super().__init__(missing)
        self.missing, self.found = missing, found


def keras_cache() -> Path:
    """Return the folder where Keras keeps the datasets that it has downloaded."""
    home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    return home / "datasets"


def download(name: str) -> dict[str, np.ndarray]:
    """Return Keras's `mnist` or `fashion_mnist`, from its cache or the network; ValueError where neither has it.

    Keras is imported only where something must be downloaded.
    """
    files = [keras_cache() / file for file in CACHED_FILES[name]]
    if not all(file.is_file() for file in files):
        fill_cache(name)
    if name == "mnist":
        return read_npz(files[0])
    for file in files:
        check_md5(file)
    return dict(zip(ARRAYS, (read_idx(file) for file in files), strict=True))


def fill_cache(name: str) -> None:
    """Let Keras download the dataset; ValueError, one sentence, where it cannot."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    with errors_unseen():
        import keras

    try:
        getattr(keras.datasets, name).load_data()
    except Exception as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"dataset={name} must be downloaded once, and it cannot be reached ({reason}). "
            "Connect, or name an npz file that you have with dataset.path=FILE."
        ) from None


def check_md5(path: Path) -> None:
    """Raise ValueError unless the file is the one its publisher lists."""
    digest = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    if digest != FASHION_MD5[path.name]:
        raise ValueError(
            f"dataset=fashion_mnist must have the published file {path.name}; {str(path)!r} has other content. "
            "Delete it, so that it is downloaded again."
        )


def read_idx(path: Path) -> np.ndarray:
    """Return the array of a gzipped IDX file of bytes (the format that MNIST was published in): uint8."""
    content = gzip.decompress(path.read_bytes())
    dimensions = content[3]
    shape = np.frombuffer(content, ">u4", dimensions, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def read_arrays(name: str, path: str | None) -> dict[str, np.ndarray]:
    """Return the raw arrays of the dataset `name`, from `path` where one is given."""
    if name == "digits":
        return embedded_digits()
    if path is not None:
        return read_npz(Path(path))
    if name == "npz":
        raise ValueError("dataset.path must name an npz file with dataset=npz; got nothing. Add dataset.path=FILE.")
    return download(name)


def load(name: str, path: str | None, sha256: str, classes: int) -> Dataset:
    """Return the checked dataset; ValueError, one sentence, where its arrays have another sha256 than this."""
    arrays = read_arrays(name, path)
    check_arrays(arrays, classes)
    digest = arrays_digest(arrays)
    if digest != sha256:
        raise ValueError(
            f"dataset={name} must have the content {sha256[:12]}...; got {digest[:12]}... "
            f"from {path or 'the download'}. To use other data, say dataset=npz dataset.path=FILE."
        )
    return Dataset(
        x_train=unit_pixels(arrays["x_train"]),
        y_train=arrays["y_train"].astype(np.int32),
        x_test=unit_pixels(arrays["x_test"]),
        y_test=arrays["y_test"].astype(np.int32),
    )


def check_arrays(arrays: dict[str, np.ndarray], classes: int) -> None:
    """Raise ValueError, one sentence, unless the arrays are images with labels in 0 .. classes - 1."""
    for part in ("train", "test"):
        check_images(f"x_{part}", arrays[f"x_{part}"])
        check_labels(f"y_{part}", arrays[f"y_{part}"], len(arrays[f"x_{part}"]), classes)
    train, test = arrays["x_train"].shape[1:], arrays["x_test"].shape[1:]
    if train != test:
        raise ValueError(f"x_test must have images of the shape of x_train, {train}; got {test}.")


def check_images(name: str, images: np.ndarray) -> None:
    """Raise ValueError unless `images` is uint8, or float in [0, 1], of shape (n, h, w) or (n, h, w, c), n > 0."""
    if images.ndim not in (3, 4) or 0 in images.shape:
        raise ValueError(f"{name} must have the shape (n, h, w) or (n, h, w, c), none empty; got {images.shape}.")
    if images.dtype == np.uint8:
        return
    if images.dtype.kind != "f":
        raise ValueError(f"{name} must be uint8 or float; got {images.dtype}. Convert it, or divide by its maximum.")
    if not np.isfinite(images).all():
        raise ValueError(f"{name} must hold finite pixels; got {int((~np.isfinite(images)).sum())} that are not.")
    if images.min() < 0 or images.max() > 1:
        raise ValueError(
            f"{name} must be uint8, or float in [0, 1]; got floats from {images.min():g} to {images.max():g}. "
            "Divide by the maximum."
        )


def check_labels(name: str, labels: np.ndarray, images: int, classes: int) -> None:
    """Raise ValueError unless `labels` is one integer in 0 .. classes - 1 for each image."""
    if labels.shape != (images,):
        raise ValueError(f"{name} must have one label for each of the {images} images; got the shape {labels.shape}.")
    if labels.dtype.kind not in "iu":
        raise ValueError(f"{name} must hold whole numbers; got {labels.dtype}.")
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(
            f"{name} must hold classes from 0 to {classes - 1}; got {labels.min()} to {labels.max()}. "
            "Set dataset.classes to the number of classes."
        )


def unit_pixels(images: np.ndarray) -> np.ndarray:
    """Return float32 pixels in [0, 1] with a channel axis: (n, h, w) becomes (n, h, w, 1); uint8 is divided by 255."""
    scaled = images.astype(np.float32)
    if images.dtype == np.uint8:
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
