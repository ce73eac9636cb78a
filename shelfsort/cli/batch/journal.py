"""Answers so far, in a file beside the output, so that a run that was stopped goes on."""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from shelfsort.core.errors import InputError

_FORM = 1


class Journal:
    """A file of JSON Lines: a heading, then one record for each row of the input, in order.

    Attributes:
        done: number of rows that have their record.
    """

    def __init__(self, path: Path, heading: Mapping[str, Any]):
        """Opens the journal; one of another input or model is begun again.

        Args:
            path: of the journal.
            heading: what the answers depend on.

        Raises:
            InputError: another command is writing it.
        """
        self._path = path
        self._heading = json.dumps({"form": _FORM, **heading}, sort_keys=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._stream: IO[bytes] = path.open("ab")
        try:
            _lock(self._stream, path)
        except BaseException:
            self._stream.close()
            raise
        self.done, end = self._read()
        self._stream.truncate(end)
        if not end:
            self._stream.write(f"{self._heading}\n".encode())
            self._stream.flush()

    def add(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Appends records, and flushes them to the disk."""
        for record in records:
            self._stream.write(f"{json.dumps(record)}\n".encode())
            self.done += 1
        self._stream.flush()
        os.fsync(self._stream.fileno())

    def records(self) -> Iterator[dict[str, Any]]:
        """All records, in order; also once it is closed."""
        with self._path.open("rb") as stream:
            stream.readline()
            for line in stream:
                yield json.loads(line)

    def close(self) -> None:
        """Leaves the journal for a later run."""
        self._stream.close()

    def remove(self) -> None:
        """Deletes and closes it: the output is written."""
        self._path.unlink(missing_ok=True)
        self._stream.close()

    def _read(self) -> tuple[int, int]:
        """How many whole records there are, and where the last of them ends; (0, 0) for none."""
        try:
            stream = self._path.open("rb")
        except FileNotFoundError:
            return 0, 0
        with stream:
            if stream.readline() != f"{self._heading}\n".encode():
                return 0, 0
            done, end = 0, stream.tell()
            for line in stream:
                if not line.endswith(b"\n"):
                    break
                done, end = done + 1, end + len(line)
        return done, end


def _lock(stream: IO[bytes], path: Path) -> None:
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise InputError(
            f"{path}: another command is writing these answers. Wait for it, or name another "
            "--output."
        ) from error
    except OSError:
        # A file system without locks.
        return
