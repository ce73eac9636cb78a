"""Decides about a file of products on a Beam runner: what `shelfsort batch --runner` does.

Each worker asks the model and writes to the database, as one process does. A bundle that a runner
repeats finds its rows in the database and adds none. Counts leave the worker as an output, which a
runner takes from one attempt only.
"""

import contextlib
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import apache_beam as beam
import sqlalchemy as sa
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.utils.shared import Shared
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError

from pipeline.beam_args import check_beam_args, component_args, works_elsewhere
from pipeline.settings import BeamConfig
from shelfsort.client.batch.answering import Progress
from shelfsort.client.batch.reading import asked_row
from shelfsort.client.each import Ask
from shelfsort.core.database.engine import open_engine, reader
from shelfsort.core.database.patience import patiently
from shelfsort.core.errors import InputError, RunFailed
from shelfsort.core.progress import note
from shelfsort.core.storage import absolute, is_remote
from shelfsort.decisions.batch import runs
from shelfsort.decisions.batch.deciding import AT_ONCE, Decider
from shelfsort.decisions.batch.job import Job, Summary
from shelfsort.decisions.batch.runs import Begun
from shelfsort.decisions.batch.scoring import chunks, patient
from shelfsort.decisions.database import tables
from shelfsort.decisions.database.opening import open_patiently
from shelfsort.products.manifest.lines import Line
from shelfsort.products.tables.lines import product_lines
from shelfsort.products.tables.rows import Reading

Opened = Callable[[], AbstractContextManager[tuple[Ask, str]]]
"""Opens the model, in any process: how to ask it, and its name."""

_WHO = "batch"
_LOOKED_EVERY_S = 2.0
_RAISED = re.compile(
    r"(?P<names>(?:[\w.]*(?:Error|Failed): )*)(?P<text>.*?)(?: \[while running '[^']*'\])?"
)
"""As in "RuntimeError: shelfsort.core.errors.InputError: no such file [while running 'Decide']"."""


def decide_on_beam(
    job: Job, opened: Opened, database: str, beam_args: Sequence[str], say: Callable[[str], None]
) -> Summary:
    """Decides as `shelfsort.decisions.batch.scoring.decide_file` does, on a Beam runner.

    Args:
        job: what is decided about. Workers have to see its files and images under the same names.
        opened: opens the model in a worker.
        database: as `open_database` takes it; workers open it, too.
        beam_args: Beam's pipeline options, `--runner` among them.
        say: shows a line of progress.

    Raises:
        InputError: an option or the database does not suit the runner.
        RunFailed: a worker failed; the same call goes on from there.
    """
    if not is_remote(database):
        database = absolute(database)
    options = _options(database, beam_args)
    engine = open_patiently(database, job.patience_s, say)
    total = sum(1 for file in job.files for _ in product_lines(file, job.how))
    begun = patiently(engine, job.patience_s, say, lambda to: runs.begin(to, job))
    try:
        with _watched(engine, begun, Progress(total, say)):
            _run(job, _Worker(job, opened, database, begun), options)
    except Exception as error:
        raise _of_worker(error) from error
    return _kept(engine, begun)


def _of_worker(error: Exception) -> Exception:
    """The error of a worker, which a runner reports as text in an exception of its own."""
    last = (str(error).strip().splitlines() or [type(error).__name__])[-1]
    raised = _RAISED.fullmatch(last)
    assert raised is not None
    # A runner in this process raises the class of the error itself.
    if isinstance(error, InputError) or f"{InputError.__name__}: " in raised["names"]:
        return InputError(raised["text"])
    return RunFailed(f"{raised['text']} The same command goes on.")


def _options(database: str, beam_args: Sequence[str]) -> PipelineOptions:
    check_beam_args(beam_args, "--beam-arg")
    args = component_args(_WHO, BeamConfig(args=tuple(beam_args)))
    engine = open_engine(database)
    if engine.url.password:
        raise InputError(
            "--database: a password would be written into the job. Set PGPASSWORD or ~/.pgpass on "
            "the workers."
        )
    if engine.dialect.name == "sqlite" and works_elsewhere(args):
        raise InputError(
            f"--database {database}: workers on other machines cannot open a file of this one. "
            "Give postgresql://…."
        )
    return PipelineOptions(args)


