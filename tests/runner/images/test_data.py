"""Datasets become checked, transformed, split arrays."""

import gzip
import hashlib

import numpy as np
import pytest
from conftest import made_arrays

from runner.images import data, reading
from runner.images.choices import DATASETS
from runner.images.reading import Named, arrays_digest


def saved(path, **changes):
    arrays = {name: value for name, value in (made_arrays() | changes).items() if value is not None}
    np.savez(path, **arrays)
    return path


def load_npz(path, classes=3):
    return data.load(Named("npz", str(path)), arrays_digest(reading.read_npz(path)), classes)


def test_the_embedded_digits_are_the_pinned_ones():
    arrays = reading.embedded_digits()
    assert arrays["x_train"].shape == (1297, 28, 28) and arrays["x_test"].shape == (500, 28, 28)
    assert arrays_digest(arrays) == DATASETS["digits"].sha256
    assert sorted(np.unique(arrays["y_test"])) == list(range(10))


def test_digits_are_centred_by_mass_in_a_margin():
    images = reading.embedded_digits()["x_train"].astype(float)
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
IMAGES = ARRAYS["x_train"]
BROKEN = {
    r"x_train must have the shape \(n, h, w\) or .*; got \(120,\)": {"x_train": IMAGES[:, 0, 0]},
    "x_train must hold finite pixels; got 1": {"x_train": with_nan(IMAGES)},
    "x_train must be whole numbers from 0 to 255, or floats in .*; got complex": {"x_train": IMAGES.astype(complex)},
    "x_train must be .*; got floats from 0 to 209. Divide by the largest that a pixel can be, such as 255": {
        "x_train": IMAGES.astype(float).clip(0, 209)
    },
    r"x_train must be .*; got floats from -1 to 1. Shift and scale it, such as \(x_train \+ 1\) / 2": {
        "x_train": (IMAGES / IMAGES.max() * 2 - 1).astype(np.float32)
    },
    "x_train must be .*; got floats from 0 to 0.00392157, as if it had been divided by 255 twice": {
        "x_train": IMAGES / IMAGES.max() / 255
    },
    "x_train must be .*; got 0 to 1, .* all but black. Save it as float, x_train.astype": {
        "x_train": (IMAGES > 100).astype(np.uint8)
    },
    "x_train must be .*; got 0 to 13, and divided by 255": {"x_train": IMAGES // 16 * 17 // 16},
    "x_train must be .*; got 0 to 1020. Divide by the largest": {"x_train": IMAGES.clip(0, 204) * np.int64(5)},
    "x_train must hold images that differ; got 7 in every pixel": {"x_train": np.full_like(IMAGES, 7)},
    r"x_train must have the channels last, .*; got \(120, 3, 8, 8\).*moveaxis\(x_train, 1, -1\)": {
        "x_train": np.stack([IMAGES] * 3, axis=1)
    },
    r"x_train must have its 120 images along the first axis; got \(8, 8, 120\).*moveaxis\(x_train, -1, 0\)": {
        "x_train": np.moveaxis(IMAGES, 0, -1)
    },
    "y_train must have one label for each of the 120 images; got the shape \\(119,\\)": {
        "y_train": ARRAYS["y_train"][1:]
    },
    r"x_test must have examples of the shape of x_train, \(8, 8, 1\); got \(7, 8, 1\)": {
        "x_test": ARRAYS["x_test"][:, :7]
    },
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
        data.load(Named("mnist", str(path)), DATASETS["mnist"].sha256, 10)


def test_mnist_out_of_reach_is_one_sentence(tmp_path, monkeypatch):
    import keras

    def unreachable():
        raise OSError("Name or service not known")

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(keras.datasets.mnist, "load_data", unreachable)
    with pytest.raises(ValueError, match=r"dataset=mnist must be downloaded once.*dataset\.path=FILE") as refused:
        reading.read_arrays(Named("mnist"))
    assert "\n" not in str(refused.value)


def test_mnist_is_read_from_keras_cache(tmp_path, monkeypatch):
    (tmp_path / "datasets").mkdir()
    saved(tmp_path / "datasets" / "mnist.npz")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    np.testing.assert_array_equal(reading.read_arrays(Named("mnist"))["x_train"], ARRAYS["x_train"])


def idx_bytes(array):
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return gzip.compress(header + array.tobytes(), mtime=0)


def test_fashion_mnist_is_read_from_the_published_files_and_no_others(tmp_path, monkeypatch):
    folder = tmp_path / "datasets" / "fashion-mnist"
    folder.mkdir(parents=True)
    for name, file in zip(reading.ARRAYS, reading.FASHION_MD5, strict=True):
        (folder / file).write_bytes(idx_bytes(ARRAYS[name]))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(ValueError, match=r"must have the published file train-images-idx3-ubyte\.gz"):
        reading.read_arrays(Named("fashion_mnist"))
    digests = {file: hashlib.md5((folder / file).read_bytes()).hexdigest() for file in reading.FASHION_MD5}
    monkeypatch.setattr(reading, "FASHION_MD5", digests)
    read = reading.read_arrays(Named("fashion_mnist"))
    for name in reading.ARRAYS:
        np.testing.assert_array_equal(read[name], ARRAYS[name])


# ---- other forms that people have


def test_images_of_any_whole_numbers_of_a_byte_or_of_booleans_mean_the_same(tmp_path):
    wide = load_npz(saved(tmp_path / "wide.npz", x_train=IMAGES.astype(np.int64)))
    np.testing.assert_array_equal(wide.x_train, load_npz(saved(tmp_path / "d.npz")).x_train)
    masks = load_npz(saved(tmp_path / "masks.npz", x_train=IMAGES > 100, x_test=ARRAYS["x_test"] > 100))
    assert set(np.unique(masks.x_train)) == {0.0, 1.0} and masks.x_train.dtype == np.float32


def test_a_channel_that_only_one_part_writes_is_no_difference(tmp_path):
    dataset = load_npz(saved(tmp_path / "d.npz", x_test=ARRAYS["x_test"][..., None]))
    assert dataset.x_train.shape[1:] == dataset.x_test.shape[1:] == (8, 8, 1)


def test_what_validates_may_be_called_val_and_undivided_data_are_divided_once_for_all(tmp_path):
    arrays = {name.replace("test", "val"): value for name, value in ARRAYS.items()}
    np.savez(tmp_path / "val.npz", **arrays)
    assert arrays_digest(reading.read_npz(tmp_path / "val.npz")) == arrays_digest(ARRAYS)
    np.savez(tmp_path / "whole.npz", x=IMAGES, y=ARRAYS["y_train"])
    first, again = (reading.read_npz(tmp_path / "whole.npz") for _ in range(2))
    assert arrays_digest(first) == arrays_digest(again)
    for label in range(3):  # a fifth of each class
        assert (first["y_test"] == label).sum() == round(0.2 * (ARRAYS["y_train"] == label).sum())


def notes_of(tmp_path, **changes):
    return data.look(Named("npz", str(saved(tmp_path / "d.npz", **changes))), None).notes


def test_the_number_of_classes_is_read_from_the_labels_and_a_class_that_never_occurs_is_told(tmp_path):
    facts = data.look(Named("npz", str(saved(tmp_path / "d.npz"))), None)
    assert (facts.classes, facts.shape, facts.notes) == (3, (8, 8, 1), ())
    two = ARRAYS["y_train"].clip(1) + 1  # 2 and 3, beside 0, 1 and 2 in validation
    [first, second] = notes_of(tmp_path, y_train=two)
    assert first == "classes 0 and 1 never occur in y_train, so that no net can learn what it is"
    assert second == "class 3 never occurs in y_test, so that nothing is validated there"


def test_labels_that_are_missing_are_no_classes(tmp_path):
    labels = np.where(ARRAYS["y_train"] == 0, np.nan, ARRAYS["y_train"])
    undivided = saved(tmp_path / "d.npz", **dict.fromkeys(ARRAYS), x=ARRAYS["x_train"], y=labels)
    for path, name in ((undivided, "y"), (saved(tmp_path / "e.npz", y_train=labels), "y_train")):
        with pytest.raises(ValueError, match=f"{name} must hold a label for each example; got NaN for .*Leave these"):
            data.look(Named("npz", str(path)), None)


def test_arrays_that_neither_train_nor_validate_are_told(tmp_path):
    validates = {"x_val": ARRAYS["x_test"], "y_val": ARRAYS["y_test"]}
    assert notes_of(tmp_path, **validates) == ("x_val is not read, since x_test validates",)


def test_odd_scales_and_channels_are_told(tmp_path):
    assert (
        "x_train reaches no higher than 0.4, so binarize=true"
        in notes_of(tmp_path, x_train=IMAGES / IMAGES.max() * 0.4)[0]
    )
    [apart] = notes_of(tmp_path, x_test=ARRAYS["x_test"] // 16)
    assert "x_train reaches 0.82 and x_test 0.051" in apart
    many = {name: np.stack([ARRAYS[name]] * 5, axis=-1) for name in ("x_train", "x_test")}
    assert notes_of(tmp_path, **many) == ("images have 5 channels, the last axis of (120, 8, 8, 5)",)


def test_each_column_of_a_table_is_scaled_by_its_range_in_training(tmp_path):
    x_train, x_test = np.array([[0.0, 5.0, 7.0], [10.0, 6.0, 7.0]] * 4), np.array([[20.0, 5.5, 7.0]] * 4)
    path = saved(tmp_path / "t.npz", x_train=x_train, y_train=[0, 1] * 4, x_test=x_test, y_test=[0, 1] * 2)
    table = load_npz(path, None)
    np.testing.assert_allclose(table.x_train[:2], [[0, 0, 0], [1, 1, 0]])
    np.testing.assert_allclose(table.x_test[0], [2, 0.5, 0])
    facts = data.look(Named("npz", str(path)), None)
    assert facts.shape == (3,) and "a table of 3 columns" in facts.notes[0]


def test_a_table_that_may_be_images_is_told_as_such(tmp_path):
    flat = {name: ARRAYS[name].reshape(len(ARRAYS[name]), 64) for name in ("x_train", "x_test")}
    assert notes_of(tmp_path, **flat)[-1] == "if its rows are images, save them as (n, 8, 8)"


def test_a_compressed_file_that_grows_beyond_the_memory_is_refused_by_its_header(tmp_path, monkeypatch):
    path = tmp_path / "bomb.npz"
    np.savez_compressed(path, **{name: np.zeros(1_000_000, np.uint8) for name in reading.ARRAYS})
    assert path.stat().st_size < 10_000
    monkeypatch.setattr(reading, "memory", lambda: 3_000_000)
    monkeypatch.setattr(reading.np, "load", None)  # nothing is unpacked
    with pytest.raises(ValueError, match=r"^dataset\.path must fit into memory; .* unpacks to 4,000,\d+ bytes, 3,0"):
        reading.read_npz(path)


def test_the_digest_of_arrays_is_of_their_bytes_whatever_their_type_and_order():
    images = np.arange(24, dtype=np.float64).reshape(2, 3, 4)
    arrays = {"x_train": images, "y_train": np.array(["a", "bc"]), "x_test": images[:0], "y_test": np.array([True])}
    digest = hashlib.sha256()
    for name, array in arrays.items():
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode() + array.tobytes())
    assert arrays_digest(arrays) == digest.hexdigest()
    assert arrays_digest({**arrays, "x_train": np.asfortranarray(images)}) == digest.hexdigest()
