"""The mirror's script, run for real against a folder that stands in for the object store."""

import os
import subprocess
from pathlib import Path

import pytest

MIRROR = Path(__file__).parents[3] / "serving" / "kubernetes" / "overlays" / "s3" / "mirror.sh"

# Speaks the two commands of rclone that the script uses.
_RCLONE = """#!/bin/sh
[ -e "$STORE/.outage" ] && exit 3
case "$1" in
lsf) cd "$STORE" && ls -d */ ;;
copy) mkdir -p "$3" && cp -r "$STORE/${2##*/}/." "$3" ;;
*) exit 9 ;;
esac
"""


class Store:
    """An object store and the folder that mirrors it."""

    def __init__(self, folder: Path):
        self.store, self.target = folder / "store", folder / "target"
        self.store.mkdir()
        program = folder / "bin" / "rclone"
        program.parent.mkdir()
        program.write_text(_RCLONE)
        program.chmod(0o755)
        self._environment = {
            **os.environ,
            "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
            "STORE": str(self.store),
            "MIRROR_SOURCE": "s3:bucket/serving/shelfsort",
            "MIRROR_TARGET": str(self.target),
            "MIRROR_KEEP": "2",
            "MIRROR_EVERY_S": "0",
        }

    def push(self, version: str, finished: bool = True) -> None:
        (self.store / version / "variables").mkdir(parents=True, exist_ok=True)
        (self.store / version / "variables" / "variables.index").write_text(version)
        if finished:
            (self.store / version / "saved_model.pb").write_text(version)

    def mirror(self) -> list[str]:
        """Looks once; returns what the server's folder holds, hidden names included."""
        command = ["/bin/sh", str(MIRROR)]
        subprocess.run(command, env=self._environment, check=True, timeout=60)
        return sorted(entry.name for entry in self.target.iterdir())


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path)


def test_the_newest_versions_are_copied_whole(store):
    for version in ("1", "9", "10"):
        store.push(version)
    assert store.mirror() == ["10", "9"]
    assert (store.target / "10" / "variables" / "variables.index").read_text() == "10"


def test_an_unfinished_version_waits_for_its_graph(store):
    store.push("1")
    store.push("2", finished=False)
    assert store.mirror() == ["1"]
    store.push("2")
    assert store.mirror() == ["1", "2"]


def test_old_versions_go_when_newer_ones_are_here(store):
    for version in ("1", "2"):
        store.push(version)
    store.mirror()
    store.push("3")
    assert store.mirror() == ["2", "3"]


def test_an_outage_takes_nothing_away(store):
    store.push("1")
    store.mirror()
    (store.store / ".outage").touch()
    assert store.mirror() == ["1"]


def test_what_is_no_version_is_left_out_and_a_broken_copy_begins_anew(store):
    store.push("1")
    (store.store / "notes").mkdir()
    (store.target / ".incoming-1").mkdir(parents=True)
    (store.target / ".incoming-1" / "left over").touch()
    assert store.mirror() == ["1"]
    assert not (store.target / "1" / "left over").exists()