def _run(job: Job, worker: "_Worker", options: PipelineOptions) -> None:
    with beam.Pipeline(options=options) as pipeline:
        (
            pipeline
            | "Files" >> beam.Create(list(job.files))
            | "Lines" >> beam.ParDo(_ReadGroups(job.how))
            # Without it one worker would decide about all lines of a file.
            | "Spread" >> beam.Reshuffle()
            | "Decide" >> beam.ParDo(_Decide(worker))
            | "Sum" >> beam.CombineGlobally(_summed)
            | "Keep" >> beam.Map(_keep, worker)
        )


def _kept(engine: Engine, begun: Begun) -> Summary:
    table = tables.run
    with reader(engine) as connection:
        row = connection.execute(sa.select(table.c.summary).where(table.c.id == begun.run))
        return Summary.read(row.scalar_one())


def _summed(parts: Iterable[Summary]) -> Summary:
    whole = Summary()
    for part in parts:
        whole.add(part)
    return whole


@dataclass(frozen=True)
class _Worker:
    """What each process of a runner opens once; its threads share it."""

    job: Job
    opened: Opened
    database: str
    begun: Begun
    _shared: Shared = field(default_factory=Shared)

    def open(self) -> "_Opened":
        """It stays open while a reference to it is held."""
        return self._shared.acquire(lambda: _Opened(self))


class _Opened:
    """A model and a database in a worker."""

    def __init__(self, worker: _Worker):
        self._stack = contextlib.ExitStack()
        ask, _ = self._stack.enter_context(worker.opened())
        self.ask = patient(ask, worker.job.patience_s, note)
        self.engine = open_engine(worker.database)

    def __del__(self) -> None:
        self._stack.close()


class _ReadGroups(beam.DoFn):
    """Yields the lines of a file in groups."""

    def __init__(self, how: Reading):
        self._how = how

    def process(self, file: str) -> Iterator[list[Line]]:
        group: list[Line] = []
        for line in product_lines(file, self._how):
            group.append(line)
            if len(group) == AT_ONCE:
                yield group
                group = []
        if group:
            yield group


class _Decide(beam.DoFn):
    """Decides about groups of lines and yields what came of each."""

    def __init__(self, worker: _Worker):
        self._worker = worker

    def setup(self) -> None:
        self._opened = self._worker.open()
        job, begun = self._worker.job, self._worker.begun
        self._decider = Decider(job, self._opened.ask, self._opened.engine, begun, note)

    def process(self, lines: list[Line]) -> Iterator[Summary]:
        job = self._worker.job
        rows = (asked_row(line, job.how, job.sources.of(line.file)) for line in lines)
        for chunk in chunks(rows):
            yield self._decider.decide(chunk)


def _keep(summary: Summary, worker: _Worker) -> None:
    """Notes in the database that the run is whole, and what came of it."""
    engine, patience_s = open_engine(worker.database), worker.job.patience_s
    patiently(engine, patience_s, note, lambda to: runs.end(to, worker.begun, summary))
    engine.dispose()


@contextlib.contextmanager
def _watched(engine: Engine, begun: Begun, progress: Progress) -> Iterator[None]:
    """Says now and then how many products of the run have come to an end."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(_LOOKED_EVERY_S):
            with contextlib.suppress(DBAPIError), reader(engine) as connection:
                if ended := runs.ended(connection, begun):
                    progress.at(ended)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def options_of(runner: str, beam_args: Sequence[str], config: str) -> list[str]:
    """Beam's options from those of the command, else from the settings' `beam.args`.

    Raises:
        InputError: the settings cannot be read.
    """
    from pipeline.config import load_config

    common = list(load_config(config).beam.args) if config else []
    named = [f"--runner={runner}"] if runner else []
    # Of an option that is given twice, Beam takes the last.
    return [*common, *named, *beam_args]
