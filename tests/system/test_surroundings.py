"""Whatever surrounds the command, it is carried out or refused in one sentence, and nothing is lost."""

import os
import subprocess
import sys

import pytest
from conftest import ROOT, here, small_study

ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT)}
DRY = ("-m", "dropout=true,false", "seed=0", "dry_run=true")


def run(folder, *words, **more):
    """Run the command in the folder."""
    return subprocess.run(
        [sys.executable, "-m", "runner", *words], cwd=folder, env=ENVIRONMENT | more, capture_output=True, text=True
    )


@pytest.mark.parametrize("name", ["analysis.py", "numpy.py", "keras/__init__.py"])
def test_a_file_of_the_users_own_that_hides_a_package_which_the_program_needs_is_found_out_at_start(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("raise SystemExit(7)\n")
    done = run(tmp_path, *DRY)
    assert done.returncode == 2 and done.stderr.startswith(f"{tmp_path / name} must have another name")


def test_a_dry_run_does_not_promise_what_a_results_folder_that_is_a_file_cannot_keep(tmp_path):
    (tmp_path / "file").write_text("mine")
    done = here(*DRY, f"results_dir={tmp_path}/file", check=2)
    assert done.stderr == (
        f"results_dir must be a folder, or one that can be made; '{tmp_path}/file' is no folder. Choose another.\n"
    )


def test_swept_paths_are_told_without_their_folders_and_no_line_is_wider_than_the_terminal(small_npz, tmp_path):
    other = tmp_path / "other" / small_npz.name
    other.parent.mkdir()
    other.write_bytes(small_npz.read_bytes()[:])
    words = [word for word in small_study(small_npz, tmp_path / "r", *DRY[1:]) if "dataset.path" not in word]
    done = run(tmp_path, *words, f"dataset.path={small_npz},{other}", COLUMNS="50")
    assert done.returncode == 0 and max(map(len, done.stdout.splitlines())) <= 50
    assert str(tmp_path) not in done.stdout and f"other/{small_npz.name}" in " ".join(done.stdout.split())


def test_a_working_folder_that_was_removed_is_one_sentence(tmp_path):
    gone = f"mkdir gone && cd gone && rmdir ../gone && exec {sys.executable} -m runner {' '.join(DRY)}"
    done = subprocess.run(["sh", "-c", gone], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.startswith("the working folder must be there; it is not (No such file")


def test_a_stream_that_cannot_show_a_sign_shows_it_as_an_escape(tmp_path):
    done = run(tmp_path, *DRY, "design='factoria\u00e9'", PYTHONIOENCODING="ascii")
    assert done.returncode == 2 and "got 'factoria\\xe9'" in done.stderr


def test_closed_streams_are_no_matter(tmp_path):
    closed = f"exec {sys.executable} -m runner {' '.join(DRY)} results_dir=r >&- 2>&- <&-"
    assert subprocess.run(["sh", "-c", closed], cwd=tmp_path, env=ENVIRONMENT).returncode == 0


@pytest.mark.parametrize(
    "place", ["x" * 300, "file/below"], ids=["a name that is too long", "a file where a folder is wanted"]
)
def test_a_results_folder_that_cannot_be_is_one_sentence(tmp_path, place):
    (tmp_path / "file").write_text("mine")
    done = here(*DRY[:-1], "epochs=1", f"results_dir={tmp_path}/{place}", check=2)
    assert len(done.stderr.strip().splitlines()) == 1 and "Traceback" not in done.stderr
    assert (tmp_path / "file").read_text() == "mine"


def test_a_temporary_folder_too_deep_for_a_socket_is_one_sentence(tmp_path):
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    done = run(tmp_path, "-m", "dropout=true,false", "seed=0", "epochs=1", TMPDIR=str(deep))
    assert done.returncode == 2 and done.stderr.splitlines()[-1].startswith("TMPDIR must be a folder with a path of")
    assert "Traceback" not in done.stderr


def test_a_study_without_a_factor_says_so_and_what_is_planned_is_told_before_it_is_trained(small_npz, tmp_path):
    done = here(*small_study(small_npz, tmp_path / "r", "seed=0,1", "epochs=1"))
    lines = done.stderr.splitlines()
    assert lines[0] == "baseline: 0 of 2 trainings done, 2 to do, 2 epochs" and lines[1].startswith(
        "No factor: nothing"
    )


def test_completion_is_of_the_command_that_a_shell_can_complete():
    done = here("--shell-completion", "install=bash")
    assert done.stdout.rstrip().endswith("-F hydra_bash_completion ablate")
