"""One trajectory: epochs of training and measuring, each a pure function of (weights, optimizer slots, seed, epoch)."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from runner.data import Splits, probe_indices
from runner.keyed import StepStreams
from runner.model import build_model
from runner.streams import batch_order, stream_key

MEASURE_BATCH = 200  # images scored at once in inference mode; the fastest of 32 to 1000 on a core with 2 MB of cache
DIVERGED_LOSS = 4.0  # times the cross-entropy of guessing, ln(classes): no net that learns is so sure and so wrong
OPTIMIZERS = {
    "adagrad": keras.optimizers.Adagrad,
    "adam": keras.optimizers.Adam,
    "adamax": keras.optimizers.Adamax,
    "adamw": keras.optimizers.AdamW,
    "nadam": keras.optimizers.Nadam,
    "rmsprop": keras.optimizers.RMSprop,
    "sgd": keras.optimizers.SGD,
}


@dataclass
class State:
    """A trajectory after `epoch` epochs: all that resuming needs, and what was measured on the way."""

    epoch: int = 0
    weights: list[np.ndarray] = field(default_factory=list)
    slots: list[np.ndarray] = field(default_factory=list)
    history: list[dict[str, float]] = field(default_factory=list)
    predictions: list[np.ndarray] = field(default_factory=list)  # one (validation images,) uint8 an epoch
    diverged: bool = False


class Trajectory:
    """A net in training, from epoch to epoch; the arguments are those of `runner.plan.trajectory_spec`."""

    def __init__(self, spec: dict[str, Any], splits: Splits, epochs: int) -> None:
        self.spec, self.seed, self.splits = spec, spec["seed"], splits
        self.classes = spec["dataset"]["classes"]
        self.model, self.streams = build_model(
            spec["layers"], splits.x_train.shape[1:], self.classes, self.seed, in_net(spec["transforms"])
        )
        self.optimizer = make_optimizer(spec["training"], len(splits.x_train), epochs)
        self.optimizer.build(self.model.trainable_variables)
        self.steps = StepFunctions(self.model, self.optimizer, self.streams, spec["training"]["batch_size"])
        self.train_images, self.train_labels = tf.constant(splits.x_train), tf.constant(splits.y_train)
        probe = probe_indices(self.seed, len(splits.x_train), spec["measuring"]["probe"])
        self.probe_images, self.probe_labels = splits.x_train[probe], splits.y_train[probe]
        self.state = State(weights=values(self.model.weights), slots=values(self.optimizer.variables))

    def resume(self, state: State) -> None:
        """Go on from `state`: its weights and optimizer slots, its history before what follows."""
        for variable, value in zip(self.model.weights, state.weights, strict=True):
            variable.assign(value)
        for variable, value in zip(self.optimizer.variables, state.slots, strict=True):
            variable.assign(value)
        self.state = state
        self.state.diverged = bool(state.history) and has_diverged(state.history[-1], self.classes)

    def run_epoch(self) -> State:
        """Train one more epoch, measure, and return the state after it; a lost loss marks it diverged."""
        epoch = self.state.epoch + 1
        started, cpu_started = time.perf_counter(), time.process_time()
        logged = self.train_epoch(epoch)
        trained = time.perf_counter()
        measured, predictions = self.measure(epoch)
        row = {"epoch": epoch, **logged, **measured}
        row["train_seconds"] = trained - started
        row["measure_seconds"] = time.perf_counter() - trained
        row["cpu_seconds"] = time.process_time() - cpu_started
        self.state = State(
            epoch=epoch,
            weights=values(self.model.weights),
            slots=values(self.optimizer.variables),
            history=[*self.state.history, row],
            predictions=[*self.state.predictions, predictions],
            diverged=has_diverged(row, self.classes),
        )
        return self.state

    def train_epoch(self, epoch: int) -> dict[str, float]:
        """Visit every training image once; return accuracy and loss as Keras logs them: means on the way."""
        self.seed_generators("training", epoch)
        order = batch_order(self.seed, epoch, len(self.splits.x_train))
        keys = self.streams.keys(self.seed, "training", epoch)
        loss, correct = self.steps.train(self.train_images, self.train_labels, order, keys)
        return {"accuracy": int(correct) / len(order), "loss": float(loss) / len(order)}

    def measure(self, epoch: int) -> tuple[dict[str, float], np.ndarray]:
        """Return what the net scores after `epoch` and the class of every validation image; changes no weight."""
        splits, row = self.splits, {}
        if len(self.probe_images):
            row |= self.measure_training_mode(epoch)
            row |= mean_scores("off", *self.score(self.probe_images, self.probe_labels)[1:])
        if len(splits.x_holdout):
            row |= mean_scores("holdout", *self.score(splits.x_holdout, splits.y_holdout)[1:])
        predicted, correct, losses = self.score(splits.x_validation, splits.y_validation)
        return row | mean_scores("val", correct, losses), predicted

    def measure_training_mode(self, epoch: int) -> dict[str, float]:
        """Score the probe in training mode, a mean of some mask draws; what that moves is put back.

        The standard error is that of the draws, images taken as given: the variance between an
        image's draws, summed over images.
        """
        variables = self.model.non_trainable_variables
        before = values(variables)
        draws = []
        for draw in range(self.spec["measuring"]["probe_draws"]):
            self.seed_generators("probe", epoch, draw)
            keys = self.streams.keys(self.seed, "probe", epoch, draw)
            draws.append(self.steps.score_training(self.probe_images, self.probe_labels, keys))
        for variable, value in zip(variables, before, strict=True):
            variable.assign(value)
        correct, losses = (np.stack([draw[place] for draw in draws]) for place in (1, 2))  # (draws, images)
        means = mean_scores("on", correct.mean(axis=0), losses.mean(axis=0))
        return means | {"on_accuracy_se": draw_error(correct), "on_loss_se": draw_error(losses)}

    def score(self, images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return each image's class, whether it is right, and its cross-entropy, in inference mode; (images,) each."""
        return self.steps.score_inference(images, labels)

    def seed_generators(self, *name: str | int) -> None:
        """Set the state of Keras's own seed generators (of layers other than Dropout) from (seed, layer, `name`)."""
        for layer in self.model.layers:
            kept = {id(variable) for variable in layer.weights}
            states = [variable for variable in layer.variables if id(variable) not in kept]
            for place, state in enumerate(states):
                key = stream_key(self.seed, "seed generator", layer.name, place, *name)
                state.assign(np.array([key >> 32, key & 0xFFFFFFFF], np.uint32))


