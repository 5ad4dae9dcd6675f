"""The layout holds: each room of the analysis imports only those before it, and of the runner only its two doors."""

import ast

import pytest
from conftest import ROOT

ROOMS = ("reading", "statistics", "words", "figures", "report")
DOORS = {"runner.store", "runner.metrics"}
FILES = sorted((ROOT / "analysis").rglob("*.py"))


def imported(path):
    """The modules that a file imports, by their full names."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


@pytest.mark.parametrize("place", range(len(ROOMS)))
def test_a_room_imports_only_itself_and_those_before_it(place):
    later = tuple(f"analysis.{room}" for room in ROOMS[place + 1 :])
    files = [path for path in FILES if path.parent.name == ROOMS[place]]
    assert len(files) > 2
    assert [path.name for path in files if any(name.startswith(later) for name in imported(path))] == []


def test_the_analysis_knows_of_the_runner_its_store_and_its_metrics_and_no_tensorflow():
    names = set().union(*map(imported, FILES))
    assert {name for name in names if name.startswith("runner.") and name.count(".") == 1} == DOORS
    assert not [name for name in names if name.startswith(("tensorflow", "keras", "hydra"))]


def test_no_file_of_the_analysis_asks_whether_a_metric_is_accuracy_or_loss():
    for path in FILES:
        texts = {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)}
        assert not texts & {"accuracy", "loss", "val_accuracy", "val_loss", "nats", "percentage points", "%"}, path


def test_every_package_and_its_configuration_is_in_the_wheel():
    import tomllib

    from setuptools import find_namespace_packages

    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    found = set(find_namespace_packages(str(ROOT), include=setuptools["packages"]["find"]["include"]))
    folders = {
        path.parent
        for part in ("runner", "analysis")
        for path in (ROOT / part).rglob("*")
        if path.suffix in (".py", ".yaml", ".css", ".js")
    }
    assert {".".join(folder.relative_to(ROOT).parts) for folder in folders} | {"hydra_plugins"} <= found
    assert {"*.yaml", "*.css", "*.js"} <= set(setuptools["package-data"]["*"])
