"""A manifest may come in several files, which count in the order of their names."""

import fnmatch
import glob
import posixpath
from collections.abc import Iterable

from shelfsort.core.errors import InputError
from shelfsort.core.storage import is_folder, list_files

_FILES_OF_A_FOLDER = "*.manifest"
_INCOMPLETE = (".", "_")
_WILDCARDS = "*?["


def find_manifest_files(manifest: str) -> tuple[str, ...]:
    """The files that a manifest consists of, in the order in which later ones supersede earlier.

    A file counts once it has its final name: whoever writes one writes it under a name that begins
    with "." or "_" and renames it when it is whole.

    Args:
      manifest: a file, a folder (its `*.manifest`) or a pattern such as `inbox/*.manifest`; on this
        machine or in an object store.

    Returns:
      Paths, sorted; at least one. A path without wildcards that is no folder is returned as it
      is, whether or not it is there.

    Raises:
      InputError: the folder or pattern has no complete file, or cannot be listed.
    """
    pattern = manifest
    try:
        if is_folder(manifest):
            pattern = f"{manifest.rstrip('/')}/{_FILES_OF_A_FOLDER}"
        elif not any(character in manifest for character in _WILDCARDS):
            return (manifest,)
        found = list_files(pattern)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(
            f"{pattern}: cannot be listed ({reason}). Give a folder that can be read."
        ) from error
    files = sorted(path for path in found if not posixpath.basename(path).startswith(_INCOMPLETE))
    if not files and list_files(glob.escape(manifest)):
        return (manifest,)
    if not files:
        raise InputError(
            f"{pattern}: no complete manifest found. Add one; files whose names begin with '.' or "
            "'_' count as incomplete."
        )
    return tuple(files)


def are_of(files: Iterable[str], manifest: str) -> bool:
    """Whether all these files are a manifest's: itself, in its folder, or named by its pattern."""
    folder = f"{manifest.rstrip('/')}/"
    return all(
        file == manifest or file.startswith(folder) or fnmatch.fnmatchcase(file, manifest)
        for file in files
    )
