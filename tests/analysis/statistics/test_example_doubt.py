"""The examples' doubt: known variance components, and edges."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from analysis.reading.study import Design
from analysis.statistics.contrast_tests import assessed
from analysis.statistics.example_doubt import Answers, answers_of, se_of_examples, widened


def simulated(random, seeds, examples, by_seed=0.3, by_example=1.0, rest=2.0, effect=0.0):
    """A contrast of a two-way layout with these standard deviations: (seeds, examples)."""
    return (
        effect
        + by_seed * random.standard_normal((seeds, 1))
        + by_example * random.standard_normal((1, examples))
        + rest * random.standard_normal((seeds, examples))
    )


def doubt(own):
    """The standard error of one contrast, (seeds, examples), due to its examples."""
    return se_of_examples(own[:, None, :], np.ones((len(own), 1), bool))[0]


def interval(own):
    """The contrast's interval that holds for new examples too."""
    by_seed = assessed(own.mean(axis=1)[:, None])
    return widened(by_seed.low, by_seed.high, np.array([doubt(own)]), own.shape[1])


def test_known_components_are_recovered():
    random = np.random.default_rng(0)
    found = [doubt(simulated(random, 5, 200)) for _ in range(300)]
    assert np.sqrt(np.mean(np.square(found))) == pytest.approx(np.sqrt(1 / 200), rel=0.05)


@pytest.mark.parametrize("seeds", [3, 10])
@pytest.mark.parametrize("by_seed", [0.0, 0.1])
def test_the_interval_holds_for_new_seeds_and_new_examples(seeds, by_seed):
    random = np.random.default_rng([seeds, int(by_seed * 10)])
    found = [interval(simulated(random, seeds, 100, by_seed=by_seed)) for _ in range(800)]
    covered = np.mean([low[0] <= 0 <= high[0] for low, high in found])
    assert covered > 0.95 - 3 * np.sqrt(0.95 * 0.05 / 800)


def test_the_seeds_interval_alone_does_not_hold_for_new_examples():
    random = np.random.default_rng(1)
    own = [simulated(random, 10, 100, by_seed=0.01, rest=0.5).mean(axis=1) for _ in range(200)]
    found = assessed(np.stack(own, axis=1))
    assert np.mean((found.low < 0) & (found.high > 0)) < 0.6


def test_noise_of_runs_alone_is_not_taken_for_the_examples():
    random = np.random.default_rng(2)
    found = [doubt(simulated(random, 5, 400, by_example=0.0)) for _ in range(50)]
    assert np.mean(found) < 0.3 * 2.0 / np.sqrt(5 * 400)


def test_it_is_the_textbooks_analysis_of_variance():
    own = np.random.default_rng(3).normal(size=(4, 6))
    frame = pd.DataFrame({"d": own.ravel(), "seed": np.repeat(range(4), 6), "example": np.tile(range(6), 4)})
    squares = anova_lm(ols("d ~ C(seed) + C(example)", frame).fit())["mean_sq"]
    variance = max(squares["C(example)"] - squares["Residual"], 0) / 4
    assert doubt(own) == pytest.approx(np.sqrt(variance / 6))


def test_each_contrast_rests_on_its_own_seeds():
    own = np.random.default_rng(4).normal(size=(5, 2, 30)) + np.random.default_rng(5).normal(size=(1, 2, 30))
    kept = np.ones((5, 2), bool)
    kept[3:, 1] = False
    both = se_of_examples(own, kept)
    assert both == pytest.approx([doubt(own[:, 0]), doubt(own[:3, 1])])


def test_one_seed_or_one_example_says_nothing():
    assert np.isnan(doubt(np.zeros((1, 100)))) and np.isnan(doubt(np.zeros((3, 1))))


def test_without_any_doubt_of_examples_the_interval_stays():
    low, high = widened(np.array([-1.0]), np.array([3.0]), np.array([0.0]), 100)
    assert (low[0], high[0]) == (-1, 3)


def test_answers_make_each_contrast_example_by_example():
    design = Design("factorial", {"a": ("x", "y")})
    right = {("one", 5): np.array([True, False, True]), ("two", 5): np.array([False, False, True])}
    runs = pd.DataFrame(
        {
            "run": ["one", "two"],
            "a": ["x", "y"],
            "seed": 7,
            "epochs": 5,
            "status": "complete",
            "val_accuracy": [2 / 3, 1 / 3],
            "val_top": [1.0, 1.0],
        }
    )
    answers = answers_of(runs, design, right, ["val_top", "val_accuracy"])
    assert isinstance(answers, Answers) and answers.column == "val_accuracy"
    [own] = answers.contrasts(sparse.csr_array([[-1.0, 1.0]]))
    np.testing.assert_array_equal(own, [[-1, 0, 0]])
    assert answers_of(runs, design, right, ["val_top"]) is None
    assert answers_of(runs, design, {("one", 5): right["one", 5]}, ["val_accuracy"]) is None
