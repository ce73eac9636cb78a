"""A manifest that comes in several files: each is a span, and they count in the order of names."""

import fnmatch
import glob
import posixpath
from collections.abc import Iterable

from shelfsort.core.errors import InputError
from shelfsort.core.storage import is_folder, list_files

SPANS_OF_A_FOLDER = "*.manifest"
_INCOMPLETE = (".", "_")
_WILDCARDS = "*?["


def find_spans(manifest: str) -> tuple[str, ...]:
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
            pattern = f"{manifest.rstrip('/')}/{SPANS_OF_A_FOLDER}"
        elif not any(character in manifest for character in _WILDCARDS):
            return (manifest,)
        found = list_files(pattern)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(
            f"{pattern}: cannot be listed ({reason}). Name a folder that can be read."
        ) from error
    spans = sorted(path for path in found if not posixpath.basename(path).startswith(_INCOMPLETE))
    if not spans and list_files(glob.escape(manifest)):
        return (manifest,)
    if not spans:
        raise InputError(
            f"{pattern}: no complete manifest is there. Put one in; names that begin with '.' or "
            "'_' are taken to be half written."
        )
    return tuple(spans)


def are_of(spans: Iterable[str], manifest: str) -> bool:
    """Whether all these files are a manifest's: itself, in its folder, or named by its pattern."""
    folder = f"{manifest.rstrip('/')}/"
    return all(
        span == manifest or span.startswith(folder) or fnmatch.fnmatchcase(span, manifest)
        for span in spans
    )
