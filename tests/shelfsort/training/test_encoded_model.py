"""A model with a text encoder: trained, loaded in every way there is, and served."""

import dataclasses
import json
import shutil

import grpc
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from scipy.special import softmax
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from components.serving_check.fresh_process import replay_in_fresh_process
from components.trainer.artifact import HELD_OUT_FILE, ModelRun
from components.transform.artifact import PRICE_BUCKETS
from serving.server import ModelServer
from shelfsort.contract.calibration import Calibration
from shelfsort.contract.model_files import ENCODER, read_lineage
from shelfsort.products.taxonomy import Taxonomy
from shelfsort.training.dataset import read_products
from shelfsort.training.embedding_cache import EmbeddingCache
from shelfsort.training.fitting import tower_logits
from shelfsort.training.label_space import LabelSpace
from shelfsort.training.pooling import Fusion
from shelfsort.training.settings import ImageConfig, TextConfig, TrainingConfig
from shelfsort.training.text_embedding import TextEmbeddings
from shelfsort.training.text_ops import load_text_ops
from shelfsort.training.towers import build_towers
from shelfsort.training.warm_start import Terms, read_live_towers
from tests.fixtures.training import CATEGORIES

pytestmark = pytest.mark.slow

SPLITS = {"train": 80, "calibration": 10, "eval": 10}
UNREAD = ("Фетровая шляпа", "Чайная кружка")
"""Titles of which training saw no word and no piece."""


def settings(encoded_training) -> TrainingConfig:
    return TrainingConfig(
        image=ImageConfig(embedding_cache=str(encoded_training.cache)),
        text=TextConfig(encoder="minilm"),
    )


def records(encoded_training) -> list[bytes]:
    files = [str(path) for path in (encoded_training.raw / "Split-calibration").glob("*.gz")]
    return list(tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator())


def titled(title: str) -> bytes:
    """A product with nothing but a title."""
    feature = tf.train.Feature(bytes_list={"value": [title.encode()]})
    return tf.train.Example(features={"feature": {"title": feature}}).SerializeToString()


@pytest.fixture(scope="module")
def products(encoded_training):
    """The split `calibration` as training sees it, and how many texts were new to the encoder."""
    transformed = tft.TFTransformOutput(str(encoded_training.transform_graph))
    images = next(encoded_training.cache.glob("efficientnet*.sqlite"))
    cache = EmbeddingCache(encoded_training.cache, images.stem)
    texts = TextEmbeddings.of(settings(encoded_training))
    read = read_products(
        [str(encoded_training.raw / "Split-calibration" / "*")],
        transformed,
        cache,
        1280,
        texts,
    )
    categories = [name.decode() for name in transformed.vocabulary_by_name("categories")]
    tree = Taxonomy.load(str(encoded_training.raw.parent / "taxonomy.json"))
    named = texts.of_categories(LabelSpace(categories, tree))
    return dataclasses.replace(read, category_embeddings=named), texts.embedded


@pytest.fixture(scope="module")
def served(encoded_training):
    load_text_ops(encoded_training.model)
    return tf.saved_model.load(str(encoded_training.model))


def test_products_with_inner_categories_train_and_are_no_evidence(encoded_training):
    files = [str(encoded_training.raw / "Split-train" / "*")]
    transformed = tft.TFTransformOutput(str(encoded_training.transform_graph))
    categories = [name.decode() for name in transformed.vocabulary_by_name("categories")]
    assert set(categories) == set(CATEGORIES)
    tree = Taxonomy.load(str(encoded_training.raw.parent / "taxonomy.json"))
    images = next(encoded_training.cache.glob("efficientnet*.sqlite"))
    cache = EmbeddingCache(encoded_training.cache, images.stem)
    read = read_products(files, transformed, cache, 1280, None, LabelSpace(categories, tree))
    kept = np.load(encoded_training.model_run / HELD_OUT_FILE)
    assert kept["product_ids"].tolist() == list(read.product_ids)
    inner = np.arange(len(read)) >= 56
    for labels, evidence in (
        (read.labels, read.evidence),
        (kept["labels"], kept["evidence"]),
    ):
        assert ((labels < 0) == inner).all()
        assert (evidence == ~inner).all()
    assert read.teaches.tolist() == [True] * 66 + [False] * 2
    assert np.array(categories)[read.inner.below[0]].tolist() == sorted(
        ("boots", "clogs"), key=categories.index
    )
    assert all(np.abs(kept["text"][inner & kept["has_text"]]).max(axis=1) > 0)
    calibrated = Calibration.from_json(read_lineage(encoded_training.model)["thresholds"])
    assert calibrated.of("combined").n <= 24


def test_a_second_reading_embeds_no_text(encoded_training, products):
    read, embedded = products
    assert embedded == 0
    assert ModelRun.read(encoded_training.model_run).texts_embedded > 50
    assert read.text_embedding_size == 384
    lengths = np.linalg.norm(read.features[np.arange(len(read))]["text_embeddings"], axis=1)
    np.testing.assert_allclose(lengths, read.has_text, atol=1e-5)


