"""Tunes the text encoder for each cross-fitting fold, and once on all products."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from shelfsort.core.progress import note, progress
from shelfsort.training.dataset import TEXT_EMBEDDINGS, Encoded, Products
from shelfsort.training.embedding_cache import EmbeddingCache
from shelfsort.training.finetuning.checkpoints import Checkpoints
from shelfsort.training.finetuning.contents import Contents
from shelfsort.training.finetuning.devices import find_devices
from shelfsort.training.finetuning.folds import FeatureRows, tune_folds
from shelfsort.training.finetuning.inputs import Examples
from shelfsort.training.fitting import sample_weights
from shelfsort.training.label_space import LabelSpace
from shelfsort.training.rows import RowFile, chunks
from shelfsort.training.settings import TrainingConfig
from shelfsort.training.text_embedding import TextEmbeddings


def with_tuned_encoder(
    texts: TextEmbeddings,
    contents: Sequence[Contents],
    splits: Sequence[Products],
    labels: LabelSpace,
    config: TrainingConfig,
) -> tuple[TextEmbeddings, Sequence[Products]]:
    """Tunes the encoder as the settings say.

    Args:
        texts: the pretrained encoder.
        contents: by split, the texts that it reads.
        splits: `train`, and others that nothing is learnt from; as `texts` embeds them.
        labels: the categories.
        config: settings; `text.fine_tuning.layers` is not "none".

    Returns:
        The encoder tuned on `train`, and the splits as it embeds them; `train` with the embeddings
        of the folds' own encoders. What was given, where there is nothing to tune on.

    Raises:
        InputError: there are fewer GPUs than the settings ask for, or no such layer.
    """
    from shelfsort.training.encoders.encoder import TextEncoder
    from shelfsort.training.finetuning.text_tuner import TextTuner

    train, tuning = splits[0], config.text.fine_tuning
    usable = train.has_leaf & np.array([bool(each) for each in contents[0].digests])
    if not usable.any():
        note("the encoder was not tuned: no product labelled with a leaf has a text")
        return texts, splits
    cached = config.image.embedding_cache
    folder = Path(cached) if cached else None
    every, categories = np.ones(len(train), np.float32), len(labels.categories)
    pretrained = FeatureRows(train, TEXT_EMBEDDINGS)
    tuner = TextTuner(
        texts.encoder,
        Examples(
            contents[0], train.labels, sample_weights(train, categories, config, every), categories
        ),
        pretrained,
        tuning,
        seed=config.fit.seed,
        devices=find_devices(tuning),
        checkpoints=Checkpoints(folder),
    )

    def embedded(by: TextEncoder) -> Encoded:
        own = TextEmbeddings(by, EmbeddingCache(None, by.key))
        with contextlib.closing(own):
            return Encoded(_rows(contents[0], own), own.of_categories(labels))

    given = train.category_embeddings
    assert given is not None
    folds = tune_folds(train, usable, config, tuner.tune, embedded, Encoded(pretrained, given))
    encoder = tuner.tune(np.flatnonzero(usable))
    progress(len(folds) + 1, len(folds) + 1, "networks tuned")
    tuned = TextEmbeddings(encoder, EmbeddingCache(folder, encoder.key))
    with contextlib.closing(tuned):
        named = tuned.of_categories(labels)
        return tuned, [
            products.encoded(
                Encoded(_rows(contents[number], tuned), named), {} if number else folds
            )
            for number, products in enumerate(splits)
        ]


def _rows(contents: Contents, texts: TextEmbeddings) -> RowFile:
    """n embeddings; zeros for products without a text."""
    found = RowFile(np.dtype((np.float32, (texts.size,))), len(contents))
    for rows in chunks(np.arange(len(contents))):
        found[rows] = texts.vectors(contents.some(rows))
    return found
