"""Which versions of a model lie in its folder.

An address is listed by `tf.io.gfile`, not by `core.storage`, because TensorFlow itself loads the
SavedModel from there: what it cannot open is no version.
"""

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


def _remote_children(base_path: str) -> list[tuple[str, str]]:
    import tensorflow as tf

    try:
        names = [name.rstrip("/") for name in tf.io.gfile.listdir(base_path)]
    except tf.errors.OpError as error:
        raise OSError(error.message) from error
    return [(name, f"{base_path.rstrip('/')}/{name}") for name in names]
