"""A run's output folder: what lies where, and whose it is."""

import contextlib
import dataclasses
import fcntl
import re
import time
from collections.abc import Iterator
from pathlib import Path

from shelfsort.core.errors import InputError

FORMAT = 1
"""Version of what lies where, and of the documents in it. Folders without one are of format 0."""

_MARKER = ".shelfsort"
_FORMAT_LINE = f"format {FORMAT}\n"
_MARKER_TEXT = (
    "This folder is written by `shelfsort run`; delete all of it or nothing.\n" + _FORMAT_LINE
)
# An artifact lies below the component's name, the output's key and the execution's number.
_ARTIFACT_DEPTH = 3


class FolderBusy(InputError):  # noqa: N818 - reads as what it is
    """Another run is under way in the folder."""


@dataclasses.dataclass(frozen=True)
class OutputFolder:
    """Paths in the folder that `--output` names."""

    path: Path

    @property
    def serving(self) -> Path:
        return self.path / "serving"

    @property
    def report(self) -> Path:
        return self.path / "report" / "index.html"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.json"

    @property
    def artifacts(self) -> Path:
        return self.path / "pipeline"

    @property
    def metadata(self) -> Path:
        return self.path / "metadata.sqlite"

    @property
    def embedding_cache(self) -> Path:
        return self.path / "cache" / "embeddings"

    @property
    def studies(self) -> Path:
        return self.path / "cache" / "studies"

    @property
    def settings(self) -> Path:
        return self.path / "settings"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    def artifact(self, uri: str) -> Path:
        """Where an artifact lies now: its recorded address is of before a folder was moved."""
        here = self.artifacts.joinpath(*Path(uri).parts[-_ARTIFACT_DEPTH:])
        return here if here.exists() else Path(uri)

    def new_log(self) -> Path:
        """Where a run that starts now logs."""
        return self.logs / f"{time.strftime('%Y-%m-%dT%H-%M-%S')}.log"

    @classmethod
    def open(cls, path: str) -> "OutputFolder":
        """Opens or makes the folder.

        Raises:
            InputError: it is a file, cannot be written, holds somebody else's files, or a newer
                version of Shelfsort has written it.
        """
        folder = Path(path).resolve()
        marker = folder / _MARKER
        try:
            if folder.exists() and not folder.is_dir():
                raise InputError(f"{path}: is no folder. Name a new or an earlier output folder.")
            if folder.exists() and any(folder.iterdir()) and not marker.exists():
                raise InputError(
                    f"{path}: holds files that are not Shelfsort's. Name a new or an earlier "
                    "output folder."
                )
            folder.mkdir(parents=True, exist_ok=True)
            if not marker.exists():
                marker.write_text(_MARKER_TEXT)
            _refuse_newer(path, marker)
        except OSError as error:
            raise InputError(
                f"{path}: cannot be written ({error.strerror}). Name a folder that can."
            ) from error
        return cls(folder)

    @classmethod
    def existing(cls, path: str) -> "OutputFolder":
        """Opens an earlier run's folder.

        Raises:
            InputError: no run was ever made there, or a newer version of Shelfsort made it.
        """
        folder = Path(path).resolve()
        if not (folder / _MARKER).is_file():
            raise InputError(f"{path}: no run was made here. Name the --output of an earlier run.")
        _refuse_newer(path, folder / _MARKER)
        return cls(folder)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the folder for one run; a killed run's hold ends with its process.

        A folder of an older format becomes one of the present format: the run writes such files.

        Raises:
            FolderBusy: another run is under way here.
            InputError: the folder cannot be written.
        """
        try:
            marker = (self.path / _MARKER).open("r+")
        except OSError as error:
            raise InputError(
                f"{self.path}: cannot be written ({error.strerror}). Make it writable, or name "
                "another folder."
            ) from error
        with marker:
            try:
                fcntl.flock(marker, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise FolderBusy(
                    f"{self.path}: another run is under way here. Wait for it, or name another "
                    "folder."
                ) from error
            # In place: the lock is on this very file.
            if _format_of(marker.read()) < FORMAT:
                marker.write(_FORMAT_LINE)
                marker.flush()
            yield


def _refuse_newer(path: str, marker: Path) -> None:
    written = _format_of(marker.read_text("utf-8", "replace"))
    if written > FORMAT:
        raise InputError(
            f"{path}: has format {written}, and this version of Shelfsort reads formats up to "
            f"{FORMAT}. Use the version that wrote it, or name another folder."
        )


def _format_of(marker_text: str) -> int:
    return max(map(int, re.findall(r"^format (\d+)$", marker_text, re.MULTILINE)), default=0)
