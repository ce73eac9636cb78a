import json

import pytest

from shelfsort.labeling.consensus import Verdict
from shelfsort.labeling.consolidation import consolidate
from shelfsort.labeling.manifest_answers import ODDITIES, ManifestAnswers, with_verdict
from shelfsort.products.leaves import LeafResolver
from shelfsort.products.manifest.annotations import read_annotations
from shelfsort.products.manifest.lines import Line
from shelfsort.products.manifest.parsing import read_record
from shelfsort.products.manifest.rejects import RejectedLine
from shelfsort.products.product import ASSISTED, Label, LabelOrigin
from shelfsort.products.taxonomy import Taxonomy

CUSTOM = {"type": "groundtruth/custom", "job-name": "j", "human-annotated": "yes"}


def line(id_="p", workers=(), metadata=CUSTOM, **fields):
    answers = [{"worker_id": worker, "label": label} for worker, label in workers]
    value = {"workers": answers, "confidence": 0.5, "result": {"shelf": "old"}}
    return {"id": id_, "shelf": value, "shelf-metadata": metadata, **fields}


def collected(*lines, resolve=lambda label: label):
    found = ManifestAnswers("shelf", resolve)
    for number, fields in enumerate(lines, start=1):
        found.add(read_record(Line(number, json.dumps(fields).encode(), file="m")))
    return found


def test_each_line_is_a_task_with_the_answers_of_its_workers():
    found = collected(line("p", [("x", "a"), ("y", "b")]), line(7, [("x", "b")]))
    assert [(a.worker, a.label) for a in found.answers] == [("x", "a"), ("y", "b"), ("x", "b")]
    assert list(found.ids.values()) == ["p", "7"]
    assert len({answer.task for answer in found.answers}) == 2


def test_what_is_odd_is_counted_by_name():
    classified = {"type": "groundtruth/image-classification", "class-name": "a", "confidence": 1}
    found = collected(
        line("p", [("x", "a"), ("x", "b"), ("", "a"), ("y", "")]),
        line("p", [("x", "a")]),
        line("q", [("x", "a")], {**CUSTOM, "failure-reason": "expired"}),
        {"id": "r", "shelf": 0, "shelf-metadata": classified},
        {"id": "s", "shelf": 0, "shelf-metadata": {**classified, "human-annotated": "no"}},
        {"id": "t", "shelf": {"workers": [3]}, "shelf-metadata": CUSTOM},
        {"title": "no label"},
        line("u", [("x", "?")], {**CUSTOM, "consolidation": {"outcome": "label"}}),
        resolve=lambda label: None if label == "?" else label,
    )
    assert +found.counts == {
        "repeated_answer": 1,
        "no_worker": 1,
        "empty_answer": 1,
        "repeated_id": 1,
        "job_failed": 1,
        "no_answers": 2,
        "machine_label": 1,
        "invalid_label": 1,
        "no_id": 1,
        "unknown_label": 1,
        "consolidated_before": 1,
    }
    assert set(found.counts) <= set(ODDITIES)


def test_times_are_read_where_they_are_numbers():
    fields = line("p", [("x", "a"), ("y", "a"), ("z", "a")])
    for entry, seconds in zip(fields["shelf"]["workers"], (3.5, "soon", -1), strict=True):
        entry["seconds"] = seconds
    assert [answer.seconds for answer in collected(fields).answers] == [3.5, None, None]


def test_a_verdict_replaces_the_result_and_loses_nothing():
    fields = line("p", [("x", "a"), ("y", "b")], extra={"deep": [1]}, title="T")
    once = with_verdict(fields, "shelf", Verdict("label", "a", 0.987654321), "pooled")
    assert once["shelf"]["result"] == {"shelf": "a"}
    assert once["shelf"]["confidence"] == 0.987654
    assert once["shelf"]["workers"] == fields["shelf"]["workers"]
    assert (once["extra"], once["title"]) == ({"deep": [1]}, "T")
    assert once["shelf-metadata"]["job-name"] == "j"
    replaced = {"result": {"shelf": "old"}, "confidence": 0.5}
    assert once["shelf-metadata"]["consolidation"]["replaced"] == replaced
    twice = with_verdict(once, "shelf", Verdict("no_consensus", None, 0.4), "majority")
    assert twice["shelf-metadata"]["consolidation"] == {
        "method": "majority",
        "outcome": "no_consensus",
        "replaced": replaced,
    }


@pytest.fixture
def resolver(tree_nodes):
    return LeafResolver(Taxonomy.from_nodes(tree_nodes))


def ingested(verdict, resolver, method="pooled"):
    fields = line("p", [("x", "shirts"), ("y", "shoes")])
    written = json.loads(json.dumps(with_verdict(fields, "shelf", verdict, method)))
    return consolidate(read_annotations(written, "shelf"), resolver, 0.5)


def test_ingestion_takes_the_consolidated_label_with_its_posterior(resolver):
    found = ingested(Verdict("label", "shoes", 0.91), resolver)
    assert found == Label("shoes", 0.91, 0.91, ("x", "y"))


def test_a_model_assisted_label_is_no_evidence(resolver):
    found = ingested(Verdict("label", "shoes", 0.91), resolver, "model_assisted")
    assert found.origin == LabelOrigin(ASSISTED)
    assert not found.origin.is_evidence


@pytest.mark.parametrize(
    ("verdict", "reason"),
    [
        (Verdict("inner_label", "Clothes", 0.8), "inner_label"),
        (Verdict("cannot_tell", None, 0.8), "cannot_tell"),
        (Verdict("no_consensus", None, 0.4), "no_consensus"),
        (Verdict("label", "shoes", 0.4), "no_consensus"),
        (Verdict("label", "hats", 0.9), "unknown_label"),
    ],
)
def test_ingestion_rejects_what_is_no_leaf_with_the_outcome(verdict, reason, resolver):
    with pytest.raises(RejectedLine) as caught:
        ingested(verdict, resolver)
    assert caught.value.reason == reason


def test_a_parent_category_that_a_reduction_makes_a_leaf_is_a_label(tree_nodes):
    tree = Taxonomy.from_nodes(tree_nodes)
    parent = next(
        tree.parent_or_self(leaf) for leaf in tree.leaves if tree.parent_or_self(leaf) != leaf
    )
    merged = dict.fromkeys(tree.leaves_beneath(parent), parent)
    found = ingested(Verdict("inner_label", parent, 0.8), LeafResolver(tree, merged))
    assert (found.category, found.confidence) == (parent, 0.8)
