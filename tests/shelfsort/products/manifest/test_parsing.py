import json
import math

import pytest

from shelfsort.products.manifest.annotations import Annotation, Annotations
from shelfsort.products.manifest.lines import Line
from shelfsort.products.manifest.parsing import (
    ManifestEntry,
    parse_record,
    read_record,
    rejected,
)
from shelfsort.products.manifest.rejects import Reject, RejectedLine
from shelfsort.products.product import Product
from tests.fixtures.golden import refusal


def parse(fields, attribute="shelf", max_text_chars=20_000):
    content = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    return parse_record(read_record(Line(7, content)), attribute, max_text_chars)


def rejection(fields):
    with pytest.raises(RejectedLine) as caught:
        parse(fields)
    return caught.value


def line(**fields):
    label = {
        "shelf": {"workers": [{"worker_id": "w", "label": "a"}]},
        "shelf-metadata": {"type": "groundtruth/custom"},
    }
    return {"id": "p", "title": "A thing", **label, **fields}


def test_a_whole_line_becomes_a_product():
    found = parse(line(**{"source-ref": "x.jpg", "description": "d", "price": 9.5, "gold": "B"}))
    assert found == ManifestEntry(
        Product("p", "A thing", "d", 9.5, "x.jpg"), Annotations((Annotation("w", "a"),)), "B"
    )


def test_words_of_a_text_job_are_the_description():
    record = {
        "source": "The food was delicious",
        "mood": "1",
        "mood-metadata": {
            "class-name": "a",
            "confidence": 0.8,
            "type": "groundtruth/text-classification",
        },
    }
    found = parse(record, "mood")
    assert found.product.description == "The food was delicious"
    assert found.annotations == Annotations((), "a", 0.8)
    assert found.product.id.startswith("words-")


def test_without_an_id_the_picture_names_the_product():
    record = line(**{"source-ref": "folder/x.jpg"})
    del record["id"]
    assert parse(record).product.id == "folder/x.jpg"


def test_a_number_may_be_the_id():
    assert parse(line(id=1526)).product.id == "1526"


@pytest.mark.parametrize(
    ("price", "expected"),
    [(3, 3.0), ("19.99", 19.99), (-1, -1.0), (None, None), ("", None)],
)
def test_prices_are_read(price, expected):
    found = parse(line(price=price))
    assert (found.product.price, found.ignored) == (expected, ())


@pytest.mark.parametrize(
    "price", ["cheap", True, [1], math.nan, math.inf, 1e39, 10**400, "1e999", {}]
)
def test_what_is_no_price_is_left_out_and_counted(price):
    found = parse(line(price=price))
    assert found.product.price is None
    assert found.ignored == ("price",)


def test_long_text_is_cut_and_counted():
    found = parse(line(title="x" * 11), max_text_chars=10)
    assert found.product.title == "x" * 10
    assert found.ignored == ("text_cut",)


def test_gold_that_is_no_text_is_left_out_and_counted():
    for gold in (3, ["a"]):
        found = parse(line(gold=gold))
        assert found.gold is None
        assert found.ignored == ("gold",)


BAD_LINES = [
    (b"{", "not_json"),
    (b"\xff\xfe{\x00}\x00", "not_json"),
    (b'{"a":' * 100_000, "not_json"),
    (b"[1]", "not_an_object"),
    (b"null", "not_an_object"),
    (line(id=["x"]), "invalid_id"),
    (line(id=True), "invalid_id"),
    (line(id="x" * 10_000), "invalid_id"),
    (line(title=["x"]), "invalid_text"),
    (line(description={}), "invalid_text"),
    (line(title=" "), "no_content"),
    (line(**{"source-ref": 3}), "missing_image"),
    (line(shelf=["text"]), "invalid_label"),
]


@pytest.mark.parametrize(
    ("record", "reason"), [*BAD_LINES, (b'{"price": ' + b"9" * 5_000 + b"}", "not_json")]
)
def test_bad_lines_are_rejected_with_their_reason(record, reason):
    assert rejection(record).reason == reason


def test_golden_manifest_rejects(golden):
    lines = [refusal(RejectedLine, parse, record) for record, _ in BAD_LINES]
    golden("manifest_rejects.txt", [*lines, str(read_record(Line(1, b"", too_long=True)).fault)])


def test_a_line_that_was_too_long_to_read_is_rejected():
    record = read_record(Line(1, b'{"id": "', too_long=True))
    assert (record.fields, record.fault.reason) == ({}, "line_too_long")


def test_half_a_surrogate_pair_and_null_bytes_can_be_written_as_utf8():
    found = parse(
        b'{"id": "\\ud800x", "title": "\\ud800 \\u0000", "source-ref": "\\udfff.jpg",'
        + json.dumps(line()).encode()[1:].replace(b'"id": "p", "title": "A thing", ', b"")
    )
    for text in (found.product.id, found.product.title, found.product.image):
        text.encode("utf-8")


def test_a_reject_shows_what_the_line_says_of_itself_and_who_answered():
    fields = line(id=9, **{"source-ref": "x.jpg"})
    content = json.dumps(fields).encode()
    why = RejectedLine("no_consensus", "d" * 999)
    found = rejected(read_record(Line(7, content, file="m")), "shelf", why)
    assert found == Reject(7, "9", "no_consensus", "d" * 300, "x.jpg", ("w",), "m")
    assert "workers" not in found.to_json()
