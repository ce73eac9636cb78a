"""A whole training with a backbone that is tuned for each fold and for the served model."""

import json

import numpy as np
import pytest

from tests.fixtures import training
from tests.fixtures.tuning import tiny_backbone

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    from components.trainer import module

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "load_backbone", lambda *_: tiny_backbone())
        return training.fine_tuned(tmp_path_factory.mktemp("fine_tuned"))


def lineage(tuned) -> dict:
    return json.loads((tuned.model / "assets.extra" / "shelfsort.json").read_text())


def test_a_backbone_is_tuned_for_each_fold_and_one_on_all(tuned):
    assert len(list((tuned.cache / "tuned").glob("*.npz"))) == 3
    cost = json.loads((tuned.model_run / "training.json").read_text())["cost"]
    assert cost["fine-tuning"]["cpu_seconds"] > 0


def test_the_lineage_names_the_tuned_weights_and_so_does_the_cache(tuned):
    digest = lineage(tuned)["fine_tuned"]
    assert len(digest) == 32
    assert [path.name for path in tuned.cache.glob(f"tiny-tuned-{digest}-*.sqlite")]
    assert lineage(tuned)["training"]["image"]["fine_tuning"]["layers"] == "last_blocks"


def test_the_served_backbone_is_the_tuned_one(tuned):
    import hashlib

    from shelfsort.training.warm_start import _values

    count = len(tiny_backbone().model.variables)
    served, pretrained = _values(str(tuned.model))[:count], tiny_backbone().model.get_weights()
    digest = hashlib.blake2b(digest_size=16)
    for each in served:
        digest.update(np.asarray(each, "<f4").tobytes())
    assert digest.hexdigest() == lineage(tuned)["fine_tuned"]
    assert any(np.abs(a - b).max() > 0 for a, b in zip(served, pretrained, strict=True))


def test_pictures_are_embedded_as_in_training_when_served(tuned):
    import sqlite3

    import tensorflow as tf

    from shelfsort.training.embedding_cache import content_digest
    from shelfsort.training.images import decode_pictures

    picture = training.picture("boots", 3)
    (cache,) = tuned.cache.glob("tiny-tuned-*.sqlite")
    with sqlite3.connect(cache) as connection:
        (kept,) = connection.execute(
            "SELECT vector FROM embedding WHERE digest = ?", [content_digest(picture)]
        ).fetchone()
    from shelfsort.training.warm_start import _values

    backbone = tiny_backbone()
    backbone.model.set_weights(_values(str(tuned.model))[: len(backbone.model.variables)])
    pixels = decode_pictures(tf.constant([picture]), backbone.image_size)
    expected = backbone.model(tf.cast(pixels, tf.float32), training=False)
    np.testing.assert_allclose(np.frombuffer(kept, "<f4"), expected[0], rtol=0, atol=1e-5)
