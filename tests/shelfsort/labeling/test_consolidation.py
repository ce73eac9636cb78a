from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelfsort.labeling.consolidation import Consensus, majority


def test_confidence_is_the_share_of_the_most_frequent_answer():
    assert majority(["a", "b", "a"]) == Consensus("a", 2 / 3, 3)


def test_one_answer_is_a_unanimous_one():
    assert majority(["a"], min_confidence=1.0) == Consensus("a", 1.0, 1)


def test_a_tie_is_no_consensus():
    assert majority(["a", "b"]) == Consensus(None, 0.5, 2)
    assert majority(["a", "b", "c", "a", "b"]).label is None


def test_a_plurality_below_the_least_confidence_is_no_consensus():
    answers = ["a", "a", "b", "c", "d"]
    assert majority(answers, min_confidence=0.5).label is None
    assert majority(answers, min_confidence=0.4).label == "a"


def test_no_answers_are_an_error():
    with pytest.raises(ValueError, match="no answers"):
        majority([])


@given(st.lists(st.sampled_from("abc"), min_size=1))
def test_the_winner_has_more_votes_than_any_other_in_whatever_order(answers):
    found = majority(answers)
    counts = Counter(answers)
    top = max(counts.values())
    winners = [label for label, n in counts.items() if n == top]
    assert found.confidence == top / len(answers)
    assert found.label == (winners[0] if len(winners) == 1 else None)
    assert majority(answers[::-1]) == found
