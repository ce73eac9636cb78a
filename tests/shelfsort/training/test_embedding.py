"""Pictures are embedded once each, whatever holds them, and as serving would decode them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from shelfsort.training.backbones import Backbone
from shelfsort.training.embedding import embed_new_pictures
from shelfsort.training.embedding_cache import EmbeddingCache, content_digest
from shelfsort.training.images import decode_pictures
from tests.fixtures.training import CATEGORIES, example, picture, write_records

NUMBERS = range(1, 12)  # the 7th has no picture


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    pixels = keras.Input((8, 8, 3))
    return Backbone("means", 8, keras.Model(pixels, keras.layers.GlobalAveragePooling2D()(pixels)))


@pytest.fixture
def files(tmp_path) -> list[str]:
    records = [example(category, n) for category in CATEGORIES for n in NUMBERS]
    write_records(tmp_path / "data.gz", records)
    write_records(tmp_path / "again.gz", records)
    return [f"{tmp_path}/data.gz", f"{tmp_path}/again.gz"]


def test_each_picture_is_embedded_once_and_never_again(files, backbone, tmp_path):
    cache = EmbeddingCache(tmp_path / "cache", "means")
    assert embed_new_pictures(files[:1], backbone, cache) == len(CATEGORIES) * (len(NUMBERS) - 1)
    assert embed_new_pictures(files, backbone, cache) == 0


def test_an_embedding_is_that_of_the_picture_as_it_is_served(files, backbone):
    cache = EmbeddingCache(None, "means")
    embed_new_pictures(files[:1], backbone, cache)
    encoded = [picture(category, n) for category in CATEGORIES for n in NUMBERS if n != 7]
    digests = [content_digest(each) for each in encoded]
    found = cache.get(digests)
    pixels = decode_pictures(tf.constant(encoded), 8).numpy()
    expected = pixels.mean(axis=(1, 2))
    np.testing.assert_allclose(np.stack([found[d] for d in digests]), expected, rtol=1e-4)
    cache.close()
