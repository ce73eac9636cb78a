"""The files of one pushed model: what is in it, its digest, and its lineage document.

Paths are local or URIs (`gs://…`); TensorFlow is imported for URIs only.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from shelfsort.core.errors import InputError

SAVED_MODEL = "saved_model.pb"
LINEAGE = "assets.extra/shelfsort.json"
WARM_UP = "assets.extra/tf_serving_warmup_requests"
TRAINING_STATISTICS = "assets.extra/training_statistics.pb"
BASE_MODEL = "base_model"
"""Lineage: digest of the model that training was given to start from, "" where none was there."""

_DIGESTED = re.compile(r"saved_model\.pb|(variables|assets)/.+")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_BLOCK_BYTES = 1 << 20


def is_uri(path: str | os.PathLike) -> bool:
    """True for paths that only `tf.io.gfile` can read."""
    return bool(_URI.match(os.fspath(path)))


def gfile() -> Any:
    """Returns `tf.io.gfile`, imported when first wanted: it costs seconds."""
    import tensorflow as tf

    return tf.io.gfile


def join(folder: str, *names: str) -> str:
    """Joins with forward slashes, which URIs and local paths both take."""
    return "/".join((folder.rstrip("/"), *names))


def open_file(path: str) -> BinaryIO:
    """Opens a local file or a URI for reading bytes."""
    return gfile().GFile(path, "rb") if is_uri(path) else Path(path).open("rb")


def file_exists(path: str) -> bool:
    """Says whether a local file or a URI is there."""
    return gfile().exists(path) if is_uri(path) else Path(path).exists()


def list_files(folder: str) -> list[str]:
    """Lists every file beneath `folder`, relative to it with forward slashes, sorted."""
    walked = gfile().walk(folder) if is_uri(folder) else os.walk(folder)
    prefix = len(folder.rstrip("/")) + 1
    return sorted(
        join(where, name)[prefix:].lstrip("/") for where, _, names in walked for name in names
    )


def child_folders(folder: str | os.PathLike) -> list[str]:
    """Names of the folders directly in `folder`, sorted; [] when there is no such folder."""
    folder = os.fspath(folder)
    if not is_uri(folder):
        local = Path(folder)
        return sorted(e.name for e in local.iterdir() if e.is_dir()) if local.is_dir() else []
    if not gfile().isdir(folder):
        return []
    # A store may list a prefix with its slash.
    return sorted(name.rstrip("/") for name in gfile().listdir(folder))


def blocks(file: BinaryIO) -> Iterator[bytes]:
    """Reads a file in pieces of 1 MiB."""
    while block := file.read(_BLOCK_BYTES):
        yield block


def file_digest(path: str) -> str:
    """SHA-256 of a file's bytes, 64 hex digits."""
    digest = hashlib.sha256()
    with open_file(path) as file:
        for block in blocks(file):
            digest.update(block)
    return digest.hexdigest()


def file_digests(model_dir: str | os.PathLike) -> dict[str, str]:
    """Digests every file of a SavedModel folder but its lineage document.

    Raises InputError when the folder holds no `saved_model.pb`.
    """
    folder = os.fspath(model_dir)
    names = list_files(folder)
    if SAVED_MODEL not in names:
        raise InputError(f"{folder}: holds no {SAVED_MODEL}. Give a SavedModel's folder.")
    return {name: file_digest(join(folder, name)) for name in names if name != LINEAGE}


def combined_digest(digests: Mapping[str, str]) -> str:
    """The digest of a model, 64 hex digits: over graph, variables and assets, by name.

    Warm-up requests and documents do not count: they do not change an answer.
    """
    digest = hashlib.sha256()
    for name in sorted(filter(_DIGESTED.fullmatch, digests)):
        digest.update(f"{digests[name]}  {name}\n".encode())
    return digest.hexdigest()


def model_digest(model_dir: str | os.PathLike) -> str:
    """The digest of the SavedModel in a folder; see `combined_digest`."""
    return combined_digest(file_digests(model_dir))


def read_lineage(model_dir: str | os.PathLike) -> dict[str, Any]:
    """Reads `assets.extra/shelfsort.json`; {} when there is none.

    Raises InputError when the document is not a JSON object.
    """
    path = join(os.fspath(model_dir), LINEAGE)
    try:
        if not file_exists(path):
            return {}
        with open_file(path) as file:
            lineage = json.loads(file.read())
    except FileNotFoundError:
        # Pruned between the look and the reading.
        return {}
    except ValueError as error:
        raise InputError(
            f"{path}: not JSON ({error}). Remove this version, or roll back past it."
        ) from None
    if not isinstance(lineage, dict):
        raise InputError(f"{path}: not a JSON object. Remove this version, or roll back past it.")
    return lineage


def recorded_digest(model_dir: str | os.PathLike) -> str:
    """The digest in a model's lineage, else that of its files; "" where there is no model.

    Raises InputError when the lineage is not a JSON object.
    """
    if not file_exists(join(os.fspath(model_dir), SAVED_MODEL)):
        return ""
    return read_lineage(model_dir).get("model_digest") or model_digest(model_dir)


def lineage_document(lineage: Mapping[str, Any]) -> bytes:
    """The bytes of `assets.extra/shelfsort.json`."""
    return (json.dumps(lineage, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()
