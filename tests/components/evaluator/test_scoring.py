"""What a model gets to see of a product, and how its answers become rows."""

import numpy as np
import pytest
import tensorflow as tf

from components.evaluator import scoring
from components.evaluator.prediction_rows import row_schema
from components.evaluator.served_model import (
    LoadedModel,
    ServedModel,
    UnloadableModel,
    read_outputs,
)
from shelfsort.contract.modalities import MODALITIES
from shelfsort.contract.signatures import BOOL
from shelfsort.contract.targets import DEFAULT_TARGETS

READ = read_outputs(DEFAULT_TARGETS)
PARENTS = {"mugs": "kitchen", "lamps": "lamps"}


def example(**values: str | float | int) -> bytes:
    made = tf.train.Example()
    for name, value in {"product_id": "p1", "category": "mugs", **values}.items():
        feature = made.features.feature[name]
        if isinstance(value, float):
            feature.float_list.value.append(value)
        elif isinstance(value, int):
            feature.int64_list.value.append(value)
        else:
            feature.bytes_list.value.append(value.encode())
    return made.SerializeToString()


class SpyModel:
    """Stands in for a served model: names the mode it is asked in, and remembers every request."""

    name = "candidate"

    def __init__(self, modes=MODALITIES):
        self.modes = modes
        self.batches = []

    @property
    def requests(self):
        """The products asked about, those that only fill up a batch left out."""
        distinct = dict.fromkeys(each for batch in self.batches for each in batch)
        return [tf.train.Example.FromString(each) for each in distinct]

    def load(self):
        return self

    def __call__(self, examples):
        self.batches.append(examples)
        return {mode: self.answer(mode, len(examples)) for mode in self.modes}

    def answer(self, mode, n):
        answers = {each.name: np.full(n, mode.encode(), object) for each in READ}
        answers |= {each.name: np.ones(n, bool) for each in READ if each.dtype == BOOL}
        answers |= {"score": np.full(n, 0.5), "parent_score": np.ones(n)}
        answers["unknown_score"] = np.zeros(n)
        answers["answer_level"] = np.full(n, 2)
        answers["top_categories"] = np.full((n, 2), b"mugs", object)
        answers["top_scores"] = np.full((n, 2), 0.5)
        return answers


def score(*records: bytes, modes=MODALITIES, features=()):
    spy = SpyModel(tuple(modes))
    fn = scoring._ScoreFn(spy, PARENTS, tuple(features), DEFAULT_TARGETS)
    fn.setup()
    fn.start_bundle()
    batches = [batch for record in records for batch in fn.process(("eval", record))]
    batches += [each.value for each in fn.finish_bundle()]
    return [row for batch in batches for row in batch.to_pylist()], spy


def shown(spy: SpyModel) -> set[frozenset[str]]:
    return {frozenset(request.features.feature) for request in spy.requests}


def test_a_product_is_asked_about_once_for_all_modes():
    rows, spy = score(example(title="Mug", description="blue", image="jpeg", price=3.0))
    assert [row["mode"] for row in rows] == ["combined", "text", "image"]
    assert [row["predicted"] for row in rows] == ["combined", "text", "image"]
    assert shown(spy) == {frozenset({"title", "description", "price", "image"})}
    assert len(spy.batches) == 1


def test_the_label_is_never_shown_to_the_model():
    _, spy = score(example(title="Mug", image="jpeg", gold="lamps", label_confidence=1.0))
    assert not {"category", "gold", "label_confidence"} & frozenset().union(*shown(spy))


def test_a_product_has_rows_only_in_the_modes_it_can_be_asked_in():
    rows, _ = score(example(title="Mug"), example(image="jpeg"))
    assert sorted(row["mode"] for row in rows if row["has_text"]) == ["combined", "text"]
    assert sorted(row["mode"] for row in rows if row["has_image"]) == ["combined", "image"]
    assert score(example())[0] == []


def test_pictures_are_as_many_in_every_request_that_has_any():
    products = [example(title=f"Mug {n}", product_id=f"p{n}") for n in range(5)]
    products += [example(image=f"jpeg {n}", product_id=f"q{n}") for n in range(5)]
    _, spy = score(*products)
    has_picture = [
        {"image" in tf.train.Example.FromString(each).features.feature for each in batch}
        for batch in spy.batches
    ]
    assert sorted(has_picture, key=str) == [{False}, {True}]


def test_every_request_has_the_same_size_however_the_products_are_cut_into_bundles():
    products = [example(title=f"Mug {n}", product_id=f"p{n}") for n in range(70)]
    rows, spy = score(*products, modes=["combined"])
    assert {len(batch) for batch in spy.batches} == {scoring.BATCH}
    assert len(spy.batches) == 3
    assert [row["product_id"] for row in rows] == [f"p{n}" for n in range(70)]


def test_a_blank_title_is_no_words():
    rows, _ = score(example(title="  ", image="jpeg"))
    assert [row["mode"] for row in rows] == ["combined", "image"]
    assert (rows[0]["has_text"], rows[0]["has_image"]) == (False, True)


def test_rows_hold_label_answer_and_carried_features():
    (row,), _ = score(
        example(title="Mug", gold="lamps", label_confidence=0.75, brand="own"),
        modes=["combined"],
        features=["brand", "season"],
    )
    assert (row["category"], row["parent"], row["gold"]) == ("mugs", "kitchen", "lamps")
    assert (row["predicted"], row["score"], row["accepted_95"]) == ("combined", 0.5, True)
    assert (row["label_confidence"], row["brand"], row["season"]) == (0.75, "own", "")
    assert set(row) == set(row_schema(["brand", "season"]).names)


def test_the_group_of_variants_is_the_one_that_ingestion_wrote():
    variants = [
        example(title=title, group=group) for title, group in (("a", 5), ("b", 5), ("c", -9))
    ]
    rows, _ = score(*variants, modes=["combined"])
    assert [row["group"] for row in rows] == [5, 5, -9]


@pytest.mark.parametrize("content", [b"", b"not a model"])
def test_a_broken_model_is_unloadable_and_says_why(tmp_path, content):
    (tmp_path / "saved_model.pb").write_bytes(content)
    with pytest.raises(UnloadableModel, match=r"\w+"):
        LoadedModel(str(tmp_path))


def test_a_model_without_the_signature_is_unloadable(tmp_path):
    tf.saved_model.save(tf.Module(), str(tmp_path))
    with pytest.raises(UnloadableModel, match="no signature 'evaluate'"):
        LoadedModel(str(tmp_path))


def test_a_model_that_lacks_outputs_is_unloadable(tmp_path):
    module = tf.Module()
    module.evaluate = tf.function(
        lambda examples: {"score": tf.strings.length(examples)},
        input_signature=[tf.TensorSpec([None], tf.string, name="examples")],
    )
    tf.saved_model.save(module, str(tmp_path), signatures={"evaluate": module.evaluate})
    with pytest.raises(UnloadableModel, match="does not return accepted_95, accepted_98, answer"):
        LoadedModel(str(tmp_path))


def test_a_model_is_loaded_once_while_it_is_held(world, tmp_path):
    path = world.write_model(tmp_path)
    served = ServedModel("candidate", str(path))
    held = served.load()
    assert served.load() is held
    held.probe()
