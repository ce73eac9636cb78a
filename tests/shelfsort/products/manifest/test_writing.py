import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelfsort.products.manifest.annotations import (
    CUSTOM,
    IMAGE_CLASSIFICATION,
    TEXT_CLASSIFICATION,
    Annotation,
    Annotations,
)
from shelfsort.products.manifest.lines import numbered_lines
from shelfsort.products.manifest.parsing import ManifestEntry, parse_record, read_record
from shelfsort.products.manifest.writing import (
    Job,
    exact_line,
    labelled_fields,
    manifest_line,
    product_fields,
    write_manifest,
)
from shelfsort.products.product import Product
from shelfsort.products.text import as_read

LARGEST_FLOAT32 = 3.4028234663852886e38
texts = st.text(max_size=30) | st.sampled_from(
    ["\u2028", "a\u2029b\x85", "\r\n", '"\\', "\0", "👗"]
)
filled = texts.filter(bool)
named = texts.filter(str.strip)
taken = {"source-ref", "id", "title", "description", "price", "source", "gold"}
attributes = (
    st.sampled_from(["shelf", "my-ref", "x-metadata", "result", "workers", "ünï ✓"]) | filled
)
attributes = attributes.filter(lambda name: not {name, f"{name}-metadata"} & taken)

# As ingestion reads them.
words = texts.map(as_read).filter(lambda text: as_read(text) == text)

products = st.builds(
    Product,
    id=filled,
    title=words,
    description=words,
    price=st.none() | st.floats(-LARGEST_FLOAT32, LARGEST_FLOAT32),
    image=texts,
).filter(lambda each: each.image or each.title.strip() or each.description.strip())
confidences = st.floats(0, 1, exclude_min=True)
answers = st.lists(st.builds(Annotation, worker=texts, label=named), max_size=4).map(tuple)
annotations = st.builds(
    Annotations, answers=answers, result=st.none() | named, confidence=confidences, failure=texts
)
classes = annotations.map(lambda each: Annotations((), each.result, each.confidence, each.failure))


def read_back(fields, attribute):
    """What the reader of manifests makes of the only line of a file."""
    (line,) = numbered_lines(io.BytesIO(f"{manifest_line(fields)}\n".encode()))
    return parse_record(read_record(line), attribute)


@given(products, annotations, attributes, st.none() | filled)
def test_whatever_a_custom_job_says_reads_back_as_it_was(product, said, attribute, gold):
    fields = labelled_fields(product, said, Job(attribute, created="2026-01-15"), gold)
    assert read_back(fields, attribute) == ManifestEntry(product, said, gold)


@given(products, classes, attributes, st.sampled_from([IMAGE_CLASSIFICATION, TEXT_CLASSIFICATION]))
def test_whatever_a_classification_says_reads_back_as_it_was(product, said, attribute, type_):
    fields = labelled_fields(product, said, Job(attribute, type_, name="job"))
    assert read_back(fields, attribute) == ManifestEntry(product, said)


@given(products, attributes)
def test_an_unlabelled_line_reads_back_without_annotations(product, attribute):
    assert read_back(product_fields(product), attribute) == ManifestEntry(product)


@given(st.lists(products, max_size=4))
def test_every_product_is_one_line_to_every_reader_of_text(listed):
    text = "".join(f"{manifest_line(product_fields(each))}\n" for each in listed)
    assert len(text.splitlines()) == len(listed)


def test_a_custom_line_has_the_form_of_the_contract():
    product = Product("p", "T", "D", 2.5, "images/p.jpg")
    said = Annotations((Annotation("w", "A > B"),), "A > B", 1.0)
    shown = {
        "source-ref": "images/p.jpg",
        "id": "p",
        "title": "T",
        "description": "D",
        "price": 2.5,
    }
    assert labelled_fields(product, said, Job("shelf", name="job", created="2026-01-15")) == {
        **shown,
        "shelf": {
            "workers": [{"worker_id": "w", "label": "A > B"}],
            "confidence": 1.0,
            "result": {"shelf": "A > B"},
            "labeledContent": shown,
        },
        "shelf-metadata": {
            "type": CUSTOM,
            "job-name": "job",
            "human-annotated": "yes",
            "creation-date": "2026-01-15",
        },
    }


def test_a_job_that_failed_leaves_only_its_metadata():
    fields = labelled_fields(Product("p", "T"), Annotations(failure="expired"), Job("shelf"))
    assert "shelf" not in fields
    assert fields["shelf-metadata"]["failure-reason"] == "expired"


@pytest.mark.parametrize("attribute", ["", "id", "title", "source-ref", "gold"])
def test_a_label_cannot_stand_where_a_product_field_does(attribute):
    with pytest.raises(ValueError, match="cannot hold a label"):
        Job(attribute)


def test_answers_do_not_fit_into_a_classification():
    said = Annotations((Annotation("w", "a"),))
    with pytest.raises(ValueError, match="keeps no answers"):
        labelled_fields(Product("p", "T"), said, Job("shelf", IMAGE_CLASSIFICATION))


@pytest.mark.parametrize("product", [Product("p", price=float("nan")), Product("p", "\ud800")])
def test_what_json_in_utf8_cannot_hold_is_refused(product):
    with pytest.raises(ValueError):
        exact_line(product_fields(product))


def test_fields_of_other_files_are_written_as_readers_take_them(tmp_path):
    place = tmp_path / "1.manifest"
    inner = {"seconds": float("nan"), "by\ud800": ["x\udfff", float("-inf"), 1.5, True, None]}
    assert write_manifest(str(place), [{"id": "a", "x": inner}, {"id": "b", "price": 2}]) == 2
    assert [json.loads(line) for line in place.read_bytes().splitlines()] == [
        {"id": "a", "x": {"seconds": None, "by?": ["x?", None, 1.5, True, None]}},
        {"id": "b", "price": 2},
    ]


def test_a_manifest_appears_whole_or_not_at_all(tmp_path):
    place = tmp_path / "1.manifest"
    assert write_manifest(str(place), (product_fields(Product(str(n), "T")) for n in range(3))) == 3
    before = place.read_bytes()
    assert [json.loads(line)["id"] for line in before.splitlines()] == ["0", "1", "2"]

    def broken():
        yield product_fields(Product("new", "T"))
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="disk"):
        write_manifest(str(place), broken())
    assert [each.name for each in tmp_path.iterdir()] == ["1.manifest"]
    assert place.read_bytes() == before