class StepFunctions:
    """The graphs of a net: an epoch of training steps, scoring in training mode, scoring in inference mode."""

    def __init__(self, model: keras.Model, optimizer: keras.Optimizer, streams: StepStreams, batch_size: int) -> None:
        self.model, self.optimizer, self.streams, self.batch_size = model, optimizer, streams, batch_size
        images = tf.TensorSpec([None, *model.input_shape[1:]])
        labels, keys = tf.TensorSpec([None], tf.int32), tf.TensorSpec([len(streams.layer_names)], tf.int64)
        place = tf.TensorSpec([], tf.int64)
        self.train = graph(self._train, images, labels, tf.TensorSpec([None], tf.int32), keys)
        self._score_training = graph(self._score_in_training_mode, images, labels, keys, place)
        self._score_inference = graph(self._score_in_inference_mode, images, labels)

    def _train(
        self, images: tf.Tensor, labels: tf.Tensor, order: tf.Tensor, keys: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Take a step for each batch of `order`; return the sums of cross-entropy (float64) and of right answers."""
        steps = (tf.size(order) + self.batch_size - 1) // self.batch_size

        def step(place: tf.Tensor, loss: tf.Tensor, correct: tf.Tensor) -> tuple[tf.Tensor, ...]:
            batch = order[place * self.batch_size : (place + 1) * self.batch_size]
            self.streams.stand_at(keys, place)
            losses, right = self._step(tf.gather(images, batch), tf.gather(labels, batch))
            return place + 1, loss + losses, correct + right

        start = (tf.constant(0), tf.constant(0, tf.float64), tf.constant(0, tf.int64))
        _, loss, correct = tf.while_loop(lambda place, *_: place < steps, step, start, parallel_iterations=1)
        return loss, correct

    def _step(self, images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Take one step; return the batch's sum of cross-entropy and its count of right answers before the step."""
        weights = self.model.trainable_variables
        with tf.GradientTape() as tape:
            probabilities = self.model(images, training=True)
            losses = cross_entropy(labels, probabilities)  # (batch,)
            target = tf.add_n([tf.reduce_mean(losses), *self.model.losses])
        self.optimizer.apply(tape.gradient(target, weights), weights)
        right = tf.reduce_sum(tf.cast(tf.equal(classes_of(probabilities), labels), tf.int64))
        return tf.reduce_sum(tf.cast(losses, tf.float64)), right

    def _score_in_training_mode(
        self, images: tf.Tensor, labels: tf.Tensor, keys: tf.Tensor, place: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        self.streams.stand_at(keys, place)
        probabilities = self.model(images, training=True)
        return classes_of(probabilities), cross_entropy(labels, probabilities)

    def _score_in_inference_mode(self, images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        probabilities = self.model(images, training=False)
        return classes_of(probabilities), cross_entropy(labels, probabilities)

    def score_training(
        self, images: np.ndarray, labels: np.ndarray, keys: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return each image's class, whether it is right, and its loss, in training mode and training's batches."""
        parts = [
            self._score_training(part, part_labels, tf.constant(keys), tf.constant(place, tf.int64))
            for place, (part, part_labels) in enumerate(batches(images, labels, self.batch_size))
        ]
        return joined(parts, labels)

    def score_inference(self, images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return class, right or not, and cross-entropy of each image, in inference mode."""
        parts = [self._score_inference(*part) for part in batches(images, labels, MEASURE_BATCH)]
        return joined(parts, labels)


def in_net(transforms: dict[str, Any]) -> dict[str, Any] | None:
    """Return the transforms that the net itself must apply, since it moves the images first; None where none."""
    return {key: transforms[key] for key in ("normalize", "binarize")} if transforms["augment"] else None


def before_net(transforms: dict[str, Any]) -> tuple[str, bool]:
    """Return (normalize, binarize) as the images are given to the net: as they are where it transforms them itself."""
    return ("unit", False) if transforms["augment"] else (transforms["normalize"], transforms["binarize"])


def graph(function: Callable[..., Any], *signature: tf.TensorSpec) -> Callable[..., Any]:
    """Return the function as a graph that is traced once, whatever the number of images."""
    return tf.function(function, input_signature=signature, autograph=False)


def make_optimizer(training: dict[str, Any], images: int, epochs: int) -> keras.Optimizer:
    """Return the optimizer; with `schedule: cosine` its rate falls to zero over all steps of `epochs` epochs."""
    rate = training["learning_rate"]
    if training["schedule"] == "cosine":
        steps = epochs * -(-images // training["batch_size"])
        rate = keras.optimizers.schedules.CosineDecay(rate, steps)
    return OPTIMIZERS[training["optimizer"]](learning_rate=rate)


def cross_entropy(labels: tf.Tensor, probabilities: tf.Tensor) -> tf.Tensor:
    """Return Keras's sparse categorical cross-entropy of each image, nats, shape (images,)."""
    return keras.losses.sparse_categorical_crossentropy(labels, probabilities)


def classes_of(probabilities: tf.Tensor) -> tf.Tensor:
    """Return the likeliest class of each image, int32, shape (images,)."""
    return tf.argmax(probabilities, axis=-1, output_type=tf.int32)


def batches(images: np.ndarray, labels: np.ndarray, size: int) -> list[tuple[tf.Tensor, tf.Tensor]]:
    """Return the images and labels in order, `size` at a time, the last part whatever is left."""
    return [
        (tf.constant(images[start : start + size]), tf.constant(labels[start : start + size]))
        for start in range(0, len(images), size)
    ]


def joined(parts: list[tuple[tf.Tensor, tf.Tensor]], labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the parts' classes (uint8), whether they are right, and cross-entropies (float64); (images,) each."""
    classes = np.concatenate([part[0].numpy() for part in parts])
    losses = np.concatenate([part[1].numpy() for part in parts]).astype(np.float64)
    return classes.astype(np.uint8), classes == labels, losses


def mean_scores(split: str, correct: np.ndarray, losses: np.ndarray) -> dict[str, float]:
    """Return the split's accuracy (a share) and loss (cross-entropy, nats): means over its images, in float64."""
    return {f"{split}_accuracy": float(np.mean(correct)), f"{split}_loss": float(np.mean(losses))}


def draw_error(draws: np.ndarray) -> float:
    """Return the standard error of the mean over (draws, images) that is due to the draws alone."""
    count, images = draws.shape
    return float(np.sqrt(draws.astype(np.float64).var(axis=0, ddof=1).sum() / count) / images)


def has_diverged(row: dict[str, float], classes: int) -> bool:
    """Tell whether training is past saving: a loss that is not finite, or both far worse than guessing.

    Both, since batch normalization may score badly in inference mode while it still learns.
    """
    finite = np.isfinite(row["loss"]) and np.isfinite(row["val_loss"])
    return not finite or min(row["loss"], row["val_loss"]) > DIVERGED_LOSS * np.log(classes)


def values(variables: list[keras.Variable]) -> list[np.ndarray]:
    """Return copies of the variables' values."""
    return [np.array(variable.numpy()) for variable in variables]
