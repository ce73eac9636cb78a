"""What is served is what was trained: the exported model against the training-time numbers."""

import json
import math
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from scipy.special import softmax

from components.trainer.artifact import HELD_OUT_FILE
from shelfsort.contract.calibration import Calibration
from shelfsort.contract.modalities import MODALITIES, output_name
from shelfsort.contract.model_files import ENCODER, read_lineage
from shelfsort.contract.unknown import rates_from_json
from shelfsort.products.taxonomy import Taxonomy
from shelfsort.training.dataset import read_products
from shelfsort.training.decision_rule import DecisionRule
from shelfsort.training.embedding_cache import EmbeddingCache
from shelfsort.training.export import LINEAGE, WARM_UP
from shelfsort.training.label_space import LabelSpace
from shelfsort.training.text_ops import load_text_ops
from tests.fixtures.training import CATEGORIES, NODES, example, picture

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

EMBEDDING_SIZE = 1280

ANSWER = {
    "category",
    "category_path",
    "score",
    "unknown_score",
    "accepted_95",
    "accepted_98",
    "answer",
    "answer_level",
    "top_categories",
    "top_scores",
    "threshold_version",
}


@pytest.fixture(scope="module")
def model(training):
    return tf.saved_model.load(str(training.model))


def _raw(model, title="", image=b"", description="", price=-1.0) -> dict:
    answer = model.signatures["predict_raw"](
        title=tf.constant([title]),
        description=tf.constant([description]),
        image=tf.constant([image]),
        price=tf.constant([price]),
    )
    return {name: value.numpy()[0] for name, value in answer.items()}


def _records(directory) -> tf.data.Dataset:
    files = sorted(str(path) for path in directory.glob("*.gz"))
    return tf.data.TFRecordDataset(files, compression_type="GZIP")


def test_served_features_are_the_features_trained_on(training, model):
    cache = EmbeddingCache(training.cache, next(training.cache.glob("*.sqlite")).stem)
    transformed = tft.TFTransformOutput(str(training.transform_graph))
    files = [str(training.raw / "Split-calibration" / "*")]
    trained = read_products(files, transformed, cache, EMBEDDING_SIZE)
    raw = list(_records(training.raw / "Split-calibration").as_numpy_iterator())
    served = model.signatures["transform_features"](tf.constant(raw))
    everything = np.arange(len(raw))
    for name, values in trained.tower_inputs(everything).items():
        if name == "embeddings":
            continue
        shown = served[name].numpy().reshape(len(raw), -1)
        np.testing.assert_array_equal(shown[:, values[0].size :], 0, err_msg=name)
        np.testing.assert_allclose(
            shown[:, : values[0].size], values.reshape(len(raw), -1), rtol=1e-6, err_msg=name
        )
    for name in ("has_text", "has_image"):
        np.testing.assert_array_equal(served[name].numpy().reshape(-1), getattr(trained, name))


def test_every_signature_gives_the_outputs_it_promises(model):
    signatures = model.signatures
    assert set(signatures["serving_default"].structured_outputs) == ANSWER
    assert set(signatures["predict_raw"].structured_outputs) == ANSWER
    assert set(signatures["classify"].structured_outputs) == {"classes", "scores"}
    parents = {"parent", "parent_score", "parent_accepted_95", "parent_accepted_98"}
    assert set(signatures["evaluate"].structured_outputs) == {
        output_name(mode, name) for mode in MODALITIES for name in ANSWER | parents
    }


def test_evaluate_answers_words_and_picture_alone_as_if_nothing_else_were_sent(model):
    number = 613
    title, image = f"{CATEGORIES['hats']} number{number}", picture("boots", number)
    given = tf.train.Example()
    given.features.feature["title"].bytes_list.value.append(title.encode())
    given.features.feature["image"].bytes_list.value.append(image)
    measured = model.signatures["evaluate"](tf.constant([given.SerializeToString()]))
    alone = {"text": _raw(model, title=title), "image": _raw(model, image=image)}
    assert alone["text"]["category"] != alone["image"]["category"]
    for mode, answer in {**alone, "combined": _raw(model, title=title, image=image)}.items():
        for name, value in answer.items():
            found = measured[output_name(mode, name)].numpy()[0]
            if np.asarray(value).dtype == np.float32:
                np.testing.assert_allclose(found, value, atol=1e-6, err_msg=f"{mode} {name}")
            else:
                np.testing.assert_array_equal(found, value, err_msg=f"{mode} {name}")


