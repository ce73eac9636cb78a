"""stacks/check_compiler.py: one line that says what to install, before anything is downloaded."""

import subprocess
import sys
from pathlib import Path

import pytest

CHECK = Path(__file__).parents[2] / "stacks/check_compiler.py"


@pytest.fixture
def check(tmp_path):
    """Runs the check with no programs but those named, in place of the Python's compilers."""

    def run(*programs: str) -> subprocess.CompletedProcess[str]:
        for name in programs:
            (tmp_path / name).write_text("#!/bin/sh\n")
            (tmp_path / name).chmod(0o755)
        environment = {"PATH": str(tmp_path), "CC": "a-compiler -O2", "CXX": "another"}
        command = [sys.executable, CHECK]
        return subprocess.run(command, env=environment, capture_output=True, text=True)

    return run


def test_compilers_and_headers_pass(check):
    assert check("a-compiler", "another").returncode == 0


def test_a_missing_compiler_is_named_with_what_to_install(check):
    done = check("a-compiler")
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert "another" in line and "a-compiler" not in line and "apt install g++" in line
