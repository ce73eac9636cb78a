"""Tunes the backbone for each cross-fitting fold, and once on all products."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from shelfsort.core.progress import note, progress
from shelfsort.training.backbones import Backbone, embedding_key
from shelfsort.training.dataset import Products
from shelfsort.training.embedding import embed_new_pictures
from shelfsort.training.embedding_cache import EmbeddingCache
from shelfsort.training.finetuning.checkpoints import Checkpoints
from shelfsort.training.finetuning.devices import find_devices
from shelfsort.training.finetuning.folds import FeatureRows, tune_folds
from shelfsort.training.finetuning.inputs import Examples
from shelfsort.training.finetuning.picture_tuner import PictureTuner
from shelfsort.training.finetuning.pictures import Pictures
from shelfsort.training.fitting import sample_weights
from shelfsort.training.rows import RowFile, Rows, chunks
from shelfsort.training.settings import TrainingConfig


def with_tuned_backbone(
    backbone: Backbone,
    files: Sequence[Sequence[str]],
    splits: Sequence[Products],
    categories: int,
    config: TrainingConfig,
) -> tuple[Backbone, Sequence[Products]]:
    """Tunes the backbone as the settings say.

    Args:
        backbone: pretrained.
        files: by split, patterns of gzipped files of raw tf.Examples.
        splits: `train`, and others that nothing is learnt from; as `backbone` embeds them.
        categories: K.
        config: settings.

    Returns:
        The backbone tuned on `train`, and the splits as it embeds them; `train` with the embeddings
        of the folds' own backbones. What was given, where nothing is to be tuned.

    Raises:
        InputError: there are fewer GPUs than the settings ask for, or no such layer.
    """
    train, image = splits[0], config.image
    # What is tuned on. Mixtures of images need labels that name one category.
    usable = train.has_image & train.has_leaf
    if image.fine_tuning.layers == "none":
        return backbone, splits
    if not usable.any():
        note("the backbone was not tuned: no product labelled with a leaf has an image")
        return backbone, splits
    folder = Path(image.embedding_cache) if image.embedding_cache else None
    pictures = [Pictures.of_records(patterns) for patterns in files]
    weights = sample_weights(train, categories, config, np.ones(len(train), np.float32))
    pretrained: Rows = FeatureRows(train, "embeddings")
    tuner = PictureTuner(
        backbone,
        Examples(pictures[0], train.labels, weights, categories),
        pretrained,
        image.fine_tuning,
        seed=config.fit.seed,
        devices=find_devices(image.fine_tuning),
        checkpoints=Checkpoints(folder),
        start_key=embedding_key(backbone, image.backbone_weights),
    )

    def tune(rows: np.ndarray) -> Backbone:
        return tuner.tune(rows).backbone

    def embedded(by: Backbone, split: int, kept: Path | None = None) -> Rows:
        with contextlib.closing(EmbeddingCache(kept, embedding_key(by))) as cache:
            embed_new_pictures(files[split], by, cache)
            return _rows(pictures[split], cache, by.embedding_size)

    folds = tune_folds(train, usable, config, tune, lambda by: embedded(by, 0), pretrained)
    tuned = tune(np.flatnonzero(usable))
    progress(len(folds) + 1, len(folds) + 1, "networks tuned")
    return tuned, [
        products.embedded(embedded(tuned, number, folder), {} if number else folds)
        for number, products in enumerate(splits)
    ]


def _rows(pictures: Pictures, cache: EmbeddingCache, size: int) -> RowFile:
    """n embeddings that the cache knows; zeros for products without a picture."""
    found = RowFile(np.dtype((np.float32, (size,))), len(pictures))
    for rows in chunks(np.arange(len(pictures))):
        found[rows] = cache.vectors(pictures.some(rows), size)
    return found
