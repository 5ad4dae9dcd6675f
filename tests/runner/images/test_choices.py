"""What may be written for the built-in recipe's keys is settled into values, or refused in a sentence."""

import re

import pytest
from conftest import GOOD

from runner.errors import BadInput
from runner.images.choices import LEARNING_RATES, image_recipe
from runner.images.reading import arrays_digest, embedded_digits


def settled(**changes):
    return image_recipe().settled(GOOD | changes)


def layer_names(**changes):
    return image_recipe().layer_names(settled(**changes))


def test_the_learning_rate_is_the_optimizers_own_unless_one_is_given():
    assert settled()["learning_rate"] == LEARNING_RATES["adam"] == 0.001
    assert settled(optimizer="sgd")["learning_rate"] == 0.01
    assert settled(learning_rate=0.5)["learning_rate"] == 0.5


def test_the_default_learning_rates_are_those_of_keras():
    from runner.images.model import OPTIMIZERS

    assert set(LEARNING_RATES) == set(OPTIMIZERS)
    for name, optimizer in OPTIMIZERS.items():
        assert float(optimizer().learning_rate.numpy()) == pytest.approx(LEARNING_RATES[name])


def test_dropout_off_leaves_the_layers_out():
    assert layer_names() == ("dropout_1", "dense_1")
    assert layer_names(dropout=False) == ("dense_1",)
    assert layer_names(model=GOOD["model"] | {"without": ["dropout_1"]}) == ("dense_1",)


def test_one_net_has_one_identity_however_it_is_written():
    written = [
        settled(dropout=False),
        settled(model=GOOD["model"] | {"without": ["dropout_1"]}),
        settled(model={"layers": [{"class_name": "Dense", "units": 10, "use_bias": True}]}),
    ]
    assert [image_recipe().identity(each) for each in written] == [image_recipe().identity(written[0])] * 3
    assert image_recipe().identity(written[0]) != image_recipe().identity(settled())


def test_a_datasets_name_and_path_are_not_in_the_identity_and_its_digest_is_that_of_its_arrays():
    values = settled()
    assert image_recipe().identity(values)["dataset"] == {"classes": 10}
    assert image_recipe().known_data(values) == arrays_digest(embedded_digits())
    assert image_recipe().source(values) == {"recipe": "images", "dataset": "digits", "path": None}


def test_only_a_schedule_lets_a_longer_run_pass_through_other_numbers():
    assert not image_recipe().depends_on_epochs(settled())
    assert image_recipe().depends_on_epochs(settled(schedule="cosine"))


REFUSED = {
    "batch_size must be at least 1; got 0.": {"batch_size": 0},
    "learning_rate must be a finite number above 0; got nan. A usual one is 0.001.": {"learning_rate": float("nan")},
    "learning_rate must be a finite number above 0; got -0.1. A usual one is 0.001.": {"learning_rate": -0.1},
    "normalize must be one of column_l2, unit; got 'units'. Did you mean unit?": {"normalize": "units"},
    "schedule must be one of constant, cosine; got 'cosin'. Did you mean cosine?": {"schedule": "cosin"},
    "dataset.classes must be at most 65536; got 65537.": {"dataset": {"name": "npz", "path": "x", "classes": 65537}},
    "dataset.classes must be at least 2; got 1.": {"dataset": {"name": "npz", "path": "x", "classes": 1}},
    "dataset.path must be a file's name; got 3.": {"dataset": {"name": "npz", "path": 3, "classes": 2}},
    "dataset must name a file in runner/images/conf/dataset/; got {'name': 'npz'}.": {"dataset": {"name": "npz"}},
    "model.layers must leave at least one layer; dropout and model.without took all of them.": {
        "dropout": False,
        "model": {"layers": [{"class_name": "Dropout", "rate": 0.5}]},
    },
    "model must name a file in runner/images/conf/model/; got None.": {"model": None},
    "model.without must be a list of layers, such as [dropout_1] or []; got 3.": {
        "model": GOOD["model"] | {"without": 3}
    },
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_what_cannot_be_trained_is_refused_in_a_sentence(sentence):
    with pytest.raises(BadInput, match=f"^{re.escape(sentence)}$"):
        settled(**REFUSED[sentence])


def test_the_number_of_classes_is_read_and_stands_in_the_identity_as_if_it_were_given(small_npz):
    derived, given = (
        settled(dataset={"name": "npz", "path": str(small_npz), "classes": classes}, model=OPEN)
        for classes in (None, 3)
    )
    assert image_recipe().identity(derived) == image_recipe().identity(given)
    assert image_recipe().identity(derived)["dataset"] == {"classes": 3}
    assert derived["model"]["layers"][-1]["units"] == 3
    named = settled(dataset={"name": "digits", "path": None, "classes": None})
    assert image_recipe().identity(named) == image_recipe().identity(settled())


OPEN = {"layers": [{"class_name": "Flatten"}, {"class_name": "Dense", "units": None, "activation": "softmax"}]}


def test_more_classes_than_a_named_dataset_has_are_told():
    values = settled(dataset={"name": "digits", "path": None, "classes": 12})
    [note] = image_recipe().data_notes(values)
    assert note == "digits: classes 10 and 11 never occur in digits, though the net has an output for each."


@pytest.mark.parametrize(("key", "value"), [("normalize", "column_l2"), ("binarize", True), ("augment", True)])
def test_what_only_images_can_be_is_refused_for_a_table(tmp_path, key, value):
    path = tmp_path / "t.csv"
    path.write_text("a,b,kind\n" + "".join(f"{place},1,{place % 2}\n" for place in range(20)))
    with pytest.raises(BadInput, match=f"{key} must be .* for a table, which has no pixels; got "):
        settled(dataset={"name": "csv", "path": str(path), "classes": None, "target": "kind"}, **{key: value})