def test_words_and_picture_are_each_enough_and_agree_with_examples(model):
    number = 500  # one with a price
    title = f"{CATEGORIES['hats']} number{number}"
    assert _raw(model, title=title)["category"] == b"hats"
    assert _raw(model, image=picture("hats", number))["category"] == b"hats"
    both = _raw(model, title, picture("hats", number), "for everyday use", 10.0 + number)
    served = model.signatures["serving_default"](tf.constant([example("hats", number)]))
    assert both["category_path"].decode() == "Wear > Hats"
    np.testing.assert_allclose(both["score"], served["score"].numpy()[0], atol=1e-6)
    assert (both["top_categories"] == served["top_categories"].numpy()[0]).all()


def test_scores_sum_over_the_tree_and_the_top_is_padded(model):
    answer = model.signatures["evaluate"](tf.constant([example("boots", 777)]))
    scores = answer["top_scores"].numpy()[0]
    names = [name.decode() for name in answer["top_categories"].numpy()[0]]
    assert names[4] == "" and scores[4] == 0
    np.testing.assert_allclose(scores.sum(), 1, atol=1e-5)
    by_name = dict(zip(names, scores, strict=True))
    shoes = by_name["boots"] + by_name["clogs"]
    assert answer["parent"].numpy()[0] == b"shoes"
    np.testing.assert_allclose(answer["parent_score"].numpy()[0], shoes, atol=1e-6)


def test_an_answer_is_the_accepted_leaf_or_an_ancestor_or_nothing(model):
    tree = Taxonomy.from_nodes(NODES)
    records = [example(c, n) for n in range(700, 720) for c in CATEGORIES]
    hard = [example(c, 7 * 11 * n) for n in (1, 2) for c in CATEGORIES]
    answers = model.signatures["evaluate"](tf.constant(records + hard))
    rows = zip(
        *(answers[name].numpy() for name in ("category", "accepted_95", "answer", "answer_level")),
        strict=True,
    )
    for category, accepted, answer, level in rows:
        leaf, node = category.decode(), answer.decode()
        assert (node == leaf) == bool(accepted)
        assert node in {leaf, "", *tree.ancestors(leaf)}
        assert level == (tree.depth(node) if node else 0)


def test_nothing_at_all_and_an_empty_batch_are_answered(model):
    nothing = _raw(model)
    assert np.isfinite(nothing["score"]) and not nothing["accepted_98"]
    empty = model.signatures["predict_raw"](
        title=tf.constant([], tf.string),
        description=tf.constant([], tf.string),
        image=tf.constant([], tf.string),
        price=tf.constant([], tf.float32),
    )
    assert empty["top_scores"].shape == (0, 5)


def test_the_tf1_loader_of_servers_gives_the_same_scores_in_a_fresh_process(training, model):
    script = """
import sys, numpy as np, tensorflow.compat.v1 as tf
with tf.Session(graph=tf.Graph()) as session:
    meta = tf.saved_model.load(session, ["serve"], sys.argv[1])
    signature = meta.signature_def["predict_raw"]
    feed = {"title": [b"felt hat"], "description": [b""], "image": [b""], "price": [-1.0]}
    score = session.run(
        signature.outputs["score"].name,
        {signature.inputs[name].name: value for name, value in feed.items()},
    )
    print("score", float(score[0]))
"""
    printed = subprocess.run(
        [sys.executable, "-c", script, str(training.model)], capture_output=True, text=True
    )
    assert printed.returncode == 0, printed.stderr[-2000:]
    score = float(printed.stdout.split("score ")[1])
    assert abs(score - _raw(model, title="felt hat")["score"]) < 1e-5


def test_lineage_and_warm_up_travel_with_the_model(training):
    lineage = json.loads((training.model / LINEAGE).read_text())
    assert lineage["taxonomy_version"] == Taxonomy.from_nodes(NODES).version
    assert lineage["categories"] == 4
    assert set(lineage["thresholds"]) == {"combined", "text", "image"}
    assert sum(1 for _ in tf.data.TFRecordDataset(str(training.model / WARM_UP))) == 6


def test_what_only_training_needs_stays_behind(training, model):
    import tensorflow as tf

    saved = tf.train.load_checkpoint(str(training.model / "variables" / "variables"))
    shapes = saved.get_variable_to_shape_map()
    assert not [name for name in shapes if "optimizer" in name or "momentum" in name]
    numbers = sum(math.prod(shape) for shape in shapes.values())
    assert numbers == pytest.approx(
        sum(w.numpy().size for w in (*model.weights, *model.unknown_weights)), rel=0.01
    )


def test_held_out_logits_of_every_training_product_are_kept(training):
    held_out = np.load(training.model_run / HELD_OUT_FILE)
    assert len(held_out["product_ids"]) == 160
    right = softmax(held_out["text"], axis=1).argmax(axis=1) == held_out["labels"]
    assert right[held_out["has_text"]].mean() > 0.9


