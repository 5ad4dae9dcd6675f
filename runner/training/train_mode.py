"""A net -> what makes its training mode differ from inference mode; a net without any is scored in one of them only."""

from typing import Any

import keras
import tensorflow as tf

from runner.training.feeds import Feeds
from runner.training.state import own_steps

BATCH_STATISTICS = "batch against moving statistics"


def train_mode(model: keras.Model, found: Feeds) -> list[str]:
    """Return what makes training mode differ from inference mode in this net; nothing where nothing does.

    Where no layer is known for it, the two forward passes are traced and compared operation by operation.
    """
    sources = dict.fromkeys(source for layer in model._flatten_layers() if (source := source_of(layer)))
    if "train_step" in own_steps(model):
        sources["own train_step"] = None
    if not sources and not same_in_both_modes(model, found):
        sources["noise"] = None
    return list(sources)


def source_of(layer: keras.layers.Layer) -> str | None:
    """Return what a layer that is known for it does in training mode only."""
    name = type(layer).__name__
    if "BatchNormalization" in name:
        return BATCH_STATISTICS
    rates = [getattr(layer, rate, 0) for rate in ("rate", "dropout", "recurrent_dropout")]
    if "Dropout" in name or any(isinstance(rate, float | int) and rate > 0 for rate in rates[1:]):
        return "dropout" if any(isinstance(rate, float | int) and rate > 0 for rate in rates) else None
    if name.startswith(("Random", "Rand", "AugMix", "CutMix", "MixUp")) or getattr(layer, "augments", False):
        return "augmentation"
    return "noise" if name == "GaussianNoise" else None


def same_in_both_modes(model: keras.Model, found: Feeds) -> bool:
    """Tell whether the forward pass is the same graph in training mode as in inference mode."""
    x, _, _ = keras.utils.unpack_x_y_sample_weight(found.train.first(1))
    shapes = tf.nest.map_structure(lambda part: tf.TensorSpec([None, *part.shape[1:]], part.dtype), x)
    graphs = [
        tf.function(lambda inputs, training=training: model(inputs, training=training), autograph=False)
        .get_concrete_function(shapes)
        .graph.as_graph_def()
        for training in (True, False)
    ]
    return operations(graphs[0]) == operations(graphs[1])


def operations(graph: Any) -> list[str]:
    """Return a graph's operations in order with their settings; names, which are numbered anew, left out."""
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    return [
        f"{node.op} {len(node.input)} "
        + " ".join(
            f"{key}={str(value).strip()}" for key, value in sorted(node.attr.items()) if not value.HasField("func")
        )
        for node in nodes
    ]
