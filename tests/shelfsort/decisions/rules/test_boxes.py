"""Boxes taken away from boxes, against points."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelfsort.decisions.rules.boxes import HIGHEST, LOWEST, Box, Boxes, TooManyBoxesError, joined

SIZES = (3, 2, 3)
CUTS = sorted({LOWEST, HIGHEST, *itertools.product((0.25, 0.5), (False, True))})
SCORES = (0.0, 0.1, 0.25, 0.3, 0.5, 0.7, 1.0)
POINTS = list(itertools.product(*map(range, SIZES), SCORES))


@st.composite
def boxes(draw):
    sets = tuple(draw(st.integers(1, (1 << size) - 1)) for size in SIZES)
    return Box(sets, draw(st.sampled_from(CUTS)), draw(st.sampled_from(CUTS)))


def holds(box, point):
    *values, score = point
    inside = all(own >> value & 1 for own, value in zip(box.sets, values, strict=True))
    return inside and box.low < (score, True) and (score, False) < box.high


def left(whole, taken):
    return list(Boxes(whole, taken).left(whole, len(taken)))


@given(st.lists(boxes(), max_size=6))
def test_what_is_left_is_what_no_box_holds_each_point_once(taken):
    whole = Box(tuple((1 << size) - 1 for size in SIZES))
    taken = list(filter(None, taken))
    rest = left(whole, taken)
    assert list(filter(None, joined(rest))) == joined(rest)
    for point in POINTS:
        times = sum(holds(box, point) for box in rest)
        assert times == (0 if any(holds(box, point) for box in taken) else 1)


def test_equal_remains_are_joined():
    whole = Box((0b111, 0b11))
    assert joined(left(whole, [Box((0b001, 0b01)), Box((0b010, 0b01)), Box((0b100, 0b01))])) == [
        Box((0b111, 0b10))
    ]


def test_many_rules_about_one_field_leave_few_boxes():
    whole = Box(((1 << 200) - 1, 0b1111))
    taken = [Box((1 << place, 0b0011)) for place in range(200)]
    assert joined(left(whole, taken)) == [Box(((1 << 200) - 1, 0b1100))]


def test_what_touches_a_box_is_named_by_its_number():
    taken = [Box((0b01, 0b01)), Box((0b10, 0b11)), Box((0b11, 0b01), LOWEST, (0.5, False))]
    index = Boxes(Box((0b11, 0b11)), taken)
    assert list(index.touching(Box((0b01, 0b01)), 3)) == [0, 2]
    assert list(index.touching(Box((0b01, 0b01)), 2)) == [0]
    assert list(index.touching(Box((0b11, 0b01), (0.5, False)), 3)) == [0, 1]


def test_what_would_take_too_long_is_given_up(monkeypatch):
    monkeypatch.setattr("shelfsort.decisions.rules.boxes.MAX_STEPS", 10)
    whole = Box((0xFFFF, 0xFFFF))
    taken = [Box((1 << place, 1 << place)) for place in range(16)]
    with pytest.raises(TooManyBoxesError):
        left(whole, taken)
