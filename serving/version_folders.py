"""The two places where versions live: a folder, where a rename is atomic, and an object store.

A model server takes every folder whose name is a number for a finished version. So in a folder
a version is written under a hidden name and renamed; in an object store, which has no rename, its
lineage document comes first and takes the number, `saved_model.pb` comes last, and a version counts
once that is there.
"""

import contextlib
import os
import re
import shutil
import socket
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from shelfsort.contract.model_files import LINEAGE, SAVED_MODEL
from shelfsort.core import files, storage
from shelfsort.core.errors import InputError
from shelfsort.core.storage import join

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
        names = storage.files_beneath(self.model_dir)
        paths = {name: join(self.model_dir, name) for name in names}
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
    if not storage.is_remote(base):
        return LocalVersions(storage.local_path(base))
    try:
        storage.file_system(base)
    except ValueError:
        raise InputError(
            f"{base}: there is no file system for {storage.scheme(base)}://. Push to a folder, "
            "s3:// or gs://."
        ) from None
    return ObjectVersions(os.fspath(base))


class LocalVersions:
    """Versions in a folder of a POSIX file system."""

    def __init__(self, base: Path):
        self._base = base

    def taken(self) -> dict[int, str]:
        return _numbered(storage.child_folders(self._base))

    def add(self, new: NewVersion) -> int:
        self._base.mkdir(parents=True, exist_ok=True)
        self.sweep()
        incoming = self._base / _incoming_name()
        incoming.mkdir()
        try:
            for name, path in new.files():
                _copy_durably(path, incoming / name)
            files.write_bytes(incoming / LINEAGE, new.lineage)
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
    """Versions in an object store."""

    def __init__(self, base: str):
        self._base = base.rstrip("/")

    def taken(self) -> dict[int, str]:
        return _numbered(storage.child_folders(self._base))

    def add(self, new: NewVersion) -> int:
        number = self._claim(new.lineage)
        folder = join(self._base, str(number))
        try:
            for name, path in new.files():
                storage.copy(path, join(folder, name))
        except BaseException:
            self.remove(str(number))
            raise
        return number

    def _claim(self, lineage: bytes) -> int:
        while True:
            number = _next_number(self.taken())
            try:
                storage.create(join(self._base, str(number), LINEAGE), lineage)
            except FileExistsError:
                # Another publisher took the number between the look and the writing.
                continue
            return number

    def remove(self, folder: str) -> None:
        path = join(self._base, folder)
        # Without its graph a version is unfinished, and no longer listed as one.
        if storage.exists(join(path, SAVED_MODEL)):
            storage.remove(join(path, SAVED_MODEL))
        with contextlib.suppress(FileNotFoundError):
            storage.remove_tree(path)

    def sweep(self) -> None:
        for folder in self.taken().values():
            path = join(self._base, folder)
            unfinished = not storage.exists(join(path, SAVED_MODEL))
            if unfinished and self._idle_s(path) > ABANDONED_AFTER_S:
                storage.remove_tree(path)

    def _idle_s(self, path: str) -> float:
        names = storage.files_beneath(path)
        written = [storage.file_state(join(path, name))[1] for name in names]
        # Zero from a store that keeps no times: then nothing is known to be old.
        return time.time() - max(written) if any(written) else 0.0


def _numbered(names: Iterable[str]) -> dict[int, str]:
    # "007" and "7" are one version to TF Serving; the plain form wins.
    found = sorted(filter(_VERSION.fullmatch, names), key=len, reverse=True)
    return dict(sorted((int(name), name) for name in found))


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
    with files.writing(target) as written:
        for block in storage.blocks(source):
            written.write(block)


def _fsync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
