"""The two places where versions live: a folder, where a rename is atomic, and an object store.

A model server takes every folder whose name is a number for a finished version. So in a folder
a version is written under a hidden name and renamed; in an object store, which has no rename, its
lineage document comes first and takes the number, `saved_model.pb` comes last, and a version counts
once that is there.
"""

import contextlib
import fcntl
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from shelfsort.contract.model_files import LINEAGE, SAVED_MODEL
from shelfsort.core import files, storage
from shelfsort.core.errors import InputError
from shelfsort.core.storage import join

INCOMING, REMOVED = ".incoming-", ".removed-"
# Longer than any copy of a model takes; decides where there are no locks.
ABANDONED_AFTER_S = 6 * 3600
LARGEST = 2**63 - 1
"""The highest version number that a model server takes."""
_LOCK = ".lock"
# Longer names are no numbers to a server, however many of the digits are zeros.
_VERSION = re.compile(r"[0-9]{1,64}")


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
        with _incoming(self._base) as incoming:
            for name, path in new.files():
                _copy_durably(path, incoming / name)
            files.write_bytes(incoming / LINEAGE, new.lineage)
            for folder, _, _ in os.walk(incoming):
                _fsync(Path(folder))
            return self._rename(incoming)

    def _rename(self, incoming: Path) -> int:
        while True:
            number = _next_number(self.taken())
            # A file of that name, or a link to nowhere, is no version and in the way all the same.
            while os.path.lexists(self._base / str(number)):
                number = _next_number({number: ""})
            try:
                incoming.rename(self._base / str(number))
            except OSError:
                # Another publisher took the number between the look and the rename.
                if not os.path.lexists(self._base / str(number)):
                    raise
            else:
                _fsync(self._base)
                return number

    def remove(self, folder: str) -> None:
        hidden = self._base / f"{REMOVED}{folder}-{uuid.uuid4().hex[:8]}"
        # Whoever sweeps or prunes at this moment may be first.
        with contextlib.suppress(FileNotFoundError):
            (self._base / folder).rename(hidden)
            _fsync(self._base)
            shutil.rmtree(hidden)

    def sweep(self) -> None:
        if not self._base.is_dir():
            return
        for entry in self._base.iterdir():
            if entry.name.startswith(REMOVED):
                shutil.rmtree(entry, ignore_errors=True)
            elif entry.name.startswith(INCOMING) and entry.suffix != _LOCK:
                _sweep_incoming(entry)


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
        number = 0
        while True:
            # Above the last try, too: a store may list what was just written with a delay.
            number = _next_number({number: "", **self.taken()})
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
    # "007" and "7" are one version to a server, which takes the first by name.
    found = sorted(filter(_VERSION.fullmatch, names), reverse=True)
    numbered = sorted((int(name), name) for name in {int(name): name for name in found}.values())
    return {number: name for number, name in numbered if number <= LARGEST}


def _next_number(taken: Mapping[int, str]) -> int:
    number = max(taken, default=0) + 1
    if number > LARGEST:
        raise InputError(
            f"version {LARGEST} is taken, and there is no higher number. Remove that version."
        )
    return number


@contextlib.contextmanager
def _incoming(base: Path) -> Iterator[Path]:
    """A hidden folder for a version that is being written; whoever holds its lock is at work.

    A lock ends with its process, in every container and on every machine that shares the volume. It
    is there before the folder and goes after it.
    """
    incoming = base / f"{INCOMING}{uuid.uuid4().hex}"
    with _lock_of(incoming).open("xb") as lock:
        try:
            with contextlib.suppress(OSError):
                # A file system without locks: then age alone decides.
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            incoming.mkdir()
            yield incoming
        finally:
            shutil.rmtree(incoming, ignore_errors=True)
            _lock_of(incoming).unlink(missing_ok=True)


def _lock_of(incoming: Path) -> Path:
    return incoming.with_name(incoming.name + _LOCK)


def _sweep_incoming(entry: Path) -> None:
    """Removes an unfinished version whose publisher is dead, or which is old."""
    try:
        with _lock_of(entry).open("r+b") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(entry, ignore_errors=True)
            _lock_of(entry).unlink(missing_ok=True)
    except OSError:
        # At work, an earlier release's, or on a file system without locks.
        with contextlib.suppress(FileNotFoundError):
            if time.time() - entry.stat().st_mtime > ABANDONED_AFTER_S:
                shutil.rmtree(entry, ignore_errors=True)
                _lock_of(entry).unlink(missing_ok=True)


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
