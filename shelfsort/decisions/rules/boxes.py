"""Boxes over all that a rule can ask about, and what is left of one when others are taken away.

A box is a product of sets: categories, acceptance levels, one interval of the score, and values of
each field. What a rule matches is one box, so gaps, overlaps and unreachable rules are found
exactly, without trying examples. Decision tables in DMN (OMG, Decision Model and Notation 1.5) are
analysed in the same way.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

Cut = tuple[float, bool]
"""A place between scores: just below a value (False), or just above it (True)."""

LOWEST: Cut = (0.0, False)
HIGHEST: Cut = (1.0, True)
MAX_BOXES = 100_000


class TooManyBoxesError(Exception):
    """The rules cut the space into more boxes than can be looked through."""


@dataclass(frozen=True)
class Box:
    """A product of sets.

    Attributes:
        sets: one set of each dimension but the score, as the bits of a number.
        low: the scores begin here,
        high: and end here.
    """

    sets: tuple[int, ...]
    low: Cut = LOWEST
    high: Cut = HIGHEST

    def __bool__(self) -> bool:
        """Whether anything is in it."""
        return self.low < self.high and all(self.sets)

    def __and__(self, other: "Box") -> "Box":
        """What is in both."""
        sets = tuple(one & two for one, two in zip(self.sets, other.sets, strict=True))
        return Box(sets, max(self.low, other.low), min(self.high, other.high))

    def without(self, other: "Box") -> Iterator["Box"]:
        """Disjoint boxes that hold what is in this one and not in the other."""
        common = self & other
        if not common:
            yield self
            return
        rest = self
        for place, (own, shared) in enumerate(zip(self.sets, common.sets, strict=True)):
            if beyond := own & ~shared:
                yield replace(rest, sets=_with(rest.sets, place, beyond))
                rest = replace(rest, sets=_with(rest.sets, place, shared))
        if rest.low < common.low:
            yield replace(rest, high=common.low)
        if common.high < rest.high:
            yield replace(rest, low=common.high)


def left(boxes: Iterable[Box], taken: Iterable[Box]) -> list[Box]:
    """Disjoint boxes of what is in disjoint `boxes` and in none of `taken`.

    Raises:
        TooManyBoxesError: there would be more than MAX_BOXES.
    """
    rest = list(boxes)
    for each in taken:
        rest = _joined([part for box in rest for part in box.without(each)])
        if len(rest) > MAX_BOXES:
            raise TooManyBoxesError
    return rest


def _joined(boxes: Sequence[Box]) -> list[Box]:
    """The same space in fewer boxes: those that differ in one set only become one."""
    joined = list(boxes)
    for place in range(len(boxes[0].sets) if boxes else 0):
        by_rest: dict[tuple[tuple[int, ...], Cut, Cut], int] = {}
        for box in joined:
            key = (_with(box.sets, place, 0), box.low, box.high)
            by_rest[key] = by_rest.get(key, 0) | box.sets[place]
        joined = [
            Box(_with(sets, place, own), low, high) for (sets, low, high), own in by_rest.items()
        ]
    return joined


def _with(sets: tuple[int, ...], place: int, value: int) -> tuple[int, ...]:
    return (*sets[:place], value, *sets[place + 1 :])
