"""Callbacks that act at epoch ends act; the rest is left out with a word, or refused in one."""

import keras
import pytest
from own_nets import compiled, data_of, parts, rows, trained

from runner.errors import BadInput
from runner.training.callbacks import acting, logs_of


def test_callbacks_that_write_files_are_left_out_and_said_so():
    given = [
        keras.callbacks.CSVLogger("x.csv"),
        keras.callbacks.ModelCheckpoint("x.keras"),
        keras.callbacks.TerminateOnNaN(),
    ]
    found, notes = acting([*given, stop := keras.callbacks.EarlyStopping("val_loss")])
    assert found == [stop]
    assert notes == [
        "The callback CSVLogger is left out: every history is recorded.",
        "The callback ModelCheckpoint is left out: every epoch ends in a checkpoint.",
        "The callback TerminateOnNaN is left out: a lost loss ends a run anyway.",
    ]


class PerBatch(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        self.seen = batch


REFUSED = {
    "fit must not return EarlyStopping with restore_best_weights=True": keras.callbacks.EarlyStopping(
        restore_best_weights=True
    ),
    "fit must not return callbacks that act between batches, such as PerBatch": PerBatch(),
    "fit must not return callbacks that act between batches, such as LambdaCallback": keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: None
    ),
    "fit must return callbacks as a list of Keras callbacks; got 'mine'": "mine",
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_a_callback_that_cannot_be_replayed_is_refused(sentence):
    with pytest.raises(BadInput, match=sentence):
        acting([REFUSED[sentence]])


class Noting(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.told = []

    def on_epoch_end(self, epoch, logs=None):
        self.told.append((epoch, dict(logs)))


def test_a_resumed_training_shows_its_callbacks_the_epochs_before():
    def net():
        return compiled(keras.Sequential([keras.Input((5,)), keras.layers.Dense(3, "softmax", name="out")]))

    whole, half, again = Noting(), Noting(), Noting()
    trained(parts(net, data_of(rows), callbacks=[whole]), 3)
    state = trained(parts(net, data_of(rows), callbacks=[half]), 3, upto=1).state
    trained(parts(net, data_of(rows), callbacks=[again]), 3, state=state)
    assert whole.told == again.told and half.told == whole.told[:1]
    assert [epoch for epoch, _ in whole.told] == [0, 1, 2]
    assert set(whole.told[0][1]) == {"loss", "accuracy", "val_loss", "val_accuracy"}


def test_a_callback_is_told_what_fit_logs_and_nothing_else():
    row = {"epoch": 1, "loss": 0.5, "on_loss": 0.4, "val_loss": 0.6, "cpu_seconds": 1.0}
    assert logs_of(row, ["loss"]) == {"loss": 0.5, "val_loss": 0.6}
