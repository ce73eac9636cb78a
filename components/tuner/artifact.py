"""What the Tuner leaves behind: the best settings, and all trials."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from components.documents import Document
from shelfsort.core.errors import InputError
from shelfsort.core.files import write_bytes
from shelfsort.core.storage import Place, join, read_bytes
from shelfsort.training.tuning.space import checked_settings

BEST_FILE = "best_hyperparameters.txt"
"""TFX's name: the Trainer reads the only file of the artifact as JSON."""


@dataclass(frozen=True)
class TrialRecord:
    """A trial.

    Attributes:
        number: in the order in which trials started.
        state: `complete`, `pruned` or `failed`.
        settings: by dotted key of the section `training`; {} for those configured.
        coverage: share that the thresholds accept; None for a trial that is not complete.
        accuracy: share of right cross-fitted answers; None likewise.
        cpu_seconds: of processors.
        error: why it failed.
    """

    number: int
    state: Literal["complete", "pruned", "failed"]
    settings: Mapping[str, Any]
    coverage: float | None
    accuracy: float | None
    cpu_seconds: float
    error: str = ""


@dataclass(frozen=True)
class Search(Document):
    """A search of settings: `search.json`.

    Attributes:
        target: accuracy that coverage is measured at.
        sampler: that proposed settings.
        products, groups: that the search read.
        share: of the groups, the share it read.
        best: number of the best trial.
        configured: number of the trial with the settings as configured.
        gain, low, high: difference in coverage between the best settings and those configured, on
            products that did not choose, and its 95 % interval.
        trials: by number.
        kept: number of trials that an earlier, unfinished search had finished.
        seconds: by the clock.
        cpu_seconds: of processors, for all trials.
    """

    FILE: ClassVar[str] = "search.json"

    target: float
    sampler: str
    products: int
    groups: int
    share: float
    best: int
    configured: int
    gain: float
    low: float
    high: float
    trials: tuple[TrialRecord, ...]
    kept: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0

    def trial(self, number: int) -> TrialRecord:
        """The trial of a number. Raises StopIteration where there is none."""
        return next(each for each in self.trials if each.number == number)

    @property
    def ranked(self) -> list[TrialRecord]:
        """The complete trials, the best first."""
        complete = [each for each in self.trials if each.coverage is not None]
        return sorted(
            complete,
            key=lambda each: (each.number != self.best, -(each.coverage or 0), each.number),
        )

    @property
    def within_sampling_error(self) -> bool:
        """Whether the interval does not exclude that nothing was gained."""
        return self.low <= 0

    def __str__(self) -> str:
        """What was found, in sentences."""
        best, first = self.trial(self.best), self.trial(self.configured)
        pruned = sum(each.state == "pruned" for each in self.trials)
        said = (
            f"Search of settings: {len(self.trials):,} trials on {self.products:,} products, "
            f"{pruned:,} ended early. Coverage at {100 * self.target:g} %: {best.coverage:.1%} "
            f"with the best settings, {first.coverage:.1%} with those configured."
        )
        gained = (
            f"On products that did not choose, the difference is {100 * self.gain:+.1f} points "
            f"({100 * self.low:+.1f} to {100 * self.high:+.1f})"
        )
        if self.within_sampling_error:
            return f"{said} {gained}, which is within sampling error."
        return f"{said} {gained}."


def write_best(folder: Place, settings: Mapping[str, Any]) -> None:
    """Writes the best settings, by dotted key of the section `training`."""
    content = json.dumps(dict(settings), indent=1, sort_keys=True)
    write_bytes(join(folder, BEST_FILE), f"{content}\n".encode())


def read_best(path: Place) -> dict[str, Any]:
    """Reads the best settings of a file.

    Raises:
        InputError: the file is not there, or is nothing that a search wrote.
    """
    try:
        found = json.loads(read_bytes(path))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: cannot be read as the settings of a search ({error}). Name the file "
            f"{BEST_FILE}, or a run that searched."
        ) from error
    return checked_settings(found, str(path))
