"""A recipe's callbacks -> those that act at epoch ends, as functions of the history; the rest is refused or left out.

Keras saves no state of a callback. So a trajectory that goes on in a new process shows its callbacks the epochs that
are recorded, one by one, and they come to stand where they stood.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import keras

from runner.errors import BadInput
from runner.metrics import SPLITS

LEFT_OUT = {  # callbacks that write files or watch what is watched anyway
    "BackupAndRestore": "every epoch ends in a checkpoint",
    "CSVLogger": "every history is recorded",
    "History": "every history is recorded",
    "ModelCheckpoint": "every epoch ends in a checkpoint",
    "ProgbarLogger": "the study shows its own progress",
    "RemoteMonitor": "every history is recorded",
    "TensorBoard": "every history is recorded",
    "TerminateOnNaN": "a lost loss ends a run anyway",
}
PER_BATCH = (
    *("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end"),
    *("on_test_batch_begin", "on_test_batch_end", "on_test_begin", "on_test_end"),
)


def acting(callbacks: Any) -> tuple[list[keras.callbacks.Callback], list[str]]:
    """Return the callbacks that act, and a sentence for each left out; BadInput for one that cannot be replayed."""
    found, notes = [], []
    for callback in _listed(callbacks):
        name = type(callback).__name__
        if not isinstance(callback, keras.callbacks.Callback):
            raise BadInput(f"fit must return callbacks as a list of Keras callbacks; got {callback!r} among them.")
        if type(callback).__module__.startswith("keras.") and name in LEFT_OUT:
            notes.append(f"The callback {name} is left out: {LEFT_OUT[name]}.")
            continue
        if getattr(callback, "restore_best_weights", False):
            raise BadInput(
                f"fit must not return {name} with restore_best_weights=True: an epoch picked by its validation figure "
                "cannot be compared. Leave it out; the report shows the epoch at which training stopped."
            )
        if any(_overrides(callback, method) for method in PER_BATCH):
            raise BadInput(
                f"fit must not return callbacks that act between batches, such as {name}: an epoch runs in one graph. "
                "Act at epoch ends, or in the model's train_step."
            )
        found.append(callback)
    return found, notes


def _listed(callbacks: Any) -> Sequence[Any]:
    if callbacks is None:
        return []
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return callbacks.callbacks
    return list(callbacks) if isinstance(callbacks, list | tuple) else [callbacks]


def _overrides(callback: keras.callbacks.Callback, method: str) -> bool:
    """Tell whether a class, or LambdaCallback's argument, puts something in the place of Keras's empty method."""
    own = getattr(type(callback), method) is not getattr(keras.callbacks.Callback, method)
    return own or vars(callback).get(method) is not None


class Callbacks:
    """The callbacks of one training, told of its epochs."""

    def __init__(self, callbacks: Iterable[keras.callbacks.Callback], model: keras.Model, epochs: int) -> None:
        self.model = model
        self._list = keras.callbacks.CallbackList(
            list(callbacks), add_history=False, add_progbar=False, model=model, epochs=epochs, verbose=0
        )
        model.stop_training = False
        self._list.on_train_begin()

    @property
    def stopped(self) -> bool:
        """Whether a callback ended the training."""
        return bool(self.model.stop_training)

    def begin(self, epoch: int) -> None:
        """Tell of the beginning of an epoch, from 1."""
        self._list.on_epoch_begin(epoch - 1)

    def end(self, epoch: int, logs: Mapping[str, float]) -> None:
        """Tell of the end of an epoch and of what it logged."""
        self._list.on_epoch_end(epoch - 1, dict(logs))

    def replay(self, history: Sequence[Mapping[str, float]], names: Sequence[str]) -> None:
        """Tell of the recorded epochs; what callbacks set meanwhile is overwritten by the state that follows."""
        for row in history:
            self.begin(int(row["epoch"]))
            self.end(int(row["epoch"]), logs_of(row, names))


def logs_of(row: Mapping[str, float], names: Sequence[str]) -> dict[str, float]:
    """Return what Keras's fit logs of an epoch: each metric, then each metric of the validation."""
    prefix = f"{SPLITS[-1]}_"
    return {name: row[name] for name in names} | {
        prefix + name: row[prefix + name] for name in names if prefix + name in row
    }
