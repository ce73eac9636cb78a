"""Everything fitted again on a sample of a labelled set, and kept in a file of one draw.

A draw holds what thresholds are fitted on, and the final model's answers about all products outside
of the sample. Fits cost seconds, thresholds do not: ways to fit them are compared on kept draws.
"""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from labelled_sets import LabelledSet, draw_groups, sample_products

from components.transform.settings import TransformConfig
from shelfsort.contract.modalities import MODALITIES
from shelfsort.products.taxonomy import Taxonomy
from shelfsort.stats.temperature import softmax
from shelfsort.training.dataset import Products, feature_type
from shelfsort.training.evidence import Scored, by_modality, modality_rows
from shelfsort.training.fitting import VocabularySizes, cross_fit, fit_all, tower_logits
from shelfsort.training.label_space import LabelSpace
from shelfsort.training.pooling import Fusion
from shelfsort.training.rows import Rows
from shelfsort.training.settings import TrainingConfig
from shelfsort.training.steps import CompiledSteps

TOWERS = ("text", "image")
_APART = 1 / 10
_ROW_ARRAYS = ("has_text", "has_image", "labels", "label_weights", "groups", "evidence")


@dataclasses.dataclass(frozen=True)
class Answered:
    """Products that the model never saw, as it answers them in one modality.

    Attributes:
        scores: (n,) float32 of the predicted categories.
        predicted: (n,) their places among the categories.
        right, gold: (n,) bools, whether the prediction is the label, and the true category.
    """

    scores: np.ndarray
    predicted: np.ndarray
    right: np.ndarray
    gold: np.ndarray


@dataclasses.dataclass(frozen=True)
class Draw:
    """One fit.

    Attributes:
        held_out: the sample, cross-fitted; of the sample's other nine tenths with `apart`.
        apart: a tenth of the sample that the towers were not fitted on, as the final model answers
            it; None where thresholds rest on the cross-fitted answers.
        labels: categories of the sample.
        answers: by modality, of all other products of the set.
    """

    held_out: Scored
    apart: Scored | None
    labels: LabelSpace
    answers: Mapping[str, Answered]

    def save(self, path: Path) -> None:
        """Writes it to a NumPy archive."""
        arrays = {"categories": np.array(self.labels.categories)}
        for name, scored in (("held_out", self.held_out), ("apart", self.apart)):
            if scored is not None:
                arrays |= {f"{name}.{key}": each for key, each in _arrays_of(scored).items()}
        for modality, answered in self.answers.items():
            for key, each in vars(answered).items():
                arrays[f"{modality}.{key}"] = each
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part.npz")
        np.savez_compressed(part, **arrays)
        part.rename(path)

    @classmethod
    def load(cls, path: Path, taxonomy: Taxonomy) -> "Draw":
        """Reads what `save` wrote; the tree is that of the set."""
        with np.load(path) as kept:
            arrays = {name: kept[name] for name in kept.files}
        scored = {
            name: _scored({k.split(".")[1]: v for k, v in arrays.items() if k.startswith(name)})
            for name in ("held_out", "apart")
            if f"{name}.folds" in arrays
        }
        fields = [each.name for each in dataclasses.fields(Answered)]
        answers = {
            modality: Answered(*(arrays[f"{modality}.{key}"] for key in fields))
            for modality in MODALITIES
            if f"{modality}.scores" in arrays
        }
        labels = LabelSpace(arrays["categories"].tolist(), taxonomy)
        return cls(scored["held_out"], scored.get("apart"), labels, answers)


