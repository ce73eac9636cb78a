import pytest

from shelfsort.products.manifest.annotations import (
    Annotation,
    Annotations,
    label_types,
    read_annotations,
    workers_of,
)
from shelfsort.products.manifest.rejects import RejectedLine

CUSTOM = {"type": "groundtruth/custom"}


def classified(name, **metadata):
    type_ = "groundtruth/image-classification"
    return {"shelf": 4, "shelf-metadata": {"type": type_, "class-name": name, **metadata}}


def test_answers_are_kept_as_they_were_given_with_the_jobs_own_result(make_line):
    fields = make_line(["shirts", "Clothes > Shirts"])
    fields["shelf"] |= {"result": {"shelf": "shirts"}, "confidence": 0.5}
    assert read_annotations(fields, "shelf") == Annotations(
        (Annotation("w0", "shirts"), Annotation("w1", "Clothes > Shirts")), "shirts", 0.5
    )


def test_an_entry_without_a_label_is_no_answer_and_a_worker_may_be_a_number():
    workers = [{"worker_id": 7, "label": "a"}, {"worker_id": "w", "label": ""}, 3, {"label": "b"}]
    fields = {"shelf": {"workers": workers}, "shelf-metadata": CUSTOM}
    assert read_annotations(fields, "shelf").answers == (
        Annotation("7", "a"),
        Annotation("", "b"),
    )
    assert workers_of(fields, "shelf") == ("7", "")


def test_a_classification_job_names_its_class_in_the_metadata():
    assert read_annotations(classified("Shoes", confidence=0.9), "shelf") == Annotations(
        (), "Shoes", 0.9
    )


@pytest.mark.parametrize(
    ("given", "read"), [(None, 1), (True, 1), ("0.3", 1), (-1, 0), (7, 1), (float("nan"), 0)]
)
def test_a_confidence_is_read_within_its_range(given, read):
    assert read_annotations(classified("Shoes", confidence=given), "shelf").confidence == read


@pytest.mark.parametrize("name", [None, " ", 3, ["Shoes"]])
def test_a_class_without_a_name_is_no_result(name):
    assert read_annotations(classified(name), "shelf").result is None


@pytest.mark.parametrize(
    ("reason", "failure"), [("ClientError", "ClientError"), ({1: 2}, "no reason given")]
)
@pytest.mark.parametrize("label", [{}, {"shelf": "text"}, {"shelf": {"workers": []}}])
def test_a_failure_is_read_whatever_stands_beside_it(label, reason, failure):
    fields = {**label, "shelf-metadata": CUSTOM | {"failure-reason": reason}}
    assert read_annotations(fields, "shelf") == Annotations(failure=failure)


@pytest.mark.parametrize("fields", [{}, {"shelf": None}, {"shelf-metadata": CUSTOM}])
def test_an_unlabelled_line_has_no_annotations(fields):
    assert read_annotations(fields, "shelf") is None


@pytest.mark.parametrize("metadata", [3, {}, {"type": ["groundtruth/image-classification"]}])
def test_a_label_that_no_job_writes_is_rejected(metadata):
    with pytest.raises(RejectedLine, match="missing_label"):
        read_annotations({"shelf": "Shoes", "shelf-metadata": metadata}, "shelf")


def test_label_attributes_are_what_has_metadata():
    fields = {"a-metadata": {"type": "t"}, "b-metadata": {}, "c-metadata": 3, "-metadata": {}}
    assert label_types(fields) == {"a": "t", "b": ""}
