"""One trajectory: epochs of training and measuring, each a pure function of (weights, optimizer slots, seed, epoch).

What the model is asked is what Keras's fit asks it: its own train_step for each batch, its own test_step, its compiled
metrics, its optimizers. Between epochs, and nowhere else, stand its state and its callbacks.
"""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from runner.errors import BadInput
from runner.training import building, callbacks, feeds
from runner.training.described import described
from runner.training.graphs import Graphs
from runner.training.noise import Noise
from runner.training.parts import Measuring, Parts, call_data, data_digest
from runner.training.predictions import compiled_metrics, find_classes, loss_text
from runner.training.state import (
    build_state,
    check_model,
    check_names,
    fingerprint,
    optimizers_of,
    tensorflow_variables,
    trial_logs,
    values,
)
from runner.training.streams import batch_order, probe_indices
from runner.training.train_mode import train_mode
from runner.training.validation import validation_images, validation_labels


@dataclass
class State:
    """A trajectory after `epoch` epochs: all that resuming needs, and what was measured on the way."""

    epoch: int = 0
    weights: list[np.ndarray] = field(default_factory=list)
    slots: list[np.ndarray] = field(default_factory=list)
    history: list[dict[str, float]] = field(default_factory=list)
    predictions: list[np.ndarray] = field(default_factory=list)  # one (validation examples,) an epoch
    diverged: bool = False
    stopped: bool = False  # by a callback


