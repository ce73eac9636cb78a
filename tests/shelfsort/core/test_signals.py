import subprocess
import sys

import pytest

SCRIPT = """
import os, signal, sys, threading, time
from shelfsort.core.signals import EndingSignals

signals = EndingSignals()

def other_thread():
    time.sleep(float(sys.argv[2]))
    signal.pthread_kill(threading.get_ident(), int(sys.argv[1]))
    threading.Event().wait(30)
    os._exit(1)

threading.Thread(target=other_thread, daemon=True).start()
time.sleep(0.1)
signals.wait()
os._exit(0)
"""


@pytest.mark.parametrize("number", ["15", "2"])
@pytest.mark.parametrize("after", ["0", "0.3"], ids=["before the wait", "while it waits"])
def test_a_signal_that_another_thread_got_ends_the_wait(number, after):
    done = subprocess.run([sys.executable, "-c", SCRIPT, number, after], check=False)
    assert done.returncode == 0
