"""The versions of a model under its base path `serving/<name>/`: publish, roll back, prune, verify.

The live version is the one with the highest number, because that is what a model server with the
default policy serves, ours and TensorFlow Serving alike. So going back means publishing a copy of
the older version under the next number: nothing is deleted, no server needs to be told, and the
folders read as a history of what was live.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from serving.version_folders import NewVersion, version_folders
from shelfsort.contract.model_files import (
    SAVED_MODEL,
    combined_digest,
    file_digests,
    lineage_document,
    model_digest,
    read_lineage,
)
from shelfsort.core.errors import InputError
from shelfsort.core.storage import exists, file_digest, join

# Facts about one publication: a copy of that version must not inherit them.
_OF_ONE_VERSION = ("rollback_of", "withdrawn", "rolled_back_by", "pushed")


@dataclass(frozen=True)
class ModelVersion:
    """A finished version: its number, its folder, and its `assets.extra/shelfsort.json`."""

    number: int
    path: str
    lineage: Mapping[str, Any]

    @property
    def digest(self) -> str:
        """The model's digest as recorded, or computed for a version that was put there by hand."""
        return self.lineage.get("model_digest") or model_digest(self.path)


@dataclass(frozen=True)
class Publication:
    """The version that holds the model now, and whether it was live before."""

    version: int
    path: str
    already_live: bool


def list_versions(base: str | os.PathLike) -> list[ModelVersion]:
    """Lists the finished versions under `base`, oldest first; [] when there is no such folder.

    Names that are not numbers are not versions; leading zeros do not count. A lineage document
    that cannot be read counts as none, so that it stops neither a push nor a rollback.
    """
    base = os.fspath(base)
    folders = version_folders(base).taken()
    paths = {number: join(base, name) for number, name in folders.items()}
    return [
        ModelVersion(number, path, _readable_lineage(path))
        for number, path in paths.items()
        if exists(join(path, SAVED_MODEL))
    ]


def _readable_lineage(path: str) -> dict[str, Any]:
    try:
        return read_lineage(path)
    except InputError:
        return {}


def live_version(base: str | os.PathLike) -> ModelVersion | None:
    """The version that a server of `base` answers with; None when nothing was pushed yet."""
    versions = list_versions(base)
    return versions[-1] if versions else None


def find_version(base: str | os.PathLike, number: int) -> ModelVersion:
    """The version with that number. Raises InputError, naming those there are."""
    versions = list_versions(base)
    for version in versions:
        if version.number == number:
            return version
    there = ", ".join(str(version.number) for version in versions) or "none"
    raise InputError(f"{os.fspath(base)}: no version {number}. Versions: {there}.")


def publish(
    model_dir: str | os.PathLike,
    base: str | os.PathLike,
    *,
    extra_lineage: Mapping[str, Any] | None = None,
    extra_files: Mapping[str, str] | None = None,
) -> Publication:
    """Makes the SavedModel in `model_dir` the live version of `base`.

    Its lineage is completed with `extra_lineage`, its digest and that of each file, and its files
    with `extra_files` (path by name within the version). A model that is live already is left
    alone. In a folder, a process killed at any moment leaves no version that is only half there.
    Raises InputError when `model_dir` holds no SavedModel.
    """
    model_dir, base = os.fspath(model_dir), os.fspath(base)
    added = dict(extra_files or {})
    digests = file_digests(model_dir)
    digests.update({name: file_digest(path) for name, path in added.items()})
    digest = combined_digest(digests)
    live = live_version(base)
    if live is not None and live.digest == digest:
        return Publication(live.number, live.path, already_live=True)
    lineage = {
        **read_lineage(model_dir),
        **(extra_lineage or {}),
        "model_digest": digest,
        "files": digests,
    }
    number = version_folders(base).add(NewVersion(model_dir, lineage_document(lineage), added))
    return Publication(number, join(base, str(number)), already_live=False)


def withdrawn_digests(base: str | os.PathLike) -> dict[str, int]:
    """Digests of the models that were rolled back from, and the version each one had."""
    records = [version.lineage.get("withdrawn") for version in list_versions(base)]
    return {record["model_digest"]: record["version"] for record in records if record}


def rollback(
    base: str | os.PathLike, to: int | None = None, *, approved_by: str | None = None
) -> ModelVersion:
    """Puts an older version live again, as a copy under the next number.

    Without `to` that is the newest version whose model is neither live nor was ever rolled back
    from. Raises InputError when there is no such version, when its model is live already, or
    when its files are no longer what was pushed.
    """
    base = os.fspath(base)
    live = live_version(base)
    if live is None:
        raise InputError(f"{base}: no version is live. Push a model first.")
    target = _last_good_version(base, live) if to is None else find_version(base, to)
    if target.digest == live.digest:
        raise InputError(
            f"{base}: version {target.number} is the model that is live now"
            f" (version {live.number}). Name another with --to."
        )
    # A version that another tool pushed has no record to differ from.
    problems = verify(target) if target.lineage else []
    if problems:
        raise InputError(
            f"{target.path}: {problems[0]}. Roll back to a version that `models verify` passes."
        )
    record = {
        "rollback_of": target.number,
        "withdrawn": {"version": live.number, "model_digest": live.digest},
        "pushed": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "rolled_back_by": approved_by,
    }
    inherited = {k: v for k, v in target.lineage.items() if k not in _OF_ONE_VERSION}
    digests = {"files": file_digests(target.path), "model_digest": target.digest}
    document = lineage_document({**inherited, **record, **digests})
    number = version_folders(base).add(NewVersion(target.path, document))
    return find_version(base, number)


def _last_good_version(base: str, live: ModelVersion) -> ModelVersion:
    unwanted = {live.digest, *withdrawn_digests(base)}
    for version in reversed(list_versions(base)):
        if version.digest not in unwanted:
            return version
    raise InputError(f"{base}: no earlier model to go back to. Name a version with --to.")


def prune(base: str | os.PathLike, keep: int) -> list[int]:
    """Removes all but the `keep` newest versions, and what killed runs left; returns the numbers.

    The live version is the newest, so it stays. Raises InputError for `keep` below 1.
    """
    if keep < 1:
        raise InputError(f"--keep {keep}: the live version cannot be removed. Keep at least 1.")
    folders = version_folders(base)
    folders.sweep()
    taken = folders.taken()
    doomed = [version.number for version in list_versions(base)[:-keep]]
    for number in doomed:
        folders.remove(taken[number])
    return doomed


def verify(version: ModelVersion) -> list[str]:
    """Compares a version's files with the digests recorded when it was pushed.

    Returns one phrase for each difference; [] when all is as it was.
    """
    recorded = version.lineage.get("files")
    if not isinstance(recorded, dict):
        return ["no digests are recorded, so this was not pushed by Shelfsort, or was altered"]
    found = file_digests(version.path)
    missing = [f"{name} is missing" for name in recorded if name not in found]
    added = [f"{name} was added" for name in found if name not in recorded]
    common = [name for name in recorded if name in found]
    changed = [f"{name} has changed" for name in common if found[name] != recorded[name]]
    if combined_digest(recorded) != version.lineage.get("model_digest"):
        changed.append("the recorded digests do not agree with the model's digest")
    return sorted(missing + added + changed)
