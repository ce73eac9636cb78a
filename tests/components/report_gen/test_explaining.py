"""What a model is asked for an explanation, and what is made of its answers."""

import types

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import log_softmax

from components.report_gen.explaining import Asked, Explainer
from components.report_gen.explanations import Explained, Explanation, Sides, Term
from components.report_gen.occlusion import PRICE, WORD
from shelfsort.contract.modalities import MODALITIES
from shelfsort.training.neighbours import Neighbour, TrainingIndex
from shelfsort.training.spaces import Space

CATEGORIES = ["boots", "hats", "mugs"]
WORDS = {"leather": (4.0, 0.0, 0.0), "felt": (0.0, 1.0, 0.0), "for": (0.0, 0.0, 0.0)}
IMAGES = {b"boot": (1.0, 0.0), b"hat": (0.0, 1.0)}


class WordModel:
    """Adds up what its words say; a price speaks for mugs; an image for what it is called."""

    def explain(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        rows = [self._row(each) for each in examples.numpy()]
        return {
            name: tf.constant(np.stack([row[name] for row in rows]), tf.float32) for name in rows[0]
        }

    def _row(self, record: bytes) -> dict[str, np.ndarray]:
        feature = tf.train.Example.FromString(record).features.feature
        words = [
            WORDS[word]
            for name in ("title", "description")
            for text in feature[name].bytes_list.value
            for word in text.decode().lower().split()
        ]
        text = np.sum([(0.0, 0.0, 0.0), *words], axis=0)
        price = sum(feature["price"].float_list.value)
        text[2] += 2.0 * (price > 0)
        image = np.array(IMAGES.get(b"".join(feature["image"].bytes_list.value), (0.0, 0.0)))
        logits = {"text": text, "image": [*image * 5, 0.0]}
        logits["combined"] = text + logits["image"]
        return {
            "log_probabilities": log_softmax([logits[each] for each in MODALITIES], axis=1),
            "text": text if words else np.zeros(3),
            "image": image,
        }


@pytest.fixture
def explainer() -> Explainer:
    def space(width):
        return Space(np.zeros(width, np.float32), np.eye(width, dtype=np.float32))

    index = TrainingIndex(
        categories=CATEGORIES,
        product_ids=["leather boot", "felt hat"],
        labels=np.array([0, 1], np.int32),
        groups=np.array([1, 2]),
        spaces={"text": space(3), "image": space(2)},
        vectors={
            "text": np.array([[1, 0, 0], [0, 1, 0]], np.float16),
            "image": np.array([[1, 0], [0, 1]], np.float16),
        },
    )
    return Explainer(WordModel(), index)


def explained(
    explainer, title="", image=b"", price=-1.0, label="hats", predicted="boots"
) -> Explanation:
    example = tf.train.Example()
    example.features.feature["title"].bytes_list.value.append(title.encode())
    example.features.feature["image"].bytes_list.value.append(image)
    example.features.feature["price"].float_list.value.append(price)
    asked = Asked("p1", example.SerializeToString(), label, predicted)
    return explainer.explain([asked])["p1"]


def test_the_word_that_decides_is_named_first_and_each_for_its_category(explainer):
    found = explained(explainer, "felt for leather Leather")
    (first,) = found.for_predicted
    assert (first.kind, first.word) == (WORD, "leather")
    assert first.change == pytest.approx(8.0, abs=0.01)
    assert [(term.word, term.change > 0.5) for term in found.for_label] == [("felt", True)]


def test_a_word_is_named_however_sure_the_model_is(explainer):
    found = explained(explainer, "leather leather leather leather felt")
    assert found.alone["text"].predicted > 0.9999
    assert found.for_predicted[0] == Term(WORD, "leather", pytest.approx(16.0, abs=0.01))


def test_each_half_is_asked_alone(explainer):
    found = explained(explainer, "leather", b"hat")
    assert found.alone["text"].predicted == pytest.approx(np.exp(4) / (np.exp(4) + 2), abs=1e-5)
    assert found.alone["image"].label == pytest.approx(np.exp(5) / (np.exp(5) + 2), abs=1e-5)
    assert [near.product_id for near in found.nearest] == ["leather boot", "felt hat"]
    assert found.nearest[0].similarity == pytest.approx(0.5)


def test_what_a_product_lacks_is_left_out(explainer):
    words = explained(explainer, "leather")
    assert set(words.alone) == {"text"}
    assert words.nearest[0] == Neighbour("leather boot", "boots", 1.0)
    image = explained(explainer, image=b"hat", price=3.0)
    assert set(image.alone) == {"image"} and image.for_predicted == image.for_label == ()
    assert image.nearest[0] == Neighbour("felt hat", "hats", 1.0)
    nothing = explained(explainer)
    assert nothing == Explanation({}, (), (), ())


def test_a_price_can_decide(explainer):
    found = explained(explainer, "for", price=3.0, predicted="mugs")
    assert found.for_predicted == (Term(PRICE, "", pytest.approx(2.0)),)


def test_a_label_that_the_model_does_not_know_has_no_side(explainer):
    found = explained(explainer, "leather", label="gloves")
    assert found.alone["text"] == Sides(pytest.approx(0.965, abs=1e-3), None)
    assert found.for_label == ()


def test_models_of_earlier_versions_explain_nothing(explainer, tmp_path, monkeypatch):
    from components.trainer.artifact import write_index

    assert Explainer.load(str(tmp_path), str(tmp_path)) is None
    write_index(str(tmp_path), explainer._index)
    monkeypatch.setattr(tf.saved_model, "load", lambda _: types.SimpleNamespace())
    assert Explainer.load(str(tmp_path), str(tmp_path)) is None
    monkeypatch.setattr(tf.saved_model, "load", lambda _: WordModel())
    loaded = Explainer.load(str(tmp_path), str(tmp_path))
    assert explained(loaded, "leather") == explained(explainer, "leather")


def test_neighbours_of_suspects_are_others_of_the_index(explainer):
    near = explainer.neighbours_of(["leather boot", "elsewhere"])
    assert near == {"leather boot": (Neighbour("felt hat", "hats", 0.0),)}


def test_neighbours_are_titled_where_they_were_found():
    near = (Neighbour("a", "boots", 1.0), Neighbour("b", "hats", 0.5))
    why = Explanation({}, (), (), near)
    found = Explained({"p1": why}, {"a": near[1:]}).titled({"b": "Hat", "p1": "Boot"})
    assert found.neighbour_ids() == ["a", "b"] and found.titles == {"b": "Hat"}
