"""The built-in recipe's functions: what a net is given, how it is compiled, what fit is told."""

import numpy as np
import pytest
from conftest import SMALL_NET, made_arrays

from runner.images import recipe
from runner.images.data import transform, unit_pixels
from runner.images.reading import Named, arrays_digest, read_arrays


@pytest.fixture
def dataset(small_npz):
    return {"name": "npz", "path": str(small_npz), "classes": 3, "sha256": arrays_digest(made_arrays())}


@pytest.mark.parametrize("normalize", ["unit", "column_l2"])
@pytest.mark.parametrize("binarize", [False, True])
def test_a_net_is_given_transformed_images_and_one_that_moves_them_plain_ones(dataset, normalize, binarize):
    plain = {part: unit_pixels(made_arrays()[f"x_{part}"]) for part in ("train", "test")}
    given = recipe.data(dataset, binarize, normalize)
    np.testing.assert_array_equal(given["x"], transform(plain["train"], normalize, binarize))
    np.testing.assert_array_equal(given["validation_data"][0], transform(plain["test"], normalize, binarize))
    moved = recipe.data(dataset, binarize, normalize, augment=True)
    np.testing.assert_array_equal(moved["x"], plain["train"])
    np.testing.assert_array_equal(moved["validation_data"][0], plain["test"])
    assert moved["y"].tolist() == given["y"].tolist() == made_arrays()["y_train"].tolist()


def test_the_pictures_of_a_report_are_the_validation_images_as_they_were(dataset):
    np.testing.assert_array_equal(recipe.pictures(dataset), unit_pixels(made_arrays()["x_test"]))


def test_cosine_falls_to_zero_over_all_steps_of_all_epochs(dataset):
    given = recipe.data(dataset)
    net = {"layers": SMALL_NET, "without": []}
    options = {"dataset": dataset, "model": net, "optimizer": "sgd", "learning_rate": 0.1, "schedule": "cosine"}
    model = recipe.model(given, **options, batch_size=10, epochs=3, holdout=25 / 120)
    rate = model.optimizer._learning_rate  # 95 images are trained on: ten steps an epoch, the last of five images
    assert float(rate(0)) == pytest.approx(0.1)
    assert float(rate(15)) == pytest.approx(0.05)
    assert float(rate(29)) > 1e-4 > 1e-8 > float(rate(30))


def test_a_net_logs_accuracy_and_cross_entropy_and_fit_takes_the_batch_size(dataset):
    model = recipe.model(recipe.data(dataset), dataset, model={"layers": SMALL_NET, "without": []}, learning_rate=0.5)
    assert model.loss == "sparse_categorical_crossentropy" and float(model.optimizer.learning_rate) == 0.5
    assert recipe.fit(7)["batch_size"] == 7


def test_a_table_is_given_as_it_is_scaled_and_has_no_pictures(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b,kind\n" + "".join(f"{place},1,{'yes' if place % 2 else 'no'}\n" for place in range(20)))
    named = Named("csv", str(path), "kind")
    table = {"name": "csv", "path": str(path), "target": "kind", "classes": 2}
    table["sha256"] = arrays_digest(read_arrays(named))
    given = recipe.data(table)
    assert given["x"].shape == (16, 2) and given["x"].min() == 0 and given["x"].max() == 1
    assert sorted(given["validation_data"][1]) == [0, 0, 1, 1] and recipe.pictures(table) is None
    layers = [{"class_name": "Dense", "units": 2, "activation": "softmax", "name": "out"}]
    model = recipe.model(given, table, model={"layers": layers, "without": []}, learning_rate=0.1)
    assert model.input_shape == (None, 2) and model.count_params() == 6
