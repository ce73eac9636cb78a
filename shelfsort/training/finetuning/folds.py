"""Tunes the backbone for each cross-fitting fold, without it, and once on all products.

Thresholds rest on answers about products that the answering model never saw. A backbone tuned on
all products has seen every one of them: its held-out answers would be too good, and the thresholds
too low. So each fold's answers come from a backbone tuned on the other folds, which is the one that
the fold's towers are fitted on, too. The served backbone is tuned on all products in the same way.
"""

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from shelfsort.core.progress import note, progress
from shelfsort.training.backbones import Backbone, embedding_key
from shelfsort.training.dataset import Products
from shelfsort.training.embedding import embed_new_pictures
from shelfsort.training.embedding_cache import EmbeddingCache
from shelfsort.training.finetuning.checkpoints import Checkpoints
from shelfsort.training.finetuning.devices import find_devices
from shelfsort.training.finetuning.inputs import Examples
from shelfsort.training.finetuning.pictures import Pictures
from shelfsort.training.finetuning.tuner import FineTuner
from shelfsort.training.fitting import sample_weights
from shelfsort.training.rows import RowFile, Rows, chunks
from shelfsort.training.settings import TrainingConfig

Tune = Callable[[np.ndarray], Backbone]
"""From (m,) rows to a backbone tuned on these products alone."""


def fine_tuned(
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
    pictured = np.flatnonzero(_pictured(train))
    if image.fine_tuning.layers == "none":
        return backbone, splits
    if not len(pictured):
        note("the backbone was not tuned: no product labelled with a leaf has an image")
        return backbone, splits
    folder = Path(image.embedding_cache) if image.embedding_cache else None
    pictures = [Pictures.of_records(patterns) for patterns in files]
    weights = sample_weights(train, categories, config, np.ones(len(train), np.float32))
    tuner = FineTuner(
        backbone,
        Examples(pictures[0], train.labels, weights, categories),
        _Embeddings(train),
        image.fine_tuning,
        seed=config.fit.seed,
        devices=find_devices(image.fine_tuning),
        checkpoints=Checkpoints(folder),
        start_key=embedding_key(backbone, image.backbone_weights),
    )

    def tune(rows: np.ndarray) -> Backbone:
        return tuner.tune(rows).backbone

    def embedded(by: Backbone, split: int, kept: Path | None = None) -> RowFile:
        with contextlib.closing(EmbeddingCache(kept, embedding_key(by))) as cache:
            embed_new_pictures(files[split], by, cache)
            return _rows(pictures[split], cache, by.embedding_size)

    folds = tune_folds(train, config, tune, lambda by: embedded(by, 0))
    tuned = tune(pictured)
    progress(len(folds) + 1, len(folds) + 1, "backbones tuned")
    return tuned, [
        products.embedded(embedded(tuned, number, folder), {} if number else folds)
        for number, products in enumerate(splits)
    ]


def tune_folds(
    train: Products, config: TrainingConfig, tune: Tune, embedded: Callable[[Backbone], Rows]
) -> dict[int, Rows]:
    """By fold of the cross-fit, embeddings by a backbone tuned on the products of other folds.

    Args:
        train: the training split.
        config: settings.
        tune: tunes on the given rows.
        embedded: n embeddings of `train` by a backbone.
    """
    folds = train.group_folds(config.fit.folds, config.fit.seed)
    found: dict[int, Rows] = {}
    for fold in range(config.fit.folds):
        others = np.flatnonzero((folds != fold) & _pictured(train))
        if len(others):
            found[fold] = embedded(tune(others))
        else:
            # Nothing to tune on: the pretrained backbone has seen no product at all.
            found[fold] = _Embeddings(train)
        progress(fold + 1, config.fit.folds + 1, "backbones tuned")
    return found


def _pictured(train: Products) -> np.ndarray:
    """(n,) bool: what is tuned on. Mixtures of images need labels that name one category."""
    return train.has_image & train.has_leaf


class _Embeddings:
    """The embeddings among the products' features, as rows."""

    def __init__(self, products: Products):
        self._features = products.features
        self.dtype = products.features.dtype["embeddings"]

    def __getitem__(self, index: np.ndarray) -> np.ndarray:
        return self._features[index]["embeddings"]


def _rows(pictures: Pictures, cache: EmbeddingCache, size: int) -> RowFile:
    """n embeddings that the cache knows; zeros for products without a picture."""
    found = RowFile(np.dtype((np.float32, (size,))), len(pictures))
    for rows in chunks(np.arange(len(pictures))):
        found[rows] = cache.vectors(np.array([pictures[row] for row in rows], object), size)
    return found
