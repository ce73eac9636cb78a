"""The files of one pushed model: their names, its digest, and its lineage document."""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

from shelfsort.core.errors import InputError
from shelfsort.core.files import read_json
from shelfsort.core.storage import exists, file_digest, files_beneath, join

SAVED_MODEL = "saved_model.pb"
LINEAGE = "assets.extra/shelfsort.json"
WARM_UP = "assets.extra/tf_serving_warmup_requests"
HELD_OUT = "assets.extra/held_out.npz"
TRAINING_STATISTICS = "assets.extra/training_statistics.pb"
LEARNING_CURVE = "learning_curve"
"""Lineage: what more labelled products would bring, where a target is not certified."""
UNKNOWN = "unknown"
"""Lineage: how well products that belong nowhere in the tree are noticed."""
ENCODER = "encoder"
"""Lineage: name, key (of weights and preprocessing) and licence of a text encoder.

Where it was tuned on the shop's titles, FINE_TUNED in it is the digest of its layers.
"""
PRODUCTS = "products"
"""Lineage: number of products that the model was made from, by split, without `eval`."""
FINE_TUNED = "fine_tuned"
"""Lineage: digest of the backbone's weights, where it was tuned on the shop's images."""
BASE_MODEL = "base_model"
"""Lineage: digest of the model that training was given to start from, "" where none was there."""

_DIGESTED = re.compile(r"saved_model\.pb|(variables|assets)/.+")


def file_digests(model_dir: str | os.PathLike) -> dict[str, str]:
    """Digests every file of a SavedModel folder but its lineage document.

    Raises InputError when the folder holds no `saved_model.pb`.
    """
    folder = os.fspath(model_dir)
    names = files_beneath(folder)
    if SAVED_MODEL not in names:
        raise InputError(f"{folder}: holds no {SAVED_MODEL}. Give a SavedModel's folder.")
    return {name: file_digest(join(folder, name)) for name in names if name != LINEAGE}


def combined_digest(digests: Mapping[str, str]) -> str:
    """The digest of a model, 64 hex digits: over graph, variables and assets, by name.

    Warm-up requests and documents do not count: they do not change an answer.
    """
    digest = hashlib.sha256()
    for name in sorted(loaded_files(digests)):
        digest.update(f"{digests[name]}  {name}\n".encode())
    return digest.hexdigest()


def loaded_files(names: Iterable[str]) -> list[str]:
    """Those of a model's files without which it does not load: graph, variables and assets."""
    return list(filter(_DIGESTED.fullmatch, names))


def model_digest(model_dir: str | os.PathLike) -> str:
    """The digest of the SavedModel in a folder; see `combined_digest`."""
    return combined_digest(file_digests(model_dir))


def read_lineage(model_dir: str | os.PathLike) -> dict[str, Any]:
    """Reads `assets.extra/shelfsort.json`; {} when there is none.

    Raises InputError when the document is not a JSON object.
    """
    path = join(model_dir, LINEAGE)
    try:
        # Missing, too, where it is pruned at this moment.
        lineage = read_json(path, missing={})
    except InputError as error:
        raise InputError(f"{error} Or remove this version, or roll back past it.") from None
    if not isinstance(lineage, dict):
        raise InputError(f"{path}: not a JSON object. Remove this version, or roll back past it.")
    return lineage


def recorded_digest(model_dir: str | os.PathLike) -> str:
    """The digest in a model's lineage, else that of its files; "" where there is no model.

    Raises InputError when the lineage is not a JSON object.
    """
    if not exists(join(model_dir, SAVED_MODEL)):
        return ""
    return read_lineage(model_dir).get("model_digest") or model_digest(model_dir)


def lineage_document(lineage: Mapping[str, Any]) -> bytes:
    """The bytes of `assets.extra/shelfsort.json`."""
    return (json.dumps(lineage, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()
