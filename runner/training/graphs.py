"""A compiled model's own steps -> graphs: an epoch of training, scoring in training mode, scoring in inference mode.

Each graph visits a feed batch by batch in one loop and gives what the model's step logs for the last batch, as Keras's
fit prints it. Scoring in training mode is the model's own train_step with optimizers that do nothing, so that the
gradients are never computed.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from unittest import mock

import keras
import numpy as np
import tensorflow as tf

from runner.errors import BadInput
from runner.training.feeds import Feed, Stream

Step = Callable[[Any], dict[str, Any]]
Classify = Callable[[Any], tf.Tensor]  # outputs of the model -> (batch,) int32
# TensorFlow's random operations that keep a state of their own, so that no key can say what they draw.
STATEFUL_RANDOM = (
    *("Multinomial", "ParameterizedTruncatedNormal", "RandomGamma", "RandomPoisson", "RandomPoissonV2"),
    *("RandomShuffle", "RandomStandardNormal", "RandomUniform", "RandomUniformInt", "TruncatedNormal"),
    *("RngReadAndSkip", "RngSkip", "SampleDistortedBoundingBox", "SampleDistortedBoundingBoxV2"),
    *("StatefulRandomBinomial", "StatefulStandardNormal", "StatefulStandardNormalV2", "StatefulTruncatedNormal"),
    *("StatefulUniform", "StatefulUniformFullInt", "StatefulUniformInt", "RandomCrop"),
)


class Logs:
    """The names of what a step logs and the types of the values, known before a loop over steps begins."""

    def __init__(self, sample: dict[str, Any]) -> None:
        self.names = tuple(sample)
        self.types = [tf.convert_to_tensor(value).dtype for value in sample.values()]
        for name, value in sample.items():
            if tf.convert_to_tensor(value).shape.rank != 0:
                raise BadInput(f"the model's steps must log single numbers; {name} is an array of them.")

    def zeros(self) -> list[tf.Tensor]:
        """Return a zero for each value."""
        return [tf.zeros((), kind) for kind in self.types]

    def listed(self, logs: dict[str, Any]) -> list[tf.Tensor]:
        """Return a step's values in order."""
        flat = flattened(logs)
        values = [tf.cast(flat[name], kind) for name, kind in zip(self.names, self.types, strict=True)]
        return [tf.ensure_shape(value, ()) for value in values]

    def named(self, values: Sequence[tf.Tensor]) -> dict[str, float]:
        """Return the values by name, as Python's numbers."""
        return {name: float(value) for name, value in zip(self.names, values, strict=True)}


def flattened(logs: dict[str, Any]) -> dict[str, Any]:
    """Return what a step logs without groups: the members of a dict among the values stand by their own names."""
    found: dict[str, Any] = {}
    for name, value in logs.items():
        found |= flattened(value) if isinstance(value, dict) else {name: value}
    return found


