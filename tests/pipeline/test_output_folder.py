"""The output folder: ours or nobody's, one run at a time, never half a file."""

import os
import signal
import subprocess
import sys

import pytest

from pipeline.output_folder import FORMAT, OutputFolder
from shelfsort.core.errors import InputError


def test_a_new_and_an_empty_folder_become_ours(tmp_path):
    for path in (tmp_path, tmp_path / "a" / "b"):
        folder = OutputFolder.open(str(path))
        assert OutputFolder.existing(str(path)) == folder


def test_somebody_elses_folder_is_left_alone(tmp_path):
    (tmp_path / "thesis.doc").write_text("mine")
    with pytest.raises(InputError, match="not Shelfsort's"):
        OutputFolder.open(str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.doc"]


def test_a_file_and_a_folder_without_runs_are_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is no folder"):
        OutputFolder.open(str(tmp_path / "file"))
    with pytest.raises(InputError, match="no run was made here"):
        OutputFolder.existing(str(tmp_path))


def test_a_folder_of_an_older_format_is_opened_and_gets_the_format_with_its_next_run(tmp_path):
    marker = tmp_path / ".shelfsort"
    marker.write_text("This folder is written by `shelfsort run`; delete all of it or nothing.\n")
    assert OutputFolder.existing(str(tmp_path)).path == tmp_path
    inode = marker.stat().st_ino
    for _ in range(2):
        with OutputFolder.open(str(tmp_path)).locked():
            pass
    assert marker.read_text().splitlines()[1:] == [f"format {FORMAT}"]
    assert marker.stat().st_ino == inode


def test_a_folder_of_a_newer_format_is_refused_in_one_line(tmp_path):
    (tmp_path / ".shelfsort").write_text(f"Ours.\nformat {FORMAT + 1}\n")
    for read in (OutputFolder.open, OutputFolder.existing):
        with pytest.raises(InputError, match=f"has format {FORMAT + 1}") as caught:
            read(str(tmp_path))
        assert "\n" not in str(caught.value)


def test_two_runs_at_once_are_refused_and_a_killed_one_lets_go(tmp_path):
    folder = OutputFolder.open(str(tmp_path / "out"))
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time; from pipeline.output_folder import OutputFolder\n"
            "with OutputFolder.open(sys.argv[1]).locked():\n"
            "    print('held', flush=True); time.sleep(600)",
            str(folder.path),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(InputError, match="another run is under way"), folder.locked():
        pass
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    with folder.locked():
        pass
