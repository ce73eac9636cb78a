"""What our towers and their peers answer about the problems of `quality.py`."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from peers import PEERS, STACKED_ON, Answers, fit_stacking
from quality_figures import figures
from quality_problems import Case, Problem

from shelfsort.core.cost import Clock
from shelfsort.training.dataset import Products
from shelfsort.training.evidence import Scored, by_modality, modality_rows
from shelfsort.training.fitting import CrossFit, cross_fit, fit_all, tower_logits

OURS, OURS_ENCODED = "ours", "ours, encoder"
ALONE = {"text": "words alone", "image": "images alone"}
STACKING = "stacking"
MODELS = (OURS, OURS_ENCODED, *PEERS, STACKING)


@dataclasses.dataclass(frozen=True)
class Fitted:
    """A model's answers.

    Attributes:
        held_out: (n, K) logits of the training products, by fits that never saw them.
        logits: (m, K) of the unseen products.
        cpu_seconds: of all fits.
        size: bytes of what was fitted last.
    """

    held_out: np.ndarray
    logits: np.ndarray
    cpu_seconds: float
    size: int

    def save(self, path: Path) -> None:
        """Writes them to a NumPy archive."""
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part.npz")
        np.savez_compressed(part, **dataclasses.asdict(self))
        part.rename(path)

    @classmethod
    def load(cls, path: Path) -> "Fitted":
        """Reads what `save` wrote."""
        with np.load(path) as kept:
            return cls(
                kept["held_out"], kept["logits"], float(kept["cpu_seconds"]), int(kept["size"])
            )


def result_line(case: Case, model: str, split: Problem, fitted: Fitted, cpu_seconds: float) -> dict:
    """A line of the results: what was asked, how good the answers are, and what they cost.

    Args:
        case: that `split` is of.
        model: its name in the tables.
        split: the problem.
        fitted: the model's answers about it.
        cpu_seconds: of all that it took to get them.
    """
    return {
        "set": case.name,
        "labels": case.labels,
        "seed": case.seed,
        "model": model,
        "products": len(split.train),
        "unseen": len(split.rest),
        "categories": len(split.labels.categories),
        **figures(
            fitted.held_out, fitted.logits, split.train, split.folds, split.unseen, split.labels
        ),
        "cpu_seconds": cpu_seconds,
        "bytes": fitted.size,
    }


def ours(split: Problem) -> dict[str, Fitted]:
    """Our towers: all that a product has, and each modality alone where there are two."""
    clock, train = Clock(), split.train
    trust = np.ones(len(train), np.float32)
    crossed = cross_fit(train, split.sizes, split.config, trust)
    towers = fit_all(train, split.sizes, split.config, trust)
    cpu, size = clock.lap().cpu_seconds, 4 * towers.count_params()
    logits = {
        name: each[np.arange(len(split.rest))]
        for name, each in tower_logits(towers, split.rest).items()
    }
    both = bool((train.has_text & train.has_image).any())
    whole = OURS_ENCODED if train.text_embedding_size else OURS
    ways: dict[str, Sequence[str]] = {whole: ("combined", "text", "image")}
    ways |= {name: (modality,) for modality, name in ALONE.items()} if both else {}
    return {
        name: Fitted(
            _held_out(train, crossed, modalities),
            _answered(split.rest, crossed, logits, modalities),
            cpu,
            size,
        )
        for name, modalities in ways.items()
    }


def peer(split: Problem, name: str) -> Fitted:
    """A peer, cross-fitted in our folds and fitted once on all."""
    n, fit, clock = len(split.train), PEERS[name].fit, Clock()
    classes, seed = len(split.labels.categories), split.config.fit.seed
    labels = np.concatenate([split.train.labels, split.rest.labels])
    held_out = np.zeros((n, classes), np.float32)
    for fold in np.unique(split.folds):
        inside, outside = (np.flatnonzero(rows) for rows in _sides(split.folds, fold))
        parts = split.parts_without[int(fold)]
        held_out[outside] = fit(parts, inside, labels, classes, seed).logits[outside]
    final: Answers = fit(split.parts, np.arange(n), labels, classes, seed)
    return Fitted(held_out, final.logits[n:], clock.lap().cpu_seconds, final.size)


def stacking(split: Problem, others: Sequence[Fitted]) -> Fitted:
    """A regression on the held-out answers of others, itself cross-fitted in the same folds."""
    n, clock = len(split.train), Clock()
    classes = len(split.labels.categories)
    answers = [np.concatenate([each.held_out, each.logits]) for each in others]
    labels = np.concatenate([split.train.labels, split.rest.labels])
    held_out = np.zeros((n, classes), np.float32)
    for fold in np.unique(split.folds):
        inside, outside = (np.flatnonzero(rows) for rows in _sides(split.folds, fold))
        held_out[outside] = fit_stacking(answers, labels, inside, classes).logits[outside]
    final = fit_stacking(answers, labels, np.arange(n), classes)
    cpu = clock.lap().cpu_seconds + sum(each.cpu_seconds for each in others)
    return Fitted(held_out, final.logits[n:], cpu, final.size + sum(e.size for e in others))


def answers_of(split: Problem, model: str) -> dict[str, Fitted]:
    """By name, what a model and its parts answer; {} where the set lacks what it reads."""
    if model == OURS_ENCODED:
        readable = split.train.has_text.any() and split.train.text_embedding_size
        found = ours(split) if readable else {}
        found.pop(ALONE["image"], None)
        return {(n if n == model else f"{n}, encoder"): each for n, each in found.items()}
    if model == OURS:
        return ours(split)
    if model == STACKING:
        paths = [split.kept / f"{name}.npz" for name in STACKED_ON]
        others = [Fitted.load(path) for path in paths if path.exists()]
        return {STACKING: stacking(split, others)} if len(others) > 1 else {}
    return {model: peer(split, model)} if PEERS[model].can_read(split.parts) else {}


def _sides(folds: np.ndarray, fold: int) -> tuple[np.ndarray, np.ndarray]:
    return folds != fold, folds == fold


def _held_out(train: Products, crossed: CrossFit, modalities: Sequence[str]) -> np.ndarray:
    scored = Scored(train, crossed.held_out, crossed.folds, crossed.fusions)
    evidence, rows = by_modality(scored), modality_rows(train)
    found = np.zeros((len(train), crossed.held_out["text"][np.arange(1)].shape[1]), np.float32)
    for modality in reversed(modalities):
        own = rows[modality]
        if len(own):
            found[own] = evidence[modality].logits(own)
    return found


def _answered(
    rest: Products, crossed: CrossFit, logits: dict[str, np.ndarray], modalities: Sequence[str]
) -> np.ndarray:
    found, rows = np.zeros_like(logits["text"]), modality_rows(rest)
    for modality in reversed(modalities):
        own = rows[modality]
        if len(own):
            towers = {name: each[own] for name, each in logits.items()}
            found[own] = crossed.fusion.logits_in(modality, towers)
    return found
