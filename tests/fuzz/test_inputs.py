"""What others wrote is understood or refused, whatever it is, in 1 GiB and two minutes."""

import subprocess
import sys

import pytest

from tests.fuzz.inputs import TARGETS

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_arbitrary_input_is_understood_or_refused(target):
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.inputs", target, "100"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
