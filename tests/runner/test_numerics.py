"""The numerics version stands for the bits of a run: what computes them may be rewritten, not what they are.

PYTHONPATH=tests:. python tests/runner/test_numerics.py     prints a sha256 of every bit of four small trainings

When `runner.numerics.numeric_code` differs from the table below, print that sha256 before and after the change. Where
it is the same, put the new digest of the code into the table; where it is not, raise `runner.numerics.VERSION` and add
a row. The bits of a training are the same within one environment only, so the table holds what is the same everywhere:
a sha256 of keys, orders, splits, masks and initial weights to three decimals, and trained figures to a thousandth.
"""

import ast
import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from conftest import NOISY_NET, ROOT, digest, made_arrays, small_spec

from runner import numerics
from runner.calling import measuring_of, parts_of, recipe_at
from runner.images.reading import arrays_digest
from runner.store import canonical_json
from runner.training import streams
from runner.training.epoch_loop import EpochLoop

EPOCHS = 2
OWN_RECIPE = """
import keras, numpy as np, tensorflow as tf

def data(stream=False):
    random = np.random.default_rng(0)
    x, y = random.normal(size=(60, 4)).astype("float32"), random.integers(0, 2, 60)
    weight = random.uniform(0.5, 2, 60).astype("float32")
    if stream:
        whole = tf.data.Dataset.from_tensor_slices((x, y, weight)).batch(16)
        return dict(x=whole, validation_data=(x[:20], y[:20]))
    return dict(x=x, y=y, validation_data=(x[:20], y[:20]))

def model(data):
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(8, activation="tanh", kernel_initializer="he_uniform")(inputs)
    hidden = keras.layers.GaussianDropout(0.2)(keras.layers.Dropout(0.4)(hidden))
    net = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(hidden))
    net.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    return net

def fit(stream=False):
    return dict(batch_size=16) if stream else dict(batch_size=16, class_weight={0: 1.0, 1: 2.0})
"""


def own_spec(seed, **values):
    whole = small_spec(seed=seed)
    return {**whole, "recipe": {"code": "own", "values": values, "data": "own"}}


SPECS = [
    small_spec(seed=3),
    small_spec(
        seed=4,
        layers=NOISY_NET,
        optimizer="sgd",
        schedule="cosine",
        batch_size=28,
        augment=True,
        binarize=True,
        normalize="column_l2",
    ),
    own_spec(5, stream=False),
    own_spec(6, stream=True),
]


@dataclass(frozen=True)
class Golden:
    """What a version of the numerics computes."""

    code: str  # digest of the code, as `numeric_code` gives it
    everywhere: str  # sha256 of what is the same in every environment
    trained: list[dict[str, list[float]]]  # of each of SPECS: losses an epoch, and the sum of each weight's sizes


GOLDEN = {
    2: Golden(
        code="efedd5cb589ba947fc5abd421f9d75f7c92ae0313db8df9918b77c0978217abb",
        everywhere="6a141ddaa62165dfa31685454805d60c2fefa17a9765c9b69277ed2ee8c5c55f",
        trained=[
            {
                "loss": [1.05062, 0.917934],
                "val_loss": [0.966091, 0.787546],
                "on_loss": [0.959934, 0.869167],
                "off_loss": [0.947002, 0.756301],
                "weights": [6.19574, 0.069524, 117.684, 0.416605, 10.2371, 0.0790431],
            },
            {
                "loss": [2.30014, 2.07995],
                "val_loss": [1.18574, 1.18611],
                "on_loss": [2.12522, 2.19791],
                "off_loss": [1.14792, 1.14969],
                "weights": [6.46552, 1.7839e-07, 3.93622, 0.00775562, 0.00490792, 3.69571, 40.7942, 0.00621046],
            },
            {
                "loss": [1.3144, 0.980683],
                "val_loss": [0.783209, 0.769541],
                "on_loss": [1.38406, 1.04535],
                "off_loss": [1.17865, 1.13173],
                "weights": [20.3352, 0.294763, 3.0855, 0.047699],
            },
            {
                "loss": [1.0849, 1.20971],
                "val_loss": [0.746236, 0.730958],
                "on_loss": [1.34377, 1.24966],
                "off_loss": [1.2505, 1.20204],
                "weights": [17.1974, 0.27667, 3.29697, 0.00720693],
            },
        ],
    ),
}


def trajectories(folder):
    """The trajectories of SPECS before training."""
    npz, own = folder / "small.npz", folder / "own.py"
    np.savez(npz, **made_arrays())
    own.write_text(OWN_RECIPE)
    images = {"recipe": "images", "dataset": "npz", "path": str(npz)}
    return [made(spec, images if spec["recipe"]["code"] == "images" else {"recipe": str(own)}) for spec in SPECS]


def made(spec, source):
    digest = arrays_digest(made_arrays()) if source["recipe"] == "images" else None
    whole = {**spec, "recipe": {**spec["recipe"], "data": digest}}
    parts = parts_of(recipe_at(source), whole, source, EPOCHS)
    return EpochLoop(parts, spec["seed"], measuring_of(spec), EPOCHS)


