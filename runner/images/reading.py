"""A dataset's name and path -> its four arrays as they were published or written, in whatever form people have them."""

import gzip
import hashlib
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from runner.images.folders import divided, read_csv, read_folder
from runner.machine import memory
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
READ = {"npz": "an npz file", "folder": "a folder with a folder of images a class", "csv": "a CSV file"}
OTHERS = ("val", "valid", "validation")  # what arrays that validate are called as well
CACHED_FILES = {"mnist": ["mnist.npz"], "fashion_mnist": [f"fashion-mnist/{name}" for name in FASHION_MD5]}
GLYPH_SIDE = 20
IMAGE_SIDE = 28


@dataclass(frozen=True)
class Named:
    """A dataset as it is named: a name of `runner.images.choices.DATASETS`, and what of a file or folder is read."""

    name: str
    path: str | None = None
    target: str | None = None  # of a CSV file, the column that holds the classes
    size: int | None = None  # of a folder, the side in pixels that its images are resized to


def arrays_digest(arrays: dict[str, np.ndarray]) -> str:
    """Return the sha256 of the four arrays: names, types, shapes and bytes."""
    digest = hashlib.sha256()
    for name in ARRAYS:
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)  # not tobytes, which copies
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
    """Return the four arrays of an npz file; ValueError, one sentence, where it is no such file. Never unpickles.

    Where it has no x_test, x_val validates; of x and y alone a fixed fifth does.
    """
    if not path.is_file():
        kind = (
            "is a folder; dataset=folder takes one with a folder of images a class"
            if path.is_dir()
            else "does not exist"
        )
        raise ValueError(f"dataset.path must be an npz file; got {str(path)!r}, which {kind}.")
    check_room(path)
    try:
        with np.load(path, allow_pickle=False) as file:
            found = sorted(file.files)
            arrays = {name: file[written] for name, written in _names_in(found).items() if written in found}
    except Exception as error:
        reason = "it is no npz file or holds pickled objects" if "pickle" in str(error) else error
        raise ValueError(
            f"dataset.path must be an npz file of plain arrays; {str(path)!r} cannot be read ({reason}). "
            "Write it with numpy.savez and no object arrays."
        ) from None
    if set(arrays) == {"x", "y"}:
        return divided(arrays["x"], arrays["y"], "y")
    missing = [name for name in ARRAYS if name not in arrays]
    if missing:
        raise ValueError(
            f"dataset.path must hold the arrays {', '.join(ARRAYS)}; got {', '.join(found) or 'none'}. "
            f"Add {', '.join(missing)}."
        )
    return arrays


def check_room(path: Path) -> None:
    """Raise ValueError, one sentence, where the arrays of an npz file, unpacked, are more than there is memory for."""
    try:
        with zipfile.ZipFile(path) as file:
            needed = sum(member.file_size for member in file.infolist())
    except (OSError, zipfile.BadZipFile):
        return  # which is worded where it is read
    room = memory()
    if room is not None and needed > room:
        raise ValueError(
            f"dataset.path must fit into memory; {str(path)!r} unpacks to {needed:,} bytes, {room:,} are free. "
            "Store fewer examples or smaller types in it, or use a machine with more memory."
        )


def _names_in(found: list[str]) -> dict[str, str]:
    """Return the arrays that are wanted of a file, and how each is called there.

    x and y where they come undivided; else the four, where x_val stands for an x_test that is not there.
    """
    if {"x", "y"} <= set(found) and "x_train" not in found:
        return {"x": "x", "y": "y"}
    written = {name: name for name in ARRAYS}
    for letter in "xy":
        others = [f"{letter}_{end}" for end in OTHERS if f"{letter}_{end}" in found]
        if f"{letter}_test" not in found and others:
            written[f"{letter}_test"] = others[0]
    return written


def unread(named: Named) -> list[str]:
    """Return the arrays of examples in a dataset's npz file that neither train nor validate, such as a second x_val."""
    if named.name in ("folder", "csv") or named.path is None:
        return []
    with np.load(Path(named.path).expanduser(), allow_pickle=False) as file:
        found = sorted(file.files)
    examples = {"x", *(f"x_{end}" for end in ("train", "test", *OTHERS))}
    return [name for name in found if name in examples - set(_names_in(found).values())]


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


def read_arrays(named: Named) -> dict[str, np.ndarray]:
    """Return the raw arrays of the dataset, from its path where one is given."""
    if named.name == "digits":
        return embedded_digits()
    if named.path is None and named.name in READ:
        kind = READ[named.name]
        raise ValueError(f"dataset.path must name {kind} with dataset={named.name}; got nothing. Add dataset.path=.")
    if named.path is None:
        return download(named.name)
    path = Path(named.path).expanduser()
    match named.name:
        case "folder":
            return read_folder(path, named.size)
        case "csv":
            return read_csv(path, named.target)
    return read_npz(path)
