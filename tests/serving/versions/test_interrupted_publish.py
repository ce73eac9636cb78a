"""A push that dies at any moment must not show a server half a version."""

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from serving import versions
from shelfsort.contract.model_files import file_digests

_PUSH = "import sys; from serving.versions import publish; publish(sys.argv[1], sys.argv[2])"
_FILES = 400


def _many_files(model: Path) -> Path:
    # So many that a push takes long enough to be caught in the act.
    for number in range(_FILES):
        (model / "assets" / f"{number:04}").write_bytes(b"x" * 64)
    return model


def _wait_for(condition, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the push did not get that far"
        time.sleep(0.001)


def test_a_killed_push_shows_nothing_and_the_next_one_cleans_up(make_model, base):
    model = _many_files(make_model("a"))
    push = subprocess.Popen([sys.executable, "-c", _PUSH, model, base])
    _wait_for(lambda: len(list(base.glob(".incoming-*/assets/*"))) > 10)
    push.send_signal(signal.SIGKILL)
    assert push.wait() == -signal.SIGKILL

    assert versions.list_versions(base) == []
    assert len(list(base.glob(".incoming-*.lock"))) == 1

    assert versions.publish(model, base).version == 1
    assert [entry.name for entry in base.iterdir()] == ["1"]
    assert versions.verify(versions.live_version(base)) == []


@pytest.mark.slow
def test_a_watcher_only_ever_sees_whole_versions(make_model, base):
    whole = set(file_digests(_many_files(make_model("a"))))
    seen, finished = [], threading.Event()

    def watch():
        while not finished.is_set():
            for version in versions.list_versions(base):
                seen.append(set(file_digests(version.path)) == whole)

    watcher = threading.Thread(target=watch)
    watcher.start()
    versions.publish(make_model("a"), base)
    _wait_for(lambda: seen)
    finished.set()
    watcher.join()
    assert all(seen)
