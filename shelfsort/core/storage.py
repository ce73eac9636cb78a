"""Reads and writes files of this machine and of object stores by one set of functions.

A place is a path, a `file://` address, or an address such as `s3://bucket/key` for which fsspec has
a file system. Local files are opened directly: fsspec, whose import takes a tenth of a second, is
imported for addresses only.
"""

import contextlib
import errno
import glob
import hashlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import unquote, urlsplit

from shelfsort.core.errors import InputError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

Place = str | os.PathLike[str]

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_EXTRAS = {"s3": "aws", "s3a": "aws", "gs": "gcs", "gcs": "gcs"}
_TIMES = ("mtime", "LastModified", "last_modified", "created")
_BLOCK_BYTES = 1 << 20
MAX_INPUT_BYTES = 256 << 20
"""Largest file that is read into memory as a whole because a caller named it."""


def scheme(place: Place) -> str:
    """The lower-case scheme of an address, such as `s3`; "" for a path."""
    found = _SCHEME.match(os.fspath(place))
    return found.group(1).lower() if found else ""


def is_remote(place: Place) -> bool:
    """True for `s3://…`, `gs://…` and the like; False for paths and `file://`."""
    return scheme(place) not in ("", "file")


def local_path(place: Place) -> Path:
    """The path that a local place (plain or `file://`) names."""
    return Path(unquote(urlsplit(os.fspath(place)).path)) if scheme(place) else Path(place)


def absolute(place: Place) -> str:
    """A path of this machine made absolute; a remote address as it is."""
    return os.fspath(place) if is_remote(place) else str(local_path(place).absolute())


def join(folder: Place, *names: str) -> str:
    """Joins with forward slashes, which addresses and paths both take."""
    return "/".join((os.fspath(folder).rstrip("/"), *names))


def placed(folder: Place, place: Place) -> str:
    """What a place means in a file of `folder`: relative to it, if it is a relative path."""
    if scheme(place) or local_path(place).is_absolute():
        return absolute(place)
    return absolute(join(folder, os.fspath(place)))


def file_system(place: Place) -> "AbstractFileSystem":
    """fsspec's file system for an address.

    Raises:
        InputError: the package that it needs is not installed.
        ValueError: fsspec knows no such scheme.
    """
    store = scheme(place)
    try:
        import fsspec

        kind = fsspec.get_filesystem_class(store)
        # A cached listing would hide what another process has written since.
        return kind(**kind._get_kwargs_from_urls(os.fspath(place)), use_listings_cache=False)
    except ImportError as error:
        extra = _EXTRAS.get(store)
        remedy = f"Run pip install 'shelfsort[{extra}]'." if extra else f"{error}."
        raise InputError(f"{place}: {store}:// needs a package. {remedy}") from error


def open_binary(place: Place) -> BinaryIO:
    """Opens a file for reading bytes.

    Raises:
        OSError: it is not there, may not be read, or is no plain file: a named pipe would be waited
            for, and a device has no end.
        ValueError: there is no such scheme.
        InputError: the package of its scheme is not installed.
    """
    if not is_remote(place):
        return _open_plain(local_path(place))
    with _as_os_errors(place):
        opened: BinaryIO = file_system(place).open(os.fspath(place), "rb")
    return opened


def _open_plain(path: Path) -> BinaryIO:
    # Without O_NONBLOCK, opening a named pipe would wait for a writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    raise OSError(errno.EINVAL, "not a plain file", os.fspath(path))


def read_bytes(place: Place, at_most: int = -1) -> bytes:
    """The bytes of a file, or its first `at_most`. Raises as `open_binary` does."""
    with _as_os_errors(place), open_binary(place) as stream:
        return stream.read(at_most)


def blocks(place: Place) -> Iterator[bytes]:
    """The bytes of a file in blocks of 1 MiB. Raises as `open_binary` does."""
    with open_binary(place) as stream:
        while block := stream.read(_BLOCK_BYTES):
            yield block


def file_digest(place: Place) -> str:
    """SHA-256 of the bytes of a file, 64 hex digits. Raises as `open_binary` does."""
    digest = hashlib.sha256()
    for block in blocks(place):
        digest.update(block)
    return digest.hexdigest()


def exists(place: Place) -> bool:
    """Whether a file or folder is there. Raises OSError where the store cannot be asked."""
    return _info(place) is not None if is_remote(place) else local_path(place).exists()


def is_folder(place: Place) -> bool:
    """Whether there is such a folder; an address that ends in `/` always names one."""
    if not is_remote(place):
        return local_path(place).is_dir()
    return os.fspath(place).endswith("/") or (_info(place) or {}).get("type") == "directory"


def file_state(place: Place) -> tuple[int, float]:
    """Size in bytes and time of the last change of a file; (-1, 0.0) where it is not there.

    Raises:
        OSError: the store cannot be asked.
        ValueError: there is no such scheme.
    """
    if not is_remote(place):
        try:
            status = local_path(place).stat()
        except FileNotFoundError:
            return -1, 0.0
        return status.st_size, status.st_mtime
    info = _info(place)
    return (-1, 0.0) if info is None else (int(info.get("size") or 0), _changed(info))


def list_files(pattern: Place) -> list[str]:
    """The files that a pattern with `*`, `?` and `[...]` matches, in no particular order.

    Raises:
        OSError: the store cannot be asked.
        ValueError: there is no such scheme.
    """
    if not is_remote(pattern):
        found = glob.glob(str(local_path(pattern)))  # noqa: PTH207 - the pattern may be absolute
        return [path for path in found if Path(path).is_file()]
    with _as_os_errors(pattern):
        matches = file_system(pattern).glob(os.fspath(pattern), detail=True)
    files = [name for name, info in matches.items() if info["type"] == "file"]
    return [_address(name, scheme(pattern)) for name in files]


