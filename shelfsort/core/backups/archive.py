"""The file of a backup: what it holds, with its length and checksum, before the content itself."""

import contextlib
import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from shelfsort.core import files
from shelfsort.core.errors import InputError
from shelfsort.core.storage import Place, is_remote, local_path, open_binary

_VERSION = 1
_HEADING, _CONTENT = "backup.json", "content"
_LARGEST_HEADING = 1 << 20
_BLOCK = 1 << 20
_PRIVATE = 0o600


@dataclass(frozen=True)
class Heading:
    """What a backup holds.

    Attributes:
        kind: `sqlite`, `postgresql` or `answers`.
        made: when, in UTC, ISO 8601.
        revisions: of the database by the name of the room; empty for answers.
        rows: of each table.
        bytes: length of the content.
        sha256: of the content, in hex.
        version: of this form.
    """

    kind: str
    made: str
    revisions: Mapping[str, str]
    rows: Mapping[str, int]
    bytes: int = 0
    sha256: str = ""
    version: int = _VERSION


def write_backup(place: Place, heading: Heading, content: Path) -> Heading:
    """Writes a backup whole or not at all, for its owner alone; returns its heading.

    Args:
        place: path or address of the file; one that is there is replaced.
        heading: without length and checksum, which are added.
        content: file of this machine.
    """
    digest = hashlib.sha256()
    with content.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    counted = {"bytes": content.stat().st_size, "sha256": digest.hexdigest()}
    whole = Heading(**{**asdict(heading), **counted})
    # PostgreSQL's own form is compressed already.
    packing = zipfile.ZIP_STORED if heading.kind == "postgresql" else zipfile.ZIP_DEFLATED
    with files.writing(place) as stream:
        os.fchmod(stream.fileno(), _PRIVATE)
        with zipfile.ZipFile(stream, "w", packing, compresslevel=1) as packed:
            packed.writestr(_HEADING, json.dumps(asdict(whole), indent=1))
            packed.write(content, _CONTENT)
    return whole


@contextlib.contextmanager
def reading_backup(place: Place, folder: Path | None = None) -> Iterator[tuple[Heading, Path]]:
    """The heading of a backup and a file with its content, which is checked and then removed.

    Args:
        place: path or address of the backup.
        folder: that takes the file; that of temporary files by default.

    Raises:
        InputError: it is no backup, a later version made it, or it is damaged.
        OSError: it cannot be read.
    """
    descriptor, name = tempfile.mkstemp(prefix=".shelfsort-", suffix=".partial", dir=folder)
    path = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as content, open_binary(place) as stream:
            heading = _unpacked(place, stream, content)
            content.flush()
            os.fsync(content.fileno())
        yield heading, path
    finally:
        path.unlink(missing_ok=True)


def read_heading(place: Place) -> Heading:
    """What a backup holds, without its content. Raises as `reading_backup`."""
    with open_binary(place) as stream, _damage(place), zipfile.ZipFile(stream) as packed:
        return _heading(place, packed)


def folder_of(place: Place) -> Path | None:
    """The folder of a file of this machine, None for an address."""
    return None if is_remote(place) else local_path(place).absolute().parent


def _unpacked(place: Place, stream: IO[bytes], content: IO[bytes]) -> Heading:
    with _damage(place), zipfile.ZipFile(stream) as packed:
        heading = _heading(place, packed)
        digest, left = hashlib.sha256(), heading.bytes
        with packed.open(_CONTENT) as source:
            while block := source.read(_BLOCK):
                left -= len(block)
                if left < 0:
                    break
                digest.update(block)
                content.write(block)
    if left or digest.hexdigest() != heading.sha256:
        raise _damaged(place, "its content is not what was written")
    return heading


def _heading(place: Place, packed: zipfile.ZipFile) -> Heading:
    try:
        with packed.open(_HEADING) as stream:
            fields: Any = json.loads(stream.read(_LARGEST_HEADING))
        if isinstance(fields, dict) and fields.get("version", 0) != _VERSION:
            raise InputError(f"{place}: a later version made this backup. Use that version.")
        heading = Heading(**fields)
        if not isinstance(heading.bytes, int) or heading.bytes < 0:
            raise ValueError(heading.bytes)
        dict(heading.revisions), dict(heading.rows)
    except (TypeError, ValueError) as error:
        raise _damaged(place, "its heading cannot be read") from error
    return heading


@contextlib.contextmanager
def _damage(place: Place) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, KeyError, EOFError, NotImplementedError, RuntimeError) as error:
        raise _damaged(place, "no backup, or not a whole one") from error
    # zlib.error, which the interpreter may lack a name for, has no other parent.
    except Exception as error:
        if type(error).__module__ == "zlib":
            raise _damaged(place, "its content is broken") from error
        raise


def _damaged(place: Place, why: str) -> InputError:
    return InputError(f"{place}: {why}. Give a file that `shelfsort database backup` wrote.")
