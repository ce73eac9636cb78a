from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelfsort.labeling.consolidation import Consensus, consolidate, majority
from shelfsort.products.leaves import LeafResolver
from shelfsort.products.manifest.annotations import Annotation, Annotations
from shelfsort.products.manifest.rejects import RejectedLine
from shelfsort.products.product import Label
from shelfsort.products.taxonomy import Taxonomy


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


@pytest.fixture
def resolver(tree_nodes):
    return LeafResolver(Taxonomy.from_nodes(tree_nodes))


def answered(*labels):
    return Annotations(tuple(Annotation(f"w{n}", label) for n, label in enumerate(labels)))


def rejection(annotations, resolver, min_confidence=0.5):
    with pytest.raises(RejectedLine) as caught:
        consolidate(annotations, resolver, min_confidence)
    return caught.value.reason


def test_spellings_of_one_leaf_are_counted_together(resolver):
    found = consolidate(answered("shirts", "Clothes > Shirts", "Shoes"), resolver, 0.5)
    assert found == Label("shirts", 2 / 3, 2 / 3, ("w0", "w1", "w2"))


def test_an_answer_outside_the_taxonomy_counts_but_does_not_spoil_the_vote(resolver):
    found = consolidate(answered("shoes", "shoes", "hats"), resolver, 0.5)
    assert found == Label("shoes", 2 / 3, 2 / 3, ("w0", "w1", "w2"))


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        (["shoes", "shirts"], "no_consensus"),
        (["hats", "hats", "shoes"], "unknown_label"),
        (["Clothes", "Clothes"], "not_a_leaf"),
    ],
)
def test_votes_that_name_no_leaf_are_rejected(resolver, labels, reason):
    assert rejection(answered(*labels), resolver) == reason


def test_the_jobs_result_stands_in_where_no_answers_were_kept(resolver):
    assert consolidate(Annotations((), "Shoes", 0.7), resolver, 0.5) == Label("shoes", 0.7, 0.7)


def test_the_workers_answers_count_more_than_the_jobs_result(resolver):
    said = Annotations(answered("shirts").answers, "shoes", 0.1)
    assert consolidate(said, resolver, 0.5) == Label("shirts", 1.0, 1.0, ("w0",))


@pytest.mark.parametrize(
    ("annotations", "reason"),
    [
        (Annotations((), "Hats"), "unknown_label"),
        (Annotations((), "Clothes"), "not_a_leaf"),
        (Annotations(), "missing_label"),
        (Annotations((), "Shoes", 0.4), "no_consensus"),
        (Annotations((), "Shoes", failure="ClientError"), "job_failed"),
    ],
)
def test_results_that_cannot_be_used_are_rejected(resolver, annotations, reason):
    assert rejection(annotations, resolver) == reason


def test_the_reduction_applies_before_the_votes_are_counted(tree_nodes):
    resolver = LeafResolver(
        Taxonomy.from_nodes(tree_nodes), {"shirts": "clothes", "trousers": "clothes"}
    )
    assert resolver.taxonomy.leaves == ["clothes", "shoes"]
    found = consolidate(answered("shirts", "trousers", "Shoes"), resolver, 0.5)
    assert (found.category, found.confidence) == ("clothes", 2 / 3)
    assert resolver.leaf("Clothes") == "clothes"
