"""The validation examples as the report shows them: their labels, and their inputs where those are images."""

from typing import Any

import numpy as np
import tensorflow as tf

from runner.training.feeds import Arrays, Feed


def validation_labels(feed: Feed) -> Any:
    """Return the labels of the validation examples, an array, or None where they are none or several."""
    if isinstance(feed, Arrays):
        part = feed.tree[1] if len(feed.tree) > 1 else None
        return part.numpy() if isinstance(part, tf.Tensor) else None
    if len(feed.dataset.element_spec) < 2 or not isinstance(feed.dataset.element_spec[1], tf.TensorSpec):
        return None
    return np.concatenate([element[1].numpy() for element in feed.dataset])


def validation_images(feed: Feed) -> np.ndarray | None:
    """Return the validation inputs as images in [0, 1], float32, (n, h, w, 1 or 3), or None where they are none."""
    x = feed.tree[0] if isinstance(feed, Arrays) else None
    if not isinstance(x, tf.Tensor) or x.dtype == tf.string or x.shape.rank not in (3, 4):
        return None
    if x.shape.rank == 4 and x.shape[-1] not in (1, 3):
        return None
    images = x.numpy().astype(np.float32)
    low, high = float(images.min()), float(images.max())
    if not (np.isfinite([low, high]).all() and low >= -1.0 and high <= 255.0):
        return None
    images = images / 255 if high > 1 else images if low >= 0 else (images + 1) / 2
    return images if images.ndim == 4 else images[..., None]
