"""Opens files of this machine or of an object store by one call.

Local files are opened directly; `scheme://` addresses go through Beam's file systems, imported
only then, so that a local run does not pay for Beam.
"""

import glob
import importlib.util
import io
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import unquote, urlsplit

from shelfsort.core.errors import InputError

if TYPE_CHECKING:
    from apache_beam.io.filesystems import FileSystems


def is_remote(uri: str) -> bool:
    """True for `s3://…`, `gs://…` and the like; False for paths and `file://`."""
    return "://" in uri and not uri.startswith("file://")


def local_path(uri: str) -> Path:
    """The path that a local address (plain or `file://`) names."""
    return Path(unquote(urlsplit(uri).path)) if uri.startswith("file://") else Path(uri)


def absolute(uri: str) -> str:
    """A path of this machine made absolute; an address in an object store as it is."""
    return uri if is_remote(uri) else str(local_path(uri).absolute())


def file_systems(uri: str) -> "type[FileSystems]":
    """Beam's file systems, ready for a remote address.

    Raises:
      InputError: what serves its scheme is not installed.
    """
    from apache_beam.io.filesystems import FileSystems
    from apache_beam.options.pipeline_options import PipelineOptions

    if uri.lower().startswith("s3://") and importlib.util.find_spec("boto3") is None:
        raise InputError(f"{uri}: s3:// needs a package. Run pip install 'shelfsort[aws]'.")
    # Beam sets them where a pipeline runs; before that the S3 file system would have none.
    if FileSystems._pipeline_options is None:
        FileSystems.set_options(PipelineOptions([]))
    return FileSystems


def open_binary(uri: str) -> BinaryIO:
    """Opens `uri` for reading bytes.

    Raises:
      OSError: it is not there or may not be read.
      ValueError: there is no such scheme.
      InputError: the scheme's package is not installed.
    """
    if not is_remote(uri):
        return local_path(uri).open("rb")
    from apache_beam.io.filesystem import CompressionTypes

    raw = file_systems(uri).open(uri, compression_type=CompressionTypes.UNCOMPRESSED)
    return io.BufferedReader(raw) if isinstance(raw, io.RawIOBase) else raw


def is_folder(uri: str) -> bool:
    """Whether `uri` names a folder; in an object store, which has none: whether it ends in `/`."""
    return uri.endswith("/") if is_remote(uri) else local_path(uri).is_dir()


def list_files(pattern: str) -> list[str]:
    """The files that a pattern with `*`, `?` and `[...]` matches, in no particular order.

    Raises:
      OSError: the store cannot be asked.
      ValueError: no installed file system serves its scheme.
    """
    if not is_remote(pattern):
        found = glob.glob(str(local_path(pattern)))  # noqa: PTH207 - the pattern may be absolute
        return [path for path in found if Path(path).is_file()]
    return [each.path for each in _matches(pattern)]


def file_state(uri: str) -> tuple[int, float]:
    """Size in bytes and time of the last change of a file, (-1, 0.0) where it is not there.

    Raises:
      OSError: the store cannot be asked.
      ValueError: no installed file system serves its scheme.
    """
    if not is_remote(uri):
        try:
            status = local_path(uri).stat()
        except FileNotFoundError:
            return -1, 0.0
        return status.st_size, status.st_mtime
    for found in _matches(uri):
        return found.size_in_bytes, found.last_updated_in_seconds or 0.0
    return -1, 0.0


def _matches(pattern: str) -> list:
    """Beam's metadata of the files in an object store that a pattern matches."""
    from apache_beam.io.filesystem import BeamIOError

    try:
        return file_systems(pattern).match([pattern])[0].metadata_list
    except BeamIOError as error:
        raise OSError(str(error)) from error


def read_input(uri: str, what: str) -> bytes:
    """The bytes of a file that the caller named; `what` says what it is, as in "taxonomy".

    Raises:
      InputError: it is missing, unreadable or empty; the message names it and the remedy.
    """
    try:
        with open_binary(uri) as stream:
            content = stream.read()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(
            f"{uri}: the {what} cannot be read ({reason}). Give the path of an existing file."
        ) from error
    if not content.strip():
        raise InputError(f"{uri}: the {what} is empty. Give a file with content.")
    return content
