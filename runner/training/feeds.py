"""What a recipe's `data` returns, in `fit`'s own words -> feeds: examples that graphs visit batch by batch.

Arrays, and lists, tuples and dicts of them, lie in memory once and are gathered in the graph; a tf.data dataset is
read anew each time, in its own order.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras.src.trainers.data_adapters.data_adapter_utils import class_weight_to_sample_weights
from keras.src.trainers.data_adapters.tf_dataset_adapter import make_class_weight_map_fn

from runner.errors import BadInput
from runner.training.streams import split_indices

DATA_WORDS = ("x", "y", "sample_weight", "validation_data", "holdout")
FIT_WORDS = ("batch_size", "validation_batch_size", "class_weight", "callbacks", "shuffle", "verbose")
BATCH_SIZE = 32  # Keras's default
FOREIGN_WORDS = {  # of fit, that say what this program's own keys say
    "epochs": "say epochs= in the command",
    "initial_epoch": "leave it out",
    "validation_split": "return validation_data from data",
    "validation_data": "return it from data",
    "steps_per_epoch": "return a finite dataset, such as dataset.take(100)",
    "validation_steps": "return a finite dataset, such as dataset.take(100)",
    "validation_freq": "leave it out; every epoch is validated",
    "sample_weight": "return it from data",
    "x": "return it from data",
    "y": "return it from data",
}


@dataclass(frozen=True)
class Arrays:
    """Examples in memory: `tree` is what a step takes, (x,), (x, y) or (x, y, sample_weight), of tensors (n, ...)."""

    tree: Any
    places: np.ndarray  # (examples,) int32, those of the tree's rows that are meant, in order

    @property
    def examples(self) -> int:
        """How many examples there are."""
        return len(self.places)

    def at(self, places: np.ndarray) -> "Arrays":
        """Return the feed of these of its examples, by place."""
        return Arrays(self.tree, self.places[places])

    def opening(self, batch_size: int) -> "Arrays":
        """Return the feed of its first batch."""
        return Arrays(self.tree, self.places[:batch_size])

    def first(self, examples: int) -> Any:
        """Return the first examples as a step takes them."""
        return tf.nest.map_structure(lambda part: tf.gather(part, self.places[:examples]), self.tree)


@dataclass(frozen=True)
class Stream:
    """Examples of a tf.data dataset, batched by it."""

    dataset: tf.data.Dataset
    batches: int
    examples: int

    def opening(self, batch_size: int) -> "Stream":
        """Return the feed of its first batch, which the dataset has made."""
        return Stream(self.dataset, 1, self.examples)

    def first(self, examples: int) -> Any:
        """Return the first examples of its first batch as a step takes them."""
        return self.taken(examples, 1).tree

    def taken(self, examples: int, batches: int | None = None) -> Arrays:
        """Return the first examples as they are read now, in memory, of the first batches at most."""
        read, count = [], 0
        for batch in self.dataset.take(self.batches if batches is None else batches):
            read.append(batch)
            count += int(tf.shape(tf.nest.flatten(batch)[0])[0])
            if count >= examples:
                break
        tree = tf.nest.map_structure(lambda *parts: tf.concat(parts, axis=0)[:examples], *read)
        return Arrays(tree, np.arange(min(count, examples), dtype=np.int32))


Feed = Arrays | Stream


@dataclass(frozen=True)
class Feeds:
    """What a trajectory uses: `train` to learn from, `holdout` never trained on (or None), `validation`."""

    train: Feed
    holdout: Feed | None
    validation: Feed
    batch_size: int
    validation_batch_size: int
    shuffle: bool


def read_feeds(data: Mapping[str, Any], fit: Mapping[str, Any], seed: int, holdout: float) -> Feeds:
    """Return the feeds of what `data` and `fit` returned; BadInput, one sentence, where it is not what fit takes.

    Where `data` gives no `holdout`, the share `holdout` of the training arrays is held out.
    """
    check_words("data", data, DATA_WORDS)
    check_words("fit", fit, FIT_WORDS)
    batch_size = _whole(fit, "batch_size", BATCH_SIZE)
    validation_batch_size = _whole(fit, "validation_batch_size", batch_size)
    if data.get("x") is None:
        raise BadInput("data must return a dict with x, arrays or a tf.data dataset; got none.")
    if data.get("validation_data") is None:
        raise BadInput(
            "data must return validation_data, such as (x, y), since runs are compared by what they do on it; got none."
        )
    whole = read_feed(
        "x", (data["x"], data.get("y"), data.get("sample_weight")), batch_size, fit.get("class_weight"), seed
    )
    validation = read_feed("validation_data", _parts("validation_data", data["validation_data"]), validation_batch_size)
    held = data.get("holdout")
    train, holdout_feed = whole, None
    if held is not None:
        holdout_feed = read_feed("holdout", _parts("holdout", held), validation_batch_size)
    elif isinstance(whole, Arrays) and holdout > 0:
        kept, taken = split_indices(seed, whole.examples, holdout)
        if not len(kept):
            raise BadInput(
                f"holdout must leave an example to train on; {holdout} of {whole.examples} examples does not."
            )
        train, holdout_feed = whole.at(kept), whole.at(taken) if len(taken) else None
    shuffle = fit.get("shuffle", True)
    if shuffle not in (True, False):
        raise BadInput(f"fit must return shuffle as True or False; got {shuffle!r}.")
    return Feeds(train, holdout_feed, validation, batch_size, validation_batch_size, bool(shuffle))


def check_words(function: str, returned: Any, known: tuple[str, ...]) -> None:
    """Raise BadInput unless the function returned a dict of words that are known."""
    if not isinstance(returned, Mapping):
        raise BadInput(f"{function} must return a dict, such as dict({known[0]}=...); got {type(returned).__name__}.")
    for word in returned:
        if word not in known:
            advice = FOREIGN_WORDS.get(str(word), f"it may return {', '.join(known)}")
            raise BadInput(f"{function} must not return {word!r}: {advice}.")


def _whole(fit: Mapping[str, Any], word: str, default: int) -> int:
    value = fit.get(word)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise BadInput(f"fit must return {word} as a whole number of at least 1; got {value!r}.")
    return value


def _parts(word: str, given: Any) -> tuple[Any, Any, Any]:
    """Return (x, y, sample_weight) of what validation_data may be: a dataset, or a tuple of arrays."""
    if isinstance(given, tf.data.Dataset):
        return given, None, None
    if isinstance(given, tuple | list) and 1 <= len(given) <= 3:
        return (*given, None, None)[:3]
    raise BadInput(
        f"data must return {word} as (x, y), (x, y, sample_weight) or a tf.data dataset; got {type(given).__name__}."
    )


def read_feed(
    word: str,
    parts: tuple[Any, Any, Any],
    batch_size: int,
    class_weight: dict[int, float] | None = None,
    seed: int = 0,
) -> Feed:
    """Return the feed of (x, y, sample_weight), where x may be a dataset of them."""
    x, y, sample_weight = parts
    if isinstance(x, tf.data.Dataset):
        if y is not None or sample_weight is not None:
            raise BadInput(f"data must return {word} alone where it is a tf.data dataset, which gives y itself.")
        return _read_stream(word, x, batch_size, class_weight)
    if class_weight is not None:
        sample_weight = _weighted(y, sample_weight, class_weight)
    packed = keras.utils.pack_x_y_sample_weight(
        _arrays(word, x), _arrays("y", y), _arrays("sample_weight", sample_weight)
    )
    tree = packed if isinstance(packed, tuple) else (packed,)
    lengths = {len(leaf) for leaf in tf.nest.flatten(tree) if leaf is not None}
    if len(lengths) != 1:
        raise BadInput(
            f"data must return {word} and what belongs to it with equally many examples; got {sorted(lengths)}."
        )
    [examples] = lengths
    if not examples:
        raise BadInput(f"data must return {word} with at least one example; got none.")
    return Arrays(tf.nest.map_structure(tf.constant, tree), np.arange(examples, dtype=np.int32))


def unusual(feed: Feed, called: str) -> list[str]:
    """Return what must be told of examples in memory: numbers that are not finite."""
    if isinstance(feed, Stream):
        return []
    leaves = [np.asarray(leaf) for leaf in tf.nest.flatten(feed.tree) if leaf is not None and leaf.dtype.is_floating]
    count = sum(int((~np.isfinite(leaf)).sum()) for leaf in leaves)
    return [f"Of the numbers in the {called} data {count:,} are not finite."] if count else []


def _weighted(y: Any, sample_weight: Any, class_weight: dict[int, float]) -> np.ndarray:
    """Return each example's weight by its class, as Keras takes it; BadInput where labels are not one array."""
    if sample_weight is not None:
        raise BadInput("fit must not return class_weight where data returns sample_weight; multiply them into one.")
    if y is None or isinstance(y, list | tuple | dict):
        raise BadInput("fit may return class_weight only where y is one array of classes.")
    return class_weight_to_sample_weights(np.asarray(y), class_weight)


