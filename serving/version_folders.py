"""The two places where versions live: a folder, where a rename is atomic, and an object store.

A model server takes every folder whose name is a number for a finished version. So in a folder
a version is written under a hidden name and renamed; in an object store, which has no rename,
`saved_model.pb` comes last and a version counts once it is there.
"""

import contextlib
import os
import re
import shutil
import socket
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from shelfsort.contract.model_files import (
    LINEAGE,
    SAVED_MODEL,
    blocks,
    child_folders,
    file_exists,
    gfile,
    is_uri,
    join,
    list_files,
    open_file,
)
from shelfsort.core.errors import InputError

INCOMING, REMOVED = ".incoming-", ".removed-"
# Longer than any copy of a model takes; protects a publisher on another machine.
ABANDONED_AFTER_S = 6 * 3600
_VERSION = re.compile(r"[0-9]{1,18}")
_INCOMING = re.compile(re.escape(INCOMING) + r"(?P<host>.+)-(?P<pid>[0-9]+)-[0-9a-f]{8}")


@dataclass(frozen=True)
class NewVersion:
    """What a new version is made of: a model's files, its lineage document, and files besides."""

    model_dir: str
    lineage: bytes
    added: Mapping[str, str] = field(default_factory=dict)

    def files(self) -> list[tuple[str, str]]:
        """Name and path of each file to copy, `saved_model.pb` last."""
        paths = {name: join(self.model_dir, name) for name in list_files(self.model_dir)}
        paths.pop(LINEAGE, None)
        paths.update(self.added)
        return sorted(paths.items(), key=lambda file: (file[0] == SAVED_MODEL, file[0]))


class VersionFolders(Protocol):
    """A base path `serving/<name>/` with one folder for each version."""

    def taken(self) -> dict[int, str]:
        """Every number in use and the name of its folder, finished or not."""

    def add(self, new: NewVersion) -> int:
        """Writes a version under the next free number, which it returns."""

    def remove(self, folder: str) -> None:
        """Removes a version so that no server ever sees half of it."""

    def sweep(self) -> None:
        """Removes what killed publishers left behind."""


def version_folders(base: str | os.PathLike) -> VersionFolders:
    """The kind of place that `base` is. Raises InputError for an unknown URI scheme."""
    base = os.fspath(base)
    if not is_uri(base):
        return LocalVersions(Path(base))
    scheme = base.split("://")[0]
    if scheme == "file":
        return LocalVersions(Path(base.removeprefix("file://")))
    if scheme not in gfile().get_registered_schemes():
        raise InputError(
            f"{base}: TensorFlow has no file system for {scheme}://. "
            "Push to a folder or gs://, and mirror it (serving/kubernetes/README.md)."
        )
    return ObjectVersions(base)


class LocalVersions:
    """Versions in a folder of a POSIX file system."""

    def __init__(self, base: Path):
        self._base = base

    def taken(self) -> dict[int, str]:
        return _numbered(child_folders(self._base))

    def add(self, new: NewVersion) -> int:
        self._base.mkdir(parents=True, exist_ok=True)
        self.sweep()
        incoming = self._base / _incoming_name()
        incoming.mkdir()
        try:
            for name, path in new.files():
                _copy_durably(path, incoming / name)
            _write_durably(new.lineage, incoming / LINEAGE)
            for folder, _, _ in os.walk(incoming):
                _fsync(Path(folder))
            return self._rename(incoming)
        except BaseException:
            shutil.rmtree(incoming, ignore_errors=True)
            raise

    def _rename(self, incoming: Path) -> int:
        while True:
            number = _next_number(self.taken())
            try:
                incoming.rename(self._base / str(number))
            except OSError:
                # Another publisher took the number between the look and the rename.
                if not (self._base / str(number)).exists():
                    raise
            else:
                _fsync(self._base)
                return number

    def remove(self, folder: str) -> None:
        hidden = self._base / f"{REMOVED}{folder}-{uuid.uuid4().hex[:8]}"
        (self._base / folder).rename(hidden)
        _fsync(self._base)
        shutil.rmtree(hidden)

    def sweep(self) -> None:
        if not self._base.is_dir():
            return
        for entry in self._base.iterdir():
            if entry.name.startswith(REMOVED) or _is_abandoned(entry):
                shutil.rmtree(entry, ignore_errors=True)


class ObjectVersions:
    """Versions in an object store, through `tf.io.gfile`."""

    def __init__(self, base: str):
        self._base = base.rstrip("/")

    def taken(self) -> dict[int, str]:
        return _numbered(child_folders(self._base))

    def add(self, new: NewVersion) -> int:
        number = _next_number(self.taken())
        folder = join(self._base, str(number))
        self._write(join(folder, LINEAGE), [new.lineage])
        for name, path in new.files():
            with open_file(path) as source:
                self._write(join(folder, name), blocks(source))
        return number

    def _write(self, path: str, content: Iterator[bytes] | list[bytes]) -> None:
        gfile().makedirs(path.rsplit("/", 1)[0])
        with gfile().GFile(path, "wb") as target:
            for block in content:
                target.write(block)

    def remove(self, folder: str) -> None:
        path = join(self._base, folder)
        # Without its graph a version is unfinished, and no longer listed as one.
        if gfile().exists(join(path, SAVED_MODEL)):
            gfile().remove(join(path, SAVED_MODEL))
        _remove_objects(path)

    def sweep(self) -> None:
        for folder in self.taken().values():
            path = join(self._base, folder)
            if not file_exists(join(path, SAVED_MODEL)) and self._idle_s(path) > ABANDONED_AFTER_S:
                _remove_objects(path)

    def _idle_s(self, path: str) -> float:
        written = [gfile().stat(join(path, name)).mtime_nsec / 1e9 for name in list_files(path)]
        # Zero from a store that keeps no times: then nothing is known to be old.
        return time.time() - max(written) if any(written) else 0.0


def _numbered(names: Iterable[str]) -> dict[int, str]:
    # "007" and "7" are one version to TF Serving; the plain form wins.
    found = sorted(filter(_VERSION.fullmatch, names), key=len, reverse=True)
    return dict(sorted((int(name), name) for name in found))


def _remove_objects(path: str) -> None:
    for name in list_files(path):
        gfile().remove(join(path, name))
    # What `makedirs` left: markers on some stores, nothing on others. Children before parents.
    for folder in sorted((where for where, _, _ in gfile().walk(path)), reverse=True):
        if gfile().isdir(folder):
            gfile().rmtree(folder)


def _next_number(taken: dict[int, str]) -> int:
    return max(taken, default=0) + 1


def _incoming_name() -> str:
    return f"{INCOMING}{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


def _is_abandoned(entry: Path) -> bool:
    owner = _INCOMING.fullmatch(entry.name)
    if not owner:
        return False
    if owner["host"] == socket.gethostname() and not _is_running(int(owner["pid"])):
        return True
    with contextlib.suppress(FileNotFoundError):
        return time.time() - entry.stat().st_mtime > ABANDONED_AFTER_S
    return False


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _copy_durably(source: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with open_file(source) as read, target.open("wb") as written:
        shutil.copyfileobj(read, written, 1 << 20)
        written.flush()
        os.fsync(written.fileno())


def _write_durably(content: bytes, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as written:
        written.write(content)
        written.flush()
        os.fsync(written.fileno())


def _fsync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
