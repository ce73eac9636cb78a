"""TFMA's numbers arranged as metrics.json and categories.json. No number is computed twice."""

import math
from collections.abc import Mapping

from components.evaluator import figures
from shelfsort.contract.calibration import Calibration, ModalityCalibration
from shelfsort.contract.modalities import COMBINED, MODALITIES
from shelfsort.contract.targets import ANSWER_TARGET, TARGETS, accepted, target_key
from shelfsort.products.taxonomy import Taxonomy

Slices = Mapping[frozenset, Mapping[str, float]]

_COVERAGE = [figures.coverage(target) for target in TARGETS]
_PARENT_COVERAGE = [figures.parent_coverage(target) for target in TARGETS]
_ACCEPTED_ACCURACY = [figures.accepted_accuracy(target) for target in TARGETS]
SPLITS = ("calibration", "eval", "eval_gold")
# Against uncertain labels: estimate, its interval, and bounds; see `label_uncertainty`.
_EXPECTED = {
    name: tuple(f"{name}_expected{part}" for part in ("", "_lower", "_upper", "_least", "_most"))
    for name in ("accuracy", *_ACCEPTED_ACCURACY)
}
FIELDS = (
    "n",
    "accuracy",
    "accuracy_lower",
    "accuracy_upper",
    "accuracy_effective",
    *_EXPECTED["accuracy"],
    "macro_f1",
    "parent_accuracy",
    "parent_accuracy_effective",
    *(f"{name}{part}" for part in ("", "_lower", "_effective") for name in _COVERAGE),
    *(f"{name}{part}" for part in ("", "_effective") for name in _PARENT_COVERAGE),
    *map(accepted, TARGETS),
    *(
        f"{name}{part}"
        for part in ("", "_lower", "_upper", "_effective")
        for name in _ACCEPTED_ACCURACY
    ),
    *(field for name in _ACCEPTED_ACCURACY for field in _EXPECTED[name]),
    *(f"{name}_oracle" for name in _COVERAGE),
    "labels_expected",
    "ece",
)
_COUNTS = ("n", *map(accepted, TARGETS))


def metrics(slices: Slices, calibration: Calibration, *, has_live: bool) -> dict:
    """metrics.json: figures by modality and split, of the live model, and the thresholds.

    Args:
        slices: metric values by slice, a slice being a frozenset of (column, value) pairs.
        calibration: of the new model.
        has_live: whether a live model was scored too.

    Returns:
        `{modality: {split: {field: number or None}}, "live": …, "thresholds": …}`. A split without
        products has n 0 and None elsewhere; `eval_gold` is there only where products have gold.
    """
    by_modality = {}
    for modality in MODALITIES:
        by_split = {split: _figures(slices, "candidate", modality, split) for split in SPLITS}
        if not by_split["eval_gold"]["n"]:
            del by_split["eval_gold"]
        by_modality[modality] = by_split
    live = {"live": {"eval": _figures(slices, "live", "combined", "eval")}} if has_live else {}
    return {**by_modality, **live, "thresholds": calibration.to_json()}


def answered_by(metrics: Mapping) -> dict[str, int]:
    """How many `eval` products each modality answers when served, most first.

    A product with text and image is answered by `combined`, one with only text by `text`, one with
    only an image by `image`; modalities that answer nothing are left out.
    """
    n = {each: metrics.get(each, {}).get("eval", {}).get("n", 0) for each in MODALITIES}
    products = {
        "combined": n["text"] + n["image"] - n["combined"],
        "text": n["combined"] - n["image"],
        "image": n["combined"] - n["text"],
    }
    ranked = sorted(products.items(), key=lambda item: -item[1])
    return {modality: count for modality, count in ranked if count > 0}


def main_modality(metrics: Mapping) -> str:
    """The modality that answers most `eval` products when served."""
    return next(iter(answered_by(metrics)), COMBINED)


