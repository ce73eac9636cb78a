"""Which labels are held out, and which only train."""

import json

import pytest

from components.manifest_example_gen.artifact import Ingestion
from tests.fixtures.ingestion import describe_label, ids, ingest, read_examples, value

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("metadata", "source"),
    [
        ({"human-annotated": "no"}, b"machine"),
        ({"label-source": "assisted"}, b"assisted"),
        ({"selected-by": "uncertainty"}, b"people"),
        ({"label-source": "catalogue"}, b"catalogue"),
    ],
)
def test_only_untouched_labels_of_products_that_nobody_selected_are_held_out(
    whole, tmp_path, metadata, source
):
    for n in range(60):
        describe_label(whole, n, metadata)
    shares = {"train": 2, "calibration": 1, "eval": 1}
    outputs = ingest(whole, tmp_path, splits=shares, max_reject_share=1.0)
    examples = read_examples(outputs["examples"])
    touched = {
        split: sum(value(e, "product_id").decode() in {f"p{n}" for n in range(60)} for e in found)
        for split, found in examples.items()
    }
    reasons = Ingestion.read(outputs["rejects"].uri).by_reason
    assert {value(e, "label_source") for e in examples["train"]} == {b"people", source}
    if source == b"catalogue":
        assert touched["eval"] > 0 < touched["calibration"]
        assert reasons == {}
    else:
        assert (touched["eval"], touched["calibration"]) == (0, 0)
        assert reasons == {"held_out_group": 60 - touched["train"]}


def test_labels_that_a_model_had_a_part_in_train_and_prove_nothing(whole, tmp_path):
    scores = tmp_path / "scores.jsonl"
    rows = [{"id": f"p{n}", "scores": {"shoes" if n % 2 else "shirts": 1}} for n in range(60)]
    scores.write_text("".join(json.dumps(row) + "\n" for row in rows))
    shares = {"train": 2, "calibration": 1, "eval": 1}
    settings = {"consolidation": "model_assisted", "scores": str(scores), "splits": shares}
    examples = read_examples(ingest(whole, tmp_path / "out", **settings)["examples"])
    scored = {row["id"] for row in rows}
    for split in ("calibration", "eval"):
        assert {value(e, "label_source") for e in examples[split]} == {b"people"}
    assisted = {
        value(e, "product_id").decode()
        for e in examples["train"]
        if value(e, "label_source") == b"assisted"
    }
    assert assisted == scored & set(ids(examples)["train"])
    assert scored & set(ids(examples)["eval"])


def test_labels_with_inner_categories_train_and_are_never_held_out(whole, make_line, tmp_path):
    for n in range(40):
        whole.add(make_line(["Clothes"], id=f"inner{n}", title=f"Garment {n}"))
    shares = {"train": 2, "calibration": 1, "eval": 1}
    outputs = ingest(whole, tmp_path, splits=shares, inner_labels="train")
    examples = read_examples(outputs["examples"])
    inner = {
        split: [e for e in found if "inner_category" in e.features.feature]
        for split, found in examples.items()
    }
    assert (inner["calibration"], inner["eval"]) == ([], [])
    assert 10 < len(inner["train"]) < 30
    for each in inner["train"]:
        assert (value(each, "category"), value(each, "inner_category")) == (b"", b"clothes")
    ingestion = Ingestion.read(outputs["rejects"].uri)
    assert ingestion.inner == {"clothes": len(inner["train"])}
    assert ingestion.by_reason == {"held_out_inner_label": 40 - len(inner["train"])}
    assert ingestion.accepted == 120 + len(inner["train"]) == sum(ingestion.splits.values())
    assert set(ingestion.categories) == {"shirts", "shoes"}
