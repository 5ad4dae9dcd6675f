"""Looks, seeds that were spent, and shared figures of a screening, as text."""

import numpy as np
import pandas as pd
from designs import HUBER, MAE, RESPONSES

from analysis.statistics.responses import responses_of
from analysis.words.looks import (
    budget_sentence,
    given_up_sentence,
    late_sentence,
    left_looks_sentence,
    look_line,
    looks_sentence,
    open_sentence,
    spent_sentence,
    unsized_sentence,
    waiting_sentence,
)
from analysis.words.screening import alias_sentence, fitted_sentence


def test_the_looks_are_named_and_that_an_early_estimate_tends_to_be_too_large():
    assert looks_sentence(pd.DataFrame({"planned": [4, 4, 6, 9]})) == (
        "Looked at after 4, 6 and 9 seeds; interval and p hold over all looks; an estimate after an early stop tends "
        "to be too large."
    )
    assert looks_sentence(pd.DataFrame({"planned": []})) == ""


def test_what_is_decided_is_counted_and_what_may_be_given_up():
    still_open = np.array([True, True, False])
    assert open_sentence(still_open, np.array([True, False, False])) == (
        "1 of 3 contrasts is decided, that is established or smaller than of interest; of 1 the seeds that are left "
        "are unlikely to decide."
    )
    none, meant = np.zeros(3, bool), "decided, that is established or smaller than of interest."
    assert open_sentence(still_open, none) == f"1 of 3 contrasts is {meant}"
    assert open_sentence(none, none) == f"All 3 contrasts are {meant}"
    assert open_sentence(none[:1], none[:1]) == f"The one contrast is {meant}"
    assert open_sentence(none[:2], none[:2]) == f"Both contrasts are {meant}"


def test_seeds_that_were_raised_by_hand_are_said_to_have_spent_their_error():
    assert spent_sentence([5, 10, 20]) == (
        "Reported at 5, 10 and 20 seeds, each time at the full 5 % chance of a false finding: the first report spent "
        "it, and a contrast without effect is found in about 11 % of such studies, not 5 %."
    )
    assert spent_sentence([5, 5]) == ""


def test_what_is_shared_is_said_in_words():
    assert alias_sentence([("a", "b"), ("c", "d"), ("e", "f")]) == (
        "the figure for a × b is shared with c × d and e × f and cannot be told apart"
    )
    assert alias_sentence([("a", "b")]) == "the figure for a × b is shared with no other pair"


def test_a_fit_to_fewer_cells_is_said_openly():
    assert fitted_sentence(16, 16) == ""
    assert fitted_sentence(15, 16) == (
        "1 of 16 cells has no run: main effects are fitted to the others by least squares, and are no longer clear of "
        "pairs."
    )


def test_seeds_beyond_a_look_wait_and_too_few_are_said_to_be_too_few():
    looked = pd.DataFrame({"planned": [4, 6]})
    assert waiting_sentence(looked, 6) == ""
    assert waiting_sentence(looked, 8).startswith("2 seeds beyond these 6 wait for the look after 9:")
    assert waiting_sentence(looked.iloc[:0], 2) == ("Not looked at yet: the first look takes 4 seeds, and there are 2.")


def test_late_looks_are_said_to_share_what_was_kept_for_them():
    assert late_sentence(pd.DataFrame({"planned": [4, 20]})) == ""
    late = late_sentence(pd.DataFrame({"planned": [28]}))
    assert "the tenth of the 5 % chance of a false finding that is kept for seeds added later" in late


def test_a_study_that_was_reported_before_its_looks_has_spent_its_error():
    assert spent_sentence([], looked=True) == ""
    assert spent_sentence([5], looked=True).startswith(
        "Before its looks the study was reported at 5 seeds, at the full 5 % chance of a false finding"
    )


def test_a_spent_budget_may_be_raised_and_looks_are_not_forgotten_by_a_fixed_number():
    assert budget_sentence(6).startswith(
        "The budget of 6 seeds is spent; a higher max_seeds goes on with the next look"
    )
    assert left_looks_sentence([]) == ""
    assert left_looks_sentence([4, 6, 4]).startswith(
        "Before this report the study was looked at after 4 and 6 seeds, for"
    )


def test_what_was_given_up_is_named():
    assert given_up_sentence([]) == ""
    assert given_up_sentence(list("abcd")).endswith("unlikely to decide: a, b, c and 1 more.")


def test_the_line_after_a_look_names_contrasts_shortly_and_with_their_responses():
    long = "optimizer.learning_rate_of_the_schedule: 0.0001 → 0.0003"
    table = pd.DataFrame({"response": ["val_loss"], "contrast": [long], "planned": [4], "decided": [False]})
    line = look_line(table, np.array([True, False]), 6, RESPONSES)
    assert line == (
        "after 4 seeds 1 of 2 contrasts decided; open: optimizer.learn … 9291 … 0.0001 → 0.0003 (validation loss); "
        "on to 6 seeds"
    )


def test_where_no_smallest_effect_of_interest_is_known_it_is_said_that_nothing_can_be_smaller():
    loss = responses_of([MAE, HUBER])["val_loss"]
    assert unsized_sentence([RESPONSES["val_accuracy"], responses_of([MAE])["val_mae"]]) == ""
    assert unsized_sentence([RESPONSES["val_accuracy"], loss, loss]) == (
        "No smallest effect of interest is known for validation loss: a contrast on it can be decided as established "
        "alone, however small it is; analysis.sesoi.loss= sets one."
    )
