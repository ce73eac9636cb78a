"""The versions of a model under its base path `serving/<name>/`: publish, roll back, prune, verify.

The live version is the one with the highest number, because that is what a model server with the
default policy serves, ours and TensorFlow Serving alike. So going back means publishing a copy of
the older version under the next number: nothing is deleted, no server needs to be told, and the
folders read as a history of what was live.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from serving.version_folders import NewVersion, version_folders
from shelfsort.contract.model_files import (
    SAVED_MODEL,
    combined_digest,
    file_digests,
    lineage_document,
    loaded_files,
    model_digest,
    read_lineage,
)
from shelfsort.core.errors import InputError
from shelfsort.core.storage import file_digest, files_beneath, join

_DATA, _INDEX = "variables/variables.data-", "variables/variables.index"
_SHARD = re.compile(re.escape(_DATA) + r"[0-9]{5}-of-(?P<of>[0-9]{5})")
# Facts about one publication: a copy of that version must not inherit them.
_OF_ONE_VERSION = ("rollback_of", "withdrawn", "rolled_back_by", "pushed")


@dataclass(frozen=True)
class ModelVersion:
    """A version whose graph is there.

    Attributes:
        number: its number.
        path: its folder.
        lineage: its `assets.extra/shelfsort.json`.
        missing: files that a server could not load it without: it is half copied, or damaged.
    """

    number: int
    path: str
    lineage: Mapping[str, Any]
    missing: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """The model's digest as recorded, or computed for a version that was put there by hand."""
        recorded = self.lineage.get("model_digest")
        return recorded if recorded and isinstance(recorded, str) else model_digest(self.path)


@dataclass(frozen=True)
class Publication:
    """The version that holds the model now, and whether it was live before."""

    version: int
    path: str
    already_live: bool


def list_versions(base: str | os.PathLike) -> list[ModelVersion]:
    """Lists the versions under `base`, oldest first; [] when there is no such folder.

    Names that are not numbers are not versions; leading zeros do not count. A lineage document
    that cannot be read counts as none, so that it stops neither a push nor a rollback.
    """
    base = os.fspath(base)
    folders = version_folders(base).taken()
    paths = {number: join(base, name) for number, name in folders.items()}
    found = []
    for number, path in paths.items():
        # Empty, too, where it is pruned at this moment.
        names = files_beneath(path)
        if SAVED_MODEL in names:
            lineage = _readable_lineage(path)
            found.append(ModelVersion(number, path, lineage, _missing(names, lineage)))
    return found


def _missing(names: Sequence[str], lineage: Mapping[str, Any]) -> tuple[str, ...]:
    """Files that a version should have: by its lineage, or by those that name each other."""
    recorded = lineage.get("files")
    if isinstance(recorded, dict):
        wanted = loaded_files(recorded)
    else:
        shards = [each for each in map(_SHARD.fullmatch, names) if each]
        wanted = [_INDEX] if any(name.startswith("variables/") for name in names) else []
        for total in {each["of"] for each in shards} or ({"00001"} if wanted else ()):
            wanted += [f"{_DATA}{number:05}-of-{total}" for number in range(int(total))]
    return tuple(sorted(set(wanted) - set(names)))


def _readable_lineage(path: str) -> dict[str, Any]:
    try:
        return read_lineage(path)
    except InputError:
        return {}


def live_version(base: str | os.PathLike) -> ModelVersion | None:
    """The version that a server of `base` answers with; None when nothing was pushed yet."""
    return newest_whole(list_versions(base))


def newest_whole(found: Sequence[ModelVersion]) -> ModelVersion | None:
    """The live one of all versions of a model, oldest first; None where none is whole."""
    return next((each for each in reversed(found) if not each.missing), None)


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
    return {
        record["model_digest"]: record["version"]
        for record in records
        if isinstance(record, dict)
        and isinstance(record.get("model_digest"), str)
        and isinstance(record.get("version"), int)
    }


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
    if found := problems(target):
        raise InputError(
            f"{target.path}: {found[0]}. Roll back to a version that `models verify` passes."
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
        if not version.missing and version.digest not in unwanted:
            return version
    raise InputError(f"{base}: no earlier model to go back to. Name a version with --to.")


def prune(base: str | os.PathLike, keep: int) -> list[int]:
    """Removes all but the `keep` newest versions, and what killed runs left; returns the numbers.

    The live version stays, also where newer ones are not whole. Raises InputError for `keep` below
    1.
    """
    if keep < 1:
        raise InputError(f"--keep {keep}: the live version cannot be removed. Keep at least 1.")
    folders = version_folders(base)
    folders.sweep()
    taken = folders.taken()
    live = live_version(base)
    doomed = [
        version.number
        for version in list_versions(base)[:-keep]
        if live is None or version.number != live.number
    ]
    for number in doomed:
        if number in taken:
            folders.remove(taken[number])
    return doomed


def problems(version: ModelVersion) -> list[str]:
    """Why a version should not be passed on: files missing, or not as they were pushed."""
    # A version that another tool pushed has no record to differ from.
    return [f"{name} is missing" for name in version.missing] + (
        verify(version) if version.lineage else []
    )


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
