"""A whole training with a text encoder that is tuned for each fold and for the served model."""

import dataclasses
import json

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from scipy.special import softmax

from components.trainer.artifact import HELD_OUT_FILE
from components.transform.artifact import PRICE_BUCKETS
from shelfsort.contract.calibration import Calibration
from shelfsort.training.dataset import read_products
from shelfsort.training.embedding_cache import EmbeddingCache
from shelfsort.training.fitting import tower_logits
from shelfsort.training.pooling import Fusion
from shelfsort.training.text_embedding import TextEmbeddings
from shelfsort.training.text_ops import load_text_ops
from shelfsort.training.towers import build_towers
from shelfsort.training.warm_start import _values
from tests.fixtures import training
from tests.fixtures.text_tuning import tiny_encoder

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    from shelfsort.training import encoders

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoders, "load_encoder", lambda *_: tiny_encoder())
        return training.text_fine_tuned(tmp_path_factory.mktemp("text_fine_tuned"))


def lineage(tuned) -> dict:
    return json.loads((tuned.model / "assets.extra" / "shelfsort.json").read_text())


def test_an_encoder_is_tuned_for_each_fold_and_one_on_all(tuned):
    assert len(list((tuned.cache / "tuned").glob("*.npz"))) == 3
    cost = json.loads((tuned.model_run / "training.json").read_text())["cost"]
    assert cost["fine-tuning of the encoder"]["cpu_seconds"] > 0


def test_the_lineage_names_the_tuned_layers_and_so_does_the_cache(tuned):
    encoder = lineage(tuned)["encoder"]
    assert len(encoder["fine_tuned"]) == 32 and "fine_tuned" not in lineage(tuned)
    assert encoder["key"] == f"{tiny_encoder().key}-tuned-{encoder['fine_tuned']}"
    assert (tuned.cache / f"{encoder['key']}.sqlite").exists()
    assert lineage(tuned)["training"]["text"]["fine_tuning"]["layers"] == "last_blocks"


def test_served_scores_are_those_of_the_towers_on_the_embeddings_of_training(tuned):
    transformed = tft.TFTransformOutput(str(tuned.transform_graph))
    images = EmbeddingCache(tuned.cache, next(tuned.cache.glob("efficientnet*.sqlite")).stem)
    # What training kept of the tuned encoder; this encoder would be asked for anything else.
    texts = TextEmbeddings(
        tiny_encoder(), EmbeddingCache(tuned.cache, lineage(tuned)["encoder"]["key"])
    )
    files = [str(path) for path in (tuned.raw / "Split-calibration").glob("*.gz")]
    read = read_products(files, transformed, images, 1280, texts)
    assert texts.embedded == 0
    read = dataclasses.replace(read, category_embeddings=np.zeros((len(training.CATEGORIES), 24)))
    towers = build_towers(
        words=transformed.vocabulary_size_by_name("words"),
        pieces=transformed.vocabulary_size_by_name("pieces"),
        price_buckets=PRICE_BUCKETS,
        embedding_size=1280,
        categories=len(training.CATEGORIES),
        text_units=192,
        image_units=256,
        dropout=0.3,
        text_embedding_size=24,
        encoder_units=256,
        category_embeddings=read.category_embeddings,
    )
    served_last = _values(str(tuned.model))[-len(towers.variables) :]
    for variable, value in zip(towers.variables, served_last, strict=True):
        variable.assign(value)
    every = np.arange(len(read))
    logits = {name: rows[every] for name, rows in tower_logits(towers, read).items()}
    kept = np.load(tuned.model_run / HELD_OUT_FILE)
    fusion = Fusion.from_lists(json.loads(str(kept["fusion"])))
    calibration = Calibration.from_json(lineage(tuned)["thresholds"])
    expected = softmax(
        fusion.logits_in("text", logits) / calibration.of("text").temperature, axis=1
    ).max(axis=1)
    load_text_ops(tuned.model)
    served = tf.saved_model.load(str(tuned.model))
    records = list(tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator())
    found = served.signatures["evaluate"](tf.constant(records))["text_score"].numpy()
    np.testing.assert_allclose(found[read.has_text], expected[read.has_text], rtol=0, atol=1e-4)


def test_the_layers_in_the_served_graph_are_not_the_pretrained_ones(tuned):
    load_text_ops(tuned.model)
    served = tf.saved_model.load(str(tuned.model))._encoder._transformer._layers
    pretrained = tiny_encoder().transformer.layers()
    moved = [
        np.abs(mine._output._kernel.numpy() - given.output.kernel).max()
        for mine, given in zip(served, pretrained, strict=True)
    ]
    assert moved[0] == 0 and moved[1] > 1e-3
