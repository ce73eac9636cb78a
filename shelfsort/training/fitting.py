"""Fits the towers: cross-fitted first, for honest scores; then once more on everything."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np

from shelfsort.core.progress import progress
from shelfsort.labeling.label_issues import Suspect
from shelfsort.training.batches import Batches
from shelfsort.training.dataset import Products
from shelfsort.training.label_noise import find_label_errors, label_trust
from shelfsort.training.pooling import Pool, fit_pool
from shelfsort.training.rows import CHUNK, RowFile, Rows, chunks, evenly
from shelfsort.training.settings import TrainingConfig
from shelfsort.training.towers import build_towers

OUTPUTS = ("text", "image")
Start = Callable[[keras.Model], bool]
# Passes and learning rate of towers that start from the live model's, as shares of fresh ones'.
WARM_PASSES, WARM_RATE = 0.2, 0.5
# The pool has three numbers a category: more products than these would not move them.
POOLED_ON = 20_000


@dataclasses.dataclass(frozen=True)
class VocabularySizes:
    """Sizes that the towers' tables need; `categories` is K."""

    words: int
    pieces: int
    price_buckets: int
    categories: int


@dataclasses.dataclass(frozen=True)
class CrossFit:
    """Scores of the training split from towers that never saw the product they score.

    Attributes:
        held_out: by output name, n rows of K logits.
        folds: (n,) fold that held each product out.
        pool: fitted on `held_out`.
        epochs: passes that served the held-out folds best, on average.
    """

    held_out: dict[str, Rows]
    folds: np.ndarray
    pool: Pool
    epochs: int


@dataclasses.dataclass(frozen=True)
class Fit:
    """Towers fitted on the whole training split, and what is known of them.

    Attributes:
        towers: the model of `towers.build_towers`.
        crossed: the cross-fit that the towers' pool and length of fit come from.
        suspects: suspected label errors, the most suspect first.
    """

    towers: keras.Model
    crossed: CrossFit
    suspects: list[Suspect]


def fit(
    train: Products,
    sizes: VocabularySizes,
    config: TrainingConfig,
    categories: Sequence[str],
    log_dir: Path | None = None,
    start: Start | None = None,
) -> Fit:
    """Cross-fits the towers, looks for label errors, and fits the towers on all of `train`.

    Where the configuration trusts suspects less, the towers are cross-fitted again before.

    Args:
        train: the training split; every label in [0, K).
        sizes: of the vocabularies.
        config: settings.
        categories: K ids, in the order of the labels.
        log_dir: where TensorBoard logs of the final fit go; None for none.
        start: of the final fit; see `fit_all`.
    """
    crossed = cross_fit(train, sizes, config, np.ones(len(train), np.float32))
    suspects = find_label_errors(train, crossed.held_out, crossed.pool, crossed.folds, categories)
    trust = label_trust(train, suspects, config.label_issues.action)
    if (trust < 1).any():
        crossed = cross_fit(train, sizes, config, trust)
    towers = fit_all(
        train, sizes, config, trust, epochs=crossed.epochs, log_dir=log_dir, start=start
    )
    return Fit(towers, crossed, suspects)


def cross_fit(
    train: Products, sizes: VocabularySizes, config: TrainingConfig, trust: np.ndarray
) -> CrossFit:
    """Fits the towers without each fold in turn, and pools them on what they say of that fold.

    Args:
        train: the training split.
        sizes: of the vocabularies.
        config: settings.
        trust: (n,) factors of the products' weights in the towers, see `label_noise.label_trust`.
    """
    weights = sample_weights(train, sizes.categories, config, trust)
    folds = train.group_folds(config.fit.folds, config.fit.seed)
    held_out = _no_logits(len(train), sizes.categories)
    lengths = []
    for fold in range(config.fit.folds):
        inside, outside = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        if not len(outside) or not len(inside):
            continue
        seed = config.fit.seed + 1 + fold
        towers = _fresh_towers(train, sizes, config, seed)
        length = _fit_once(towers, train, weights, config, seed=seed, on=inside, check=outside)
        lengths.append(length)
        _write_logits(towers, train, outside, held_out)
        progress(fold + 1, config.fit.folds, "cross-fits of the towers")
    epochs = max(1, round(float(np.mean(lengths)))) if lengths else config.fit.epochs
    # The pool keeps to the labels' own weights: suspects are picked by what it gets wrong, and a
    # pool fitted without its errors is too sure of itself (half a point of accuracy on fashion).
    both = evenly(np.flatnonzero(train.has_text & train.has_image), POOLED_ON)
    pool = fit_pool(
        held_out["text"][both],
        held_out["image"][both],
        train.labels[both],
        train.label_weights[both],
    )
    return CrossFit(held_out, folds, pool, epochs)


