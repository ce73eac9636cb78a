"""Input that follows what it reaches is understood or refused, within a second or two each."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

# Linux counts the memory of the process that starts another as that one's too, and a process of
# tests is large. The shell, which starts the fuzzing in its turn, is small.
_IN_A_SHELL = ["sh", "-c", '"$@"; exit $?', "sh"]
_LIMITS = ["-rss_limit_mb=2048", "-timeout=20", "-max_total_time=20"]
_ARGUMENTS = ["all", "-runs=300", "-seed=1", *_LIMITS]


def test_input_that_is_guided_by_coverage_is_understood_or_refused():
    pytest.importorskip("atheris", reason="fuzzing that is guided by coverage needs atheris")
    done = subprocess.run(
        [*_IN_A_SHELL, sys.executable, "-m", "tests.fuzz.guided", *_ARGUMENTS],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "DONE" in done.stderr or "Done" in done.stderr, done.stderr[-3000:]
