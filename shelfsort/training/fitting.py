"""Fits the towers: cross-fitted first, for honest scores; then once more on everything."""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from shelfsort.core.progress import progress
from shelfsort.labeling.label_issues import Suspect
from shelfsort.training.batches import Batches
from shelfsort.training.dataset import Products
from shelfsort.training.evidence import modality_rows
from shelfsort.training.fold_terms import with_terms_of
from shelfsort.training.label_noise import find_label_errors, label_trust
from shelfsort.training.pooling import Fusion, fit_fusion
from shelfsort.training.rows import RowFile, Rows, chunks, evenly
from shelfsort.training.selection import selection_weights
from shelfsort.training.settings import TrainingConfig
from shelfsort.training.steps import CompiledSteps
from shelfsort.training.towers import NAMES, build_towers

Start = Callable[[keras.Model], bool]
AfterFold = Callable[[Mapping[str, Rows], np.ndarray], None]
# Passes and learning rate of towers that start from the live model's, as shares of fresh ones'.
WARM_PASSES, WARM_RATE = 0.2, 0.5
# The pool has three numbers a category: more products than these would not move them.
POOLED_ON = 20_000
# Few products are cut into smaller batches, for a fit needs steps as much as passes.
STEPS_A_PASS, LEAST = 24, 16
# Products that a fit sees, each as often as there are passes, before it may do with the fewest.
SEEN = 20_000


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
        held_out: by tower, n rows of K logits.
        folds: (n,) fold that held each product out.
        fusion: fitted on `held_out`: the served one.
        fusions: by fold, fitted on the others' rows of `held_out`: for judging the fold.
    """

    held_out: dict[str, Rows]
    folds: np.ndarray
    fusion: Fusion
    fusions: dict[int, Fusion]


@dataclasses.dataclass(frozen=True)
class Fit:
    """Towers fitted on the whole training split, and what is known of them.

    Attributes:
        towers: the model of `towers.build_towers`.
        crossed: the cross-fit that the towers' pool comes from.
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
        train: the training split; every label in [0, K), or of an inner category.
        sizes: of the vocabularies.
        config: settings.
        categories: K ids, in the order of the labels.
        log_dir: where TensorBoard logs of the final fit go; None for none.
        start: of the final fit; see `fit_all`.
    """
    steps = CompiledSteps.for_products(config, train)
    crossed = cross_fit(train, sizes, config, np.ones(len(train), np.float32), steps)
    suspects = find_label_errors(train, crossed.held_out, crossed.fusion, crossed.folds, categories)
    trust = label_trust(train, suspects, config.label_issues.action)
    if (trust < 1).any():
        crossed = cross_fit(train, sizes, config, trust, steps)
    towers = fit_all(train, sizes, config, trust, steps, log_dir=log_dir, start=start)
    return Fit(towers, crossed, suspects)


def cross_fit(
    train: Products,
    sizes: VocabularySizes,
    config: TrainingConfig,
    trust: np.ndarray,
    steps: CompiledSteps | None = None,
    after_fold: AfterFold | None = None,
) -> CrossFit:
    """Fits the towers without each fold in turn, and pools them on what they say of that fold.

    Args:
        train: the training split.
        sizes: of the vocabularies.
        config: settings.
        trust: (n,) factors of the products' weights in the towers, see `label_noise.label_trust`.
        steps: from earlier fits with these settings; None compiles them.
        after_fold: takes the logits so far and the rows of the fold that was just answered.
    """
    steps = steps or CompiledSteps.for_products(config, train)
    weights = sample_weights(train, sizes.categories, config, trust)
    folds = train.group_folds(config.fit.folds, config.fit.seed)
    held_out = _no_logits(train, sizes.categories)
    for fold in range(config.fit.folds):
        inside, outside = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        if not len(outside) or not len(inside):
            continue
        seed = config.fit.seed + 1 + fold
        seen = with_terms_of(train.without(fold), inside)
        towers = _fresh_towers(seen, sizes, config, seed)
        _fit_once(towers, seen, weights, config, steps, seed=seed, on=inside)
        _write_logits(towers, seen, outside, held_out)
        progress(fold + 1, config.fit.folds, "cross-fits of the towers")
        if after_fold:
            after_fold(held_out, outside)
    return CrossFit(held_out, folds, *_fusions(train, held_out, folds))


def _fusions(
    train: Products, held_out: Mapping[str, Rows], folds: np.ndarray
) -> tuple[Fusion, dict[int, Fusion]]:
    """The fusion of all, and by fold the one fitted without it."""
    answering = {
        modality: rows[train.has_leaf[rows]] for modality, rows in modality_rows(train).items()
    }

    def fusion(without: int = -1) -> Fusion:
        # It keeps to the labels' own weights: suspects are picked by what it gets wrong, and a pool
        # fitted without its errors is too sure of itself (half a point of accuracy on fashion).
        rows = {
            modality: evenly(own[folds[own] != without], POOLED_ON)
            for modality, own in answering.items()
        }
        return fit_fusion(held_out, rows, train.labels, train.label_weights)

    return fusion(), {int(fold): fusion(int(fold)) for fold in np.unique(folds)}


def fit_all(
    train: Products,
    sizes: VocabularySizes,
    config: TrainingConfig,
    trust: np.ndarray,
    steps: CompiledSteps | None = None,
    *,
    log_dir: Path | None = None,
    start: Start | None = None,
) -> keras.Model:
    """The towers fitted on the whole split; other arguments as in `cross_fit`.

    Args:
        start: gives fresh towers the weights of earlier ones and says whether it could; they then
            take WARM_PASSES of the passes, at WARM_RATE. Never for a cross-fit: see `warm_start`.
    """
    weights = sample_weights(train, sizes.categories, config, trust)
    towers = _fresh_towers(train, sizes, config, config.fit.seed)
    if start is not None and start(towers):
        epochs = max(1, round(WARM_PASSES * config.fit.epochs))
        rate = WARM_RATE * config.fit.learning_rate
        warm = dataclasses.replace(config.fit, epochs=epochs, learning_rate=rate)
        config = dataclasses.replace(config, fit=warm)
    _fit_once(towers, train, weights, config, steps, seed=config.fit.seed, log_dir=log_dir)
    return towers


def part_logits(
    train: Products,
    sizes: VocabularySizes,
    config: TrainingConfig,
    inside: np.ndarray,
    steps: CompiledSteps | None = None,
) -> dict[str, Rows]:
    """n rows of K logits of each tower, fitted on the (m,) rows `inside` only."""
    weights = sample_weights(train, sizes.categories, config, np.ones(len(train), np.float32))
    towers = _fresh_towers(train, sizes, config, config.fit.seed)
    seen = with_terms_of(train, inside)
    _fit_once(towers, seen, weights, config, steps, seed=config.fit.seed, on=inside)
    return tower_logits(towers, seen)


def tower_logits(towers: keras.Model, products: Products) -> dict[str, Rows]:
    """n rows of K logits of each tower, whether or not a product has what the tower looks at."""
    logits = _no_logits(products, towers.output["text"].shape[-1])
    _write_logits(towers, products, np.arange(len(products)), logits)
    return logits


def _no_logits(products: Products, categories: int) -> dict[str, RowFile]:
    row = np.dtype((np.float32, (categories,)))
    return {name: RowFile(row, len(products)) for name in products.towers}


def _write_logits(
    towers: keras.Model, products: Products, rows: np.ndarray, logits: dict[str, RowFile]
) -> None:
    for some in chunks(rows):
        answers = towers(products.tower_inputs(some), training=False)
        for name in logits:
            logits[name][some] = np.asarray(answers[name])


def sample_weights(
    train: Products, categories: int, config: TrainingConfig, trust: np.ndarray
) -> np.ndarray:
    """(n,) float32 weights of mean 1.

    They are the product of label confidence, trust, the category's weight and the selection's. An
    inner category weighs as a category of the mean size of those below it.
    """
    weights = trust * (train.label_weights if config.fit.weight_by_confidence else 1.0)
    if train.selection_probabilities is not None:
        limit = config.fit.max_selection_weight
        weights = weights * selection_weights(train.selection_probabilities, limit)
    counts = np.bincount(train.labels[train.has_leaf], minlength=categories)
    weights = weights * np.maximum(_sizes(train, counts), 1) ** -config.fit.class_weight_power
    return (weights / weights[train.teaches].mean()).astype(np.float32)


def _sizes(train: Products, counts: np.ndarray) -> np.ndarray:
    """(n,) products of each product's category, given the (K,) of each."""
    if train.inner is not None:
        counts = np.concatenate([counts, train.inner.mean_of(counts)])
    return counts[train.targets(np.arange(len(train)))]


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
        text_embedding_size=train.text_embedding_size,
        encoder_units=config.text.encoder_units,
        category_embeddings=train.category_embeddings,
    )


