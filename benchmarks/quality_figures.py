"""What a model's answers about products that it never saw are worth, in the columns of a table."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from thresholds import Sample, naive

from shelfsort.contract.calibration import ModalityCalibration
from shelfsort.products.taxonomy import Taxonomy
from shelfsort.stats.temperature import softmax
from shelfsort.training.calibration import Rules, calibrate
from shelfsort.training.dataset import Products
from shelfsort.training.evidence import Scored
from shelfsort.training.label_space import LabelSpace
from shelfsort.training.settings import CalibrationConfig

TARGETS = (0.95, 0.98)
_BINS = 15


@dataclasses.dataclass(frozen=True)
class Unseen:
    """Products that nothing was fitted on.

    Attributes:
        truth: (n,) leaf ids: the true categories, and the labels of products without one.
        groups: (n,) int64, equal for variants of one product.
    """

    truth: np.ndarray
    groups: np.ndarray


def figures(
    held_out: np.ndarray,
    logits: np.ndarray,
    train: Products,
    folds: np.ndarray,
    unseen: Unseen,
    labels: LabelSpace,
) -> dict[str, float]:
    """The figures of one model by name.

    Every model gets the same treatment: temperature and thresholds are fitted on its answers about
    the training products, each by a fit without it, as a run does.

    Args:
        held_out: (m, K) of the training products.
        logits: (n, K) of the unseen ones.
        train: the training products; all count as answered in one modality.
        folds: (m,) that each was held out with.
        unseen: the other products.
        labels: the K categories.
    """
    answered = dataclasses.replace(
        train, has_text=np.ones(len(train), bool), has_image=np.zeros(len(train), bool)
    )
    settings = CalibrationConfig()
    rules = Rules(
        settings.confidence, settings.threshold_scope, settings.marginal_accuracy, TARGETS
    )
    found = calibrate(
        Scored(answered, dict.fromkeys(("text", "image"), held_out), folds, {}), labels, rules
    )
    fitted, shown = found.calibration.of("text"), found.answers["text"].leaves
    probabilities = softmax(logits, fitted.temperature)
    predicted, scores = probabilities.argmax(axis=1), probabilities.max(axis=1)
    names = np.array(labels.categories)[predicted]
    right = names == unseen.truth
    table = {
        "accuracy": float(right.mean()),
        "macro_f1": macro_f1(names, unseen.truth),
        **_in_the_tree(names, unseen.truth, labels.taxonomy),
        "ece": calibration_error(scores, right),
    }
    for target in TARGETS:
        own = _accepted(scores, predicted, fitted, target, labels)
        cut = naive(Sample(shown.scores, shown.correct, shown.groups), target)
        everyones = scores >= (np.inf if cut is None else cut)
        for way, accepted in (("", own), ("naive_", everyones)):
            table[f"{way}coverage_{target:.2f}"] = float(accepted.mean())
            table[f"{way}right_{target:.2f}"] = (
                float(right[accepted].mean()) if any(accepted) else 1.0
            )
    return table


def macro_f1(predicted: np.ndarray, truth: np.ndarray) -> float:
    """The mean F1 of the true categories; both (n,) ids."""
    found = []
    for name in np.unique(truth):
        hits = np.sum((predicted == name) & (truth == name))
        found.append(2 * hits / (np.sum(predicted == name) + np.sum(truth == name)))
    return float(np.mean(found))


def calibration_error(scores: np.ndarray, right: np.ndarray) -> float:
    """The expected calibration error over 15 bins of equal width (Guo et al. 2017).

    Args:
        scores: (n,) in [0, 1].
        right: (n,) bools.
    """
    bins = np.minimum((scores * _BINS).astype(int), _BINS - 1)
    gaps = np.bincount(bins, scores - right, _BINS)
    return float(np.abs(gaps).sum() / len(scores))


def hierarchical(predicted: Sequence[set[str]], truth: Sequence[set[str]]) -> tuple[float, float]:
    """Precision and recall over nodes of the tree (Kiritchenko et al. 2006, section 3).

    Args:
        predicted, truth: by product, its category with all ancestors, the root left out.
    """
    common = sum(len(a & b) for a, b in zip(predicted, truth, strict=True))
    return common / sum(map(len, predicted)), common / sum(map(len, truth))


def spread(values: Sequence[float]) -> tuple[float, float]:
    """Mean and standard deviation; 0 for the deviation of one value."""
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


def _in_the_tree(
    predicted: np.ndarray, truth: np.ndarray, taxonomy: Taxonomy
) -> Mapping[str, float]:
    nodes = {
        name: {name, *taxonomy.ancestors(name)} for name in {*predicted.tolist(), *truth.tolist()}
    }
    parents = {name: taxonomy.parent_or_self(name) for name in nodes}
    precision, recall = hierarchical([nodes[n] for n in predicted], [nodes[n] for n in truth])
    right = [parents[a] == parents[b] for a, b in zip(predicted, truth, strict=True)]
    return {
        "parent_accuracy": float(np.mean(right)),
        "hierarchical_precision": precision,
        "hierarchical_recall": recall,
    }


def _accepted(
    scores: np.ndarray,
    predicted: np.ndarray,
    fitted: ModalityCalibration,
    target: float,
    labels: LabelSpace,
) -> np.ndarray:
    own = [fitted.threshold(leaf, target) for leaf in labels.categories]
    needed = np.array([np.inf if each is None else each for each in own])
    return scores >= needed[predicted]
