"""Where trials run: in this process, or several at the same time in processes of their own."""

import contextlib
import dataclasses
import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol

from shelfsort.core.errors import RunFailed
from shelfsort.training.tuning.space import Settings
from shelfsort.training.tuning.trial import GoOn, Outcome, Problem, run_trial

# A step of a tower's fit is too small for two threads to share.
_ONE_THREAD = {
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}


@dataclasses.dataclass(frozen=True)
class Job:
    """A trial to run.

    Attributes:
        number: of the trial.
        settings: to train with.
        go_on: called in this process after each fold.
        floors: by fold, the least share with which the trial goes on, for a worker that cannot call
            `go_on`. Later folds have none.
    """

    number: int
    settings: Settings
    go_on: GoOn
    floors: Sequence[float] = ()


class Workers(Protocol):
    """Run trials."""

    @property
    def free(self) -> bool:
        """Whether another trial can start."""
        ...

    @property
    def busy(self) -> bool:
        """Whether a trial is under way."""
        ...

    def start(self, job: Job) -> None:
        """Starts a trial."""
        ...

    def finished(self) -> tuple[int, Outcome]:
        """Waits for one of the trials to end; its number, and what came of it."""
        ...


OpenWorkers = Callable[[Problem, int], contextlib.AbstractContextManager[Workers]]
"""Takes the problem and how many trials run at the same time; see `workers`."""


class InProcess:
    """Runs one trial at a time, in this process.

    Args:
        problem: that trials are about.
    """

    def __init__(self, problem: Problem):
        self._problem = problem
        self._job: Job | None = None

    @property
    def free(self) -> bool:
        """See `Workers`."""
        return self._job is None

    @property
    def busy(self) -> bool:
        """See `Workers`."""
        return self._job is not None

    def start(self, job: Job) -> None:
        """See `Workers`."""
        self._job = job

    def finished(self) -> tuple[int, Outcome]:
        """See `Workers`."""
        if self._job is None:
            raise ValueError("no trial was started")
        job, self._job = self._job, None
        return job.number, run_trial(self._problem, job.settings, job.go_on)


class Processes:
    """Runs as many trials at a time as there are processes, each with one thread.

    A process ends with its connection, and so with this process, however that ends.
    """

    def __init__(self, connections: Mapping[Connection, Any]):
        self._processes = connections
        self._jobs: dict[Connection, Job] = {}

    @property
    def free(self) -> bool:
        """See `Workers`."""
        return len(self._jobs) < len(self._processes)

    @property
    def busy(self) -> bool:
        """See `Workers`."""
        return bool(self._jobs)

    def start(self, job: Job) -> None:
        """See `Workers`."""
        connection = next(each for each in self._processes if each not in self._jobs)
        self._jobs[connection] = job
        connection.send(dict(job.settings))

    def finished(self) -> tuple[int, Outcome]:
        """See `Workers`.

        Raises:
            RunFailed: a process was killed, for example for its memory.
        """
        while True:
            for ready in wait(list(self._jobs)):
                if not isinstance(ready, Connection):
                    continue
                said = self._received(ready)
                if isinstance(said, Outcome):
                    return self._jobs.pop(ready).number, said
                ready.send(self._jobs[ready].go_on(*said))

    def _received(self, connection: Connection) -> Outcome | tuple[int, float]:
        try:
            return connection.recv()
        except (EOFError, ConnectionError) as error:
            process = self._processes[connection]
            process.join(10)
            raise RunFailed(
                f"a process of the search ended with status {process.exitcode}. Give it more "
                "memory or set tuning.workers lower, and run again: finished trials are kept"
            ) from error


@contextlib.contextmanager
def workers(problem: Problem, number: int) -> Iterator[Workers]:
    """Runs trials in `number` processes, or in this one where it is 1."""
    if number == 1:
        yield InProcess(problem)
        return
    # Spawned: a copy of a process in which TensorFlow runs threads may hang.
    context = multiprocessing.get_context("spawn")
    processes = {}
    with _environment(_ONE_THREAD):
        for _ in range(number):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs, problem), daemon=True)
            process.start()
            theirs.close()
            processes[ours] = process
    try:
        yield Processes(processes)
    finally:
        for connection, process in processes.items():
            connection.close()
            process.join(5)
            if process.is_alive():
                process.terminate()
                process.join()


def _serve(connection: Connection, problem: Problem) -> None:
    """Runs trials until the connection ends."""

    def go_on(fold: int, share: float) -> bool:
        connection.send((fold, share))
        return connection.recv()

    with contextlib.suppress(EOFError, ConnectionError, KeyboardInterrupt):
        while True:
            connection.send(run_trial(problem, connection.recv(), go_on))


@contextlib.contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