def _fit_once(
    towers: keras.Model,
    train: Products,
    weights: np.ndarray,
    config: TrainingConfig,
    compiled: CompiledSteps | None,
    *,
    seed: int,
    on: np.ndarray | None = None,
    log_dir: Path | None = None,
) -> None:
    """One fit on the rows `on` (all by default), each tower on those that have what it reads.

    The number of products alone says how many passes there are. A fold that decided when to stop
    would have had a part in the scores that it is judged by.
    """
    compiled = compiled or CompiledSteps.for_products(config, train)
    rows = np.arange(len(train)) if on is None else on
    rows = rows[train.teaches[rows]]
    for name, has in train.towers.items():
        seeing = rows[has[rows]]
        if not len(seeing) or name == NAMES:
            continue
        steps = compiled.of(name)
        steps.begin(towers, train, seeing, seed)
        size = _batch_size(len(seeing), config.fit.batch_size)
        batches = Batches(seeing, size, passes(len(seeing), config.fit.epochs), seed)
        losses = []
        for number, batch in enumerate(batches):
            rate = config.fit.learning_rate * (1 + math.cos(math.pi * number / len(batches))) / 2
            losses.append(steps.step(train, batch, weights, rate, number + 1))
        steps.finish()
        if log_dir is not None:
            _write_losses(log_dir, name, np.array(losses).reshape(-1, batches.a_pass))


def _batch_size(products: int, most: int) -> int:
    """Products in a batch: `most`, or as few as make STEPS_A_PASS steps, but at least LEAST."""
    return max(1, min(most, max(LEAST, products // STEPS_A_PASS)))


def passes(products: int, epochs: int) -> int:
    """Passes of a fit on so many products: `epochs`, and up to twice as many where they are few."""
    return max(epochs, min(2 * epochs, SEEN // products))


def _write_losses(log_dir: Path, name: str, losses: np.ndarray) -> None:
    """Writes the mean loss of each pass for TensorBoard; (passes, batches)."""
    with tf.summary.create_file_writer(str(log_dir)).as_default():
        for number, mean in enumerate(losses.mean(axis=1)):
            tf.summary.scalar(f"{name} loss", mean, number)
