"""A compiled model -> all variables that training moves, made before the first step, and what its steps log."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras.src import backend, tree
from keras.src.models.functional import Functional

from runner.errors import BadInput
from runner.metrics import SPLITS, Compiled
from runner.training.feeds import Feeds
from runner.training.graphs import Logs, flattened

DRY_EXAMPLES = 32  # at most, in the step that a model's own train_step is tried with
OWN_STEPS = ("train_step", "test_step", "compute_metrics", "compute_loss")  # that a model class may bring


def check_model(model: Any) -> None:
    """Raise BadInput unless it is a compiled Keras model whose steps can run in a graph."""
    if not isinstance(model, keras.Model):
        raise BadInput(f"model must return a compiled keras.Model; got {type(model).__name__}.")
    if not model.compiled:
        raise BadInput(
            "model must return a compiled model; this one was not. Call model.compile(...) before returning it."
        )
    if model.run_eagerly:
        raise BadInput("model must not be compiled with run_eagerly=True: an epoch runs in one graph. Leave it out.")


def build_state(model: keras.Model, found: Feeds) -> Any:
    """Make all variables that training needs, weights from their streams; return the model's symbolic outputs."""
    batch = tree.map_structure(symbolic, found.train.first(2))
    x, _, _ = keras.utils.unpack_x_y_sample_weight(batch)
    try:
        model._symbolic_build(data_batch=batch)
        return model.output if isinstance(model, Functional) else backend.compute_output_spec(model, x, training=False)
    except Exception:
        if not own_steps(model):
            raise
        return None  # a model with steps of its own may be no function of x


def symbolic(part: Any) -> Any:
    """Return a stand-in for the batch's tensor, of any number of rows."""
    return keras.KerasTensor((None, *part.shape[1:]), backend.standardize_dtype(part.dtype))


def own_steps(model: keras.Model) -> list[str]:
    """Return which of Keras's steps the model's class brings its own of."""
    return [name for name in OWN_STEPS if getattr(type(model), name) is not getattr(keras.Model, name)]


def optimizers_of(model: keras.Model) -> list[keras.optimizers.Optimizer]:
    """Return the optimizers that the model and the models in it hold, each once."""
    found: dict[int, keras.optimizers.Optimizer] = {}
    for layer in model._flatten_layers():
        for value in vars(layer).values():
            if isinstance(value, keras.optimizers.Optimizer):
                found.setdefault(id(value), value)
    return list(found.values())


def tensorflow_variables(model: keras.Model) -> list[tf.Variable]:
    """Return TensorFlow's own variables among the attributes of the model and its layers, each once."""
    found: dict[int, tf.Variable] = {}
    for layer in model._flatten_layers():
        for value in vars(layer).values():
            if isinstance(value, tf.Variable):
                found.setdefault(id(value), value)
    return list(found.values())


def trial_logs(model: keras.Model, optimizers: Sequence[Any], found: Feeds) -> tuple[Logs, Logs]:
    """Return what the steps log. A model's own steps are tried on a few examples, and what that moved is put back."""
    if not own_steps(model):
        logs = Logs(flattened(model.get_metrics_result()))
        return logs, logs
    tested = model.test_step(found.validation.first(DRY_EXAMPLES))
    before = values(model.weights), values(tensorflow_variables(model))
    fresh = {id(optimizer): values(optimizer.variables) for optimizer in optimizers if optimizer.built}
    with NotedBuilds(optimizers, fresh):
        trained = model.train_step(found.train.first(DRY_EXAMPLES))
    for variables, kept in zip((model.weights, tensorflow_variables(model)), before, strict=True):
        for variable, value in zip(variables, kept, strict=True):
            variable.assign(value)
    for optimizer in optimizers:
        for variable, value in zip(optimizer.variables, fresh.get(id(optimizer), []), strict=False):
            variable.assign(value)
    model.reset_metrics()
    return Logs(flattened(trained)), Logs(flattened(tested))


class NotedBuilds:
    """Within, the values of each optimizer's variables right after it is built are put into `fresh`, by its id."""

    def __init__(self, optimizers: Sequence[Any], fresh: dict[int, list[np.ndarray]]) -> None:
        self.optimizers, self.fresh = optimizers, fresh

    def __enter__(self) -> None:
        for optimizer in self.optimizers:
            object.__setattr__(optimizer, "build", self._noting(optimizer, optimizer.build))

    def _noting(self, optimizer: Any, build: Callable[..., Any]) -> Callable[..., Any]:
        def noting(*args: Any, **kwargs: Any) -> None:
            build(*args, **kwargs)
            self.fresh[id(optimizer)] = values(optimizer.variables)

        return noting

    def __exit__(self, *_: object) -> None:
        for optimizer in self.optimizers:
            object.__delattr__(optimizer, "build")


def check_names(compiled: Sequence[Compiled]) -> None:
    """Raise BadInput where a metric's name would be read as a column of another."""
    if not compiled:
        raise BadInput("the model's train_step and test_step must log metrics of the same names; they share none.")
    for each in compiled:
        taken = each.name.partition("_")[0] in SPLITS or each.name in ("epoch", "seed", "run", "cell", "status")
        if taken or each.name.endswith("_seconds") or not each.name.isprintable():
            raise BadInput(f"a metric must not be called {each.name!r}, which is a column of every history. Rename it.")


def fingerprint(variable: Any) -> str:
    """Return the variable's shape and 16 hex digits of the sha256 of its value: `3x3x1x64:0123456789abcdef`."""
    value = np.ascontiguousarray(variable.numpy())
    shape = "x".join(map(str, value.shape)) or "1"
    return f"{shape}:{hashlib.sha256(value.tobytes()).hexdigest()[:16]}"


def values(variables: Sequence[Any]) -> list[np.ndarray]:
    """Return copies of the variables' values."""
    return [np.array(variable.numpy()) for variable in variables]
