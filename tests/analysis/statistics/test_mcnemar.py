"""McNemar's exact test: published, and statsmodels'."""

import numpy as np
import pytest
from answers import DROPOUT, LABELS, LEVELS, PREDICTIONS, nets
from designs import ORACLES
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar

from analysis.statistics.mcnemar import mcnemar, mcnemar_contrasts

PUBLISHED = ORACLES["mcnemar"]


@pytest.mark.parametrize(("table", "published"), [("table", "pub"), ("table2", "pub2")])
def test_published_mcnemar_tests_are_reproduced(table, published):
    expected = PUBLISHED[published]
    exact = mcnemar(*nets(PUBLISHED[table])).iloc[0]
    if "exact_p" in expected:
        assert exact["p"] == pytest.approx(expected["exact_p"], abs=5e-7)
    else:
        assert round(exact["p"], 6) == expected["exact_p_6dp"]


@given(*[st.integers(0, 60)] * 4)
def test_mcnemar_agrees_with_statsmodels(both, first, second, neither):
    if both + first + second + neither == 0:
        return
    table = [[both, first], [second, neither]]
    row = mcnemar(*nets(table)).iloc[0]
    assert (row["only_first"], row["only_second"]) == (first, second)
    if first + second:
        assert row["p"] == pytest.approx(statsmodels_mcnemar(table, exact=True).pvalue, rel=1e-9)


def test_two_nets_that_agree_on_every_image_have_p_1():
    answers = PREDICTIONS["dropout=true"]
    assert mcnemar(answers, answers, LABELS)["p"].tolist() == [1.0, 1.0, 1.0]


def test_every_seed_pair_has_its_own_test():
    table = mcnemar(PREDICTIONS["dropout=true"], PREDICTIONS["dropout=false"], LABELS)
    assert table["only_first"].tolist() == [1, 0, 2]
    assert table["only_second"].tolist() == [0, 0, 1]
    assert table["p"].tolist() == [1.0, 1.0, 1.0]


def test_cells_with_other_seeds_are_refused():
    with pytest.raises(ValueError, match=r"must hold the same seeds and examples; got \(3, 4\) and \(2, 4\)"):
        mcnemar(PREDICTIONS["dropout=true"], PREDICTIONS["dropout=false"][:2], LABELS)


def test_a_contrast_sums_up_its_seed_pairs():
    pairs = [nets([[50, 20], [2, 0]]), nets([[50, 3], [4, 15]]), nets([[50, 1], [12, 9]])]  # p: 1e-4, 1, .003
    predictions = {
        "dropout=true": np.concatenate([pair[0] for pair in pairs]),
        "dropout=false": np.concatenate([pair[1] for pair in pairs]),
    }
    table = mcnemar_contrasts(predictions, pairs[0][2], LEVELS, DROPOUT)
    assert table.to_dict("records") == [
        {
            "contrast": "dropout: true → false",
            "pairs": 3,
            "differ": 2,
            "better": 1,
            "worse": 1,
            "median_only_baseline": 3.0,
            "median_only_level": 4.0,
        }
    ]