class Graphs:
    """The graphs of one compiled model; each is traced once for a kind of feed."""

    def __init__(
        self,
        model: keras.Model,
        optimizers: Sequence[keras.optimizers.Optimizer],
        logs: tuple[Logs, Logs],
        classify: Classify | None,
    ) -> None:
        """`logs` are those of train_step and of test_step; `classify` gives an example's class where it has one."""
        self.model, self.optimizers, self.classify = model, optimizers, classify
        self.train_logs, self.test_logs = logs
        self._traced: dict[Any, Callable[..., Any]] = {}

    def train(self, feed: Feed, order: np.ndarray | None, batch_size: int) -> dict[str, float]:
        """Take a step for each batch, of arrays in the given `order` of their rows; return what is logged."""
        return self.train_logs.named(self._run("train", feed, order, batch_size))

    def score_training(self, feed: Feed, batch_size: int) -> dict[str, float]:
        """Return what train_step logs while no optimizer moves a weight; what else it moves is not put back here."""
        return self.train_logs.named(self._run("score_training", feed, None, batch_size))

    def score(self, feed: Feed, batch_size: int) -> tuple[dict[str, float], np.ndarray]:
        """Return what test_step logs, and each example's class, int32, (examples,), or (0,) where it has none."""
        *values, classes = self._run("score", feed, None, batch_size)
        return self.test_logs.named(values), classes.numpy()

    def check(self, feed: Feed, batch_size: int) -> None:
        """Raise BadInput where a training step draws random numbers that cannot be keyed."""
        drawn = sorted(stateful_random(self._graph("train", feed, batch_size)))
        if drawn:
            raise BadInput(
                "the training step must draw random numbers that can be repeated; it uses TensorFlow's own "
                f"({', '.join(drawn)}). Take keras.random with a keras.random.SeedGenerator, or a Keras layer."
            )

    def _run(self, task: str, feed: Feed, order: np.ndarray | None, batch_size: int) -> list[Any]:
        self.model.reset_metrics()
        graph = self._graph(task, feed, batch_size)
        if isinstance(feed, Stream):
            return graph(iter(feed.dataset), tf.constant(feed.batches))
        return graph(feed.tree, tf.constant(feed.places if order is None else order))

    def _graph(self, task: str, feed: Feed, batch_size: int) -> Callable[..., Any]:
        """Return the task's concrete function for feeds like this one."""
        key = (task, batch_size, _kind(feed))
        if key not in self._traced:
            self._traced[key] = self._trace(task, feed, batch_size)
        return self._traced[key]

    def _trace(self, task: str, feed: Feed, batch_size: int) -> Callable[..., Any]:
        loop = _over_stream if isinstance(feed, Stream) else functools.partial(_over_arrays, batch_size=batch_size)
        body, state, finish = getattr(self, f"_{task}_body")()
        function = tf.function(lambda *source: finish(loop(body, state(), *source)), autograph=False)
        if isinstance(feed, Stream):
            return function.get_concrete_function(iter(feed.dataset), tf.TensorSpec([], tf.int32))
        return function.get_concrete_function(tf.nest.map_structure(_rows, feed.tree), tf.TensorSpec([None], tf.int32))

    # A body takes (batch, state) to the next state; `state` makes the first and `finish` turns the last into results.

    def _train_body(self) -> tuple[Callable[..., Any], Callable[[], Any], Callable[..., Any]]:
        return (lambda batch, _: self.train_logs.listed(self.model.train_step(batch))), self.train_logs.zeros, list

    def _score_training_body(self) -> tuple[Callable[..., Any], Callable[[], Any], Callable[..., Any]]:
        def body(batch: Any, _: Any) -> list[tf.Tensor]:
            with _idle(self.optimizers):
                return self.train_logs.listed(self.model.train_step(batch))

        return body, self.train_logs.zeros, list

    def _score_body(self) -> tuple[Callable[..., Any], Callable[[], Any], Callable[..., Any]]:
        def body(batch: Any, state: list[Any]) -> list[Any]:
            with _outputs_seen(self.model) as seen:
                logs = self.test_logs.listed(self.model.test_step(batch))
            if self.classify is None:
                return [*logs, state[-1]]
            outputs = seen[-1] if seen else self.model(batch[0], training=False)
            return [*logs, state[-1].write(state[-1].size(), self.classify(outputs))]

        def state() -> list[Any]:
            classes = tf.TensorArray(tf.int32, size=0, dynamic_size=True, infer_shape=False, element_shape=[None])
            return [*self.test_logs.zeros(), classes]

        def finish(state: list[Any]) -> list[Any]:
            return [*state[:-1], tf.zeros([0], tf.int32) if self.classify is None else state[-1].concat()]

        return body, state, finish


def _kind(feed: Feed) -> Any:
    """Return what feeds must share to share a graph: their structure, shapes but for the rows, and types."""
    if isinstance(feed, Stream):
        return ("stream", repr(feed.dataset.element_spec))
    return ("arrays", repr(tf.nest.map_structure(_rows, feed.tree)))


def _rows(part: tf.Tensor) -> tf.TensorSpec:
    return tf.TensorSpec([None, *part.shape[1:]], part.dtype)


def _over_arrays(body: Callable[..., Any], state: list[Any], tree: Any, order: tf.Tensor, batch_size: int) -> list[Any]:
    """Return the last state of `body` over batches of the tree's rows in `order`."""
    steps = (tf.size(order) + batch_size - 1) // batch_size

    def step(place: tf.Tensor, *before: Any) -> list[Any]:
        rows = order[place * batch_size : (place + 1) * batch_size]
        batch = tf.nest.map_structure(lambda part: tf.gather(part, rows), tree)
        return [place + 1, *body(batch, list(before))]

    return tf.while_loop(lambda place, *_: place < steps, step, [tf.constant(0), *state], parallel_iterations=1)[1:]


def _over_stream(body: Callable[..., Any], state: list[Any], elements: Any, batches: tf.Tensor) -> list[Any]:
    """Return the last state of `body` over the elements of a dataset's iterator."""

    def step(place: tf.Tensor, *before: Any) -> list[Any]:
        return [place + 1, *body(elements.get_next(), list(before))]

    return tf.while_loop(lambda place, *_: place < batches, step, [tf.constant(0), *state], parallel_iterations=1)[1:]


@contextlib.contextmanager
def _idle(optimizers: Sequence[keras.optimizers.Optimizer]) -> Iterator[None]:
    """Let the optimizers do nothing while a step is traced."""
    with contextlib.ExitStack() as stack:
        for optimizer in optimizers:
            for method in ("apply", "apply_gradients"):
                stack.enter_context(mock.patch.object(type(optimizer), method, lambda *_, **__: None))
        yield


@contextlib.contextmanager
def _outputs_seen(model: keras.Model) -> Iterator[list[Any]]:
    """Note the outputs that a step hands to the model's metrics."""
    seen: list[Any] = []
    compute = type(model).compute_metrics

    def noted(this: keras.Model, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        if this is model:
            seen.append(y_pred)
        return compute(this, x, y, y_pred, sample_weight)

    with mock.patch.object(type(model), "compute_metrics", noted):
        yield seen


def stateful_random(graph: Any) -> set[str]:
    """Return the random operations with a state of their own in a concrete function and all that it calls."""
    definition = graph.graph.as_graph_def()
    nodes = [*definition.node, *(node for function in definition.library.function for node in function.node_def)]
    return {node.op for node in nodes if node.op in STATEFUL_RANDOM}
