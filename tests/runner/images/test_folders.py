"""Image folders and CSV files become the arrays of a dataset, or are refused in a sentence."""

import re

import numpy as np
import pytest
from PIL import Image

from runner.images import data
from runner.images.folders import divided, read_csv, read_folder
from runner.images.reading import Named


def draw(folder, names, size=(6, 5), mode="L", seed=0):
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    for name in names:
        pixels = random.integers(0, 256, (size[1], size[0], 3)).astype(np.uint8)
        Image.fromarray(pixels).convert(mode).save(folder / name)


def test_a_folder_a_class_is_a_dataset_whose_fifth_validates(tmp_path):
    for label in ("cat", "dog"):
        draw(tmp_path / label, [f"{place}.png" for place in range(10)], seed=len(label))
    (tmp_path / "cat" / "notes.txt").write_text("no image")
    arrays = read_folder(tmp_path, None)
    assert arrays["x_train"].shape == (16, 5, 6) and arrays["x_train"].dtype == np.uint8
    assert sorted(arrays["y_test"]) == ["cat", "cat", "dog", "dog"]
    facts = data.look(Named("folder", str(tmp_path)), None)
    assert facts.classes == 2 and facts.notes == ("labels are numbered as classes: cat is 0, dog is 1",)


def test_folders_train_and_val_are_taken_as_they_are_divided(tmp_path):
    for part, count in (("train", 3), ("val", 1)):
        for label in ("cat", "dog"):
            draw(tmp_path / part / label, [f"{place}.png" for place in range(count)])
    arrays = read_folder(tmp_path, None)
    assert (len(arrays["x_train"]), len(arrays["x_test"])) == (6, 2)
    assert arrays["y_test"].tolist() == ["cat", "dog"]


def test_one_colour_image_makes_all_of_them_colour_and_sizes_can_be_made_equal(tmp_path):
    draw(tmp_path / "a", ["0.png", "1.png"])
    draw(tmp_path / "b", ["0.png"], mode="RGB", size=(9, 9))
    draw(tmp_path / "b", ["1.png"])
    with pytest.raises(
        ValueError, match=r"images of one size; a/0.png has 6 × 5 pixels and b/0.png 9 × 9\. Add dataset.size"
    ):
        read_folder(tmp_path, None)
    assert read_folder(tmp_path, 4)["x_train"].shape == (2, 4, 4, 3)


def test_what_is_no_folder_of_classes_is_refused(tmp_path):
    with pytest.raises(ValueError, match="must be a folder with a folder of images a class; got 'none', which is none"):
        read_folder(tmp_path / "none", None)
    draw(tmp_path / "a", ["0.png", "1.png"])
    with pytest.raises(ValueError, match=r"at least two folders of images, one a class; .* has 1"):
        read_folder(tmp_path, None)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "0.png").write_text("no image")
    with pytest.raises(ValueError, match=r"must hold images that can be read; b/0.png cannot be \(cannot identify"):
        read_folder(tmp_path, None)


TABLE = "size;colour;kind\n" + "".join(
    f"{place / 2};{'red' if place % 2 else 'blue'};{'ab'[place % 2]}\n" for place in range(10)
)


def test_a_csv_file_is_a_table_with_a_column_for_each_text(tmp_path):
    (tmp_path / "t.csv").write_text(TABLE)
    arrays = read_csv(tmp_path / "t.csv", "kind")
    whole = np.concatenate([arrays["x_train"], arrays["x_test"]])
    assert whole.shape == (10, 3) and len(arrays["x_test"]) == 2
    assert sorted(whole[:, 0].tolist()) == [place / 2 for place in range(10)]
    labels = np.concatenate([arrays["y_train"], arrays["y_test"]])
    assert (whole[:, 1] == (labels == "a")).all() and (whole[:, 2] == (labels == "b")).all()  # blue, red
    assert data.look(Named("csv", str(tmp_path / "t.csv"), "kind"), None).classes == 2


NO_TABLE = {
    "dataset.target must name the column of classes; got nothing. Columns: a, b.": ("a,b\n1,2\n", None),
    "dataset.target must be a column of t.csv; got 'kinds'. Did you mean kind?": ("a,kind\n1,2\n", "kinds"),
    "column 'a' must have a value in every row; got '' in row 2.": ("a,b\n1,x\n,y\n", "b"),
    "t.csv must have 2 columns in every row; row 2 has 3.": ("a,b\n1,x\n2,y,3\n", "b"),
    "opens with the names of its columns; t.csv does not.": ("1,2\n3,4\n", "b"),
    "with a column beside 'a'; t.csv has none.": ("a\n1\n2\n", "a"),
    "dataset.target must hold classes; got 30 different values in 30 examples.": (
        "a,b\n" + "".join(f"1,{place}.5\n" for place in range(30)),
        "b",
    ),
    "t.csv is none that can be read (field larger than field limit (131072)).": (f"a,b\n{'1' * 140_000},x\n", "b"),
    "each class must have at least 2 examples, one to validate; 'y' has 1.": ("a,b\n1,x\n2,x\n3,y\n", "b"),
    "at most 50 different texts; got 60, such as": (
        "a,b\n" + "".join(f"t{place},{place % 2}\n" for place in range(60)),
        "b",
    ),
}


def test_odd_separators_of_lines_stand_in_a_cell_as_they_are(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,x\u2028y\n2,x\u2028y\n3,z\n4,z\n", encoding="utf-8")
    assert set(read_csv(tmp_path / "t.csv", "b")["y_train"]) == {"x\u2028y", "z"}


def test_masks_are_no_labels():
    with pytest.raises(
        ValueError, match=r"^y must be one label an example, \(n,\), or one-hot, .*; got \(4, 3, 3\)\.$"
    ):
        divided(np.zeros((4, 3, 3)), np.zeros((4, 3, 3), int), "y")


def test_a_folder_is_no_csv_file(tmp_path):
    with pytest.raises(ValueError, match=r"must be a CSV file; got '.*', which is a folder"):
        read_csv(tmp_path, "b")


@pytest.mark.parametrize("sentence", NO_TABLE)
def test_what_is_no_table_is_refused_in_a_sentence(tmp_path, sentence):
    text, target = NO_TABLE[sentence]
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(ValueError, match=re.escape(sentence)) as refused:
        read_csv(tmp_path / "t.csv", target)
    assert str(tmp_path) not in str(refused.value)
