"""Datasets become checked, transformed, split arrays."""

import gzip
import hashlib

import numpy as np
import pytest
from conftest import made_arrays

from runner.images import data
from runner.images.choices import DATASETS


def saved(path, **changes):
    arrays = {name: value for name, value in (made_arrays() | changes).items() if value is not None}
    np.savez(path, **arrays)
    return path


def load_npz(path, classes=3):
    return data.load("npz", str(path), data.arrays_digest(data.read_npz(path)), classes)


def test_the_embedded_digits_are_the_pinned_ones():
    arrays = data.embedded_digits()
    assert arrays["x_train"].shape == (1297, 28, 28) and arrays["x_test"].shape == (500, 28, 28)
    assert data.arrays_digest(arrays) == DATASETS["digits"]
    assert sorted(np.unique(arrays["y_test"])) == list(range(10))


def test_digits_are_centred_by_mass_in_a_margin():
    images = data.embedded_digits()["x_train"].astype(float)
    at = np.arange(28)
    for axis in (1, 2):
        centre = (images.sum(axis=3 - axis) * at).sum(axis=1) / images.sum(axis=(1, 2))
        assert abs(np.median(centre) - 13.5) < 0.5
    assert images[0].sum() > 0


def test_unit_pixels_are_bytes_over_255_with_a_channel():
    pixels = data.unit_pixels(np.array([[[0, 51], [102, 255]]], np.uint8))
    assert pixels.shape == (1, 2, 2, 1) and pixels.dtype == np.float32
    np.testing.assert_allclose(pixels.ravel(), [0, 0.2, 0.4, 1])


def test_half_a_pixel_is_binarized_up():
    images = np.array([0.0, 0.49999, 0.5, 1.0], np.float32)
    assert data.binarize(images).tolist() == [0, 0, 1, 1]
    assert data.binarize(images).dtype == np.float32


def test_column_l2_is_what_keras_normalizes_along_axis_1():
    import keras

    images = data.unit_pixels(made_arrays()["x_train"])
    images[0, :, 3] = 0
    ours = data.column_l2(images)
    np.testing.assert_allclose(ours, keras.utils.normalize(images, axis=1), rtol=1e-6)
    assert (ours[0, :, 3] == 0).all() and ours.dtype == np.float32
    np.testing.assert_allclose(np.square(ours[1]).sum(axis=0), 1, rtol=1e-5)


def test_binarizing_comes_before_normalizing():
    images = np.array([0.6, 0.7, 0.1, 0.0], np.float32).reshape(1, 4, 1, 1)
    expected = np.array([1, 1, 0, 0]) / np.sqrt(2)
    np.testing.assert_allclose(data.transform(images, "column_l2", True).ravel(), expected, rtol=1e-6)


def test_float_images_with_channels_are_taken_as_they_are(tmp_path):
    arrays = made_arrays()
    images = np.stack([arrays["x_train"] / 255] * 3, axis=-1)
    tests = np.stack([arrays["x_test"] / 255] * 3, axis=-1)
    dataset = load_npz(saved(tmp_path / "d.npz", x_train=images, x_test=tests))
    assert dataset.x_train.shape == (120, 8, 8, 3)
    np.testing.assert_allclose(dataset.x_train[..., 0], images[..., 0], rtol=1e-6)


def with_nan(images):
    images = images / 255.0
    images[0, 0, 0] = np.nan
    return images


ARRAYS = made_arrays()
BROKEN = {
    "x_train must have the shape": {"x_train": ARRAYS["x_train"].reshape(120, 64)},
    "x_train must hold finite pixels; got 1": {"x_train": with_nan(ARRAYS["x_train"])},
    "x_train must be uint8 or float; got int64": {"x_train": ARRAYS["x_train"].astype(int)},
    r"x_train must be uint8, or float in \[0, 1\]; got floats from 0 to 209": {
        "x_train": ARRAYS["x_train"].astype(float).clip(0, 209)
    },
    "y_train must have one label for each of the 120 images; got the shape \\(119,\\)": {
        "y_train": ARRAYS["y_train"][1:]
    },
    "y_test must hold whole numbers; got float64": {"y_test": ARRAYS["y_test"].astype(float)},
    "y_test must hold classes from 0 to 2; got 5 to 7": {"y_test": ARRAYS["y_test"] + 5},
    "x_test must have images of the shape of x_train": {"x_test": ARRAYS["x_test"][:, :7]},
    "dataset.path must hold the arrays x_train, y_train, x_test, y_test; .*Add y_train": {"y_train": None},
    "cannot be read": {"x_train": np.array([[1, 2], [3]], object)},
}


@pytest.mark.parametrize("sentence", BROKEN)
def test_broken_arrays_are_refused_in_a_sentence(tmp_path, sentence):
    with pytest.raises(ValueError, match=sentence):
        load_npz(saved(tmp_path / "d.npz", **BROKEN[sentence]))


def test_a_file_that_is_no_npz_is_refused(tmp_path):
    (tmp_path / "d.npz").write_text("no arrays")
    with pytest.raises(ValueError, match="must be an npz file of plain arrays"):
        load_npz(tmp_path / "d.npz")
    with pytest.raises(ValueError, match="does not exist"):
        load_npz(tmp_path / "nowhere.npz")


def test_other_content_under_a_pinned_name_is_refused(tmp_path):
    path = saved(tmp_path / "d.npz")
    with pytest.raises(ValueError, match="dataset=mnist must have the content e5ea4841dd6f"):
        data.load("mnist", str(path), DATASETS["mnist"], 10)


def test_mnist_out_of_reach_is_one_sentence(tmp_path, monkeypatch):
    import keras

    def unreachable():
        raise OSError("Name or service not known")

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(keras.datasets.mnist, "load_data", unreachable)
    with pytest.raises(ValueError, match=r"dataset=mnist must be downloaded once.*dataset\.path=FILE") as refused:
        data.read_arrays("mnist", None)
    assert "\n" not in str(refused.value)


def test_mnist_is_read_from_keras_cache(tmp_path, monkeypatch):
    (tmp_path / "datasets").mkdir()
    saved(tmp_path / "datasets" / "mnist.npz")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    np.testing.assert_array_equal(data.read_arrays("mnist", None)["x_train"], ARRAYS["x_train"])


def idx_bytes(array):
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return gzip.compress(header + array.tobytes(), mtime=0)


def test_fashion_mnist_is_read_from_the_published_files_and_no_others(tmp_path, monkeypatch):
    folder = tmp_path / "datasets" / "fashion-mnist"
    folder.mkdir(parents=True)
    for name, file in zip(data.ARRAYS, data.FASHION_MD5, strict=True):
        (folder / file).write_bytes(idx_bytes(ARRAYS[name]))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(ValueError, match=r"must have the published file train-images-idx3-ubyte\.gz"):
        data.read_arrays("fashion_mnist", None)
    digests = {file: hashlib.md5((folder / file).read_bytes()).hexdigest() for file in data.FASHION_MD5}
    monkeypatch.setattr(data, "FASHION_MD5", digests)
    read = data.read_arrays("fashion_mnist", None)
    for name in data.ARRAYS:
        np.testing.assert_array_equal(read[name], ARRAYS[name])