def fit_all(
    train: Products,
    sizes: VocabularySizes,
    config: TrainingConfig,
    trust: np.ndarray,
    *,
    epochs: int,
    log_dir: Path | None = None,
    start: Start | None = None,
) -> keras.Model:
    """The towers fitted on the whole split in `epochs` passes; other arguments as in `cross_fit`.

    Args:
        start: gives fresh towers the weights of earlier ones and says whether it could; they then
            take WARM_PASSES of the passes, at WARM_RATE. Never for a cross-fit: see `warm_start`.
    """
    weights = sample_weights(train, sizes.categories, config, trust)
    towers = _fresh_towers(train, sizes, config, config.fit.seed)
    if start is not None and start(towers):
        epochs = max(1, round(WARM_PASSES * epochs))
        rate = WARM_RATE * config.fit.learning_rate
        warm = dataclasses.replace(config.fit, epochs=epochs, learning_rate=rate)
        config = dataclasses.replace(config, fit=warm)
    _fit_once(towers, train, weights, config, seed=config.fit.seed, epochs=epochs, log_dir=log_dir)
    return towers


def tower_logits(towers: keras.Model, products: Products) -> dict[str, Rows]:
    """n rows of K logits of each tower, whether or not a product has what the tower looks at."""
    logits = _no_logits(len(products), towers.output["text"].shape[-1])
    _write_logits(towers, products, np.arange(len(products)), logits)
    return logits


def _no_logits(products: int, categories: int) -> dict[str, RowFile]:
    row = np.dtype((np.float32, (categories,)))
    return {name: RowFile(row, products) for name in OUTPUTS}


def _write_logits(
    towers: keras.Model, products: Products, rows: np.ndarray, logits: dict[str, RowFile]
) -> None:
    for some in chunks(rows):
        answers = towers.predict_on_batch(products.tower_inputs(some))
        for name in OUTPUTS:
            logits[name][some] = answers[name]


def sample_weights(
    train: Products, categories: int, config: TrainingConfig, trust: np.ndarray
) -> np.ndarray:
    """(n,) float32 weights of mean 1: label confidence times trust times the category's weight."""
    weights = trust * (train.label_weights if config.fit.weight_by_confidence else 1.0)
    counts = np.bincount(train.labels, minlength=categories)
    weights = weights * np.maximum(counts, 1)[train.labels] ** -config.fit.class_weight_power
    return (weights / weights.mean()).astype(np.float32)


def _fresh_towers(
    train: Products, sizes: VocabularySizes, config: TrainingConfig, seed: int
) -> keras.Model:
    keras.utils.set_random_seed(seed)
    return build_towers(
        words=sizes.words,
        pieces=sizes.pieces,
        price_buckets=sizes.price_buckets,
        embedding_size=train.embedding_size,
        categories=sizes.categories,
        text_units=config.text.units,
        image_units=config.image.units,
        dropout=config.fit.dropout,
    )


def _fit_once(
    towers: keras.Model,
    train: Products,
    weights: np.ndarray,
    config: TrainingConfig,
    *,
    seed: int,
    on: np.ndarray | None = None,
    check: np.ndarray | None = None,
    epochs: int | None = None,
    log_dir: Path | None = None,
) -> int:
    """One fit on the rows `on` (all by default); with `check`, stops when it stops helping there.

    Returns:
        The number of passes that were best (or were asked for).
    """
    rows = np.arange(len(train)) if on is None else on
    steps = config.fit.epochs * math.ceil(len(rows) / config.fit.batch_size)
    towers.compile(
        optimizer=keras.optimizers.AdamW(
            keras.optimizers.schedules.CosineDecay(config.fit.learning_rate, steps),
            weight_decay=config.fit.weight_decay,
        ),
        loss={
            name: _loss(towers.output[name].shape[-1], config.fit.label_smoothing)
            for name in OUTPUTS
        },
    )
    callbacks: list[keras.callbacks.Callback] = []
    if check is not None:
        callbacks.append(
            keras.callbacks.EarlyStopping(patience=config.fit.patience, restore_best_weights=True)
        )
    if log_dir is not None:
        callbacks.append(keras.callbacks.TensorBoard(str(log_dir), write_graph=False))
    history = towers.fit(
        Batches(train, weights, rows, config.fit.batch_size, shuffled_by=seed),
        validation_data=None if check is None else Batches(train, weights, check, CHUNK),
        epochs=epochs or config.fit.epochs,
        shuffle=False,
        callbacks=callbacks,
        verbose=0,
    ).history
    losses = history.get("val_loss")
    return int(np.argmin(losses)) + 1 if losses else epochs or config.fit.epochs


def _loss(categories: int, smoothing: float):
    """Cross-entropy from logits with smoothed one-hot targets; one value a product."""

    def loss(labels, logits):
        targets = keras.ops.one_hot(keras.ops.cast(labels, "int32"), categories)
        targets = keras.ops.reshape(targets, (-1, categories))
        return keras.losses.categorical_crossentropy(
            targets, logits, from_logits=True, label_smoothing=smoothing
        )

    return loss
