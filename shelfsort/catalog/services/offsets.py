"""Paging by offset over a list that changes while it is read.

Each page is asked for again from a few rows before where the last one ended. If products before it
were removed, the rows have moved up, and those few are not at the top; the walk goes back until it
meets a row that it knows. If products were added, known rows come again. So nothing is skipped,
however the list moves, as long as its order stays.
"""

import json
from collections.abc import Iterator
from typing import Any

from shelfsort.catalog.services.paging import (
    Answered,
    Batch,
    PagingError,
    TooManyRowsError,
    Walk,
    past_end,
    with_parameters,
)

_STEPS_BACK = 5


class OffsetWalk(Walk):
    """The pages of one query by offset."""

    def batches(self, url: str, mark: str, total: int | None) -> Iterator[Batch]:
        """As `Walk.batches`; a mark holds the offset, and the ids of the rows before it."""
        at, tail = _read(mark)
        self.seen.update(tail)
        full = 0
        while True:
            if self._is_beyond(at, total):
                raise TooManyRowsError(total)
            start, answered, sound = self._anchored(url, at, tail, total)
            if answered is None:
                yield Batch((), (), "", total, True, f"offset {start}")
                return
            self.count(answered)
            total = answered.total if answered.total is not None else total
            self.refuse_too_many(mark, total)
            ids, full = answered.ids, max(full, len(answered.ids))
            new = [n for n, id_ in enumerate(ids) if id_ not in self.seen]
            # A page that begins further back is asked for, and does not repeat by itself.
            known = len(ids) - len(new) - len(tail) if start == at - len(tail) else 0
            at, tail = start + len(ids), _tail(ids, self.paging.overlap)
            ended = self._ended(answered, at, full, new)
            mark = "" if ended else json.dumps([at, tail])
            items = [answered.items[n] for n in new]
            yield Batch(
                items,
                [ids[n] for n in new],
                mark,
                answered.total,
                sound,
                f"offset {start}",
                max(0, known),
            )
            if ended:
                return

    def _anchored(
        self, url: str, at: int, tail: list[str], total: int | None
    ) -> tuple[int, Answered | None, bool]:
        """Where the page begins, the page, and whether it joins what was read before."""
        start = at - len(tail)
        first = answered = self._asked(url, start, total)
        if not tail or answered is None or not self.seen:
            return start, answered, True
        for _ in range(_STEPS_BACK):
            if start == 0 or any(id_ in self.seen for id_ in answered.ids):
                return start, answered, True
            start = max(0, start - self.paging.size + 1)
            again = self._asked(url, start, total)
            if again is None:
                break
            answered = again
        return at - len(tail), first, False

    def _asked(self, url: str, start: int, total: int | None) -> Answered | None:
        size, paging = self.paging.size, self.paging
        if paging.most is not None:
            size = min(size, paging.most - start)
        pairs = [(paging.parameter, str(start)), (paging.size_parameter, str(size))]
        address = with_parameters(url, [pair for pair in pairs if pair[0]], replacing=True)
        reached = total is not None and start >= total
        return self.ask(address, past_end(start == 0, total, reached))

    def _is_beyond(self, at: int, total: int | None) -> bool:
        most = self.paging.most
        return most is not None and at >= most and (total is None or total > most)

    def _ended(self, answered: Answered, at: int, full: int, new: list[int]) -> bool:
        more, rows = self.has_more(answered), len(answered.ids)
        if more is not None:
            if more and not rows:
                raise PagingError(
                    "an empty page says that there is another one. Check paging.more."
                )
            return not more
        if rows < self.paging.size and answered.total == at:
            return True
        most = self.paging.most
        if most is not None and at >= most and not self._is_beyond(at, answered.total):
            return True
        return rows == 0 or (rows < full and not new)


def _tail(ids: Any, overlap: int) -> list[str]:
    # One row of each page is new, however few the service gives at once.
    most = min(overlap, len(ids) - 1)
    return list(ids[len(ids) - most :]) if most > 0 else []


def _read(mark: str) -> tuple[int, list[str]]:
    if not mark:
        return 0, []
    at, tail = json.loads(mark)
    return int(at), [str(id_) for id_ in tail]
