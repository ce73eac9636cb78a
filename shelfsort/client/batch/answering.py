"""Answers rows in batches, a few of them under way at a time, in order."""

import dataclasses
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from shelfsort.client.batch.reading import Asked
from shelfsort.client.classifier import ServerError
from shelfsort.client.each import Ask, answer_each
from shelfsort.client.messages import Answer

_BATCH = 32
_BATCH_BYTES = 32 * 2**20
_IN_FLIGHT = 4
_SAID_EVERY_S = 2.0


@dataclasses.dataclass(frozen=True)
class Reply:
    """What came of a row.

    Attributes:
        asked: the row, without the parts that the model refused.
        answer: the model's; None where the row could not be sent, or why the model refuses it.
    """

    asked: Asked
    answer: Answer | ServerError | None

    @property
    def error(self) -> str:
        """Why there is no answer, "" where there is one."""
        return str(self.answer) if isinstance(self.answer, ServerError) else self.asked.error


def answered(rows: Iterable[Asked], ask: Ask) -> Iterator[list[Reply]]:
    """Replies batch by batch, one for each row, in order.

    A product whose image the model refuses is asked about by its words.

    Raises:
        ServerError: the model stopped answering.
        AnswerError: it is no Shelfsort model.
    """
    waiting: deque[Future[list[Reply]]] = deque()
    with ThreadPoolExecutor(_IN_FLIGHT) as pool:
        try:
            for batch in _batches(rows):
                waiting.append(pool.submit(_replies, batch, ask))
                if len(waiting) > _IN_FLIGHT:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for each in waiting:
                each.cancel()


def _replies(batch: list[Asked], ask: Ask) -> list[Reply]:
    answers = iter(answer_each(ask, [each.row for each in batch if each.row is not None]))
    return [
        _with_words(each, next(answers), ask) if each.row else Reply(each, None) for each in batch
    ]


def _with_words(asked: Asked, answer: Answer | ServerError, ask: Ask) -> Reply:
    """The answer, or that to the words alone where the model refuses the image beside them."""
    row = asked.row
    if isinstance(answer, Answer) or not (row and row.image and (row.title or row.description)):
        return Reply(asked, answer)
    (again,) = answer_each(ask, [dataclasses.replace(row, image=b"")])
    left_out = (*asked.left_out, f"image: {answer}")
    return Reply(dataclasses.replace(asked, left_out=left_out), again)


def _batches(rows: Iterable[Asked]) -> Iterator[list[Asked]]:
    batch: list[Asked] = []
    size = 0
    for each in rows:
        more = each.row.size if each.row else 0
        if batch and (len(batch) == _BATCH or size + more > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(each)
        size += more
    if batch:
        yield batch


class Progress:
    """Says every few seconds how far it is."""

    def __init__(self, total: int, say: Callable[[str], None], before: int = 0):
        """Of `total` rows, `before` of which were done before."""
        self._total, self._say, self._before = total, say, before
        self._started = self._last = time.monotonic()

    def at(self, done: int) -> None:
        """`done` rows are done, those of before included."""
        now = time.monotonic()
        if now - self._last < _SAID_EVERY_S and done < self._total:
            return
        self._last = now
        rate = (done - self._before) / max(now - self._started, 1e-6)
        left = (self._total - done) / rate if rate else 0
        self._say(f"{done:,} of {self._total:,} rows, {rate:,.0f} a second, {left:,.0f} s left")
