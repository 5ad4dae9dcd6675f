"""How a report was made: what it says can be typed again."""

import pytest
from conftest import recorded_study

from analysis import read
from analysis.report.provenance import made

COMMANDS = {
    "python -m runner -m a=1,2": "results/made",
    "python -m runner -m a=1,2 results_dir=elsewhere/": "elsewhere/made",
    "python -m runner -m a=1,2 'results_dir=my folder'": "'my folder/made'",
    "python -m analysis import x.csv --results-dir there": "there/made",
    "python -m runner 'a": "results/made",
}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return read(recorded_study(tmp_path_factory.mktemp("made"), {"dropout": ["true", "false"]}, seeds=2))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_report_is_rebuilt_where_its_command_wrote_it(study, command):
    study.declaration["command"] = command
    assert made(study)[-1] == f"- rebuilt from its records or tables by `python -m analysis {COMMANDS[command]}`"
