import json
import math

from hypothesis import given
from hypothesis import strategies as st

from components.manifest_example_gen.labelling import labelled_product
from components.manifest_example_gen.settings import DataConfig
from shelfsort.products.leaves import LeafResolver
from shelfsort.products.manifest.lines import Line
from shelfsort.products.manifest.parsing import read_record
from shelfsort.products.manifest.rejects import REASONS, Reject
from shelfsort.products.product import Label, LabelledProduct, Product
from shelfsort.products.taxonomy import Taxonomy

NODES = [
    {"id": "main", "name": "Main", "subcategories": ["a", "b"]},
    {"id": "a", "name": "A", "subcategories": [], "parent": "main"},
    {"id": "b", "name": "B", "subcategories": [], "parent": "main"},
]


def label(fields):
    content = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    resolver = LeafResolver(Taxonomy.from_nodes(NODES))
    record = read_record(Line(7, content, file="m"))
    return labelled_product(record, DataConfig(label_attribute="shelf"), resolver)


def line(*labels, **fields):
    workers = [{"worker_id": f"w{n}", "label": label} for n, label in enumerate(labels)]
    job = {"shelf": {"workers": workers}, "shelf-metadata": {"type": "groundtruth/custom"}}
    return {"id": "p", "title": "T", **job, **fields}


def test_a_whole_line_becomes_a_labelled_product():
    assert label(line("a", "A", gold="B")) == LabelledProduct(
        Product("p", "T"), Label("a", 1.0, 1.0, ("w0", "w1")), "m", 7, "b"
    )


def test_gold_that_is_no_category_is_left_out_and_counted():
    for gold in ("Z", 3, ["a"]):
        found = label(line("a", gold=gold))
        assert (found.gold, found.ignored) == (None, ("gold",))


def test_an_unlabelled_line_is_rejected():
    found = label({"id": "p", "title": "T"})
    assert (found.reason, found.file, found.line, found.id) == ("missing_label", "m", 7, "p")


def test_a_reject_keeps_who_answered_because_their_work_was_paid_for():
    found = label(line("a", "b"))
    assert (found.reason, found.workers) == ("no_consensus", ("w0", "w1"))


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
    check_outcome(label(json.dumps(record).encode()))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_product_or_a_reject(content):
    check_outcome(label(content))


def check_outcome(found):
    if isinstance(found, Reject):
        assert found.reason in REASONS
        json.dumps(found.to_json()).encode()
        assert len(found.detail) <= 300
    else:
        product, label = found.product, found.label
        assert label.category in ("a", "b")
        assert 0.5 <= label.confidence <= 1
        assert product.image or product.title.strip() or product.description.strip()
        assert product.price is None or math.isfinite(product.price)
        (product.id + product.title + product.description + product.image).encode("utf-8")
