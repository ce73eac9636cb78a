"""What is wrong with rules, found without trying examples: gaps, overlaps, unreachable rules."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shelfsort.core.errors import InputError
from shelfsort.decisions.rules.boxes import (
    HIGHEST,
    LOWEST,
    Box,
    Boxes,
    Cut,
    TooManyBoxesError,
    joined,
)
from shelfsort.decisions.rules.model import Rule, Rules

_SHOWN = 3
_COUNTED = 10_000


@dataclass(frozen=True)
class Finding:
    """Something to look at.

    Attributes:
        kind: `gap`, `unreachable`, `overlap`, `unused_default` or `no_default`.
        line: in the file of the rules.
        text: what it is, and an example.
        is_error: whether decisions are missing or a rule has no effect.
    """

    kind: str
    line: int
    text: str
    is_error: bool


def analyse(rules: Rules) -> list[Finding]:
    """Everything to look at, by line.

    A rule is unreachable where earlier ones match all that it matches. An overlap is reported where
    two rules decide differently and neither matches all that the other does: an earlier rule that
    makes an exception from a later one is meant.

    Raises:
        InputError: the rules are too many and too different to be looked through.
    """
    space = Space(rules)
    boxes = [space.box(rule) for rule in rules.rules]
    index = Boxes(space.whole, boxes)
    try:
        found = [
            *_gaps(rules, space, index),
            *_unreachable(rules, boxes, index),
            *_overlaps(rules, space, boxes, index),
        ]
    except TooManyBoxesError as error:
        raise InputError(
            f"{rules.file}: the rules cannot be looked through. Ask about fewer fields in each."
        ) from error
    return sorted(found, key=lambda each: (each.line, each.kind))


class Space:
    """All that may be decided about, and the rules as boxes in it."""

    def __init__(self, rules: Rules):
        self._dimensions: list[tuple[str, Sequence[str]]] = [
            ("category", rules.tree.leaves),
            ("accepted", rules.levels),
            *rules.fields.items(),
        ]
        self._bits = [
            {value: 1 << place for place, value in enumerate(values)}
            for _, values in self._dimensions
        ]
        self.whole = Box(tuple((1 << len(values)) - 1 for _, values in self._dimensions))

    def box(self, rule: Rule) -> Box:
        """What a rule matches."""
        asked = {"category": rule.categories, "accepted": rule.accepted, **(rule.fields or {})}
        sets = []
        for (name, _), bits, every in zip(
            self._dimensions, self._bits, self.whole.sets, strict=True
        ):
            values = asked.get(name)
            sets.append(every if values is None else sum(bits[value] for value in values))
        return Box(tuple(sets), rule.low, rule.high)

    def described(self, box: Box) -> str:
        """What is in a box, for people: only what not everything has."""
        parts = []
        for (name, values), own, every in zip(
            self._dimensions, box.sets, self.whole.sets, strict=True
        ):
            if own != every:
                named = [value for place, value in enumerate(values) if own >> place & 1]
                more = f" and {len(named) - _SHOWN:,} more" if len(named) > _SHOWN else ""
                parts.append(f"{name} {', '.join(named[:_SHOWN])}{more}")
        if (box.low, box.high) != (LOWEST, HIGHEST):
            parts.append(_scores(box.low, box.high))
        return "; ".join(parts) or "everything"


def _scores(low: Cut, high: Cut) -> str:
    words = []
    if low != LOWEST:
        words.append(f"{'above' if low[1] else 'at least'} {low[0]:g}")
    if high != HIGHEST:
        words.append(f"{'at most' if high[1] else 'below'} {high[0]:g}")
    return f"score {' and '.join(words)}"


def _gaps(rules: Rules, space: Space, index: Boxes) -> Iterator[Finding]:
    left = index.left(space.whole, len(rules.rules))
    if rules.default is not None:
        if next(left, None) is None:
            text = "the default decides nothing: the rules match everything"
            yield Finding("unused_default", rules.default_line, text, False)
        return
    line = rules.rules[-1].line
    rest = joined(list(itertools.islice(left, _COUNTED)))
    for box in rest[:_SHOWN]:
        yield Finding("gap", line, f"no rule matches: {space.described(box)}", True)
    if rest:
        least = "at least " if next(left, None) is not None else ""
        more = f"{least}{len(rest) - _SHOWN:,} more gaps; " if len(rest) > _SHOWN else ""
        yield Finding("no_default", line, f"{more}add a default, or rules for the gaps", True)


def _unreachable(rules: Rules, boxes: Sequence[Box], index: Boxes) -> Iterator[Finding]:
    for number, (rule, box) in enumerate(zip(rules.rules, boxes, strict=True)):
        if next(index.left(box, number), None) is None:
            before = [rules.rules[each].then.rule for each in index.touching(box, number)]
            more = f" and {len(before) - _SHOWN:,} more" if len(before) > _SHOWN else ""
            named = ", ".join(repr(name) for name in before[:_SHOWN])
            text = f"{rule.then.rule!r} never decides: earlier rules match it all ({named}{more})"
            yield Finding("unreachable", rule.line, text, True)


def _overlaps(rules: Rules, space: Space, boxes: Sequence[Box], index: Boxes) -> Iterator[Finding]:
    for later, (rule, box) in enumerate(zip(rules.rules, boxes, strict=True)):
        for place in index.touching(box, later):
            earlier, other = rules.rules[place], boxes[place]
            common = box & other
            if rule.then.outcome == earlier.then.outcome or common in (box, other):
                continue
            text = (
                f"{rule.then.rule!r} and {earlier.then.rule!r} (line {earlier.line}) both match: "
                f"{space.described(common)}; the earlier one decides"
            )
            yield Finding("overlap", rule.line, text, False)