def child_folders(folder: Place) -> list[str]:
    """Names of the folders directly in `folder`, sorted; [] when there is no such folder."""
    if not is_remote(folder):
        local = local_path(folder)
        return sorted(e.name for e in local.iterdir() if e.is_dir()) if local.is_dir() else []
    try:
        with _as_os_errors(folder):
            children = file_system(folder).ls(os.fspath(folder), detail=True)
    except FileNotFoundError:
        return []
    folders = [child["name"] for child in children if child["type"] == "directory"]
    return sorted(name.rstrip("/").rsplit("/", 1)[-1] for name in folders)


def files_beneath(folder: Place) -> list[str]:
    """Every file in `folder` and its folders, relative to it with forward slashes, sorted."""
    if not is_remote(folder):
        top = os.fspath(local_path(folder))
        found = [join(where, name) for where, _, names in os.walk(top) for name in names]
    else:
        with _as_os_errors(folder):
            store = file_system(folder)
            top, found = store._strip_protocol(os.fspath(folder)), store.find(os.fspath(folder))
    return sorted(name[len(top.rstrip("/")) + 1 :] for name in found)


def create(place: Place, content: bytes) -> None:
    """Writes a new file: of several that try at once, one succeeds.

    Raises:
        FileExistsError: it is there already. (A store without conditional writes may not notice.)
    """
    if not is_remote(place):
        with local_path(place).open("xb") as stream:
            stream.write(content)
        return
    with _as_os_errors(place):
        file_system(place).pipe_file(os.fspath(place), content, mode="create")


def copy(source: Place, target: Place) -> None:
    """Copies a file; within a store without passing through this machine.

    In an object store the copy appears whole or not at all. A local one may be seen while it is
    being written; `core.files.writing` avoids that.
    """
    if is_remote(source) and is_remote(target) and file_system(source) is file_system(target):
        with _as_os_errors(target):
            file_system(target).cp_file(os.fspath(source), os.fspath(target))
    elif is_remote(source) and is_remote(target):
        with tempfile.NamedTemporaryFile() as between:
            copy(source, between.name)
            copy(between.name, target)
    elif is_remote(target):
        with _as_os_errors(target):
            file_system(target).put_file(str(local_path(source)), os.fspath(target))
    else:
        local_path(target).parent.mkdir(parents=True, exist_ok=True)
        with open_binary(source) as read, local_path(target).open("wb") as written:
            shutil.copyfileobj(read, written, _BLOCK_BYTES)


def move(source: Place, target: Place) -> None:
    """Renames a file, replacing what `target` names; atomic within a local file system.

    Across stores, and within an object store, it is a copy and then a removal.
    """
    if not is_remote(source) and not is_remote(target):
        local_path(target).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(local_path(source), local_path(target))
        return
    copy(source, target)
    remove(source)


def remove(place: Place) -> None:
    """Removes a file.

    A missing one raises FileNotFoundError on this machine; S3 does not say.
    """
    if not is_remote(place):
        local_path(place).unlink()
        return
    with _as_os_errors(place):
        file_system(place).rm_file(os.fspath(place))


def remove_tree(folder: Place) -> None:
    """Removes a folder with everything in it. Raises as `remove` does."""
    if not is_remote(folder):
        shutil.rmtree(local_path(folder))
        return
    with _as_os_errors(folder):
        file_system(folder).rm(os.fspath(folder), recursive=True)


def read_input(place: Place, what: str, at_most: int = MAX_INPUT_BYTES) -> bytes:
    """The bytes of a file that the caller named.

    Args:
        place: of the file.
        what: what it is, for messages, as in "taxonomy".
        at_most: a larger file is refused.

    Raises:
        InputError: it is missing, unreadable, empty or too large; the message names it and the
            remedy.
    """
    try:
        content = read_bytes(place, at_most + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(
            f"{place}: the {what} cannot be read ({reason}). Give the path of an existing file."
        ) from error
    if len(content) > at_most:
        raise InputError(
            f"{place}: the {what} is larger than {at_most >> 20:,} MiB. Give a smaller file."
        )
    if not content.strip():
        raise InputError(f"{place}: the {what} is empty. Give a file with content.")
    return content


def _info(place: Place) -> dict[str, Any] | None:
    """fsspec's facts about a remote file or folder; None where there is none."""
    try:
        with _as_os_errors(place):
            info: dict[str, Any] = file_system(place).info(os.fspath(place))
    except FileNotFoundError:
        return None
    return info


def _changed(info: dict[str, Any]) -> float:
    changed = next((info[name] for name in _TIMES if info.get(name)), 0.0)
    return changed.timestamp() if isinstance(changed, datetime) else float(changed)


def _address(name: str, store: str) -> str:
    """The address of what fsspec calls by a name without a scheme."""
    return name if scheme(name) else f"{store}://{name.lstrip('/')}"


@contextlib.contextmanager
def _as_os_errors(place: Place) -> Iterator[None]:
    """Turns what the library of a store raises into the OSError of a local file."""
    try:
        yield
    except FileNotFoundError as error:
        reason = os.strerror(errno.ENOENT)
        raise FileNotFoundError(errno.ENOENT, reason, os.fspath(place)) from error
    except (OSError, ValueError, InputError):
        raise
    except Exception as error:  # each library has its own
        raise OSError(f"{place}: {error}") from error
