"""A clock tells what work took: by the clock, and of processors, its children's included."""

import subprocess
import sys
import time

import pytest

from shelfsort.core.cost import Clock, Cost

SPIN = "import time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass"


def test_waiting_takes_time_but_no_processor():
    clock = Clock()
    time.sleep(0.2)
    cost = clock.lap()
    assert cost.seconds >= 0.2
    assert cost.cpu_seconds < 0.1


def test_the_work_of_a_child_counts_and_the_next_lap_starts_anew():
    clock = Clock()
    subprocess.run([sys.executable, "-c", SPIN], check=True)
    assert clock.lap().cpu_seconds >= 0.25
    assert clock.lap().cpu_seconds < 0.1


def test_a_cost_is_written_to_a_hundredth_of_a_second():
    assert Cost(1.2345, 0.999).rounded() == Cost(1.23, 1.0)


GROWTH = """
import subprocess, sys
from shelfsort.core.cost import PeakMemory
peak = PeakMemory()
before = peak.mb()
{work}
print(peak.mb() - before)
"""


@pytest.mark.parametrize(
    "work",
    [
        "block = b'x' * (200 << 20); del block",
        "subprocess.run([sys.executable, '-c', 'b = bytes(1) * (200 << 20)'], check=True)",
    ],
)
def test_the_peak_counts_memory_that_was_given_back_and_that_of_children(work):
    grown = subprocess.check_output([sys.executable, "-c", GROWTH.format(work=work)])
    assert 190 <= int(grown) < 300
