"""Runs trials on a Beam engine, in rounds: its workers may be on other machines."""

import hashlib
import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.utils.shared import Shared

from shelfsort.core.files import parse_json, write_bytes, write_json
from shelfsort.core.storage import join, read_bytes
from shelfsort.training.tuning.space import Settings
from shelfsort.training.tuning.trial import Answers, Outcome, Problem, run_trial
from shelfsort.training.tuning.workers import Job

_PROBLEM = "problem.pickle"
_REMEDY = "Run the search again: finished trials are kept."


def has_engine(beam_args: Sequence[str]) -> bool:
    """Whether Beam's options name a runner other than the DirectRunner.

    That one would run in this process, where processes of the search's own can ask after each fold
    whether their trial should end.
    """
    runner = PipelineOptions(list(beam_args)).view_as(StandardOptions).runner or "direct"
    return runner.rpartition(".")[2].lower().removesuffix("runner") != "direct"


class OnBeam:
    """Runs as many trials at a time as a round has, and waits for all of them.

    A worker cannot ask whether its trial should end. It goes by the floors that the job brings.

    Args:
        problem: that trials are about.
        size: of a round, at least 1.
        folder: that all workers can open, in the pipeline's own storage; gains files.
        make_pipeline: on the engine.
    """

    def __init__(
        self, problem: Problem, size: int, folder: str, make_pipeline: Callable[[], beam.Pipeline]
    ):
        self._size = size
        self._folder = folder
        self._make_pipeline = make_pipeline
        self._jobs: dict[int, Job] = {}
        self._ended: list[int] = []
        content = pickle.dumps(problem)
        write_bytes(join(folder, _PROBLEM), content)
        self._digest = hashlib.sha256(content).hexdigest()

    @property
    def free(self) -> bool:
        """See `Workers`."""
        return not self._ended and len(self._jobs) < self._size

    @property
    def busy(self) -> bool:
        """See `Workers`."""
        return bool(self._jobs)

    def start(self, job: Job) -> None:
        """See `Workers`."""
        self._jobs[job.number] = job

    def finished(self) -> tuple[int, Outcome]:
        """See `Workers`. Beam's own errors pass."""
        if not self._ended:
            self._run()
            self._ended = sorted(self._jobs, reverse=True)
        job = self._jobs.pop(self._ended.pop())
        shares, outcome = _read(self._folder, job.number)
        for fold, share in enumerate(shares):
            job.go_on(fold, share)
        return job.number, outcome

    def _run(self) -> None:
        orders = [
            _Order(job.number, dict(job.settings), tuple(job.floors)) for job in self._jobs.values()
        ]
        with self._make_pipeline() as pipeline:
            _ = (
                pipeline
                | "Trials" >> beam.Create(orders)
                | "Spread" >> beam.Reshuffle()
                | "Run" >> beam.ParDo(_RunTrial(self._folder, self._digest))
            )


@dataclass(frozen=True)
class _Order:
    """What a worker is told of a trial; see `Job`."""

    number: int
    settings: Settings
    floors: tuple[float, ...]


class _Holder:
    """A problem, held for as long as a trial is about it; see `Shared`."""

    def __init__(self, problem: Problem):
        self.problem = problem


class _RunTrial(beam.DoFn):
    """Runs trials, and writes what came of each."""

    def __init__(self, folder: str, digest: str):
        self._folder = folder
        self._digest = digest
        self._shared = Shared()

    def process(self, order: _Order) -> Iterator[None]:
        held = self._shared.acquire(self._load, self._digest)
        shares: list[float] = []

        def go_on(fold: int, share: float) -> bool:
            shares.append(share)
            return fold >= len(order.floors) or share >= order.floors[fold]

        _write(self._folder, order.number, shares, run_trial(held.problem, order.settings, go_on))
        return iter(())

    def _load(self) -> _Holder:
        content = read_bytes(join(self._folder, _PROBLEM))
        # A pickle runs code: only the one that this search wrote.
        if hashlib.sha256(content).hexdigest() != self._digest:
            raise ValueError(f"{self._folder}: {_PROBLEM} is not what the search wrote. {_REMEDY}")
        return _Holder(pickle.loads(content))


def _write(folder: str, number: int, shares: Sequence[float], outcome: Outcome) -> None:
    """Writes the answers first: a trial that has its record is whole."""
    if outcome.answers is not None:
        write_bytes(_answers_file(folder, number), outcome.answers.to_bytes())
    record = {
        "shares": list(shares),
        "complete": outcome.answers is not None,
        "cpu_seconds": outcome.cpu_seconds,
        "error": outcome.error,
    }
    write_json(_record_file(folder, number), record)


def _read(folder: str, number: int) -> tuple[list[float], Outcome]:
    place = _record_file(folder, number)
    record = parse_json(place, read_bytes(place), _REMEDY)
    answers = None
    if record["complete"]:
        answers = Answers.from_bytes(read_bytes(_answers_file(folder, number)))
    return record["shares"], Outcome(answers, record["cpu_seconds"], record["error"])


def _record_file(folder: str, number: int) -> str:
    return join(folder, f"trial-{number}.json")


def _answers_file(folder: str, number: int) -> str:
    return join(folder, f"trial-{number}.npz")
