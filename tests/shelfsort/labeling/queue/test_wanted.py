import pytest

from shelfsort.labeling.queue.records import pseudonym
from shelfsort.labeling.queue.wanted import Wanted, read_wanted


def test_a_line_says_how_many_answers_it_wants_and_of_whom():
    assert read_wanted({"id": "p", "title": "x"}, 3) is None
    assert read_wanted({"answers-wanted": 2}, 3) == Wanted(2)
    both = {"answers-wanted": 2, "asked-of": ["Ann", "Bob"], "answered-by": ["Cleo"]}
    assert read_wanted(both, 3) == Wanted(2, frozenset({"Ann", "Bob"}), frozenset({"Cleo"}))
    # No more can be had than people are asked.
    assert read_wanted({"asked-of": ["Ann"]}, 3) == Wanted(1, frozenset({"Ann"}))
    assert read_wanted({"answered-by": ["Ann"]}, 3) == Wanted(3, answered_by=frozenset({"Ann"}))


@pytest.mark.parametrize(
    "number", [0, -1, 101, 10**400, True, "two", "9" * 5000, 2.5, [2], float("nan")]
)
def test_what_is_no_number_of_answers_is_named(number):
    with pytest.raises(ValueError, match="answers-wanted is no number from 1 to 100"):
        read_wanted({"answers-wanted": number}, 3)


@pytest.mark.parametrize("name", ["asked-of", "answered-by"])
@pytest.mark.parametrize("people", [1, [1], {}, ["x"] * 1001, "x," * 1001])
def test_what_is_no_list_of_people_is_named(name, people):
    with pytest.raises(ValueError, match=f"{name} is no list"):
        read_wanted({name: people}, 3)


def test_cells_of_a_table_say_it_as_texts():
    assert read_wanted({"answers-wanted": "", "asked-of": ""}, 3) is None
    row = {"answers-wanted": "2", "asked-of": "Ann, Bob", "answered-by": ""}
    assert read_wanted(row, 3) == Wanted(2, frozenset({"Ann", "Bob"}))
    assert read_wanted({"answers-wanted": 2.0}, 3) == Wanted(2)


def test_people_are_known_by_name_and_by_pseudonym():
    key = b"k" * 32
    ann, bob = (pseudonym(key, name) for name in ("Ann", "Bob"))
    wanted = Wanted(1, frozenset({"Ann", bob})).under(key)
    assert [wanted.asks(each) for each in (ann, bob, pseudonym(key, "Cleo"))] == [True, True, False]
    assert not Wanted(1, answered_by=frozenset({"Ann"})).under(key).asks(ann)
