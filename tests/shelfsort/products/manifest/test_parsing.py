import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelfsort.products.manifest.annotations import LeafResolver
from shelfsort.products.manifest.lines import Line
from shelfsort.products.manifest.parsing import ParseRules, Product, parse_line
from shelfsort.products.manifest.rejects import REASONS, Reject
from shelfsort.products.taxonomy import Taxonomy

NODES = [
    {"id": "main", "name": "Main", "subcategories": ["a", "b"]},
    {"id": "a", "name": "A", "subcategories": [], "parent": "main"},
    {"id": "b", "name": "B", "subcategories": [], "parent": "main"},
]
RULES = ParseRules("shelf")


def parse(record, rules=RULES):
    content = record if isinstance(record, bytes) else json.dumps(record).encode()
    return parse_line(Line(7, content), rules, LeafResolver(Taxonomy.from_nodes(NODES)))


def line(**fields):
    label = {
        "shelf": {"workers": [{"worker_id": "w", "label": "a"}]},
        "shelf-metadata": {"type": "groundtruth/custom"},
    }
    return {"id": "p", "title": "A thing", **label, **fields}


def test_a_whole_line_becomes_a_product():
    found = parse(line(**{"source-ref": "x.jpg", "description": "d", "price": 9.5, "gold": "B"}))
    assert found == Product(
        line=7,
        id="p",
        title="A thing",
        description="d",
        price=9.5,
        image="x.jpg",
        category="a",
        confidence=1.0,
        workers=("w",),
        gold="b",
        ignored=(),
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
    found = parse(record, ParseRules("mood"))
    assert (found.description, found.category, found.confidence) == (
        "The food was delicious",
        "a",
        0.8,
    )
    assert found.id.startswith("words-")


def test_without_an_id_the_picture_names_the_product():
    record = line(**{"source-ref": "folder/x.jpg"})
    del record["id"]
    assert parse(record).id == "folder/x.jpg"


def test_a_number_may_be_the_id():
    assert parse(line(id=1526)).id == "1526"


@pytest.mark.parametrize(
    ("price", "expected"),
    [(3, 3.0), ("19.99", 19.99), (-1, -1.0), (None, None), ("", None)],
)
def test_prices_are_read(price, expected):
    found = parse(line(price=price))
    assert (found.price, found.ignored) == (expected, ())


@pytest.mark.parametrize(
    "price", ["cheap", True, [1], math.nan, math.inf, 1e39, 10**400, "1e999", {}]
)
def test_what_is_no_price_is_left_out_and_counted(price):
    found = parse(line(price=price))
    assert found.price is None
    assert found.ignored == ("price",)


def test_long_text_is_cut_and_counted():
    found = parse(line(title="x" * 11), ParseRules("shelf", max_text_chars=10))
    assert found.title == "x" * 10
    assert found.ignored == ("text_cut",)


def test_gold_that_is_no_category_is_left_out_and_counted():
    for gold in ("Z", 3, ["a"]):
        found = parse(line(gold=gold))
        assert found.gold is None
        assert found.ignored == ("gold",)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (b"{", "not_json"),
        (b"\xff\xfe{\x00}\x00", "not_json"),
        (b'{"a":' * 100_000, "not_json"),
        (b'{"price": ' + b"9" * 5_000 + b"}", "not_json"),
        (b"[1]", "not_an_object"),
        (b"null", "not_an_object"),
        (line(id=["x"]), "invalid_id"),
        (line(id=True), "invalid_id"),
        (line(id="x" * 10_000), "invalid_id"),
        (line(title=["x"]), "invalid_text"),
        (line(description={}), "invalid_text"),
        (line(title=" "), "no_content"),
        (line(**{"source-ref": 3}), "missing_image"),
        (line(shelf=None), "missing_label"),
    ],
)
def test_bad_lines_are_rejected_with_their_reason(record, reason):
    found = parse(record)
    assert isinstance(found, Reject)
    assert (found.reason, found.line) == (reason, 7)


def test_a_line_that_was_too_long_to_read_is_rejected():
    found = parse_line(
        Line(1, b'{"id": "', too_long=True), RULES, LeafResolver(Taxonomy.from_nodes(NODES))
    )
    assert found.reason == "line_too_long"


def test_half_a_surrogate_pair_and_null_bytes_can_be_written_as_utf8():
    found = parse(
        b'{"id": "\\ud800x", "title": "\\ud800 \\u0000", "source-ref": "\\udfff.jpg",'
        + json.dumps(line()).encode()[1:].replace(b'"id": "p", "title": "A thing", ', b"")
    )
    assert isinstance(found, Product)
    for text in (found.id, found.title, found.image):
        text.encode("utf-8")


def test_a_reject_keeps_who_answered_because_their_work_was_paid_for():
    found = parse(line(shelf={"workers": [{"worker_id": w, "label": w} for w in "ab"]}))
    assert found.reason == "no_consensus"
    assert found.workers == ("a", "b")
    assert "workers" not in found.to_json()


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.sampled_from(["a", "B", "groundtruth/custom", "groundtruth/image-classification"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["workers", "label", "worker_id", "result", "shelf", "type", "class-name"]
            )
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)
records = st.dictionaries(
    st.sampled_from(
        ["id", "title", "description", "source", "source-ref", "price", "gold", "shelf"]
    )
    | st.just("shelf-metadata"),
    json_values,
)


@given(records)
def test_any_json_object_is_a_product_or_a_reject_with_a_known_reason(record):
    check_outcome(parse(json.dumps(record).encode()))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_product_or_a_reject(content):
    check_outcome(parse(content))


def check_outcome(found):
    if isinstance(found, Reject):
        assert found.reason in REASONS
        json.dumps(found.to_json()).encode()
        assert len(found.detail) <= 300
    else:
        assert found.category in ("a", "b")
        assert 0.5 <= found.confidence <= 1
        assert found.image or found.title.strip() or found.description.strip()
        assert found.price is None or math.isfinite(found.price)
        (found.id + found.title + found.description + found.image).encode("utf-8")
