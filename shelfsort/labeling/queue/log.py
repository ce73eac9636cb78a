"""A file of answers that only grows: what was acknowledged survives a crash, whole.

JSON Lines: a heading with the key of the pseudonyms, then a record on each line. A record is on the
disk (fsync) before it is acknowledged. What a crash leaves of an unacknowledged one, the part of a
line at the end, is removed when the file is opened again.
"""

import contextlib
import errno
import fcntl
import itertools
import json
import os
import secrets
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from shelfsort.core import files
from shelfsort.core.errors import InputError
from shelfsort.core.storage import open_binary
from shelfsort.labeling.queue.records import Record, read_fields

FORM = "shelfsort-answers"
_BEGINNING = b'{"%s"' % FORM.encode()
_VERSION = 1
_KEY_BYTES = 32
_PRIVATE = 0o600
_CLOSED = -1
_LONGEST_LINE = 1 << 20
_GONE = "the file of answers was moved, replaced or shortened. Put it back"


class AnswerLog:
    """The file of answers, open for one process.

    Attributes:
        path: of the file, absolute.
        key: of the pseudonyms. Whoever has it and a list of names can tell who answered.
    """

    def __init__(
        self,
        path: Path,
        replay: Callable[[Record], object],
        begin: Callable[[bytes], object] = lambda key: None,
    ):
        """Opens the file, which its owner alone can read from then on; makes it if there is none.

        Args:
            path: of the file.
            replay: gets each record that the file holds, in order; raises KeyError or ValueError
                for one that contradicts those before.
            begin: gets the key before that.

        Raises:
            InputError: another process has it open, or it is something else.
            OSError: it cannot be opened.
        """
        self.path = path.absolute()
        self._end = 0
        self._file = _locked(path)
        try:
            with os.fdopen(self._file, "rb", closefd=False) as stream:
                self.key = self._begun(stream)
                begin(self.key)
                stream.seek(self._end)
                for number, record, end in _whole(stream, path):
                    try:
                        replay(record)
                    except (KeyError, ValueError) as error:
                        raise InputError(
                            f"{path}:{number}: contradicts an earlier line. Remove it."
                        ) from error
                    self._end = end
            self._cut()
        except BaseException:
            os.close(self._file)
            raise

    def append(self, record: Record) -> None:
        """Adds a record; it is on the disk when this returns.

        Raises:
            OSError: it could not be written, or nobody would find it. The file is as it was.
        """
        self._check()
        self._write(_line(record.fields()))

    def close(self) -> None:
        """Lets others open the file; a second call does nothing."""
        if self._file != _CLOSED:
            os.close(self._file)
            self._file = _CLOSED

    def _check(self) -> None:
        whole = os.fstat(self._file).st_size >= self._end
        if not whole or not _has_name(self._file, self.path):
            raise OSError(errno.ESTALE, _GONE, str(self.path))

    def _cut(self) -> None:
        if os.fstat(self._file).st_size > self._end:
            os.ftruncate(self._file, self._end)

    def _write(self, line: bytes) -> None:
        """Adds a line, on the disk, or raises OSError and adds nothing."""
        # What is left of a line whose removal failed.
        self._cut()
        try:
            written = os.write(self._file, line)
            if written < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
            os.fsync(self._file)
        except OSError:
            self._cut()
            raise
        self._end += len(line)

    def _begun(self, stream: IO[bytes]) -> bytes:
        """The key in the heading, which is written or completed where that is needed."""
        heading = stream.readline(_LONGEST_LINE)
        if not heading or _is_torn_heading(heading):
            heading = _line({FORM: _VERSION, "key": secrets.token_hex(_KEY_BYTES)})
            self._write(heading)
            _sync_folder(self.path)
        key = _key(heading, self.path)
        self._end = len(heading)
        if not heading.endswith(b"\n"):
            self._write(b"\n")
        _keep_private(self._file)
        return key


def is_answer_log(file: str) -> bool:
    """Whether a file begins with the heading of a file of answers. Raises OSError."""
    with open_binary(file) as stream:
        return stream.readline(_LONGEST_LINE).startswith(_BEGINNING)


def read_log(file: str) -> Iterator[Record]:
    """The records of a file, also while a process adds to it.

    Raises:
        InputError: it is no file of answers.
        OSError: it cannot be read.
    """
    with open_binary(file) as stream:
        _key(stream.readline(_LONGEST_LINE), file)
        for _, record, _ in _whole(stream, file):
            yield record


def write_log(path: Path, key: bytes, records: Iterable[Record]) -> None:
    """Writes a whole file of answers, which its owner alone can read.

    Args:
        path: of the file.
        key: of the pseudonyms, 32 bytes.
        records: in the order in which they were given.
    """
    with files.writing(path) as stream:
        os.fchmod(stream.fileno(), _PRIVATE)
        stream.write(_line({FORM: _VERSION, "key": key.hex()}))
        for record in records:
            stream.write(_line(record.fields()))
    _sync_folder(path)


def _locked(path: Path) -> int:
    """The file, open and locked."""
    while True:
        file = _opened(path)
        try:
            _lock(file, path)
            if _has_name(file, path):
                return file
        except BaseException:
            os.close(file)
            raise
        # Between the two, another process replaced it to delete a person's answers.
        os.close(file)


def _opened(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, _PRIVATE)


def _has_name(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def _lock(file: int, path: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise InputError(
            f"{path}: in use by another process. Stop that one first, or give another file."
        ) from error


def _keep_private(file: int) -> None:
    if stat.S_IMODE(os.fstat(file).st_mode) != _PRIVATE:
        # Not on a file system that has no modes, nor with a file of somebody else.
        with contextlib.suppress(PermissionError):
            os.fchmod(file, _PRIVATE)


def _is_torn_heading(line: bytes) -> bool:
    """Whether a crash left a part of the heading, so nothing can follow."""
    return not line.endswith(b"\n") and line.startswith(_BEGINNING) and not _object(line)


def _key(line: bytes, path: Path | str) -> bytes:
    fields = _object(line)
    if FORM not in fields:
        raise InputError(f"{path}: no file of answers. Give one, or the name of a new file.")
    if fields[FORM] != _VERSION:
        raise InputError(f"{path}: a later version wrote it. Use that version.")
    try:
        return bytes.fromhex(str(fields.get("key")))
    except ValueError as error:
        raise InputError(f"{path}:1: no key of pseudonyms. Restore the line.") from error


def _whole(stream: IO[bytes], path: Path | str) -> Iterator[tuple[int, Record, int]]:
    """The number of each whole line, its record, and where it ends."""
    end = stream.tell()
    for number in itertools.count(2):
        line = stream.readline(_LONGEST_LINE)
        if not line.endswith(b"\n") and len(line) < _LONGEST_LINE:
            return
        record = read_fields(_object(line))
        if record is None:
            raise InputError(f"{path}:{number}: no answer. Correct or remove the line.")
        end += len(line)
        yield number, record, end


def _object(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _line(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def _sync_folder(path: Path) -> None:
    folder = os.open(path.resolve().parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