def test_a_second_training_finds_every_picture_in_the_cache(training):
    (database,) = training.cache.glob("efficientnet_lite0-*.sqlite")
    assert database.stat().st_size > 0


def decision_rule(unknown_above: float | None = None, **parents: float | None) -> DecisionRule:
    """Leaves are accepted from 0.9, parents from what is given, at every target and modality."""
    document = {
        "temperature": 1.0,
        "unknown_above": unknown_above,
        "by_category": {leaf: {"95": 0.9, "98": 0.9} for leaf in CATEGORIES},
        "by_parent": {node: {"95": t, "98": t} for node, t in parents.items()},
    }
    calibration = Calibration.from_json(dict.fromkeys(MODALITIES, document))
    return DecisionRule(LabelSpace(list(CATEGORIES), Taxonomy.from_nodes(NODES)), calibration)


@pytest.mark.parametrize(
    ("boots_clogs_hats_mugs", "by_parent", "answer", "level", "parent_accepted"),
    [
        ((0.92, 0.06, 0.01, 0.01), {"shoes": 0.99, "wear": 0.5}, b"boots", 3, False),
        ((0.50, 0.35, 0.10, 0.05), {"shoes": 0.8, "wear": 0.7}, b"shoes", 2, True),
        ((0.50, 0.35, 0.10, 0.05), {"shoes": 0.86, "wear": 0.7}, b"wear", 1, False),
        ((0.50, 0.35, 0.10, 0.05), {"shoes": None, "wear": 0.96}, b"", 0, False),
        # A parent's score is all that lies below it, not only its own leaves.
        ((0.20, 0.10, 0.50, 0.20), {"shoes": 0.1, "wear": 0.79}, b"wear", 1, True),
        # A category at the top is its own parent, but no answer above itself.
        ((0.05, 0.05, 0.05, 0.85), {"shoes": 0.1, "wear": 0.1, "mugs": 0.8}, b"", 0, True),
    ],
)
def test_the_answer_is_the_deepest_ancestor_that_passes_its_own_threshold(
    boots_clogs_hats_mugs, by_parent, answer, level, parent_accepted
):
    served = decision_rule(**{"mugs": 0.5, **by_parent}).answer(
        tf.math.log([boots_clogs_hats_mugs]), tf.constant([0]), tf.constant([0.0])
    )
    assert (served["answer"].numpy()[0], served["answer_level"].numpy()[0]) == (answer, level)
    assert served["parent_accepted_95"].numpy()[0] == parent_accepted


@pytest.mark.parametrize(
    ("unknown", "limit", "answer"),
    [(0.9, 0.875, b""), (0.875, 0.875, b"boots"), (1.0, None, b"boots")],
)
def test_nothing_is_accepted_above_the_limit_of_the_unknown_score(unknown, limit, answer):
    served = decision_rule(limit, shoes=0.5, wear=0.5, mugs=0.5).answer(
        tf.math.log([[0.92, 0.06, 0.01, 0.01]]), tf.constant([1]), tf.constant([unknown])
    )
    taken = answer != b""
    assert served["answer"].numpy()[0] == answer
    assert (served["answer_level"].numpy()[0] > 0) == taken
    for flag in ("accepted_95", "accepted_98", "parent_accepted_95"):
        assert served[flag].numpy()[0] == taken


def test_a_product_unlike_all_training_products_is_not_accepted(model):
    noise = np.random.default_rng(0).integers(0, 255, (60, 60, 3), np.uint8)
    strange = _raw(model, image=tf.io.encode_jpeg(noise).numpy())
    usual = _raw(model, image=picture("hats", 613))
    assert strange["unknown_score"] > 0.95 > usual["unknown_score"]
    assert not strange["accepted_95"] and strange["answer"] == b""


def test_the_rates_of_unknown_products_travel_with_the_model(training):
    lineage = json.loads((training.model / LINEAGE).read_text())
    rates = rates_from_json(lineage["unknown"])
    assert set(rates) == set(MODALITIES)
    assert {part.node for part in rates["image"].leaves} < set(CATEGORIES)
    assert all(0 <= part.detected <= 1 for each in rates.values() for part in each.leaves)
    assert Calibration.from_json(lineage["thresholds"]).of("image").unknown_above == 0.95


def test_without_an_encoder_nothing_needs_tf_text_and_no_text_is_passed_on(training, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_text", None)
    load_text_ops(training.model)
    assert ENCODER not in read_lineage(training.model)
    spec = tft.TFTransformOutput(str(training.transform_graph)).transformed_feature_spec()
    assert "text" not in spec
