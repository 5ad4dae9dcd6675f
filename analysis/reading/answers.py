"""What runs answer to the validation examples <-> tables/predictions.npz, a few bytes an error.

Of every look at a training (a run and how many epochs) the file keeps the classes given less the true ones, so that it
holds zeros but for errors, examples by looks, since looks err on the same examples; where a figure is a mean over a
window of epochs, in how many of them an answer is wrong too; the labels; and the images of the examples that a report
shows. A study of 70 runs of MNIST takes 100 KB.
"""

import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from runner.store import StoreError

Look = tuple[str, int]  # a run's id, and after how many epochs it is looked at


@dataclass(frozen=True)
class Answered:
    """What runs answer to the validation examples, all of one set.

    `predictions` holds the class that each example is given after the look's last epoch, `right` in which share of the
    window's epochs that is the right one: (examples,) each, bool where the window is one epoch. `images` are
    (places, h, w, c), of the examples at `places`; none where the examples are no images.
    """

    labels: np.ndarray  # (examples,)
    predictions: dict[Look, np.ndarray]
    right: dict[Look, np.ndarray]
    windows: dict[Look, int]  # how many epochs `right` is over
    images: np.ndarray
    places: np.ndarray

    def images_of(self, examples: Iterable[int]) -> dict[int, np.ndarray]:
        """Return the images of the examples; nothing unless there are all."""
        rows = {int(place): row for row, place in enumerate(self.places)}
        wanted = [int(example) for example in examples]
        whole = self.images.ndim == 4 and self.images.size > 0 and all(example in rows for example in wanted)
        return {example: self.images[rows[example]] for example in wanted} if whole else {}


def answered_bytes(answered: Answered, shown: Iterable[int]) -> bytes:
    """Return the file's bytes; `shown` are the examples whose images are kept."""
    looks = [look for look in answered.predictions if look in answered.right]
    examples = len(answered.labels)
    given = np.array([answered.predictions[look] for look in looks]).reshape(len(looks), examples)
    windows = np.array([answered.windows[look] for look in looks], np.int64)
    right = np.array([answered.right[look] for look in looks], float).reshape(len(looks), examples)
    wrong_epochs = windows[:, None] - np.rint(right * windows[:, None]).astype(np.int64)  # (looks, examples)
    images = answered.images_of(shown)
    parts = {
        "run": np.array([run for run, _ in looks], "S24"),
        "epochs": np.array([epochs for _, epochs in looks], np.int64),
        "window": windows,
        "labels": answered.labels,
        "given_less_label": (given - answered.labels.astype(given.dtype)).T,  # whole numbers wrap round
        "wrong_epochs": wrong_epochs.astype(np.uint16).T if (windows > 1).any() else np.empty((0, 0), np.uint16),
        "places": np.array([*images], np.int64),
        "images": np.array([*images.values()]),
    }
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{name: np.ascontiguousarray(part) for name, part in parts.items()})  # type: ignore[arg-type]
    return buffer.getvalue()


def read_answered(path: Path) -> Answered | None:
    """Return what the file keeps, None where there is no file; StoreError where it is not as it was written."""
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            parts = {name: file[name] for name in file.files}
        return _unpacked(parts)
    except MemoryError:
        raise
    except Exception as error:
        raise StoreError(
            f"the study's tables must be as the program wrote them; {str(path)!r} cannot be read "
            f"({type(error).__name__}: {error}). Run the study's command again."
        ) from None


def _unpacked(parts: dict[str, np.ndarray]) -> Answered:
    labels, windows = parts["labels"], parts["window"]
    looks = [(run.decode(), int(epochs)) for run, epochs in zip(parts["run"], parts["epochs"], strict=True)]
    given = parts["given_less_label"].T
    if given.shape != (len(looks), len(labels)) or len(windows) != len(looks):
        raise ValueError("it does not hold a class for every look and example")
    given = given + labels.astype(given.dtype)  # (looks, examples)
    wrong = parts["wrong_epochs"].T
    right = {
        look: given[place] == labels if window == 1 else _shares(window - wrong[place].astype(np.int64), window)
        for place, (look, window) in enumerate(zip(looks, windows, strict=True))
    }
    predictions = {look: np.ascontiguousarray(row) for look, row in zip(looks, given, strict=True)}
    per_look = {look: int(window) for look, window in zip(looks, windows, strict=True)}
    return Answered(labels, predictions, right, per_look, parts["images"], parts["places"])


def _shares(counts: np.ndarray, window: int) -> np.ndarray:
    return counts.astype(np.float32) / np.float32(window)
