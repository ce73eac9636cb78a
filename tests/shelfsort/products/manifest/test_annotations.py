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
    given = [(7, "a"), ("w", ""), ("w", None), (None, "b")]
    workers = [{"worker_id": worker, "label": label} for worker, label in given]
    fields = {"shelf": {"workers": workers}, "shelf-metadata": CUSTOM}
    found = read_annotations(fields, "shelf")
    assert found.answers == (Annotation("7", "a"), Annotation("", "b"))
    assert found.ignored == ("empty_answer", "empty_answer")
    assert workers_of(fields, "shelf") == ("7", "")


def test_a_classification_job_names_its_class_in_the_metadata():
    assert read_annotations(classified("Shoes", confidence=0.9), "shelf") == Annotations(
        (), "Shoes", 0.9
    )


def test_a_number_is_an_answer_as_it_is_written():
    workers = [{"label": 2}, {"label": 2.0}, {"label": "3"}]
    fields = {"shelf": {"workers": workers}, "shelf-metadata": CUSTOM}
    assert [each.label for each in read_annotations(fields, "shelf").answers] == ["2", "2", "3"]


@pytest.mark.parametrize("label", [["a"], {"a": 1}, True, "  "])
def test_an_answer_of_another_type_rejects_the_line(label):
    fields = {"shelf": {"workers": [{"label": "a"}, {"label": label}]}, "shelf-metadata": CUSTOM}
    with pytest.raises(RejectedLine, match="invalid_label"):
        read_annotations(fields, "shelf")


def test_an_entry_that_is_no_answer_rejects_the_line():
    fields = {"shelf": {"workers": [{"label": "a"}, 3]}, "shelf-metadata": CUSTOM}
    with pytest.raises(RejectedLine, match="invalid_label"):
        read_annotations(fields, "shelf")


@pytest.mark.parametrize(("given", "read"), [(None, 1), (0.9, 0.9), ("0.3", 0.3), (7, 1)])
def test_a_confidence_is_read_within_its_range(given, read):
    assert read_annotations(classified("Shoes", confidence=given), "shelf").confidence == read


@pytest.mark.parametrize("given", [0, 0.0, "0.00"])
def test_a_confidence_of_zero_means_not_scored(given):
    found = read_annotations(classified("Shoes", confidence=given), "shelf")
    assert (found.confidence, found.ignored) == (1.0, ("unscored",))


@pytest.mark.parametrize("given", [True, -1, float("nan"), [0.5], "high"])
def test_a_confidence_that_is_no_number_rejects_the_line(given):
    with pytest.raises(RejectedLine, match="invalid_label"):
        read_annotations(classified("Shoes", confidence=given), "shelf")


def test_a_label_of_a_machine_is_counted():
    fields = classified("Shoes", confidence=0.9)
    fields["shelf-metadata"]["human-annotated"] = "no"
    assert read_annotations(fields, "shelf").ignored == ("machine_label",)


def test_a_class_may_be_named_by_a_number():
    assert read_annotations(classified(3), "shelf").result == "3"


@pytest.mark.parametrize("name", [None, " ", ["Shoes"]])
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
def test_a_bare_text_is_the_label(metadata):
    fields = {"shelf": "Shoes", "shelf-metadata": metadata}
    assert read_annotations(fields, "shelf") == Annotations((), "Shoes")


@pytest.mark.parametrize(
    ("label", "reason"),
    [(3, "invalid"), (["Shoes"], "invalid"), (True, "invalid"), ("", "missing"), (" ", "missing")],
)
def test_a_label_that_no_job_writes_is_rejected_and_a_blank_one_is_missing(label, reason):
    with pytest.raises(RejectedLine, match=f"{reason}_label"):
        read_annotations({"shelf": label, "shelf-metadata": CUSTOM}, "shelf")


def test_label_attributes_are_what_has_metadata():
    fields = {"a-metadata": {"type": "t"}, "b-metadata": {}, "c-metadata": 3, "-metadata": {}}
    assert label_types(fields) == {"a": "t", "b": ""}


def test_what_chose_a_product_may_stand_in_the_line_itself():
    line = {"shelf": "mug", "shelf-metadata": {}, "selected-by": "expected-gain"}
    origin = read_annotations(line, "shelf").origin
    assert (origin.selected_by, origin.is_evidence) == ("expected-gain", False)
    line["shelf-metadata"] = {"selected-by": "doubt"}
    assert read_annotations(line, "shelf").origin.selected_by == "doubt"
