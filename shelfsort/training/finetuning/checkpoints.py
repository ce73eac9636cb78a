"""What a killed tuning leaves behind, and what a finished one does."""

import contextlib
import dataclasses
import io
import time
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from shelfsort.core.files import write_bytes
from shelfsort.core.progress import note

_KEPT_S = 14 * 24 * 3600
_FOLDER = "tuned"


@dataclasses.dataclass(frozen=True)
class State:
    """A tuning between two passes.

    Attributes:
        stage: number of the stage, from 0.
        steps: that the stage has taken.
        values: of the stage's variables.
    """

    stage: int
    steps: int
    values: Sequence[np.ndarray]


class Checkpoints:
    """States and results of tunings, each by a key that names all that it depends on.

    Files that nothing has read or written for two weeks are removed. Each file appears whole. Where
    none can be written, as on a full disk, a note says so once, and the tuning goes on.

    Args:
        folder: where they are kept, in a folder of their own; None keeps nothing.
    """

    def __init__(self, folder: Path | None):
        self._folder = folder / _FOLDER if folder else None
        if self._folder and self._folder.is_dir():
            for path in self._folder.glob("*.npz"):
                with contextlib.suppress(OSError):
                    if path.stat().st_mtime < time.time() - _KEPT_S:
                        path.unlink(missing_ok=True)

    def state(self, key: str) -> State | None:
        """Where the tuning stopped; None where it never began."""
        found = self._read(f"{key}-state")
        if found is None:
            return None
        stage, steps = found.pop("at").tolist()
        return State(stage, steps, _listed(found))

    def keep_state(self, key: str, state: State) -> None:
        """Replaces the state of a tuning."""
        at = np.array([state.stage, state.steps], np.int64)
        self._write(f"{key}-state", {"at": at, **_numbered(state.values)})

    def result(self, key: str) -> list[np.ndarray] | None:
        """Weights of the tuned backbone; None where the tuning has not finished."""
        found = self._read(key)
        return None if found is None else _listed(found)

    def keep_result(self, key: str, weights: Sequence[np.ndarray]) -> None:
        """Keeps the weights of the tuned backbone, in place of the tuning's states."""
        self._write(key, _numbered(weights))
        if self._folder:
            with contextlib.suppress(OSError):
                self._path(f"{key}-state").unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        assert self._folder is not None
        return self._folder / f"{name}.npz"

    def _read(self, name: str) -> dict[str, np.ndarray] | None:
        if self._folder is None or not (path := self._path(name)).is_file():
            return None
        try:
            with np.load(path, allow_pickle=False) as archive:
                found = dict(archive)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile):
            return None
        # On a volume that may only be read, it keeps its age.
        with contextlib.suppress(OSError):
            path.touch()
        return found

    def _write(self, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        if self._folder is None:
            return
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        try:
            write_bytes(self._path(name), buffer.getvalue())
        except OSError as error:
            note(
                f"{self._folder}: the state of the fine-tuning cannot be kept "
                f"({error.strerror or type(error).__name__}). A killed run would begin again."
            )
            self._folder = None


def _numbered(values: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    return {f"v{number}": value for number, value in enumerate(values)}


def _listed(found: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    return [found[f"v{number}"] for number in range(len(found))]
