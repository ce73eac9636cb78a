"""The pictures of a catalogue: files named by the SHA-256 of their bytes."""

import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from shelfsort.catalog.database.tables import image
from shelfsort.core import files, storage
from shelfsort.core.database.engine import reader
from shelfsort.core.storage import is_remote, join, local_path

_PREFIXES = tuple(f"{number:02x}" for number in range(256))
_UPLOADS = 16
_NAME = re.compile(r"([0-9a-f]{64})\.[a-z0-9]+")


@dataclass(frozen=True)
class Picture:
    """Attributes: digest (SHA-256 in hex), format and content (bytes) of a picture to keep."""

    digest: str
    format: str
    content: bytes


class ImageStore:
    """A folder or bucket of pictures."""

    def __init__(self, place: str):
        """`place` is its path or address. Makes nothing."""
        self.place = place

    def path(self, digest: str, format_: str) -> str:
        """Where a picture lies; the first two digits of the digest name a folder."""
        return join(self.place, digest[:2], f"{digest}.{format_}")

    def write(self, pictures: Sequence[Picture]) -> None:
        """Keeps pictures. They are on the disk when this returns, and never there in part.

        On this machine, all are flushed together before the first gets its name, and all names
        together: two flushes for any number of pictures.

        Raises:
            OSError: one cannot be written.
        """
        new = {each.digest: each for each in pictures}.values()
        if is_remote(self.place):
            with ThreadPoolExecutor(_UPLOADS) as uploads:
                list(uploads.map(self._upload, new))
            return
        top = local_path(self.place)
        partial = [
            _written(f"{top}/{each.digest[:2]}", f"{each.digest}.{each.format}", each.content)
            for each in new
            if not _is_there(f"{top}/{each.digest[:2]}/{each.digest}.{each.format}", each.content)
        ]
        if not partial:
            return
        files.sync_file_system(top)
        for temporary, place in partial:
            Path(temporary).replace(place)
        files.sync_file_system(top)

    def _upload(self, picture: Picture) -> None:
        files.write_bytes(self.path(picture.digest, picture.format), picture.content)

    def read(self, digest: str, format_: str) -> bytes:
        """The bytes of a picture. Raises OSError."""
        return storage.read_bytes(self.path(digest, format_))

    def remove(self, digest: str, format_: str) -> None:
        """Removes a picture, if it is there. Raises OSError."""
        try:
            storage.remove(self.path(digest, format_))
        except FileNotFoundError:
            return

    def sweep(self, engine: Engine) -> int:
        """Removes what a kill left behind: pictures that the database does not know.

        Nothing may be fetched meanwhile.

        Returns:
            The number of files removed.

        Raises:
            OSError: the store cannot be read.
        """
        removed = 0
        for prefix in _PREFIXES:
            for name in self._strays(engine, prefix):
                storage.remove(join(self.place, prefix, name))
                removed += 1
        return removed

    def _strays(self, engine: Engine, prefix: str) -> Iterator[str]:
        folder = join(self.place, prefix)
        if not is_remote(folder) and not local_path(folder).is_dir():
            return
        names = storage.files_beneath(folder)
        if not names:
            return
        known = sa.select(image.c.digest, image.c.format).where(
            image.c.digest >= prefix, image.c.digest < prefix + "g"
        )
        with reader(engine) as connection:
            kept = {f"{digest}.{format_}" for digest, format_ in connection.execute(known)}
        for name in names:
            ours = _NAME.fullmatch(name) or name.endswith(".partial")
            if ours and "/" not in name and name not in kept:
                yield name


def _is_there(place: str, content: bytes) -> bool:
    # It was flushed before it got its name.
    try:
        return Path(place).stat().st_size == len(content)
    except FileNotFoundError:
        return False


def _written(folder: str, name: str, content: bytes) -> tuple[str, str]:
    """The temporary name of a file with the content, not flushed, and the one it will get."""
    temporary = f"{folder}/.{name}.{os.getpid()}.partial"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    try:
        descriptor = os.open(temporary, flags, 0o666)
    except FileNotFoundError:
        Path(folder).mkdir(parents=True, exist_ok=True)
        descriptor = os.open(temporary, flags, 0o666)
    try:
        left = memoryview(content)
        while left:
            left = left[os.write(descriptor, left) :]
    finally:
        os.close(descriptor)
    return temporary, f"{folder}/{name}"
