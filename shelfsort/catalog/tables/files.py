"""The files of a source, and what tells whether they have changed."""

import hashlib
import posixpath
from collections.abc import Sequence
from dataclasses import dataclass

from shelfsort.core.errors import InputError
from shelfsort.core.storage import absolute, file_state, is_folder, is_remote, join
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
        there = place if is_remote(place) else absolute(join(folder, place))
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


def shown(file: str, folder: str) -> str:
    """A file as people know it: relative to the folder of the settings where it is in there."""
    inside = posixpath.join(folder, "")
    return file[len(inside) :] if file.startswith(inside) else file
