"""Collects items of one kind until they make a batch, within a bound on what waits."""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Kind = TypeVar("Kind", bound=Hashable)
Item = TypeVar("Item")


@dataclass(slots=True)
class _Waiting(Generic[Item]):
    items: list[Item] = field(default_factory=list)
    size: int = 0


class Batches(Generic[Kind, Item]):
    """Batches of items of one kind, each of 1 to `max_items`.

    A kind's batch is given out when it is full. Where more than `max_bytes` wait over all kinds,
    the kind with the most bytes is given out before it is full.
    """

    def __init__(self, max_items: int, max_bytes: int):
        self._max_items = max_items
        self._max_bytes = max_bytes
        self._waiting: dict[Kind, _Waiting[Item]] = {}

    def add(self, kind: Kind, item: Item, size: int) -> Iterator[list[Item]]:
        """Takes an item of `size` bytes; yields the batch that is due because of it, if one is."""
        waiting = self._waiting.setdefault(kind, _Waiting())
        waiting.items.append(item)
        waiting.size += size
        if len(waiting.items) >= self._max_items:
            yield self._waiting.pop(kind).items
        elif sum(each.size for each in self._waiting.values()) > self._max_bytes:
            largest = max(self._waiting, key=lambda each: self._waiting[each].size)
            yield self._waiting.pop(largest).items

    def rest(self) -> Iterator[list[Item]]:
        """Yields what still waits, kind by kind, and leaves nothing."""
        while self._waiting:
            yield self._waiting.pop(next(iter(self._waiting))).items
