"""A run's identity holds the code of its recipe and of what it imports from its folder: what computes, no comment."""

import textwrap

import pytest

from runner.code import code_digest, imported_files

RECIPE = """
    import json
    import helpers
    from package.inner import depth

    def data(): ...

    def model(data, width=64): return helpers.f(width)
"""
HELPERS = "import package\n\ndef f(x):\n    return x + 1\n"


@pytest.fixture
def project(tmp_path):
    (tmp_path / "package").mkdir()
    files = {
        "mine.py": textwrap.dedent(RECIPE),
        "helpers.py": HELPERS,
        "package/__init__.py": "from . import other\n",
        "package/inner.py": "from .other import depth\n",
        "package/other.py": "depth = 3\n",
        "unused.py": "x = 1\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_the_files_that_a_recipe_imports_from_its_folder_are_found_at_any_depth(project):
    found = [str(path.relative_to(project)) for path in imported_files(project / "mine.py")]
    assert found == ["mine.py", "helpers.py", "package/__init__.py", "package/inner.py", "package/other.py"]


CHANGES = {
    "a comment": ("helpers.py", HELPERS + "# so\n", False),
    "a docstring": ("helpers.py", HELPERS.replace("    return", '    """Add one."""\n    return'), False),
    "layout": ("helpers.py", HELPERS.replace("x + 1", "(x +  1)"), False),
    "a constant": ("helpers.py", HELPERS.replace("+ 1", "+ 2"), True),
    "a module two imports away": ("package/other.py", "depth = 4\n", True),
    "a file that nothing imports": ("unused.py", "x = 2\n", False),
    "a default, which is a key's value": ("mine.py", textwrap.dedent(RECIPE).replace("width=64", "width=65"), False),
    "the recipe's own code": ("mine.py", textwrap.dedent(RECIPE).replace("f(width)", "f(2 * width)"), True),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_computes_changes_the_digest_and_nothing_else_does(project, change):
    before = code_digest(project / "mine.py")
    name, text, counts = CHANGES[change]
    (project / name).write_text(text)
    assert (code_digest(project / "mine.py") != before) == counts


def test_the_digest_does_not_depend_on_where_the_folder_lies(project, tmp_path_factory):
    import shutil

    elsewhere = tmp_path_factory.mktemp("elsewhere") / "moved"
    shutil.copytree(project, elsewhere)
    assert code_digest(elsewhere / "mine.py") == code_digest(project / "mine.py")
