import pytest

from shelfsort.products.manifest.annotations import Label, LeafResolver, label_types, read_label
from shelfsort.products.manifest.rejects import RejectedLine
from shelfsort.products.taxonomy import Taxonomy


@pytest.fixture
def resolver(tree_nodes):
    return LeafResolver(Taxonomy.from_nodes(tree_nodes))


def classified(name, confidence=0.9, **metadata):
    return {
        "shelf": 4,
        "shelf-metadata": {
            "type": "groundtruth/image-classification",
            "class-name": name,
            "confidence": confidence,
            **metadata,
        },
    }


def rejection(record, resolver, min_confidence=0.5):
    with pytest.raises(RejectedLine) as caught:
        read_label(record, "shelf", resolver, min_confidence)
    return caught.value.reason


def test_spellings_of_one_leaf_are_counted_together(resolver, make_line):
    record = make_line(["shirts", "Clothes > Shirts", "Shoes"])
    assert read_label(record, "shelf", resolver, 0.5) == Label("shirts", 2 / 3, ("w0", "w1", "w2"))


def test_an_answer_outside_the_taxonomy_counts_but_does_not_spoil_the_vote(resolver, make_line):
    assert read_label(make_line(["shoes", "shoes", "hats"]), "shelf", resolver, 0.5) == Label(
        "shoes", 2 / 3, ("w0", "w1", "w2")
    )


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        (["shoes", "shirts"], "no_consensus"),
        (["hats", "hats", "shoes"], "unknown_label"),
        (["Clothes", "Clothes"], "not_a_leaf"),
        ([], "missing_label"),
    ],
)
def test_votes_that_name_no_leaf_are_rejected(resolver, make_line, labels, reason):
    assert rejection(make_line(labels), resolver) == reason


def test_the_result_stands_in_where_no_answers_were_kept(resolver):
    record = {
        "shelf": {"confidence": 0.7, "result": {"shelf": "Shoes"}},
        "shelf-metadata": {"type": "groundtruth/custom"},
    }
    assert read_label(record, "shelf", resolver, 0.5) == Label("shoes", 0.7, ())


def test_a_classification_job_names_its_class_in_the_metadata(resolver):
    assert read_label(classified("Shoes"), "shelf", resolver, 0.5) == Label("shoes", 0.9, ())


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (classified("Hats"), "unknown_label"),
        (classified("Clothes"), "not_a_leaf"),
        (classified(None), "missing_label"),
        (classified("Shoes", confidence=0.4), "no_consensus"),
        (classified("Shoes", confidence=float("nan")), "no_consensus"),
        (classified("Shoes", **{"failure-reason": "ClientError"}), "job_failed"),
        ({"shelf-metadata": {"failure-reason": {"a": 1}}}, "job_failed"),
        ({"shelf-metadata": {"type": "groundtruth/custom"}}, "missing_label"),
        ({"shelf": "Shoes", "shelf-metadata": 3}, "missing_label"),
    ],
)
def test_classifications_that_cannot_be_used_are_rejected(resolver, record, reason):
    assert rejection(record, resolver) == reason


def test_a_job_that_gives_no_confidence_is_taken_at_its_word(resolver):
    assert read_label(classified("Shoes", confidence=None), "shelf", resolver, 1.0).confidence == 1


def test_the_reduction_applies_before_the_votes_are_counted(tree_nodes, make_line):
    resolver = LeafResolver(
        Taxonomy.from_nodes(tree_nodes), {"shirts": "clothes", "trousers": "clothes"}
    )
    assert resolver.taxonomy.leaves == ["clothes", "shoes"]
    found = read_label(make_line(["shirts", "trousers", "Shoes"]), "shelf", resolver, 0.5)
    assert (found.category, found.confidence) == ("clothes", 2 / 3)
    assert resolver.leaf("Clothes") == "clothes"


def test_label_attributes_are_what_has_metadata():
    record = {"a-metadata": {"type": "t"}, "b-metadata": {}, "c-metadata": 3, "-metadata": {}}
    assert label_types(record) == {"a": "t", "b": ""}
