"""Boxes over all that a rule can ask about, and what is left of one when others are taken away.

A box is a product of sets: categories, acceptance levels, one interval of the score, and values of
each field. What a rule matches is one box, so gaps, overlaps and unreachable rules are found
exactly, without trying examples. Decision tables in DMN (OMG, Decision Model and Notation 1.5) are
analysed in the same way.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Cut = tuple[float, bool]
"""A place between scores: just below a value (False), or just above it (True)."""

LOWEST: Cut = (0.0, False)
HIGHEST: Cut = (1.0, True)
MAX_STEPS = 30_000
"""Boxes that are looked at; a few seconds."""

_Sets = tuple[int, ...]
_COMPARED = 64


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

    sets: _Sets
    low: Cut = LOWEST
    high: Cut = HIGHEST

    def __bool__(self) -> bool:
        """Whether anything is in it."""
        return self.low < self.high and all(self.sets)

    def __and__(self, other: "Box") -> "Box":
        """What is in both."""
        sets = tuple(one & two for one, two in zip(self.sets, other.sets, strict=True))
        return Box(sets, max(self.low, other.low), min(self.high, other.high))


class Boxes:
    """Several boxes of one space, found by what they hold.

    A set of these boxes is a number with a bit for each. For each value of a dimension there is the
    set of boxes that hold it, so those that touch or hold a given box are found without looking at
    each. Between two neighbouring ends no score is told from another, so the scores are one more
    dimension with a value for each such piece.
    """

    def __init__(self, whole: Box, boxes: Sequence[Box]):
        """Args: the space, and non-empty boxes in it."""
        ends = {whole.low, whole.high, *itertools.chain(*((each.low, each.high) for each in boxes))}
        self._cuts = sorted(ends)
        self._own = [self._with_scores(each) for each in boxes]
        sizes = [each.bit_length() for each in self._with_scores(whole)]
        self._holders = [
            [
                sum(1 << number for number, own in enumerate(self._own) if own[place] >> value & 1)
                for value in range(size)
            ]
            for place, size in enumerate(sizes)
        ]
        self._steps = 0

    def touching(self, box: Box, before: int) -> Iterator[int]:
        """Numbers below `before` of the boxes that have something in common with `box`."""
        touching, _ = self._among(self._with_scores(box), (1 << before) - 1)
        yield from _values(touching)

    def left(self, box: Box, before: int) -> Iterator[Box]:
        """Disjoint boxes of what is in `box` and in none of those with a number below `before`.

        Raises:
            TooManyBoxesError: MAX_STEPS boxes were looked at since the first call.
        """
        todo = [(self._with_scores(box), (1 << before) - 1)]
        while todo:
            sets, among = todo.pop()
            self._steps += 1
            if self._steps > MAX_STEPS:
                raise TooManyBoxesError
            touching, holding = self._among(sets, among)
            if holding:
                continue
            if not touching:
                yield from self._without_scores(sets)
                continue
            number = self._largest(sets, touching)
            others = touching & ~(1 << number)
            todo += [(part, others) for part in _without(sets, self._own[number])]

    def _among(self, sets: _Sets, among: int) -> tuple[int, int]:
        """Those of some boxes that touch a box, and those that hold all of it."""
        touching = holding = among
        for own, holders in zip(sets, self._holders, strict=True):
            some, every = 0, -1
            for value in _values(own):
                some |= holders[value]
                every &= holders[value]
            touching &= some
            holding &= every
            if not touching:
                return 0, 0
        return touching, holding

    def _largest(self, sets: _Sets, touching: int) -> int:
        """The box that holds most of another one: what is left falls apart soonest."""

        def held(number: int) -> float:
            share = 1.0
            for own, other in zip(sets, self._own[number], strict=True):
                share *= (own & other).bit_count() / own.bit_count()
            return share

        return max(itertools.islice(_values(touching), _COMPARED), key=held)

    def _with_scores(self, box: Box) -> _Sets:
        low, high = self._cuts.index(box.low), self._cuts.index(box.high)
        return (*box.sets, (1 << high) - (1 << low))

    def _without_scores(self, sets: _Sets) -> Iterator[Box]:
        *others, scores = sets
        while scores:
            low = _first(scores)
            high = low + _first(~(scores >> low))
            yield Box(tuple(others), self._cuts[low], self._cuts[high])
            scores &= -1 << high


def joined(boxes: Sequence[Box]) -> list[Box]:
    """The same space in fewer boxes: those that differ in one set only become one."""
    found = list(boxes)
    for place in range(len(boxes[0].sets) if boxes else 0):
        by_rest: dict[tuple[_Sets, Cut, Cut], int] = {}
        for box in found:
            key = (_with(box.sets, place, 0), box.low, box.high)
            by_rest[key] = by_rest.get(key, 0) | box.sets[place]
        found = [
            Box(_with(sets, place, own), low, high) for (sets, low, high), own in by_rest.items()
        ]
    return found


def _without(sets: _Sets, other: _Sets) -> Iterator[_Sets]:
    """Disjoint boxes of what is in one and not in another, which touches it."""
    rest = sets
    for place, taken in enumerate(other):
        if beyond := rest[place] & ~taken:
            yield _with(rest, place, beyond)
            rest = _with(rest, place, rest[place] & taken)


def _with(sets: _Sets, place: int, value: int) -> _Sets:
    return (*sets[:place], value, *sets[place + 1 :])


def _values(bits: int) -> Iterator[int]:
    while bits:
        yield _first(bits)
        bits &= bits - 1


def _first(bits: int) -> int:
    return (bits & -bits).bit_length() - 1
