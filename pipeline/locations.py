"""Which places the steps of a cluster can read and write."""

import posixpath
from collections.abc import Collection

from shelfsort.core.errors import InputError
from shelfsort.core.storage import scheme

TARGETS = ("kubeflow", "vertex")
STAGED_SCHEMES = ("minio", "s3")
"""Stores that the open-source launcher copies artifacts to and from; TFX cannot read them."""


def check_root(what: str, root: str, target: str, mounts: Collection[str]) -> None:
    """Refuses an artifact root that the target cannot use.

    Raises:
        InputError: with `what` in front, and the remedy.
    """
    if target == "kubeflow" and scheme(root) in STAGED_SCHEMES:
        return
    check_location(what, root, target, mounts)


def check_location(what: str, location: str, target: str, mounts: Collection[str]) -> None:
    """Refuses a file or folder that the steps themselves could not open.

    Args:
        what: names the option or the parameter.
        location: a path or a URI.
        target: one of TARGETS.
        mounts: folders of the volumes that every step mounts.

    Raises:
        InputError: with `what` in front, and the remedy.
    """
    problem = location_problem(location, target, mounts)
    if problem:
        raise InputError(f"{what}: {problem}")


def location_problem(location: str, target: str, mounts: Collection[str] | None) -> str:
    """What is wrong with a location, with the remedy; "" where nothing is.

    Without `mounts` (None) it is not asked whether a volume holds a path.
    """
    store = scheme(location)
    if store == "gs":
        return ""
    if target == "vertex":
        if location.startswith("/gcs/"):
            return ""
        return f"Vertex AI's steps cannot open {location!r}. Give a gs:// address."
    if store:
        return (
            f"TFX and Beam know no file system for {store}:// ({location!r}). "
            "Give a path on a volume or a gs:// address."
        )
    if not location.startswith("/"):
        return f"{location!r} is no place in a container. Give an absolute path or a gs:// address."
    if mounts is not None and not any(_beneath(location, mount) for mount in mounts):
        return (
            f"no volume is mounted at {location!r}. Name its claim, e.g. "
            f'--set kubeflow.volumes="{{shelfsort-data: {_top(location)}}}".'
        )
    return ""


def _beneath(path: str, folder: str) -> bool:
    path, folder = posixpath.normpath(path), posixpath.normpath(folder)
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _top(path: str) -> str:
    return "/" + posixpath.normpath(path).split("/")[1]
