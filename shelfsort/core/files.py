"""Files that are written whole or not at all, on this machine and in object stores."""

import contextlib
import ctypes
import functools
import json
import os
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from shelfsort.core import storage
from shelfsort.core.errors import InputError
from shelfsort.core.storage import Place

_REQUIRED = object()
MAX_JSON_VALUES = 20_000_000
"""Of a document. Each may take a hundred times the bytes that it is written in."""


@contextlib.contextmanager
def writing(place: Place) -> Iterator[IO[bytes]]:
    """A stream whose file appears when the block ends well; readers never see a part of it.

    Folders are made. A local file is flushed to the disk (fsync) before it gets its name.

    Raises:
        InputError: the place is a folder, or a device, a pipe or a stream of this process such as
            /dev/stdout, which a file would replace.
    """
    if storage.is_remote(place):
        with tempfile.NamedTemporaryFile(prefix="shelfsort-") as whole:
            yield whole
            whole.flush()
            storage.copy(whole.name, place)
        return
    path = storage.local_path(place)
    _refuse_other_than_files(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{uuid.uuid4().hex}.partial")
    try:
        with partial.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _refuse_other_than_files(path: Path) -> None:
    folder = os.path.realpath(path.parent)
    # A stream that leads to a file looks like one.
    if folder in ("/dev", "/proc") or folder.startswith("/proc/"):
        raise InputError(f"{path}: is no regular file. Name a file to write.")
    if path.exists() and not path.is_file():
        what = "a folder" if path.is_dir() else "no regular file"
        raise InputError(f"{path}: is {what}. Name a file to write.")


def refuse_inputs(output: Place | None, *inputs: Place | None, option: str = "--output") -> None:
    """Refuses to write over what a command reads.

    Args:
        output: place to write; "" or None for none.
        inputs: places that are read; "" or None for none.
        option: that named the output, for the message.

    Raises:
        InputError: the output is one of the inputs, perhaps by another name.
    """
    if output and any(each and same_place(output, each) for each in inputs):
        raise InputError(f"{output}: is the input. Give {option} another name.")


def same_place(one: Place, other: Place) -> bool:
    """Whether two places are one file, perhaps by another name or a link."""
    if storage.absolute(one) == storage.absolute(other):
        return True
    if storage.is_remote(one) or storage.is_remote(other):
        return False
    try:
        return storage.local_path(one).samefile(storage.local_path(other))
    except (OSError, ValueError):
        return False


def sync_folder(folder: Path) -> None:
    """Flushes the names in a folder of this machine to the disk (fsync)."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file_system(folder: Path) -> None:
    """Flushes all that was written to the file system of a folder of this machine (syncfs).

    A disk flushes many files together in little more time than one. What other programs have
    written there is flushed, too. Linux before 5.8 does not say when the disk fails.

    Raises:
        OSError: the disk fails.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if _libc().syncfs(descriptor):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(folder))
    finally:
        os.close(descriptor)


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def write_bytes(place: Place, content: bytes) -> None:
    """Writes a file as `writing` does."""
    with writing(place) as stream:
        stream.write(content)


def write_text(place: Place, text: str) -> None:
    """Writes a UTF-8 file as `writing` does."""
    write_bytes(place, text.encode())


def write_json(place: Place, content: Any) -> None:
    """Writes indented JSON as `writing` does. Raises ValueError for NaN and infinities."""
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    write_text(place, text + "\n")


def read_json(place: Place, missing: Any = _REQUIRED) -> Any:
    """The content of a JSON file; `missing`, where that is given and there is no such file.

    Raises:
        OSError: it cannot be read.
        InputError: it is not JSON; the message names the line.
    """
    try:
        content = storage.read_bytes(place)
    except FileNotFoundError:
        if missing is _REQUIRED:
            raise
        return missing
    return parse_json(place, content, "Write the file again.")


def parse_json(place: Place, content: bytes | str, remedy: str, most: int | None = None) -> Any:
    """The value of JSON in UTF-8, with or without a byte order mark.

    Args:
        place: where it stands, for the message.
        remedy: the last sentence of the message.
        most: values that it may hold, 20 million where nothing is said.

    Raises:
        InputError: it is not JSON; the message names the line.
    """
    try:
        text = content.decode("utf-8-sig") if isinstance(content, bytes) else content
        _refuse_many_values(place, text, remedy, MAX_JSON_VALUES if most is None else most)
        return json.loads(text)
    except UnicodeDecodeError as error:
        raise InputError(f"{place}: not UTF-8 ({error.reason}). Save it as UTF-8.") from error
    except json.JSONDecodeError as error:
        what = f"not JSON ({error.msg}, column {error.colno})"
        raise InputError(f"{place}:{error.lineno}: {what}. {remedy}") from error
    # A number of too many digits, or too many brackets within each other.
    except (ValueError, RecursionError) as error:
        raise InputError(f"{place}: not JSON ({error}). {remedy}") from error


def _refuse_many_values(place: Place, text: str, remedy: str, most: int) -> None:
    """Raises InputError; commas and brackets in texts count, too."""
    values = sum(map(text.count, ",[{:"))
    if values > most:
        raise InputError(f"{place}: holds about {values:,} values, more than {most:,}. {remedy}")
