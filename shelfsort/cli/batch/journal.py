"""Answers so far, in a file beside the output, so that a run that was stopped goes on."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

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
        """
        self._path = path
        self._heading = json.dumps({"form": _FORM, **heading}, sort_keys=True)
        self.done, end = self._read()
        path.parent.mkdir(parents=True, exist_ok=True)
        if end:
            os.truncate(path, end)
        self._stream: IO[bytes] = path.open("ab" if end else "wb")
        if not end:
            self._stream.write(f"{self._heading}\n".encode())
            self._stream.flush()

    def add(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Appends records, and flushes them to the disk."""
        for record in records:
            self._stream.write(f"{json.dumps(record, ensure_ascii=False)}\n".encode())
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
        """Closes and deletes it: the output is written."""
        self._stream.close()
        self._path.unlink(missing_ok=True)

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