def the_same_everywhere(made):
    """What a trajectory is made of where no sum of floats has a part in it, in plain JSON."""
    found = []
    for spec, trajectory in zip(SPECS, made, strict=True):
        seed, feeds = spec["seed"], trajectory.feeds
        places = {name: getattr(feed, "places", np.zeros(0)).tolist() for name, feed in vars(feeds).items()}
        trajectory.noise.stand_at(seed, "training", 2)
        masks = {}
        for layer in trajectory.model.layers:
            if type(layer).__name__ == "KeyedDropout":
                drawn = [np.array(layer(np.ones((3, 5), np.float32), training=True)) > 0 for _ in range(2)]
                masks[layer.name] = np.stack(drawn).astype(int).tolist()
        trajectory.noise.stand_at(seed, "training", 2)
        found.append(
            {
                "spec": spec,
                "keys": [streams.stream_key(seed, "training", 2, name) for name in ("drop_a", "noise")],
                "places": {name: places[name] for name in ("train", "holdout", "validation")},
                "probe": trajectory.probe.places.tolist(),
                "orders": [streams.batch_order(seed, epoch, feeds.train.examples).tolist() for epoch in (1, 2)],
                "states": [[place, generator.state.numpy().tolist()] for place, generator in trajectory.noise.places],
                "masks": masks,
                "weights": [
                    [path, (variable.numpy() * 1e3).round().astype(int).ravel().tolist()]
                    for path, variable in trajectory.build.random.items()
                ],
            }
        )
    return found


def figures(trajectory):
    """A trained trajectory's losses by epoch, and the sum of the sizes of each weight's entries."""
    history = trajectory.state.history
    losses = {name: [row[name] for row in history] for name in ("loss", "val_loss", "on_loss", "off_loss")}
    return losses | {"weights": [float(np.abs(weight).sum()) for weight in trajectory.state.weights]}


def train(made):
    for trajectory in made:
        while trajectory.state.epoch < EPOCHS:
            trajectory.run_epoch()


def test_numeric_code_that_changed_has_its_bits_compared():
    assert numerics.numeric_code() == GOLDEN[numerics.VERSION].code, (
        f"The code that computes numbers has changed; see the head of {Path(__file__).name} for what to do now."
    )


@pytest.fixture(scope="module")
def golden(tmp_path_factory):
    """The trajectories of SPECS, what of them is the same everywhere, and all their initial weights in one array."""
    found = trajectories(tmp_path_factory.mktemp("golden"))
    drawn = [variable.numpy().ravel() for each in found for variable in each.build.random.values()]
    return found, the_same_everywhere(found), np.concatenate(drawn)


def test_keys_orders_splits_masks_and_initial_weights_are_those_of_the_version(golden):
    found = hashlib.sha256(canonical_json(golden[1]).encode()).hexdigest()
    assert found == GOLDEN[numerics.VERSION].everywhere, "What a run starts from has changed; raise VERSION."


def test_no_initial_weight_lies_where_its_last_bit_decides_how_it_is_rounded(golden):
    weights = golden[2]
    from_half = np.abs((weights.astype(np.float64) * 1e3) % 1 - 0.5) / 1e3
    assert from_half.min() > 4 * np.spacing(np.abs(weights).max()) and len(weights) > 1000


def test_trained_figures_are_those_of_the_version(golden):
    train(golden[0])
    for trajectory, expected in zip(golden[0], GOLDEN[numerics.VERSION].trained, strict=True):
        found = figures(trajectory)
        assert set(found) == set(expected)
        for name, values in expected.items():
            assert found[name] == pytest.approx(values, rel=1e-3, abs=1e-5), name


def test_the_version_is_the_last_of_the_table():
    assert max(GOLDEN) == numerics.VERSION


def test_what_computes_numbers_imports_nothing_else_of_the_runner_but_words():
    runner = ROOT / "runner"
    numeric = {path for pattern in numerics.FILES for path in runner.glob(pattern)}
    imported = set()
    for path in numeric:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("runner"):
                stem = ROOT.joinpath(*node.module.split("."))
                found = [stem.with_suffix(".py"), *(stem / f"{each.name}.py" for each in node.names)]
                imported |= {each for each in found if each.is_file()}
    others = {path.relative_to(runner).as_posix() for path in imported - numeric}
    assert others == {"errors.py", "machine.py", "metrics.py", "quiet.py"}
    assert len(numeric) > 10


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        told = trajectories(Path(scratch))
        print("the same everywhere:", hashlib.sha256(canonical_json(the_same_everywhere(told)).encode()).hexdigest())
        train(told)
    print("code:", numerics.numeric_code())
    print("bits:", digest(*(each.state for each in told)))
    print(
        "trained:", [{name: [float(f"{v:.6g}") for v in row] for name, row in figures(each).items()} for each in told]
    )
