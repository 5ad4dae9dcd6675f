"""Writes the archives beside it with the tools themselves, and `logged.json` with what they were told to log.

Run by hand, in an environment that has the project's dependencies, mlflow, tensorboard, lightning and torch:

    python tests/data/foreign/make.py

The tests read the archives only. Host names, users and folders are replaced by neutral ones afterwards.
"""

import json
import math
import os
import random
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

HERE = Path(__file__).parent
NEUTRAL = "/home/user/study"
EPOCHS = 3
ARMS = [(dropout, seed) for dropout in (0.0, 0.5) for seed in (0, 1)]

KERAS_APP = """
import json
import os

import hydra


@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(config):
    import keras
    import numpy as np

    keras.utils.set_random_seed(config.seed)
    x = np.random.default_rng(0).normal(size=(40, 4)).astype("float32")
    y = (x.sum(axis=1) > 0).astype("float32")
    layers = [keras.layers.Dense(4), keras.layers.Dropout(config.dropout), keras.layers.Dense(1, "sigmoid")]
    model = keras.Sequential(layers)
    model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
    folder = hydra.core.hydra_config.HydraConfig.get().runtime.output_dir
    csv = keras.callbacks.CSVLogger(os.path.join(folder, "training.csv"))
    data = (x[:30], y[:30])
    fitted = model.fit(*data, epochs=3, validation_data=(x[30:], y[30:]), callbacks=[csv], verbose=0)
    with open(os.path.join(folder, "logged.json"), "w") as file:
        json.dump({name: [float(value) for value in values] for name, values in fitted.history.items()}, file)


main()
"""


def curve(seed: int, length: int = EPOCHS) -> list[float]:
    """Return falling values with all their digits."""
    draw = random.Random(seed)
    return [draw.random() / (epoch + 1) + 1 / 3 for epoch in range(length)]


def hydra_keras(folder: Path) -> dict:
    """Write two multiruns, the second with another `hydra.output_subdir`; return what Keras's History says by job."""
    (folder / "conf").mkdir(parents=True)
    (folder / "conf" / "config.yaml").write_text("seed: 0\ndropout: 0.0\nnet:\n  width: 4\n")
    (folder / "app.py").write_text(KERAS_APP)
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    for name, options in {"plain": [], "renamed": ["hydra.output_subdir=settings"]}.items():
        sweep = ["-m", "dropout=0.0,0.5", "seed=0,1", f"hydra.sweep.dir={name}"]
        subprocess.run([sys.executable, "app.py", *sweep, *options], cwd=folder, env=environment, check=True)
    logged = {}
    for path in sorted(folder.glob("*/*/logged.json")):
        logged[path.parent.relative_to(folder).as_posix()] = json.loads(path.read_text())
        path.unlink()
    for path in [folder / "app.py", folder / "conf", *folder.glob("*/*/*.log")]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return logged


def tensorboard(folder: Path) -> dict:
    """Write Keras's layout, a run that was restarted, a torch writer's, and one with the hparams plugin."""
    import tensorflow as tf
    from tensorboard.plugins.hparams import api
    from torch.utils.tensorboard import SummaryWriter

    logged = {}
    for dropout, seed in ARMS:
        name = f"keras/dropout={dropout},seed={seed}"
        logged[name] = {"loss": curve(seed), "val_loss": curve(seed + 10)}
        for part, values in {"train": logged[name]["loss"], "validation": logged[name]["val_loss"]}.items():
            writer = tf.summary.create_file_writer(str(folder / name / part))
            with writer.as_default():
                for epoch, value in enumerate(values):
                    tf.summary.scalar("epoch_loss", value, step=epoch)
            writer.close()
    long = curve(5, 231)
    logged["restarted/run"] = {"val_loss": long}
    sessions = {0: [*long[:100], *[9.0] * 50], 100: long[100:]}  # killed after step 149, started again from step 100
    for begin, values in sessions.items():
        writer = tf.summary.create_file_writer(str(folder / "restarted" / "run"))
        with writer.as_default():
            for step, value in enumerate(values, start=begin):
                tf.summary.scalar("val_loss", value, step=step)
        writer.close()
        time.sleep(1.1)  # files are named by the second
    for dropout, seed in ARMS:
        name = f"torch/dropout={dropout},seed={seed}"
        logged[name] = {"Loss/train": curve(seed), "Loss/val": curve(seed + 20)}
        with SummaryWriter(folder / name) as writer:
            for tag, values in logged[name].items():
                for epoch, value in enumerate(values):
                    writer.add_scalar(tag, value, epoch)
    for number, (dropout, seed) in enumerate(ARMS):
        name = f"hparams/run{number}"
        logged[name] = {"val_loss": curve(seed + 30)}
        with tf.summary.create_file_writer(str(folder / name)).as_default():
            api.hparams({"dropout": dropout, "seed": seed, "net": "cnn"})
            for epoch, value in enumerate(logged[name]["val_loss"]):
                tf.summary.scalar("val_loss", value, step=epoch)
    return logged


