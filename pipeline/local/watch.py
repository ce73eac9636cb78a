"""Continuous training on this machine: a run on old and new labels whenever there are new ones.

What was done is read from the output folder's metadata store: nothing else is kept, so that a
killed watch goes on where it was.
"""

import contextlib
import dataclasses
import posixpath
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from components.manifest_example_gen.preflight import Preflight, check
from pipeline.config import Config
from pipeline.experiments.runs import Run, list_runs
from pipeline.local.console import failures_in_a_line, no_progress, quiet_console
from pipeline.local.run import RunResult, run
from pipeline.metadata_store import recover
from pipeline.output_folder import OutputFolder
from shelfsort.contract.figures import coverage, targets_of
from shelfsort.contract.targets import percent_of
from shelfsort.core.errors import InputError, RunFailed
from shelfsort.core.storage import file_state
from shelfsort.products.manifest.files import find_manifest_files

MAX_FAILURES = 3
"""Runs on the same content that may fail before it is left alone."""
MAX_KILLS = 10
"""Runs on the same content that may be killed: a drained node is no fault of the content."""


@dataclasses.dataclass(frozen=True)
class Turn:
    """What came of a look at the inbox.

    Attributes:
        outcome: `pushed`, `not blessed` or `nothing new`.
        digest: of the content.
        new_spans: names of the files that the last run with a verdict did not have.
        new_products: accepted products in them, those labelled again included.
        categories: of the accepted products.
        version: that was pushed, else "".
        reasons: why nothing was, where it was not.
        figures: `n`, `accuracy` and the coverage at the lowest target (`coverage_at_95` by default)
            on eval, by what the report calls combined.
        seconds: of the run.
    """

    outcome: str
    digest: str
    new_spans: tuple[str, ...] = ()
    new_products: int = 0
    categories: int = 0
    version: str = ""
    reasons: tuple[str, ...] = ()
    figures: dict[str, Any] = dataclasses.field(default_factory=dict)
    seconds: float = 0.0

    def __str__(self) -> str:
        if self.outcome == "nothing new":
            return "nothing new"
        news = ", ".join(self.new_spans) or "changed files"
        said = f"pushed as version {self.version}" if self.version else "not blessed"
        (target,) = targets_of(self.figures)
        line = (
            f"{said}; new: {news} ({self.new_products:,} products); accuracy "
            f"{self.figures['accuracy']:.3f} on {self.figures['n']:,}, coverage at "
            f"{percent_of(target)} % {self.figures[coverage(target)]:.1%}; {self.seconds:.0f} s"
        )
        return f"{line}; because {' '.join(self.reasons)}" if self.reasons else line


def state_of(manifest: str, taxonomy: str, reduction: str) -> tuple:
    """Names, sizes and times of the files that labels come from: as long as it stays, none are new.

    Cheap, unlike the content digest, which reads every picture.

    Raises:
        InputError: the inbox has no complete manifest, or cannot be listed.
    """
    files = [*find_manifest_files(manifest), *filter(None, [taxonomy, reduction])]
    return tuple((file, *file_state(file)) for file in files)


def last_verdict(folder: OutputFolder) -> Run | None:
    """The latest run that came to a verdict; None where there is none. Raises InputError."""
    runs = list_runs(folder) if recover(folder.metadata) else []
    return next((run for run in runs if run.ended), None)


def take_turn(
    manifest: str,
    taxonomy: str,
    folder: OutputFolder,
    config: Config,
    settle: Callable[[Preflight, Sequence[Run]], Config] | None = None,
) -> Turn:
    """Runs on all that is there, unless that was done before.

    Args:
        manifest: folder or pattern of the labelled manifests, absolute.
        taxonomy: the category tree, absolute; "" for one that is built from the labels.
        folder: takes the runs.
        config: all settings.
        settle: gives the settings of the run, from what the check found and the earlier runs, the
            latest first; None for `config`.

    Raises:
        FolderBusy: another run is under way in the folder.
        InputError: the input is unusable, or a file that the last run had is gone.
        RunFailed: the run broke, has broken or been killed too often on the same content, or the
            output folder cannot be used.
    """
    with _as_failures(folder), folder.locked():
        with no_progress():
            checked = check(manifest, taxonomy, config.data)
        earlier = list_runs(folder) if recover(folder.metadata) else []
        same = [each for each in earlier if each.content_digest == checked.digest]
        if any(each.ended for each in same):
            return Turn("nothing new", checked.digest)
        _refuse_hopeless([each.outcome for each in same], folder)
        seen = _last_files(earlier)
        _refuse_vanished(seen, checked.files)
        if settle:
            config = settle(checked, earlier)
        log = folder.new_log()
        with quiet_console(log, shown=False) as console, failures_in_a_line(log):
            result = run(manifest, taxonomy, folder, config, console, checked)
    return _turn(checked, seen, result)


@contextlib.contextmanager
def _as_failures(folder: OutputFolder) -> Iterator[None]:
    """Makes what the operating system refuses a RunFailed: a full disk, a file for a folder."""
    try:
        yield
    except OSError as error:
        place = error.filename or folder.path
        raise RunFailed(f"{place}: {error.strerror or error}") from error


def _refuse_hopeless(outcomes: Sequence[str], folder: OutputFolder) -> None:
    """Refuses content that every run breaks on. Raises RunFailed."""
    for outcome, most, what in (
        ("failed", MAX_FAILURES, "have failed"),
        ("unfinished", MAX_KILLS, "were killed"),
    ):
        if outcomes.count(outcome) >= most:
            raise RunFailed(
                f"{outcomes.count(outcome)} runs on the same content {what} (logs: {folder.logs}). "
                "Fix the cause and start `shelfsort run`, or change the content"
            )


def _last_files(runs: Sequence[Run]) -> tuple[str, ...]:
    """The files of the latest run that came to a verdict; `runs` begins with the latest."""
    return next((each.spans for each in runs if each.ended), ())


def _refuse_vanished(before: Iterable[str], now: Iterable[str]) -> None:
    gone = sorted(set(before) - set(now))
    if gone:
        more = f" and {len(gone) - 1:,} more" if len(gone) > 1 else ""
        raise InputError(
            f"{gone[0]}{more}: was part of the last run, but no longer exists. Put it back, or "
            "start `shelfsort run` once without it."
        )


def _turn(checked: Preflight, seen: Sequence[str], result: RunResult) -> Turn:
    new = [file for file in checked.files if file not in set(seen)]
    eval_figures = result.metrics["combined"]["eval"]
    lowest = targets_of(eval_figures)[0]
    return Turn(
        outcome="pushed" if result.pushed else "not blessed",
        digest=checked.digest,
        new_spans=tuple(posixpath.basename(file) for file in new),
        new_products=sum(result.ingested.files.get(file, 0) for file in new),
        categories=len(result.ingested.categories),
        version=result.version,
        reasons=tuple(result.reasons),
        figures={name: eval_figures[name] for name in ("n", "accuracy", coverage(lowest))},
        seconds=round(result.seconds, 1),
    )
