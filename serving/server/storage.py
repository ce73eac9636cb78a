"""Which versions of a model lie in its folder.

An address is listed by `tf.io.gfile`, not by `core.storage`, because TensorFlow itself loads the
SavedModel from there: what it cannot open is no version.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from serving.server.config import parse_version
from shelfsort.core.storage import scheme


def list_versions(base_path: str) -> dict[int, str]:
    """The version folders beneath a model's folder, by number.

    Names that are no numbers are passed over, so a pusher may write beside the versions and
    rename when it is done. Where two names state one number (`1` and `001`) the first in
    alphabetical order counts.

    Raises:
        OSError: the folder cannot be listed. (TensorFlow's own errors for a URI are turned into
            it.)
    """
    children = _remote_children(base_path) if scheme(base_path) else _local_children(base_path)
    versions: dict[int, str] = {}
    for name, path in sorted(children):
        version = parse_version(name)
        if version is not None:
            versions.setdefault(version, path)
    return versions


def _local_children(base_path: str) -> list[tuple[str, str]]:
    return [(child.name, str(child)) for child in Path(base_path).iterdir() if child.is_dir()]


def content_state(path: str) -> list[tuple[str, int, int]] | None:
    """Names, sizes and times of a version's files; None if they cannot be listed now.

    Two that differ tell that the files have changed.
    """
    try:
        return sorted(_remote_files(path) if scheme(path) else _local_files(path))
    except OSError:
        return None


def _local_files(path: str) -> Iterator[tuple[str, int, int]]:
    for folder, _, names in os.walk(path):
        for name in names:
            file = Path(folder, name)
            status = file.stat()
            yield str(file), status.st_size, status.st_mtime_ns


def _remote_files(path: str) -> Iterator[tuple[str, int, int]]:
    import tensorflow as tf

    try:
        for folder, _, names in tf.io.gfile.walk(path):
            for name in names:
                file = f"{folder.rstrip('/')}/{name}"
                status = tf.io.gfile.stat(file)
                yield file, status.length, status.mtime_nsec
    except tf.errors.OpError as error:
        raise OSError(error.message) from error


def _remote_children(base_path: str) -> list[tuple[str, str]]:
    import tensorflow as tf

    try:
        names = [name.rstrip("/") for name in tf.io.gfile.listdir(base_path)]
    except tf.errors.OpError as error:
        raise OSError(error.message) from error
    return [(name, f"{base_path.rstrip('/')}/{name}") for name in names]
