"""Source code is told apart by what it computes: comments, docstrings and layout do not count."""

from runner.code import code_shape, digest_of


def test_comments_and_docstrings_of_the_code_do_not_count():
    plain = "def f(x):\n    return x + 1\n"
    noted = '"""Module."""\n\ndef f(x):\n    """Say."""\n    # why\n    return (x\n            + 1)\n'
    assert code_shape(noted) == code_shape(plain)


def test_a_change_of_the_code_counts():
    assert code_shape("def f(x):\n    return x + 1\n") != code_shape("def f(x):\n    return x + 2\n")
    assert code_shape("x = 1") != code_shape("x = True")
    assert code_shape("def f(a, b=1): pass") != code_shape("def f(a, b=2): pass")


def test_the_defaults_of_keyed_functions_do_not_count_and_all_others_do():
    texts = ["def data(a, b=1, *, c=3): pass", "def data(a, b=2, *, c=4): pass"]
    first, second = (code_shape(text, ["data"]) for text in texts)
    assert first == second != code_shape(texts[0])
    nested = [f"class Net:\n    def data(self, a={value}): pass" for value in (1, 2)]
    assert code_shape(nested[0], ["data"]) != code_shape(nested[1], ["data"])


def test_one_shape_has_one_digest_on_every_machine():
    shape = code_shape("def f(x):\n    return x + 1\n")
    assert digest_of(shape) == "d387603f1c3e566ce057f1107afbdf225af456d7338800e85e9ddb00f8a1b86b"
    assert digest_of(code_shape("x = 1")) != digest_of(shape)
