"""What the Trainer and the Tuner read alike: categories, vocabularies, the cache of embeddings."""

from pathlib import Path

import tensorflow_transform as tft

from components.transform.artifact import (
    CATEGORIES_VOCABULARY,
    PIECES_VOCABULARY,
    PRICE_BUCKETS,
    WORDS_VOCABULARY,
)
from shelfsort.core.errors import InputError
from shelfsort.products.taxonomy import Taxonomy
from shelfsort.training.backbones import Backbone, embedding_key
from shelfsort.training.embedding_cache import EmbeddingCache
from shelfsort.training.fitting import VocabularySizes
from shelfsort.training.label_space import LabelSpace
from shelfsort.training.settings import TrainingConfig


def label_space(transformed: tft.TFTransformOutput, taxonomy: str) -> LabelSpace:
    """The categories that Transform saw, in the tree of a file.

    Raises:
        InputError: there are fewer than two.
    """
    categories = [c.decode() for c in transformed.vocabulary_by_name(CATEGORIES_VOCABULARY)]
    if len(categories) < 2:
        raise InputError("The training split holds fewer than two categories: label more products.")
    return LabelSpace(categories, Taxonomy.load(taxonomy))


def open_cache(config: TrainingConfig, backbone: Backbone) -> EmbeddingCache:
    """The cache of the images' embeddings, in the folder that is configured."""
    folder = Path(config.image.embedding_cache) if config.image.embedding_cache else None
    return EmbeddingCache(folder, embedding_key(backbone, config.image.backbone_weights))


def vocabulary_sizes(transformed: tft.TFTransformOutput, labels: LabelSpace) -> VocabularySizes:
    """Sizes of the towers' tables for what Transform saw."""
    return VocabularySizes(
        words=transformed.vocabulary_size_by_name(WORDS_VOCABULARY),
        pieces=transformed.vocabulary_size_by_name(PIECES_VOCABULARY),
        price_buckets=PRICE_BUCKETS,
        categories=len(labels.categories),
    )
