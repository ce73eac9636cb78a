"""TFMA's numbers arranged as the Evaluator's documents. No number is computed twice."""

import math
from collections.abc import Mapping

from components.evaluator.artifact import (
    HELD_OUT_SPLIT,
    Categories,
    CategoryFigures,
    Figures,
    Metrics,
    false_accept_rate,
    false_accepts,
    threshold,
)
from shelfsort.contract.calibration import (
    CALIBRATION_SPLIT,
    Calibration,
    ModalityCalibration,
)
from shelfsort.contract.figures import COUNT, accepted_accuracy, coverage, figures
from shelfsort.contract.learning_curve import LearningCurve
from shelfsort.contract.modalities import COMBINED, MODALITIES
from shelfsort.contract.targets import accepted
from shelfsort.products.taxonomy import Taxonomy

Slices = Mapping[frozenset, Mapping[str, float]]

SPLITS = (HELD_OUT_SPLIT, CALIBRATION_SPLIT, "eval", "eval_gold")


def metrics(
    slices: Slices,
    calibration: Calibration,
    *,
    has_live: bool,
    learning_curve: LearningCurve | None = None,
) -> Metrics:
    """The figures by modality and split, of the live model, and the thresholds.

    A modality that no product has on `eval` has n 0 there and None elsewhere. The other splits are
    there only where they have products.

    Args:
        slices: metric values by slice, a slice being a frozenset of (column, value) pairs.
        calibration: of the new model.
        has_live: whether a live model was scored too.
        learning_curve: of the new model.
    """
    by_modality, targets = {}, calibration.targets
    for modality in MODALITIES:
        by_split = {
            split: _figures(slices, "candidate", modality, split, targets) for split in SPLITS
        }
        by_modality[modality] = {
            split: found for split, found in by_split.items() if found["n"] or split == "eval"
        }
    live = _figures(slices, "live", COMBINED, "eval", targets) if has_live else None
    return Metrics(by_modality, live, calibration, learning_curve)


def categories(
    slices: Slices, taxonomy: Taxonomy, metrics: Metrics, *, has_live: bool
) -> Categories:
    """The figures of each leaf, of all that a product has, on `eval`, in the taxonomy's order.

    The threshold is that of the modality that answers most products.
    """
    total = int(metrics.figures()["n"] or 0)
    fitted = metrics.main_calibration
    return Categories(
        tuple(
            CategoryFigures(
                category=leaf,
                path=taxonomy.path(leaf),
                parent=taxonomy.parent_or_self(leaf),
                figures=_of_category(slices, leaf, fitted, total, metrics.targets),
                live=_live(slices, leaf, metrics.targets) if has_live else None,
            )
            for leaf in taxonomy.leaves
        )
    )


def _of_category(
    slices: Slices,
    leaf: str,
    fitted: ModalityCalibration,
    total: int,
    targets: tuple[float, ...],
) -> Figures:
    own = _finer(slices, "candidate", "category", leaf)
    put_here = _finer(slices, "candidate", "predicted", leaf)
    n = int(own.get("n", 0))
    recall, precision = _number(own, "accuracy"), _number(put_here, "accuracy")
    found = {
        "n": n,
        "accuracy": recall,
        "accuracy_lower": _number(own, "accuracy_lower"),
        "accuracy_effective": _number(own, "accuracy_effective"),
        "precision": precision,
        "f1": _f1(precision, recall, n, int(put_here.get("n", 0))),
        "calibration_n": fitted.n_by_category.get(leaf, 0),
    }
    for target in targets:
        accuracy = accepted_accuracy(target)
        strangers = int(put_here.get(false_accepts(target), 0))
        found |= {
            coverage(target): _number(own, coverage(target)),
            accepted(target): int(put_here.get(accepted(target), 0)),
            accuracy: _number(put_here, accuracy),
            **{
                name: _number(put_here, name)
                for name in (f"{accuracy}_lower", f"{accuracy}_upper", f"{accuracy}_effective")
            },
            false_accepts(target): strangers,
            false_accept_rate(target): strangers / (total - n) if total > n else None,
            threshold(target): fitted.threshold(leaf, target),
        }
    return found


def _live(slices: Slices, leaf: str, targets: tuple[float, ...]) -> Figures:
    own = _finer(slices, "live", "category", leaf)
    put_here = _finer(slices, "live", "predicted", leaf)
    found = {"n": int(own.get("n", 0)), "accuracy": _number(own, "accuracy")}
    for target in targets:
        found[coverage(target)] = _number(own, coverage(target))
        name = accepted_accuracy(target)
        found[name] = _number(put_here, name)
    return found


def _f1(precision: float | None, recall: float | None, labelled: int, put: int) -> float | None:
    if not labelled + put:
        return None
    # 2 TP / (labelled + predicted): defined also where one of the two is empty.
    right = (precision or 0.0) * put if put else (recall or 0.0) * labelled
    return 2 * right / (labelled + put)


def _figures(
    slices: Slices, model: str, modality: str, split: str, targets: tuple[float, ...]
) -> Figures:
    of_slice = _of(slices, model, modality, split)
    return {
        name: int(of_slice.get(name, 0)) if figure.kind == COUNT else _number(of_slice, name)
        for figure in figures(targets)
        for name in figure.names
    }


def _of(slices: Slices, model: str, mode: str, split: str) -> Mapping[str, float]:
    return slices.get(frozenset({("model", model), ("mode", mode), ("split", split)}), {})


def _finer(slices: Slices, model: str, column: str, value: str) -> Mapping[str, float]:
    served = {("mode", COMBINED), ("split", "eval")}
    return slices.get(frozenset({("model", model), (column, value), *served}), {})


def _number(of_slice: Mapping[str, float], name: str) -> float | None:
    value = of_slice.get(name)
    return None if value is None or math.isnan(value) else float(value)
