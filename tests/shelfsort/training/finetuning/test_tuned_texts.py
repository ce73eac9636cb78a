"""No answer that thresholds rest on comes from an encoder that saw the product or a variant."""

import string

import numpy as np
import pytest
import tensorflow as tf

from shelfsort.products.taxonomy import Taxonomy
from shelfsort.training.dataset import TEXT_EMBEDDINGS
from shelfsort.training.embedding_cache import EmbeddingCache
from shelfsort.training.finetuning.contents import Contents
from shelfsort.training.finetuning.tuned_texts import with_tuned_encoder
from shelfsort.training.label_space import LabelSpace
from shelfsort.training.settings import (
    FitConfig,
    ImageConfig,
    TextConfig,
    TextFineTuningConfig,
    TrainingConfig,
)
from shelfsort.training.text_embedding import TextEmbeddings
from tests.fixtures.text_tuning import (
    CATEGORIES,
    WORDS,
    TextShop,
    text_products,
    tiny_encoder,
)

pytestmark = pytest.mark.slow

N = 54
EVERY = np.arange(N)
GROUPS = EVERY // 2 * 1_000_003
"""Every two neighbours are variants of one product."""
LEAVES = [{"id": word, "name": word, "subcategories": [], "parent": "all"} for word in WORDS]
LABELS = LabelSpace(
    list(WORDS),
    Taxonomy.from_nodes([{"id": "all", "name": "All", "subcategories": list(WORDS)}, *LEAVES]),
)


def config(folder=None) -> TrainingConfig:
    tuning = TextFineTuningConfig(layers="last_blocks", epochs=3, batch_size=8, learning_rate=1e-2)
    return TrainingConfig(
        image=ImageConfig(embedding_cache=str(folder or "")),
        text=TextConfig(encoder="minilm", fine_tuning=tuning),
        fit=FitConfig(folds=2),
    )


def tuned(shop: TextShop, folder=None):
    """The tuned encoder and the products as it embeds them, in `train` and as another split."""
    encoder = tiny_encoder()
    train = text_products(shop, shop.embedded(encoder), GROUPS)
    texts = TextEmbeddings(encoder, EmbeddingCache(None, encoder.key))
    contents = [Contents(shop.titles)] * 2
    return with_tuned_encoder(texts, contents, [train, train], LABELS, config(folder))


def other_title(title: bytes) -> bytes:
    """Other words, as many tokens: matrices of another height round the last bit otherwise."""
    letters = string.ascii_lowercase
    after = dict(zip(letters, letters[10:] + letters[:10], strict=True))
    after |= dict(zip(WORDS, WORDS[1:] + WORDS[:1], strict=True))
    return " ".join(after[word] for word in title.decode().split()).encode()


def test_labels_and_titles_of_a_fold_have_no_part_in_its_own_embeddings():
    shop = TextShop.of(N)
    _, (before, _) = tuned(shop)
    folds = before.group_folds(2, config().fit.seed)
    own, others = np.flatnonzero(folds == 0), np.flatnonzero(folds == 1)
    labels, titles = shop.labels.copy(), list(shop.titles)
    labels[own] = (labels[own] + 1) % CATEGORIES
    for row in own:
        titles[row] = other_title(titles[row])
    _, (after, _) = tuned(TextShop(labels, titles))
    one, other = before.fold_encoded[0], after.fold_encoded[0]
    np.testing.assert_array_equal(one.texts[others], other.texts[others])
    np.testing.assert_array_equal(one.categories, other.categories)
    assert np.abs(one.texts[others] - shop.embedded(tiny_encoder())[others]).max() > 1e-3
    assert np.abs(before.fold_encoded[1].texts[others] - after.fold_encoded[1].texts[others]).max()


def test_every_fold_has_embeddings_and_names_of_its_own_and_others_those_that_are_served(tmp_path):
    shop = TextShop.of(N)
    texts, (train, apart) = tuned(shop, tmp_path)
    served = texts.encoder(tf.constant(shop.titles)).numpy()
    for products in (train, apart):
        found = products.features[EVERY][TEXT_EMBEDDINGS]
        np.testing.assert_allclose(found, served, rtol=0, atol=1e-5)
    assert not apart.fold_encoded and sorted(train.fold_encoded) == [0, 1]
    assert not served[~train.has_text].any()
    named = [train.category_embeddings, *(train.without(f).category_embeddings for f in (0, 1))]
    seen = [served, *(train.without(f).features[EVERY][TEXT_EMBEDDINGS] for f in (0, 1))]
    for found in (named, seen):
        assert all(np.abs(found[a] - found[b]).max() > 1e-3 for a, b in ((0, 1), (0, 2), (1, 2)))
    assert [path.name for path in tmp_path.glob("*.sqlite")] == [f"{texts.encoder.key}.sqlite"]
    assert len(list((tmp_path / "tuned").iterdir())) == 3


def test_without_a_labelled_title_the_encoder_stays_as_it_is():
    shop = TextShop.of(N)
    texts, (train, _) = tuned(TextShop(np.full(N, -1), shop.titles))
    assert not texts.encoder.tuned and not train.fold_encoded
