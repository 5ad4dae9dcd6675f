"""Settings are checked before anything trains, and every refusal names the key, what was expected and what came."""

import dataclasses
import re

import pytest
from conftest import GOOD

from runner.errors import BadInput
from runner.images.choices import image_recipe
from runner.settings import PLAIN_KEYS, STUDY_KEYS, StudySchema, nearest, run_settings, study_settings


def test_good_settings_pass():
    settings = run_settings(GOOD, image_recipe())
    assert {key: getattr(settings, key) for key in PLAIN_KEYS} == {key: GOOD[key] for key in PLAIN_KEYS}
    assert set(settings.values) == set(image_recipe().keys)
    study = study_settings(GOOD | {"analysis": GOOD["analysis"] | {"sesoi": {"accuracy": 0.002}}})
    rest = {"better": {}, "primary": None, "window": "auto", "figures": ["png"]}
    assert study.analysis == rest | {"sesoi": {"accuracy": 0.002}}


REFUSED = {
    "epochs must be at least 1; got 0.": {"epochs": 0},
    "epochs must be at least 1; got -3.": {"epochs": -3},
    "epochs must be a whole number; got True.": {"epochs": True},
    "seed must be at least 0; got -1.": {"seed": -1},
    "probe_draws must be at least 2; got 1.": {"probe_draws": 1},
    "holdout must be a share from 0 to 0.9; got 1.5.": {"holdout": 1.5},
    "holdout must be a share from 0 to 0.9; got nan.": {"holdout": float("nan")},
    "dropuot is no key of this program. Did you mean dropout?": {"dropuot": False},
    "sead is no key of this program. Did you mean seed?": {"sead": 1},
    "analysis must be the group of keys better, sesoi, primary, window, figures; got {'sesoi': {}}.": {
        "analysis": {"sesoi": {}}
    },
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_a_run_that_cannot_be_trained_is_refused_in_a_sentence(sentence):
    with pytest.raises(BadInput, match=f"^{re.escape(sentence)}$"):
        run_settings(GOOD | REFUSED[sentence], image_recipe())


@pytest.mark.parametrize("key", ["seed", "dropout"])
def test_a_key_without_a_value_is_refused_whether_it_is_the_studys_or_the_recipes(key):
    given = {name: value for name, value in GOOD.items() if name != key}
    with pytest.raises(BadInput, match=f"^{key} must have a value; got none"):
        run_settings(given, image_recipe())


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"design": "factorail"}, "design must be one of factorial, one_at_a_time, screening; got 'factorail'"),
        ({"workers": 0}, "workers must be at least 1; got 0"),
        ({"threads": 0}, "threads must be at least 1; got 0"),
        ({"results_dir": ""}, "results_dir must name a folder; got nothing"),
        (
            {"analysis": {"better": "higher", "sesoi": {}, "primary": None, "window": "auto"}},
            r"analysis.better must map metrics to values, such as \{f1: higher\}; got 'higher'",
        ),
        (
            {"analysis": {"better": {}, "sesoi": 0.1, "primary": None}},
            r"analysis.sesoi must map metrics to values, such as \{mae: 0.05\}; got 0.1",
        ),
        (
            {"analysis": {"better": {}, "sesoi": {}, "primary": "auc"}},
            r"analysis.primary must be a list of metrics, such as \[val_auc\]; got 'auc'",
        ),
        (
            {"analysis": GOOD["analysis"] | {"figures": "pdf"}},
            r"^analysis.figures must be a list of png, pdf, svg, such as \[png, pdf\]; got 'pdf'\.$",
        ),
        (
            {"analysis": GOOD["analysis"] | {"figures": ["png", "jpg"]}},
            r"^analysis.figures must be a list of png, pdf, svg, such as \[png, pdf\]; got \['png', 'jpg'\]\.$",
        ),
    ],
)
def test_a_study_that_cannot_be_run_is_refused_in_a_sentence(change, sentence):
    with pytest.raises(BadInput, match=sentence):
        study_settings(GOOD | change)


def test_every_key_is_a_runs_or_a_studys_or_the_recipes():
    keys = {field.name for field in dataclasses.fields(StudySchema)}
    assert keys == set(PLAIN_KEYS) | (set(STUDY_KEYS) - {"hydra"})
    assert set(GOOD) == keys | set(image_recipe().keys) and not keys & set(image_recipe().keys)


def test_the_nearest_key_is_offered():
    assert nearest("dropuot", ["dropout", "binarize"]) == ["dropout"]
    assert nearest("zzz", ["dropout", "binarize"]) == []
