"""Fits the towers: cross-fitted first, for honest scores; then once more on everything."""

import dataclasses
import math
from pathlib import Path

import keras
import numpy as np

from components.progress import progress
from components.trainer.dataset import Products
from components.trainer.pooling import Pool, fit_pool
from components.trainer.settings import TrainingConfig
from components.trainer.towers import build_towers

OUTPUTS = ("text", "image")
_PREDICT_BATCH = 1024


@dataclasses.dataclass(frozen=True)
class VocabularySizes:
    """Sizes that the towers' tables need; `categories` is K."""

    words: int
    pieces: int
    price_buckets: int
    categories: int


@dataclasses.dataclass(frozen=True)
class Fit:
    """Fitted towers, their pool, and the training split's held-out logits.

    Attributes:
        towers: the model of `towers.build_towers`.
        pool: fitted on `held_out`.
        held_out: by output name, (n, K) logits of each training product from towers that never
            saw it.
        epochs: passes that the final fit made.
    """

    towers: keras.Model
    pool: Pool
    held_out: dict[str, np.ndarray]
    epochs: int


def fit(
    train: Products, sizes: VocabularySizes, config: TrainingConfig, log_dir: Path | None = None
) -> Fit:
    """Cross-fits the towers, pools them on the held-out logits, and fits them on all of `train`.

    How long the final fit lasts is what served the held-out folds best, on average.

    Args:
        train: the training split; every label in [0, K).
        sizes: of the vocabularies.
        config: settings.
        log_dir: where TensorBoard logs of the final fit go; None for none.
    """
    weights = sample_weights(train, sizes.categories, config)
    folds = train.group_folds(config.folds, config.seed)
    held_out = {name: np.zeros((len(train), sizes.categories), np.float32) for name in OUTPUTS}
    lengths = []
    fits = config.folds + 1
    for fold in range(config.folds):
        inside, outside = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        if not len(outside) or not len(inside):
            continue
        towers, length = _fit_once(
            train, weights, sizes, config, seed=config.seed + 1 + fold, on=inside, check=outside
        )
        lengths.append(length)
        for name, logits in tower_logits(towers, train.rows(outside)).items():
            held_out[name][outside] = logits
        progress(fold + 1, fits, "fits of the towers")
    epochs = max(1, round(float(np.mean(lengths)))) if lengths else config.epochs
    towers, _ = _fit_once(
        train, weights, sizes, config, seed=config.seed, epochs=epochs, log_dir=log_dir
    )
    progress(fits, fits, "fits of the towers")
    both = train.has_text & train.has_image
    pool = fit_pool(
        held_out["text"][both],
        held_out["image"][both],
        train.labels[both],
        train.label_weights[both],
    )
    return Fit(towers, pool, held_out, epochs)


def tower_logits(towers: keras.Model, products: Products) -> dict[str, np.ndarray]:
    """(n, K) logits of each tower, whether or not a product has what the tower looks at."""
    logits = towers.predict(products.tower_inputs(), batch_size=_PREDICT_BATCH, verbose=0)
    return {name: np.asarray(logits[name]) for name in OUTPUTS}


def sample_weights(train: Products, categories: int, config: TrainingConfig) -> np.ndarray:
    """(n,) float32 weights of mean 1: label confidence times the category's weight."""
    weights = train.label_weights if config.weight_by_confidence else np.ones(len(train))
    counts = np.bincount(train.labels, minlength=categories)
    weights = weights * np.maximum(counts, 1)[train.labels] ** -config.class_weight_power
    return (weights / weights.mean()).astype(np.float32)


def _fit_once(
    train: Products,
    weights: np.ndarray,
    sizes: VocabularySizes,
    config: TrainingConfig,
    *,
    seed: int,
    on: np.ndarray | None = None,
    check: np.ndarray | None = None,
    epochs: int | None = None,
    log_dir: Path | None = None,
) -> tuple[keras.Model, int]:
    """One fit on the rows `on` (all by default); with `check`, stops when it stops helping there.

    Returns:
        The towers and the number of passes that were best (or were asked for).
    """
    keras.utils.set_random_seed(seed)
    towers = build_towers(
        words=sizes.words,
        pieces=sizes.pieces,
        price_buckets=sizes.price_buckets,
        embedding_size=train.embeddings.shape[1],
        categories=sizes.categories,
        text_units=config.text_units,
        image_units=config.image_units,
        dropout=config.dropout,
    )
    rows = np.arange(len(train)) if on is None else on
    steps = config.epochs * math.ceil(len(rows) / config.batch_size)
    towers.compile(
        optimizer=keras.optimizers.AdamW(
            keras.optimizers.schedules.CosineDecay(config.learning_rate, steps),
            weight_decay=config.weight_decay,
        ),
        loss={name: _loss(sizes.categories, config.label_smoothing) for name in OUTPUTS},
    )
    callbacks: list[keras.callbacks.Callback] = []
    if check is not None:
        callbacks.append(
            keras.callbacks.EarlyStopping(patience=config.patience, restore_best_weights=True)
        )
    if log_dir is not None:
        callbacks.append(keras.callbacks.TensorBoard(str(log_dir), write_graph=False))
    inputs, labels, row_weights = _arrays(train, weights, rows)
    history = towers.fit(
        inputs,
        labels,
        sample_weight=row_weights,
        validation_data=None if check is None else _arrays(train, weights, check),
        epochs=epochs or config.epochs,
        batch_size=config.batch_size,
        callbacks=callbacks,
        verbose=0,
    ).history
    losses = history.get("val_loss")
    return towers, (int(np.argmin(losses)) + 1 if losses else epochs or config.epochs)


def _loss(categories: int, smoothing: float):
    """Cross-entropy from logits with smoothed one-hot targets; one value a product."""

    def loss(labels, logits):
        targets = keras.ops.one_hot(keras.ops.cast(labels, "int32"), categories)
        targets = keras.ops.reshape(targets, (-1, categories))
        return keras.losses.categorical_crossentropy(
            targets, logits, from_logits=True, label_smoothing=smoothing
        )

    return loss


def _arrays(products: Products, weights: np.ndarray, rows: np.ndarray):
    """Inputs, targets and weights for `fit`; a tower learns nothing from what it cannot see."""
    inputs = {name: values[rows] for name, values in products.tower_inputs().items()}
    labels = products.labels[rows]
    seen = {"text": products.has_text[rows], "image": products.has_image[rows]}
    return (
        inputs,
        dict.fromkeys(OUTPUTS, labels),
        {name: weights[rows] * seen[name] for name in OUTPUTS},
    )
