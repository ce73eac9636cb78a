"""What a model gets to see of a product, and how its answers become rows."""

import numpy as np
import pytest
import tensorflow as tf

from components.evaluator import scoring
from components.evaluator.served_model import (
    RANKINGS,
    SCALARS,
    LoadedModel,
    ServedModel,
    UnloadableModel,
)

PARENTS = {"mugs": "kitchen", "lamps": "lamps"}


def example(**values: str | float) -> bytes:
    made = tf.train.Example()
    for name, value in {"product_id": "p1", "category": "mugs", **values}.items():
        feature = made.features.feature[name]
        if isinstance(value, float):
            feature.float_list.value.append(value)
        else:
            feature.bytes_list.value.append(value.encode())
    return made.SerializeToString()


class SpyModel:
    """Stands in for a served model: answers "mugs", and remembers every request."""

    name = "candidate"

    def __init__(self):
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
        answers = {name: np.full(len(examples), b"mugs", object) for name in SCALARS}
        for name in SCALARS:
            if name.startswith(("accepted", "parent_accepted")):
                answers[name] = np.ones(len(examples), bool)
        answers |= {"score": np.full(len(examples), 0.5), "parent_score": np.ones(len(examples))}
        answers["answer_level"] = np.full(len(examples), 2)
        answers |= {name: np.full((len(examples), 2), b"mugs", object) for name in RANKINGS}
        return answers


def score(*records: bytes, modes=scoring.MODES, features=()):
    spy = SpyModel()
    fn = scoring._ScoreFn(spy, PARENTS, tuple(modes), tuple(features))
    fn.setup()
    fn.start_bundle()
    rows = [row for record in records for row in fn.process(("eval", record))]
    return rows + [each.value for each in fn.finish_bundle()], spy


def shown(spy: SpyModel) -> set[frozenset[str]]:
    return {frozenset(request.features.feature) for request in spy.requests}


def test_each_mode_hides_the_other_half():
    rows, spy = score(example(title="Mug", description="blue", image="jpeg", price=3.0))
    assert [row["mode"] for row in rows] == ["combined", "text", "image"]
    assert shown(spy) == {
        frozenset({"title", "description", "price", "image"}),
        frozenset({"title", "description", "price"}),
        frozenset({"image"}),
    }


def test_the_label_is_never_shown_to_the_model():
    _, spy = score(example(title="Mug", image="jpeg", gold="lamps", label_confidence=1.0))
    assert not {"category", "gold", "label_confidence"} & frozenset().union(*shown(spy))


def test_what_looks_the_same_in_two_modes_is_scored_once():
    rows, spy = score(example(title="Mug"), example(image="jpeg"))
    assert [row["mode"] for row in rows] == ["combined", "text", "combined", "image"]
    assert len(spy.requests) == 2


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
    assert (row["predicted"], row["score"], row["accepted_95"]) == ("mugs", 0.5, True)
    assert (row["label_confidence"], row["brand"], row["season"]) == (0.75, "own", "")
    assert set(row) == set(scoring.row_schema(["brand", "season"]).names)


def test_variants_of_one_title_and_copies_of_one_picture_are_of_one_group():
    products = [
        example(title="Mug, blue", image="one"),
        example(title="mug  BLUE", image="two"),
        example(image="two"),
        example(title=" ", image="two"),
    ]
    rows, _ = score(*products, modes=["combined"])
    groups = [row["group"] for row in rows]
    assert groups[0] == groups[1] != groups[2] == groups[3]


def test_bytes_that_are_no_utf8_are_replaced():
    made = tf.train.Example()
    made.features.feature["title"].bytes_list.value.append(b"caf\xe9")
    assert scoring.text(made, "title") == "caf\ufffd"


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
