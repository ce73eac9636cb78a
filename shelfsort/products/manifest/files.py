"""Products may come in several files, which count in the order of their names."""

import fnmatch
import glob
import posixpath
import shlex
from collections.abc import Iterable
from typing import NoReturn

from shelfsort.core.errors import InputError
from shelfsort.core.storage import is_folder, list_files
from shelfsort.products.tables.forms import TABLE_SUFFIXES
from shelfsort.products.tables.image_folders import images_beneath, images_in

_FILES_OF_A_FOLDER = "*.manifest"
_INCOMPLETE = (".", "_")
_WILDCARDS = "*?["


class NoFiles(InputError):  # noqa: N818 - reads as what it is
    """A folder or pattern has no complete file, as an inbox before the first delivery."""


def find_manifest_files(manifest: str) -> tuple[str, ...]:
    """The files that a manifest consists of, in the order in which later ones supersede earlier.

    A file counts once it has its final name: whoever writes one writes it under a name that begins
    with "." or "_" and renames it when it is whole.

    Args:
      manifest: a file, a folder (its `*.manifest`, else its tables, else its folders of images) or
        a pattern such as `inbox/*.manifest`; on this machine or in an object store.

    Returns:
      Paths, sorted; at least one. A path without wildcards that is no folder is returned as it
      is, whether or not it is there.

    Raises:
      NoFiles: the folder or pattern has no complete file, or the folder has images and no folders
        that name their categories.
      InputError: it cannot be listed; or a name is not UTF-8, which no record of the run could
        hold.
    """
    _refuse_undecoded(manifest)
    try:
        if is_folder(manifest):
            return _of_folder(manifest.rstrip("/") or manifest)
        if not any(character in manifest for character in _WILDCARDS):
            return (manifest,)
        files = _complete(list_files(manifest))
        if not files and list_files(glob.escape(manifest)):
            return (manifest,)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(
            f"{manifest}: cannot be listed ({reason}). Give a folder that can be read."
        ) from error
    return files or _refuse(manifest)


def _of_folder(folder: str) -> tuple[str, ...]:
    """Its manifests, else its tables, else the folder itself where it has folders of images."""
    manifests = f"{folder}/{_FILES_OF_A_FOLDER}"
    if files := _complete(list_files(manifests)):
        return files
    tables = [
        file
        for file in list_files(f"{folder}/*")
        if posixpath.splitext(file)[1].lower() in TABLE_SUFFIXES
    ]
    if files := _complete(tables):
        return files
    if images_beneath(folder):
        return (folder,)
    return _refuse_flat(folder) if images_in(folder) else _refuse(folder)


def _complete(files: Iterable[str]) -> tuple[str, ...]:
    whole = [file for file in files if not posixpath.basename(file).startswith(_INCOMPLETE)]
    for file in whole:
        _refuse_undecoded(file)
    return tuple(sorted(whole))


def _refuse_undecoded(file: str) -> None:
    try:
        file.encode()
    except UnicodeEncodeError as error:
        shown = file.encode("utf-8", "backslashreplace").decode()
        raise InputError(f"{shown}: the name is not UTF-8. Rename it.") from error


def _refuse(pattern: str) -> NoReturn:
    raise NoFiles(
        f"{pattern}: no complete manifest, table or folder of images found. Add one; files whose "
        "names begin with '.' or '_' count as incomplete."
    )


def _refuse_flat(folder: str) -> NoReturn:
    raise NoFiles(
        f"{folder}: its images are in no folders, so nothing names their categories. Put each "
        f"category's images into a folder of its name, such as {folder}/Mugs/1.jpg. Without "
        f"labels, begin with: shelfsort label --data {shlex.quote(folder)}"
    )


def are_of(files: Iterable[str], manifest: str) -> bool:
    """Whether all these files are a manifest's: itself, in its folder, or named by its pattern."""
    folder = f"{manifest.rstrip('/')}/"
    return all(
        file == manifest or file.startswith(folder) or fnmatch.fnmatchcase(file, manifest)
        for file in files
    )