def categories(
    slices: Slices, taxonomy: Taxonomy, metrics: Mapping, *, has_live: bool
) -> list[dict]:
    """categories.json: one entry a leaf, combined mode on `eval`, in the taxonomy's order.

    `n`, `accuracy` (which is the recall) and `coverage_95` are of the products labelled with the
    category. `accepted…` and `precision` are of the products *put* there: their share of right
    ones is what the model promises, and `false_accepts` are the others. `false_accept_rate` is
    their share of all products of other categories. The threshold is that of the modality that
    answers most products.
    """
    total = metrics["combined"]["eval"]["n"]
    fitted = Calibration.from_json(metrics["thresholds"]).of(main_modality(metrics))
    return [_category(slices, taxonomy, leaf, fitted, total, has_live) for leaf in taxonomy.leaves]


def _category(
    slices: Slices,
    taxonomy: Taxonomy,
    leaf: str,
    fitted: ModalityCalibration,
    total: int,
    has_live: bool,
) -> dict:
    own = _finer(slices, "candidate", "category", leaf)
    put_here = _finer(slices, "candidate", "predicted", leaf)
    n = int(own.get("n", 0))
    strangers = int(put_here.get("false_accepts_95", 0))
    recall, precision = _number(own, "accuracy"), _number(put_here, "accuracy")
    return {
        "category": leaf,
        "path": taxonomy.path(leaf),
        "parent": taxonomy.parent_or_self(leaf),
        "n": n,
        "accuracy": recall,
        "accuracy_lower": _number(own, "accuracy_lower"),
        "accuracy_effective": _number(own, "accuracy_effective"),
        "coverage_95": _number(own, "coverage_at_95"),
        "accepted": int(put_here.get("accepted_95", 0)),
        "accepted_accuracy_95": _number(put_here, "accepted_accuracy_95"),
        "accepted_lower_95": _number(put_here, "accepted_accuracy_95_lower"),
        "accepted_upper_95": _number(put_here, "accepted_accuracy_95_upper"),
        "accepted_effective_95": _number(put_here, "accepted_accuracy_95_effective"),
        "accepted_98": int(put_here.get("accepted_98", 0)),
        "accepted_accuracy_98": _number(put_here, "accepted_accuracy_98"),
        "accepted_effective_98": _number(put_here, "accepted_accuracy_98_effective"),
        "false_accepts": strangers,
        "false_accept_rate": strangers / (total - n) if total > n else None,
        "precision": precision,
        "recall": recall,
        "f1": _f1(precision, recall, n, int(put_here.get("n", 0))),
        f"threshold_{target_key(ANSWER_TARGET)}": fitted.threshold(leaf, ANSWER_TARGET),
        "calibration_n": fitted.n_by_category.get(leaf, 0),
        "live": _live(slices, leaf) if has_live else None,
    }


def _live(slices: Slices, leaf: str) -> dict:
    own = _finer(slices, "live", "category", leaf)
    return {
        "n": int(own.get("n", 0)),
        "accuracy": _number(own, "accuracy"),
        "coverage_95": _number(own, "coverage_at_95"),
        "accepted_accuracy_95": _number(
            _finer(slices, "live", "predicted", leaf), "accepted_accuracy_95"
        ),
    }


def _f1(precision: float | None, recall: float | None, labelled: int, put: int) -> float | None:
    if not labelled + put:
        return None
    # 2 TP / (labelled + predicted): defined also where one of the two is empty.
    right = (precision or 0.0) * put if put else (recall or 0.0) * labelled
    return 2 * right / (labelled + put)


def _figures(slices: Slices, model: str, mode: str, split: str) -> dict:
    of_slice = _of(slices, model, mode, split)
    return {
        name: int(of_slice.get(name, 0)) if name in _COUNTS else _number(of_slice, name)
        for name in FIELDS
    }


def _of(slices: Slices, model: str, mode: str, split: str) -> Mapping[str, float]:
    return slices.get(frozenset({("model", model), ("mode", mode), ("split", split)}), {})


def _finer(slices: Slices, model: str, column: str, value: str) -> Mapping[str, float]:
    served = {("mode", "combined"), ("split", "eval")}
    return slices.get(frozenset({("model", model), (column, value), *served}), {})


def _number(of_slice: Mapping[str, float], name: str) -> float | None:
    value = of_slice.get(name)
    return None if value is None or math.isnan(value) else float(value)
