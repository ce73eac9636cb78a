"""Answers of workers to tasks, as arrays that every consolidation method reads."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_matrix

UNSURE = "cannot tell"


@dataclass(frozen=True)
class Answer:
    """One answer as it was given.

    Attributes:
        task, worker, label: names; a worker may be "" where the source gives none.
        seconds: that the worker took, None where not known.
    """

    task: str
    worker: str
    label: str
    seconds: float | None = None


def is_unsure(label: str, unsure: str = UNSURE) -> bool:
    """Whether an answer says "cannot tell", whatever its case, blanks, hyphens or underscores."""
    return _plain(label) == _plain(unsure)


@dataclass(frozen=True)
class Answers:
    """A answers of W workers to T tasks, each naming one of K labels.

    Attributes:
        tasks, workers, labels: names, sorted; T, W and K of them.
        task, worker, label: (A,) int arrays: the row of each answer's task, worker and label. They
            are sorted by task, worker and label, so equal answers give equal results bit for bit.
    """

    tasks: tuple[str, ...]
    workers: tuple[str, ...]
    labels: tuple[str, ...]
    task: np.ndarray
    worker: np.ndarray
    label: np.ndarray

    @classmethod
    def of(cls, triples: Iterable[tuple[str, str, str]], labels: Iterable[str] = ()) -> "Answers":
        """The answers in any order.

        Args:
            triples: (task, worker, label) of each answer.
            labels: that there are besides those of the answers.

        Raises:
            ValueError: there is no answer.
        """
        ordered = sorted(triples)
        if not ordered:
            raise ValueError("no answers to consolidate")
        columns = list(zip(*ordered, strict=True))
        tasks, workers = (tuple(sorted(set(column))) for column in columns[:2])
        names = tuple(sorted({*columns[2], *labels}))
        rows = [
            _rows(column, known)
            for column, known in zip(columns, (tasks, workers, names), strict=True)
        ]
        return cls(tasks, workers, names, *rows)

    def __len__(self) -> int:
        return len(self.task)

    @property
    def shape(self) -> tuple[int, int]:
        """Of an array with a row for each task and a column for each label."""
        return len(self.tasks), len(self.labels)

    def only(self, chosen: np.ndarray) -> "Answers":
        """These answers of the same tasks, workers and labels; `chosen` is a (A,) bool array."""
        return Answers(
            self.tasks,
            self.workers,
            self.labels,
            self.task[chosen],
            self.worker[chosen],
            self.label[chosen],
        )

    def votes(self, weights: np.ndarray | None = None) -> np.ndarray:
        """(T, K) sums of the answers' weights, each 1 where `weights` (A,) is not given."""
        weights = np.ones(len(self)) if weights is None else weights
        return self._summed(self.task * len(self.labels) + self.label, weights, self.shape)

    def by_task(self, weights: np.ndarray) -> np.ndarray:
        """(T,) sums of the answers' weights, an (A,) array."""
        return np.bincount(self.task, weights, minlength=len(self.tasks))

    def by_worker(self, weights: np.ndarray) -> np.ndarray:
        """(W,) sums of the answers' weights, an (A,) array."""
        return np.bincount(self.worker, weights, minlength=len(self.workers))

    def by_worker_and_label(self, weights: np.ndarray) -> np.ndarray:
        """(W, K) sums of the answers' weights, an (A,) array."""
        shape = len(self.workers), len(self.labels)
        return self._summed(self.worker * shape[1] + self.label, weights, shape)

    @cached_property
    def of_task(self) -> csr_matrix:
        """(T, A) matrix of ones: times an (A, K) array it adds up the answers of each task."""
        return _ones(self.task, len(self.tasks))

    @cached_property
    def of_worker_and_label(self) -> csr_matrix:
        """(W * K, A) matrix of ones: adds up the answers of each worker that name each label."""
        labels = len(self.labels)
        return _ones(self.worker * labels + self.label, len(self.workers) * labels)

    @staticmethod
    def _summed(place: np.ndarray, weights: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
        return np.bincount(place, weights, minlength=shape[0] * shape[1]).reshape(shape)


def _plain(label: str) -> str:
    return " ".join(label.replace("_", " ").replace("-", " ").casefold().split())


def _rows(column: Sequence[str], known: tuple[str, ...]) -> np.ndarray:
    at = {name: row for row, name in enumerate(known)}
    return np.fromiter((at[name] for name in column), np.int64, len(column))


def _ones(place: np.ndarray, rows: int) -> csr_matrix:
    answers = np.arange(len(place))
    return csr_matrix((np.ones(len(place)), (place, answers)), shape=(rows, len(place)))