def _arrays(word: str, given: Any) -> Any:
    """Return the container with plain arrays, floats as Keras's float type; BadInput where a leaf is no array."""
    if given is None:
        return None
    if isinstance(given, Mapping):
        return {str(key): _arrays(word, value) for key, value in given.items()}
    if isinstance(given, list | tuple) and not _is_plain_list(given):
        return type(given)(_arrays(word, value) for value in given)
    if hasattr(given, "to_numpy"):  # a pandas frame or series
        given = given.to_numpy()
    if not (hasattr(given, "__array__") or isinstance(given, list | tuple | int | float | str | bytes)):
        raise BadInput(
            f"data must return {word} as arrays of numbers or texts, or as a tf.data dataset; got "
            f"{type(given).__name__}. Return what it holds."
        )
    array = np.asarray(given)
    if array.dtype.kind == "f":
        array = array.astype(keras.config.floatx())
    if array.dtype.kind == "O" and all(isinstance(each, str | bytes) for each in array.ravel()):
        array = array.astype(str)
    if array.dtype.kind not in "fiubcUS" or array.ndim == 0:
        raise BadInput(f"data must return {word} as arrays of numbers or texts; got {array.dtype} of {array.shape}.")
    return array


def _is_plain_list(given: list[Any] | tuple[Any, ...]) -> bool:
    """Tell whether a list holds an array's values, and not arrays."""
    return all(isinstance(each, int | float | str | bytes) for each in given)


