"""Puts a folder of files in place whole, or not at all."""

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from shelfsort.core.errors import InputError

# A file system writes what several threads wait for in one go.
_SYNCS_AT_ONCE = 16


def publish_folder(directory: Path, files: dict[str, bytes], ours: set[str]) -> None:
    """Writes `files` into a hidden folder beside `directory`, then renames it into place.

    Args:
        directory: where the folder shall be. A former one is replaced if it holds nothing but
            entries named in `ours`.
        files: content by relative path, "/" between folders.
        ours: names of the entries that may be replaced.

    Raises:
        InputError: if `directory` is a file, or holds something that is not ours.
    """
    _check(directory, ours)
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{directory.name}-", dir=directory.parent) as work:
        fresh, former = Path(work, "fresh"), Path(work, "former")
        for name, content in files.items():
            target = fresh / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        _to_disk(fresh)
        if directory.exists():
            directory.rename(former)
        fresh.rename(directory)


def _check(directory: Path, ours: set[str]) -> None:
    if not directory.exists():
        return
    if not directory.is_dir():
        raise InputError(f"{directory}: is a file. Name a folder.")
    foreign = sorted(entry.name for entry in directory.iterdir() if entry.name not in ours)
    if foreign:
        raise InputError(
            f"{directory}: holds {foreign[0]!r}, which is not the demo's. Name a new folder."
        )


def _to_disk(folder: Path) -> None:
    """Makes sure that what is renamed has reached the disk."""
    with ThreadPoolExecutor(_SYNCS_AT_ONCE) as pool:
        list(pool.map(_sync, [*folder.rglob("*"), folder]))


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