def mlflow_stores(files: Path, database: Path) -> dict:
    """Write the same runs into a file store and a SQLite store: four good ones, a diverged, a failed, a deleted."""
    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
    import mlflow

    database.mkdir(parents=True)
    logged = {}
    for uri in ((files / "mlruns").as_uri(), f"sqlite:///{database / 'mlflow.db'}"):
        mlflow.set_tracking_uri(uri)
        mlflow.set_experiment("dropout")
        for number, (dropout, seed) in enumerate([*ARMS, (0.5, 2), (0.5, 3), (0.5, 4)]):
            run = mlflow.start_run(run_name=f"run{number}")
            mlflow.log_params({"dropout": dropout, "seed": seed, "net/kind": "cnn"})
            values = {"train/loss": curve(seed), "val/loss": curve(seed + 40)}
            if number == 4:
                values["train/loss"] = [1.0, math.nan, math.nan]
                values["val/loss"] = [1.0, math.inf, math.inf]
            for epoch in range(EPOCHS if number != 5 else 1):
                mlflow.log_metrics({name: series[epoch] for name, series in values.items()}, step=epoch)
            mlflow.log_metric("test/accuracy", 0.9 + seed / 300)
            mlflow.end_run("FAILED" if number == 5 else "FINISHED")
            if number == 6:
                mlflow.delete_run(run.info.run_id)
            logged[f"run{number}"] = values | {"test/accuracy": [0.9 + seed / 300]}
    return {name: {metric: list(map(repr, series)) for metric, series in each.items()} for name, each in logged.items()}


def lightning(folder: Path) -> dict:
    """Write four versions by Lightning's CSVLogger, with metrics by step and by epoch, and a test after the fit."""
    import torch
    from lightning import LightningModule, Trainer, seed_everything
    from lightning.pytorch.loggers import CSVLogger

    class Net(LightningModule):
        def __init__(self, dropout: float, seed: int) -> None:
            super().__init__()
            self.save_hyperparameters()
            self.layer = torch.nn.Linear(2, 1)
            self.told = {"val_loss": [], "test_acc": []}

        def training_step(self, batch: list) -> torch.Tensor:
            loss = self.layer(batch[0]).square().mean()
            self.log("train_loss", loss, on_step=True, on_epoch=True)
            return loss

        def validation_step(self, batch: list) -> None:
            value = float(self.layer(batch[0]).square().mean())
            if not self.trainer.sanity_checking:
                self.told["val_loss"].append(value)
            self.log("val_loss", value)

        def test_step(self, batch: list) -> None:
            value = 0.5 + self.hparams.seed / 8
            self.told["test_acc"].append(value)
            self.log("test_acc", value)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=0.01)

    logged = {}
    for dropout, seed in ARMS:
        seed_everything(seed)
        rows = torch.utils.data.TensorDataset(torch.randn(8, 2))
        logger = CSVLogger(folder, name="runs")
        quiet = {"enable_progress_bar": False, "enable_model_summary": False, "enable_checkpointing": False}
        trainer = Trainer(max_epochs=EPOCHS, logger=logger, log_every_n_steps=1, accelerator="cpu", **quiet)
        net = Net(dropout, seed)
        whole = torch.utils.data.DataLoader(rows, batch_size=8)
        trainer.fit(net, torch.utils.data.DataLoader(rows, batch_size=4), whole)
        trainer.test(net, whole, verbose=False)
        logged[f"runs/version_{logger.version}"] = net.told
    return logged


def neutral(folder: Path) -> None:
    """Replace this machine's names in files' contents and names."""
    names = {str(folder.parent): NEUTRAL, sys.prefix: "/home/user/python", socket.gethostname(): "host"}
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".db":
            with sqlite3.connect(path) as database:
                database.execute("update runs set user_id = 'user', artifact_uri = ''")
                database.execute("update experiments set artifact_location = ''")
                database.execute("delete from tags where key in ('mlflow.user', 'mlflow.source.name')")
                database.execute("delete from tags where key like 'mlflow.source.git.%'")
            database.execute("vacuum")
            database.close()
        elif path.name.startswith("mlflow.source.git."):
            path.unlink()
        elif path.is_file() and ".tfevents." not in path.name:
            text = path.read_text()
            for name, other in names.items():
                text = text.replace(name, other)
            text = re.sub(r"^user_id: .*$", "user_id: user", text, flags=re.MULTILINE)
            path.write_text(
                "user" if path.name == "mlflow.user" else "train.py" if path.name == "mlflow.source.name" else text
            )
        elif path.is_file():
            path.rename(path.with_name(re.sub(rf"\.{re.escape(socket.gethostname())}\.\d+\.", ".host.1.", path.name)))


def pack(folder: Path, archive: Path) -> None:
    """Write a folder's files into an archive, always with the same times."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            packed.writestr(
                zipfile.ZipInfo(path.relative_to(folder).as_posix()), path.read_bytes(), zipfile.ZIP_DEFLATED, 9
            )


def main() -> None:
    """Write all archives and what was logged."""
    with tempfile.TemporaryDirectory() as place:
        made = Path(place)
        logged = {"hydra_keras": hydra_keras(made / "hydra_keras"), "tensorboard": tensorboard(made / "tensorboard")}
        logged["mlflow"] = mlflow_stores(made / "mlflow_files", made / "mlflow_sqlite")
        logged["lightning"] = lightning(made / "lightning")
        for folder in sorted(made.iterdir()):
            if folder.is_dir():
                neutral(folder)
                pack(folder, HERE / f"{folder.name}.zip")
    (HERE / "logged.json").write_text(json.dumps(logged, indent=1) + "\n")


if __name__ == "__main__":
    main()