def _read_stream(word: str, dataset: tf.data.Dataset, batch_size: int, class_weight: dict[int, float] | None) -> Stream:
    """Return the dataset in batches; BadInput where it is endless."""
    if int(dataset.cardinality()) == tf.data.INFINITE_CARDINALITY:
        raise BadInput(
            f"data must return {word} as a finite dataset; got an endless one. Add .take(...) before .repeat()."
        )
    if not is_batched(dataset.element_spec):
        dataset = dataset.batch(batch_size)
    if not isinstance(dataset.element_spec, tuple):
        dataset = dataset.map(lambda element: (element,))
    if class_weight is not None:
        dataset = dataset.map(make_class_weight_map_fn(class_weight))
    batches, examples = 0, 0
    for batch in dataset:
        batches += 1
        examples += int(tf.shape(tf.nest.flatten(batch)[0])[0])
    if not examples:
        raise BadInput(f"data must return {word} with at least one example; got none.")
    return Stream(dataset, batches, examples)


def is_batched(spec: Any) -> bool:
    """Tell whether a dataset's elements are batches: all parts have the same first axis, as long as it is not fixed.

    Parts of single examples differ in their first axis (an image of 28 rows, a label without any).
    """
    shapes = [leaf.shape for leaf in tf.nest.flatten(spec)]
    if any(shape.rank is None for shape in shapes):
        return True
    if any(shape.rank == 0 for shape in shapes):
        return False
    return len({shape[0] for shape in shapes}) == 1 and (shapes[0][0] is None or len(shapes) > 1)


# ---- what data is, for a run's identity


def digest(data: Mapping[str, Any], rewind: Callable[[], None], readings: int = 2) -> str:
    """Return the sha256 of all that `data` returned: words, structure, types, shapes and bytes.

    A dataset is read to its end so many times, each after `rewind`, which sets the seed generators that it draws from;
    BadInput where another reading gives other elements.
    """
    check_words("data", data, DATA_WORDS)
    found = hashlib.sha256()
    for word in DATA_WORDS:
        if data.get(word) is not None:
            found.update(f"{word}\n".encode())
            _update(found, word, data[word], rewind, readings)
    return found.hexdigest()


def _update(found: Any, word: str, part: Any, rewind: Callable[[], None], readings: int) -> None:
    if isinstance(part, tf.data.Dataset):
        first, *others = [_dataset_digest(part, rewind) for _ in range(readings)]
        if any(other != first for other in others):
            raise BadInput(
                f"data must return {word} as a dataset that gives the same elements whenever it is read; this one gave "
                "others the second time. Leave shuffling to a dataset that is shuffled once "
                "(shuffle(..., seed=1, reshuffle_each_iteration=False)) or return arrays, which are shuffled for you."
            )
        found.update(first.encode())
    elif isinstance(part, Mapping):
        for key in part:
            found.update(f"{key}:\n".encode())
            _update(found, word, part[key], rewind, readings)
    elif isinstance(part, list | tuple) and not _is_plain_list(part):
        found.update(f"{len(part)} parts\n".encode())
        for each in part:
            _update(found, word, each, rewind, readings)
    elif part is not None:
        array = np.ascontiguousarray(_arrays(word, part))
        found.update(f"{array.dtype.str} {array.shape}\n".encode())
        found.update(array.reshape(-1).view(np.uint8).data if array.size else b"")


def _dataset_digest(dataset: tf.data.Dataset, rewind: Callable[[], None]) -> str:
    rewind()
    found = hashlib.sha256()
    for leaf in _leaves(dataset):
        found.update(f"{leaf.dtype} {leaf.shape}\n".encode())
        if leaf.dtype.kind == "O":
            found.update(b"\0".join(leaf.ravel().tolist()))
        else:
            found.update(np.ascontiguousarray(leaf).tobytes())
    return found.hexdigest()


def _leaves(dataset: tf.data.Dataset) -> Iterator[np.ndarray]:
    for element in dataset:
        for leaf in tf.nest.flatten(element):
            yield np.asarray(leaf.numpy())
