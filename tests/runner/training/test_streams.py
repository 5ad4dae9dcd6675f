"""Random streams are functions of (seed, name), and runs that share a stream draw the same numbers."""

import numpy as np
import pytest

from runner.training.streams import (
    batch_order,
    generator,
    holdout_size,
    probe_indices,
    split_indices,
    stream_key,
)


def test_a_key_is_the_sha256_of_seed_and_name():
    import hashlib

    expected = int.from_bytes(hashlib.sha256(b"7/5:split").digest()[:8], "big") >> 1
    assert stream_key(7, "split") == expected


def test_names_that_join_alike_have_different_keys():
    assert stream_key(0, "a", "b") != stream_key(0, "a/1:b")
    assert stream_key(1, "2") != stream_key(12)


def test_a_generator_starts_where_its_name_says():
    first, second = generator(3, "split").random(4), generator(3, "split").random(4)
    assert first.tolist() == second.tolist()
    assert generator(3, "probe").random(4).tolist() != first.tolist()


def test_the_batch_order_depends_on_seed_and_epoch_alone():
    assert batch_order(1, 2, 50).tolist() == batch_order(1, 2, 50).tolist()
    assert sorted(batch_order(1, 2, 50)) == list(range(50))
    assert batch_order(1, 2, 50).tolist() != batch_order(1, 3, 50).tolist()
    assert batch_order(1, 2, 50).tolist() != batch_order(2, 2, 50).tolist()


def test_the_holdout_is_the_rest_of_what_is_trained_on_and_depends_on_the_seed():
    kept, held = split_indices(0, 1297, 0.1)
    assert (len(kept), len(held)) == (1167, 130)
    assert sorted([*kept, *held]) == list(range(1297))
    assert kept.tolist() == sorted(kept) and held.tolist() == sorted(held)
    assert split_indices(0, 1297, 0.1)[1].tolist() == held.tolist() != split_indices(1, 1297, 0.1)[1].tolist()


@pytest.mark.parametrize(("examples", "share", "held"), [(1297, 0.1, 130), (120, 0.0, 0), (7, 0.5, 4), (3, 0.1, 0)])
def test_the_holdout_is_the_nearest_whole_number_of_examples(examples, share, held):
    assert holdout_size(examples, share) == held == len(split_indices(0, examples, share)[1])


def test_the_probe_is_a_fixed_subset():
    first = probe_indices(0, 100, 30)
    assert len(set(first)) == 30 and first.max() < 100
    assert first.tolist() == probe_indices(0, 100, 30).tolist()
    np.testing.assert_array_equal(probe_indices(0, 20, 30), np.arange(20))
