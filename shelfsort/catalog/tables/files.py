"""The files of a source, read one after the other, and only if one of them has changed."""

import hashlib
import json
import posixpath
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from shelfsort.catalog.rows import Page, StaleCursorError
from shelfsort.core.errors import InputError
from shelfsort.core.storage import file_state, is_folder, placed
from shelfsort.products.manifest.files import find_manifest_files


@dataclass(frozen=True)
class Listing:
    """The files of a source at one moment.

    Attributes:
        files: paths or addresses, in the order in which they are read.
        digest: changes with the name, size or time of any of them.
    """

    files: tuple[str, ...]
    digest: str


def list_sources(folder: str, places: Sequence[str]) -> Listing:
    """The files that places name: files, folders (the tables directly in them), or patterns.

    Files whose names begin with "." or "_" are incomplete and left out.

    Args:
        folder: where relative places start.
        places: as the settings have them.

    Raises:
        InputError: a place has no file, or cannot be asked.
    """
    files: dict[str, None] = {}
    for place in places:
        there = placed(folder, place)
        for file in find_manifest_files(there):
            if is_folder(file):
                raise InputError(f"{place}: no table in this folder. Name one with tables.")
            files[file] = None
    digest = hashlib.blake2b(digest_size=16)
    for file in files:
        try:
            size, changed = file_state(file)
        except (OSError, ValueError) as error:
            raise InputError(
                f"{file}: cannot be read ({error}). Give the path of a file."
            ) from error
        if size < 0:
            raise InputError(f"{file}: there is no such file. Correct files.")
        digest.update(f"{file}\0{size}\0{changed!r}\n".encode())
    return Listing(tuple(files), digest.hexdigest())


class FilesSource:
    """A source whose products are in files."""

    lists_all = True

    def __init__(
        self, folder: str, places: Sequence[str], read: Callable[[str, int], Iterator[Page]]
    ):
        """Reads nothing yet.

        Args:
            folder: where relative places start.
            places: as `list_sources` takes them.
            read: gives the pages of a file without so many of its first rows, without cursors.
        """
        self._folder, self._places, self._read = folder, places, read

    def pages(self, cursor: str, state: str) -> Iterator[Page]:
        """The pages of all files. A cursor holds the file, and how many rows of it were read."""
        listing = list_sources(self._folder, self._places)
        if not cursor and state == listing.digest:
            yield Page((), unchanged=True)
            return
        at, done = 0, 0
        if cursor:
            digest, at, done = json.loads(cursor)
            if digest != listing.digest:
                raise StaleCursorError
        for number in range(at, len(listing.files)):
            for page in self._read(listing.files[number], done):
                done += len(page.rows) + len(page.rejects)
                yield replace(page, cursor=json.dumps([listing.digest, number, done]))
            done = 0
        # What has changed meanwhile is read again next time.
        unchanged = list_sources(self._folder, self._places) == listing
        yield Page((), state=listing.digest if unchanged else "")


def shown(file: str, folder: str) -> str:
    """A file as people know it: relative to the folder of the settings where it is in there."""
    inside = posixpath.join(folder, "")
    return file[len(inside) :] if file.startswith(inside) else file