def refit(
    whole: LabelledSet,
    n: int,
    config: TrainingConfig,
    steps: CompiledSteps,
    *,
    apart: bool = False,
) -> Draw:
    """Fits folds, pool, temperature and the final towers on a sample.

    Args:
        whole: the set.
        n: products of the sample, about.
        config: of the fit; its seed draws the sample too.
        steps: compiled for these settings.
        apart: whether a tenth of the same sample is kept apart for thresholds.
    """
    rng = np.random.default_rng(config.fit.seed)
    drawn, rest = draw_groups(whole, n, rng)
    kept = np.zeros(0, int)
    if apart:
        of_drawn = dataclasses.replace(whole, groups=whole.groups[drawn])
        inside, outside = draw_groups(of_drawn, round((1 - _APART) * len(drawn)), rng)
        drawn, kept = drawn[inside], drawn[outside]
    train, others, sizes, labels = sample_products(
        whole, drawn, np.concatenate([kept, rest]), TransformConfig()
    )
    trust = np.ones(len(train), np.float32)
    crossed = cross_fit(train, sizes, config, trust, steps)
    logits = _fitted_logits(train, others, sizes, config, steps)
    held_out = Scored(
        train, _in_memory(crossed.held_out, len(train)), crossed.folds, crossed.fusions
    )
    proof = None
    if apart:
        own = {name: each[: len(kept)] for name, each in logits.items()}
        proof = Scored.apart(_part(others, slice(len(kept))), own, crossed.fusion)
    gold = _places(whole.gold[rest], labels)
    scored = {name: each[len(kept) :] for name, each in logits.items()}
    answers = _answered(
        held_out, _part(others, slice(len(kept), None)), scored, gold, crossed.fusion
    )
    return Draw(held_out, proof, labels, dict(answers))


def _fitted_logits(
    train: Products,
    others: Products,
    sizes: VocabularySizes,
    config: TrainingConfig,
    steps: CompiledSteps,
) -> dict[str, np.ndarray]:
    towers = fit_all(train, sizes, config, np.ones(len(train), np.float32), steps)
    return _in_memory(tower_logits(towers, others), len(others))


def _answered(
    held_out: Scored,
    others: Products,
    logits: dict[str, np.ndarray],
    gold: np.ndarray,
    fusion: Fusion,
) -> Iterator[tuple[str, Answered]]:
    evidence, rows = by_modality(held_out), modality_rows(others)
    for modality, each in fusion.logits(logits).items():
        own = rows[modality]
        if not len(own) or not len(evidence[modality].rows):
            continue
        probabilities = softmax(each[own], evidence[modality].temperature())
        predicted = probabilities.argmax(axis=1)
        yield (
            modality,
            Answered(
                probabilities.max(axis=1).astype(np.float32),
                predicted.astype(np.int32),
                predicted == others.labels[own],
                predicted == gold[own],
            ),
        )


def _in_memory(logits: Mapping[str, Rows], n: int) -> dict[str, np.ndarray]:
    return {name: each[np.arange(n)] for name, each in logits.items()}


def _places(leaves: np.ndarray, labels: LabelSpace) -> np.ndarray:
    number = {name: place for place, name in enumerate(labels.categories)}
    return np.array([number.get(name, -1) for name in leaves])


def _part(products: Products, rows: slice) -> Products:
    return dataclasses.replace(
        products,
        product_ids=products.product_ids[rows],
        features=products.features[np.arange(len(products))[rows]],
        **{name: getattr(products, name)[rows] for name in _ROW_ARRAYS},
    )


def _arrays_of(scored: Scored) -> dict[str, np.ndarray]:
    rows = np.arange(len(scored.products))
    return {
        "folds": scored.folds,
        "fusions": np.array(json.dumps({k: each.to_lists() for k, each in scored.fusions.items()})),
        **{name: getattr(scored.products, name) for name in _ROW_ARRAYS},
        **{name: scored.logits[name][rows] for name in TOWERS},
    }


def _scored(arrays: dict[str, Any]) -> Scored:
    n = len(arrays["labels"])
    products = Products(
        product_ids=[""] * n,
        features=np.zeros(n, feature_type(1, 1, 1)),
        word_terms=1,
        piece_terms=1,
        **{name: arrays[name] for name in _ROW_ARRAYS},
    )
    lists = json.loads(str(arrays["fusions"]))
    fusions = {int(fold): Fusion.from_lists(each) for fold, each in lists.items()}
    return Scored(products, {name: arrays[name] for name in TOWERS}, arrays["folds"], fusions)