class EpochLoop:
    """A net in training, from epoch to epoch."""

    def __init__(self, parts: Parts, seed: int, measuring: Measuring, epochs: int) -> None:
        """Call the recipe's functions and build all state; BadInput where they do not give what fit takes."""
        self.parts, self.seed, self.measuring = parts, seed, measuring
        data, data_build = call_data(parts)
        if parts.digest is not None and data_digest(parts, data, data_build, readings=1) != parts.digest:
            raise BadInput(
                "data must stay as they are while a study runs; they have changed. Run the same command again."
            )
        with building.keyed_build(seed) as self.build:
            self.model = parts.model(data)
            check_model(self.model)
            fit = parts.fit(data)
            self.feeds = feeds.read_feeds(data, fit, seed, measuring.holdout)
            self.outputs = build_state(self.model, self.feeds)
        self.classes = find_classes(self.model, self.outputs, validation_labels(self.feeds.validation))
        self.noise = Noise(self.model, data_build.generators)
        self.optimizers = optimizers_of(self.model)
        self.noise.stand_at(seed, "trial")
        logs = trial_logs(self.model, self.optimizers, self.feeds)
        decide = self.classes.decide if self.classes else None
        self.graphs = Graphs(self.model, self.optimizers, logs, decide)
        self.compiled = compiled_metrics(self.model, [name for name in logs[1].names if name in logs[0].names])
        check_names(self.compiled)
        self.loss = loss_text(self.model.loss)
        self.train_mode = train_mode(self.model, self.feeds)
        self.probe = self._probe()
        acting, self.notes = callbacks.acting(fit.get("callbacks"))
        if parts.foreign:
            self.notes += feeds.unusual(self.feeds.train, "training")
            self.notes += feeds.unusual(self.feeds.validation, "validation")
        self.net = described(self.model, self.optimizers, self.feeds.batch_size)
        self.initial_weights = {path: fingerprint(variable) for path, variable in self.build.random.items()}
        self.state = State(weights=values(self.weights), slots=values(self.slots))
        self.callbacks = callbacks.Callbacks(acting, self.model, epochs)

    @property
    def weights(self) -> list[Any]:
        """The model's variables, and TensorFlow's own that it or its layers hold."""
        return [*self.model.weights, *tensorflow_variables(self.model)]

    @property
    def slots(self) -> list[Any]:
        """The variables of all its optimizers: rates, counts, moments, averages."""
        return [variable for optimizer in self.optimizers for variable in optimizer.variables]

    @property
    def explicit_seeds(self) -> list[str]:
        """The weights whose seed stands in the recipe's code, so that each replicate starts with the same."""
        return [] if self.parts.own_seeds else self.build.explicit

    def check(self) -> None:
        """Raise BadInput where the training step cannot be repeated, and whatever it raises at its first batch.

        The net has learned from that batch then, and is good for no training any more.
        """
        if self.parts.foreign:
            self.graphs.check(self.feeds.train, self.feeds.batch_size)
            self.noise.stand_at(self.seed, "trial")
            self.graphs.train(self.feeds.train.opening(self.feeds.batch_size), None, self.feeds.batch_size)

    def validation_examples(self) -> tuple[str, np.ndarray, np.ndarray] | None:
        """Return (key, images (n, h, w, c) or (n, 0), labels (n,)) of what is classified in validation, or None."""
        if self.classes is None:
            return None
        labels = self.classes.labels
        images = self.parts.pictures() if self.parts.pictures else validation_images(self.feeds.validation)
        if images is None:
            images = np.zeros((len(labels), 0), np.float32)
        return self.validation_key, images, labels

    @property
    def validation_key(self) -> str:
        """What names the validation examples in the store: a digest of their labels, "" where they have none."""
        if self.classes is None:
            return ""
        return hashlib.sha256(self.parts.pictures_of.encode() + self.classes.labels.tobytes()).hexdigest()

    def resume(self, state: State) -> None:
        """Go on from `state`: callbacks are shown its history, then its weights and optimizer slots are set."""
        self.callbacks.replay(state.history, self.graphs.train_logs.names)
        self._assign(state)
        state.diverged = bool(state.history) and self.has_diverged(state.history[-1])
        self.state = state

    def run_epoch(self) -> State:
        """Train one more epoch, measure, and return the state after it; a lost loss marks it diverged."""
        epoch = self.state.epoch + 1
        started, cpu_started = time.perf_counter(), time.process_time()
        self.callbacks.begin(epoch)
        logged = self.train_epoch(epoch)
        trained = time.perf_counter()
        state = State(epoch, values(self.weights), values(self.slots))
        measured, predictions = self.measure(epoch, state)
        row = {"epoch": epoch, **logged, **measured}
        row["train_seconds"] = trained - started
        row["measure_seconds"] = time.perf_counter() - trained
        row["cpu_seconds"] = time.process_time() - cpu_started
        self.callbacks.end(epoch, callbacks.logs_of(row, self.graphs.train_logs.names))
        state.slots = values(self.slots)  # again: callbacks may have set a rate
        state.history = [*self.state.history, row]
        state.predictions = [*self.state.predictions, predictions]
        state.diverged, state.stopped = self.has_diverged(row), self.callbacks.stopped
        self.state = state
        return state

    def train_epoch(self, epoch: int) -> dict[str, float]:
        """Visit every training example once; return what fit logs: metrics over the epoch, while the weights move."""
        self.noise.stand_at(self.seed, "training", epoch)
        feed, order = self.feeds.train, None
        if isinstance(feed, feeds.Arrays) and self.feeds.shuffle:
            order = feed.places[batch_order(self.seed, epoch, feed.examples)]
        return self.graphs.train(feed, order, self.feeds.batch_size)

    def measure(self, epoch: int, state: State) -> tuple[dict[str, float], np.ndarray]:
        """Return what the net scores after `epoch` and the class of every validation example; changes nothing."""
        row: dict[str, float] = {}
        if self.probe is not None:
            off, _ = self.score("off", self.probe)
            on = self.score_training_mode(self.probe, epoch, state) if self.train_mode else still(off)
            row |= on | off
        if self.feeds.holdout is not None:
            row |= self.score("holdout", self.feeds.holdout)[0]
        scores, predicted = self.score("val", self.feeds.validation)
        return row | scores, predicted

    def score_training_mode(self, probe: feeds.Arrays, epoch: int, state: State) -> dict[str, float]:
        """Score the probe in training mode: means over some draws of its noise, with their standard errors.

        What that moves is put back to `state`.
        """
        draws = []
        for draw in range(self.measuring.draws):
            self.noise.stand_at(self.seed, "probe", epoch, draw)
            draws.append(self.graphs.score_training(probe, self.feeds.batch_size))
            self._assign(state)
        columns = {
            name: np.array([drawn[name] for drawn in draws]) for name in self.graphs.test_logs.names if name in draws[0]
        }
        means = {f"on_{name}": float(column.mean()) for name, column in columns.items()}
        errors = {f"on_{name}_se": float(column.std(ddof=1) / np.sqrt(len(draws))) for name, column in columns.items()}
        return means | errors

    def score(self, split: str, feed: feeds.Feed) -> tuple[dict[str, float], np.ndarray]:
        """Return the split's metrics in inference mode, and each example's class as the store keeps it."""
        self.noise.stand_at(self.seed, split)
        logs, classes = self.graphs.score(feed, self.feeds.validation_batch_size)
        kind = np.uint8 if self.classes is None or self.classes.count <= 256 else np.uint16
        return {f"{split}_{name}": value for name, value in logs.items()}, classes.astype(kind)

    def has_diverged(self, row: Mapping[str, float]) -> bool:
        """Tell whether training is past saving: a loss that is not finite, or both hopeless.

        Both, since batch normalization may score badly in inference mode while it still learns.
        """
        losses = [row[name] for name in ("loss", "val_loss") if name in row] or [
            row[name] for name in row if name.removeprefix("val_") in self.graphs.train_logs.names
        ]
        return not np.isfinite(losses).all() or min(losses) > self.parts.hopeless_loss

    def _probe(self) -> feeds.Arrays | None:
        """Return the training examples that are scored in either mode, None where none are asked for."""
        train, wanted = self.feeds.train, self.measuring.probe
        if not wanted:
            return None
        if isinstance(train, feeds.Arrays):
            return train.at(probe_indices(self.seed, train.examples, wanted))
        self.noise.stand_at(self.seed, "probe")
        return train.taken(wanted)

    def _assign(self, state: State) -> None:
        for variable, value in zip([*self.weights, *self.slots], [*state.weights, *state.slots], strict=True):
            variable.assign(value)


def still(off: Mapping[str, float]) -> dict[str, float]:
    """Return the scores in training mode of a net in which that is inference mode."""
    on = {f"on_{name.removeprefix('off_')}": value for name, value in off.items()}
    return on | {f"{name}_se": 0.0 for name in on}
