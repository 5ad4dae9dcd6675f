"""Folders of a machine are left out of texts, and texts that differ stay different without them."""

from hypothesis import example, given
from hypothesis import strategies as st

from runner.store import less_folders, told_apart

PATHS = st.builds(
    "{}/{}".format, st.sampled_from(["/home/me", "/data/a", "~/b", "x", "k=/tmp/q"]), st.text("ab/", max_size=5)
)


@given(st.lists(PATHS, min_size=1, max_size=5, unique=True))
@example(["x=/a/t.npz", "x=/b/t.npz"])
def test_texts_that_differ_stay_different(texts):
    assert len(set(told_apart(texts))) == len(texts)


def test_what_is_left_of_paths():
    assert less_folders(["/data/x/a/t.npz", "/data/x/b/t.npz", "mnist"]) == ["a/t.npz", "b/t.npz", "mnist"]
    assert told_apart(["x=/a/t.npz", "x=/b/t.npz"]) == ["x=t.npz (1)", "x=t.npz (2)"]
    assert told_apart(["0.1", "a/b", "https://example.org/x"]) == ["0.1", "a/b", "https://example.org/x"]