def test_served_scores_are_those_of_the_trained_towers_and_their_fusion(
    encoded_training, products, served
):
    read, _ = products
    answers = served.signatures["evaluate"](tf.constant(records(encoded_training)))
    kept = np.load(encoded_training.model_run / HELD_OUT_FILE)
    fusion = Fusion.from_lists(json.loads(str(kept["fusion"])))
    assert list(fusion.pools["text"].exponents) == ["text", "encoder", "names"]
    transformed = tft.TFTransformOutput(str(encoded_training.transform_graph))
    live = read_live_towers(str(encoded_training.model), settings(encoded_training), SPLITS)
    towers = build_towers(
        words=transformed.vocabulary_size_by_name("words"),
        pieces=transformed.vocabulary_size_by_name("pieces"),
        price_buckets=PRICE_BUCKETS,
        embedding_size=1280,
        categories=len(CATEGORIES),
        text_units=192,
        image_units=256,
        dropout=0.3,
        text_embedding_size=384,
        encoder_units=256,
        category_embeddings=read.category_embeddings,
    )
    live.start(towers, Terms(live.terms.words, live.terms.pieces, live.terms.categories))
    everything = np.arange(len(read))
    logits = {name: rows[everything] for name, rows in tower_logits(towers, read).items()}
    assert set(logits) == {"text", "image", "encoder", "names"}
    calibration = Calibration.from_json(read_lineage(encoded_training.model)["thresholds"])
    for modality, rows in {
        "text": read.has_text,
        "combined": read.has_text & read.has_image,
    }.items():
        prefix = "" if modality == "combined" else f"{modality}_"
        temperature = calibration.of(modality).temperature
        expected = softmax(fusion.logits_in(modality, logits) / temperature, axis=1).max(axis=1)
        found = answers[f"{prefix}score"].numpy()
        np.testing.assert_allclose(found[rows], expected[rows], atol=2e-3, err_msg=modality)


def test_names_are_embedded_with_their_paths_at_unit_length(products):
    read, _ = products
    assert read.category_embeddings.shape == (len(CATEGORIES), 384)
    np.testing.assert_allclose(np.linalg.norm(read.category_embeddings, axis=1), 1, atol=1e-5)


def test_titles_are_read_alike_however_a_client_writes_them(served):
    def answer(title):
        return served.signatures["predict_raw"](
            title=tf.constant([title]),
            description=tf.constant([""]),
            image=tf.constant([b""]),
            price=tf.constant([-1.0]),
        )

    plain, written = answer("caf\u00e9 felt hat"), answer("<b>cafe\u0301</b> felt hat")
    np.testing.assert_allclose(plain["score"].numpy(), written["score"].numpy(), atol=1e-6)


def test_the_lineage_names_the_encoder_its_weights_and_its_licence(encoded_training):
    encoder = read_lineage(encoded_training.model)[ENCODER]
    assert (encoder["name"], encoder["licence"]) == ("minilm", "Apache-2.0")
    assert encoder["key"].startswith("minilm-")
    assert (encoded_training.cache / f"{encoder['key']}.sqlite").exists()


def test_a_fresh_process_loads_it_both_ways_and_agrees(encoded_training, tmp_path):
    requests = tmp_path / "requests"
    with tf.io.TFRecordWriter(str(requests)) as writer:
        for record in records(encoded_training)[:12]:
            writer.write(record)
    report = replay_in_fresh_process(
        str(encoded_training.model), requests, tmp_path, tolerance=1e-4, time_limit_s=300
    )
    assert [check.name for check in report.checks if not check.passed] == []


@pytest.mark.parametrize(
    ("trained", "encoder"),
    [("encoded_training", "minilm"), ("multilingual_training", "e5_multilingual")],
)
def test_a_server_answers_over_grpc_as_the_model_does(trained, encoder, request, tmp_path):
    model = request.getfixturevalue(trained).model
    assert read_lineage(model)[ENCODER]["name"] == encoder
    (tmp_path / "encoded").mkdir()
    shutil.copytree(model, tmp_path / "encoded" / "1")
    examples = [*records(request.getfixturevalue(trained))[:8], *map(titled, UNREAD)]
    asked = predict_pb2.PredictRequest()
    asked.model_spec.name = "encoded"
    asked.inputs["examples"].CopyFrom(tf.make_tensor_proto(examples))
    server = ModelServer.at(tmp_path / "encoded", port=0, rest_port=0, load_retries=0)
    server.start(timeout=120)
    try:
        with grpc.insecure_channel(server.address) as channel:
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            answer = stub.Predict(asked, timeout=60)
    finally:
        server.stop(grace=5)
    load_text_ops(model)
    served = tf.saved_model.load(str(model))
    expected = served.signatures["serving_default"](tf.constant(examples))
    found = {name: tf.make_ndarray(each) for name, each in answer.outputs.items()}
    assert set(found) == set(expected)
    np.testing.assert_array_equal(found["category"], expected["category"].numpy())
    np.testing.assert_allclose(found["score"], expected["score"].numpy(), atol=1e-5)
