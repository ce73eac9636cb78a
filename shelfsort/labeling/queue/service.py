"""The queue and its file of answers together: what a page, or another front end, talks to."""

import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from shelfsort.labeling.queue.leases import Standing, WorkQueue
from shelfsort.labeling.queue.log import AnswerLog
from shelfsort.labeling.queue.progress import Pace, Progress
from shelfsort.labeling.queue.records import Record, pseudonym, task_name
from shelfsort.labeling.queue.wanted import Wanted

Outcome = Literal["kept", "answered", "taken"]
"""What became of an answer: kept; the worker had answered; others had answered in the meantime."""
_COUNTED_EVERY = 10
_OUTCOMES: dict[Standing, Outcome] = {
    Standing.OPEN: "kept",
    Standing.ANSWERED: "answered",
    Standing.TAKEN: "taken",
}


@dataclass(frozen=True)
class QueueSettings:
    """How tasks are handed out.

    Attributes:
        answers_each: answers that a task needs, at least 1.
        wanted: by task id, where a task needs others; people by name or pseudonym.
        lease_seconds: after which a task that was not answered goes to somebody else.
        gold: right labels by task id; everybody is asked about these tasks.
        gold_share: share of gold among a person's tasks, in [0, 1); 0 for none.
    """

    answers_each: int = 3
    lease_seconds: float = 600.0
    gold: Mapping[str, str] = field(default_factory=dict)
    gold_share: float = 0.05
    wanted: Mapping[str, Wanted] = field(default_factory=dict)


class TaskService:
    """Hands out tasks and keeps answers. Call it from one thread at a time.

    Attributes:
        unknown: number of answers in the file about tasks that are not among the ids.
    """

    def __init__(
        self,
        ids: Sequence[str],
        settings: QueueSettings,
        path: Path,
        clock: Callable[[], float] = time.time,
    ):
        """Opens the file and takes up its answers.

        Args:
            ids: of the tasks, each once.
            settings: how they are handed out.
            path: of the file of answers.
            clock: Unix time.

        Raises:
            InputError: the file cannot be used.
        """
        self.unknown = 0
        self._ids = ids
        self._of = {id_: task for task, id_ in enumerate(ids)}
        self._clock = clock
        self._pace = Pace()
        self._gold = settings.gold
        self._shown: dict[str, Progress] = {}
        self._gold_right: dict[str, dict[str, bool]] = defaultdict(dict)
        self._settings = settings
        self._log = AnswerLog(path, self._apply, self._begin)

    def _begin(self, key: bytes) -> None:
        how = self._settings
        self._queue = WorkQueue(
            len(self._ids),
            how.answers_each,
            how.lease_seconds,
            [self._of[id_] for id_ in how.gold if id_ in self._of],
            how.gold_share,
            secrets.token_hex(),
            {self._of[id_]: each.under(key) for id_, each in how.wanted.items()},
        )

    def worker(self, name: str) -> str:
        """The pseudonym of a person."""
        return pseudonym(self._log.key, name)

    def task_name(self, task: str) -> str:
        """What a page calls a task, by its id."""
        return task_name(self._log.key, task)

    def take(self, worker: str, want: int) -> list[int]:
        """The places of a worker's tasks among the ids, the first one first, with new leases."""
        return self._queue.take(worker, want, self._clock())

    def answer(self, worker: str, task: str, label: str, problem: str, seconds: float) -> Outcome:
        """Keeps an answer, on the disk, where it still counts.

        Args:
            worker: pseudonym.
            task: id.
            label: that was chosen, "" with a problem.
            problem: `records.IMAGE_PROBLEM` or "".
            seconds: that the worker took.

        Raises:
            KeyError: there is no such task.
            OSError: the answer could not be kept, and does not count.
        """
        now = self._clock()
        standing = self._queue.standing(worker, self._of[task], now)
        if standing is Standing.OPEN:
            record = Record(worker, task, label, problem, round(seconds, 1), round(now, 3))
            self._log.append(record)
            self._apply(record)
            self._pace.note(now)
        return _OUTCOMES[standing]

    def last(self, worker: str) -> str | None:
        """The id of the task that the worker answered last; None without an answer."""
        task = self._queue.last(worker)
        return None if task is None else self._ids[task]

    def undo(self, worker: str, task: str) -> bool:
        """Takes the worker's last answer back and leases its task again.

        A second call for the same answer takes back no other one.

        Args:
            worker: pseudonym.
            task: id of the task that the answer is to.

        Returns:
            Whether the task is without an answer of the worker; not if the worker has answered
            another one since.

        Raises:
            KeyError: there is no such task.
            OSError: that could not be kept, and the answer still counts.
        """
        place, now = self._of[task], self._clock()
        if place == self._queue.last(worker):
            record = Record(worker, task, at=round(now, 3), undo=True)
            self._log.append(record)
            self._apply(record)
            self._queue.hold_first(worker, place, now)
        return self._queue.standing(worker, place, now) is not Standing.ANSWERED

    def progress(self, worker: str) -> Progress:
        """How far all are, and the worker."""
        queue = self._queue
        return Progress(
            tasks=queue.size - len(queue.gold),
            complete=queue.complete,
            needed=queue.needed,
            given=queue.needed - queue.missing,
            own=queue.answered(worker),
            seconds_left=self._pace.seconds_for(queue.missing, self._clock()),
        )

    def shown_progress(self, worker: str, *, ends: bool) -> Progress:
        """As `progress`; with gold, what all have done is counted again at every tenth answer only.

        A count that stands still after an answer would say that the answer was to gold.

        Args:
            worker: pseudonym.
            ends: whether there is nothing more for the worker, so that nothing is given away.
        """
        now = self.progress(worker)
        before = self._shown.get(worker)
        if self._gold and before is not None and now.own % _COUNTED_EVERY and not ends:
            now = replace(before, own=now.own)
        self._shown[worker] = now
        return now

    def gold_right(self, worker: str) -> tuple[int, int]:
        """Number of the worker's right answers to gold tasks, and of all."""
        given = self._gold_right[worker]
        return sum(given.values()), len(given)

    def may_get(self, worker: str) -> bool:
        """Whether others have a task that may come back to this worker."""
        return self._queue.may_get(worker)

    def unreachable(self, workers: Collection[str]) -> int:
        """Number of tasks that cannot get all their answers from these workers."""
        return self._queue.unreachable(workers)

    def close(self) -> None:
        """Leaves the file."""
        self._log.close()

    def _apply(self, record: Record) -> None:
        task = self._of.get(record.task)
        if task is None:
            self.unknown += 1
            return
        gold = self._gold.get(record.task)
        if record.undo:
            self._queue.take_back(record.worker, task)
            self._gold_right[record.worker].pop(record.task, None)
            return
        self._queue.answer(record.worker, task)
        if gold is not None and record.label:
            self._gold_right[record.worker][record.task] = record.label == gold
