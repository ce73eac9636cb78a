"""Compares the answers of one model, given in several ways, to the same products.

Answers are a mapping of output names to arrays of shape (products,) or (products, ranks).
Sums come out a little differently in other batch sizes, so floats may differ by a tolerance. What
depends on the order of two scores is not compared where these are nearly equal, and a decision is
compared only where the very same score was decided on: another may lie across the threshold.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from shelfsort.contract.signatures import FLOAT, outputs
from shelfsort.contract.targets import DEFAULT_TARGETS, targets_among

Answers = Mapping[str, np.ndarray]

# The same whatever the targets.
_RANKED = {each.name for each in outputs(DEFAULT_TARGETS) if each.is_ranking}
_SCORES = tuple(each.name for each in outputs(DEFAULT_TARGETS) if each.dtype == FLOAT)
_PROBABILITIES = (*_SCORES, "scores")


def range_problems(answers: Answers, products: Sequence[str]) -> list[str]:
    """Finds wrong shapes and scores that are not probabilities, one phrase for each output."""
    problems = []
    for name, values in answers.items():
        if values.ndim == 0 or len(values) != len(products):
            problems.append(
                f"{name} has shape {values.shape} for {len(products)} products,"
                " and a server could not batch it"
            )
    if problems:
        return problems
    for name in filter(answers.__contains__, _PROBABILITIES):
        values = np.asarray(answers[name], np.float64).reshape(len(products), -1)
        wrong = ~np.all(np.isfinite(values) & (values >= 0) & (values <= 1 + 1e-6), axis=1)
        if wrong.any():
            row = int(np.argmax(wrong))
            problems.append(f"{name} of {products[row]} is outside 0..1: {values[row].max()}")
    return problems + _ranking_problems(answers, products)


def _ranking_problems(answers: Answers, products: Sequence[str]) -> list[str]:
    if not answers.keys() >= _RANKED:
        return []
    names, scores = answers["top_categories"], answers["top_scores"]
    if names.ndim != 2 or names.shape != scores.shape:
        return [f"top_categories {names.shape} and top_scores {scores.shape} do not pair up"]
    problems = []
    for row, product in enumerate(products):
        if (np.diff(scores[row]) > 0).any():
            problems.append(f"top_scores of {product} do not fall")
        elif names[row, 0] != answers["category"][row] or scores[row, 0] != answers["score"][row]:
            problems.append(f"the first of top_categories of {product} is not its category")
    return problems[:1]


def differences(
    expected: Answers, found: Answers, products: Sequence[str], tolerance: float
) -> list[str]:
    """Compares two answers on the outputs that both have: at most one phrase for each output."""
    tied = _tied(expected, tolerance)
    rounded = tied | _rounded(expected, found)
    decisions = {each.name for each in outputs(targets_among(expected)) if each.is_decision}
    problems = []
    for name in sorted((expected.keys() & found.keys()) - _RANKED):
        if expected[name].shape != found[name].shape:
            problems.append(f"{name}: shape {found[name].shape}, not {expected[name].shape}")
            continue
        exempt = rounded if name in decisions else tied
        wrong = _differs(expected[name], found[name], tolerance, exempt)
        if wrong.any():
            row = int(np.argmax(wrong))
            problems.append(
                f"{name} of {products[row]}: {_shown(found[name][row])},"
                f" not {_shown(expected[name][row])}"
                f" ({int(wrong.sum())} of {len(products)} products)"
            )
    if expected.keys() >= _RANKED and found.keys() >= _RANKED:
        problems += _ranking_differences(expected, found, products, tolerance)
    return problems


def classification_differences(
    expected: Answers, classified: Answers, products: Sequence[str], tolerance: float
) -> list[str]:
    """Compares `classify` (classes and scores in any order) with the ranking of a prediction."""
    classes, scores = classified["classes"], classified["scores"]
    if classes.ndim != 2 or classes.shape != scores.shape or len(classes) != len(products):
        return [f"classes {classes.shape} and scores {scores.shape} do not pair up"]
    for row, product in enumerate(products):
        given = dict(zip(classes[row], scores[row], strict=True))
        ranked = zip(expected["top_categories"][row], expected["top_scores"][row], strict=True)
        for category, score in ranked:
            if abs(given.get(category, 0.0) - score) > tolerance:
                return [
                    f"scores of {product}: {_shown(category)} has"
                    f" {_shown(given.get(category))}, not {_shown(score)}"
                ]
    return []


def _tied(answers: Answers, tolerance: float) -> np.ndarray:
    scores = answers.get("top_scores")
    if scores is None or scores.ndim != 2 or scores.shape[1] < 2:
        return np.zeros(len(next(iter(answers.values()))), bool)
    return scores[:, 0] - scores[:, 1] <= tolerance


def _rounded(expected: Answers, found: Answers) -> np.ndarray:
    rows = [
        (expected[name] != found[name]).reshape(len(expected[name]), -1).any(axis=1)
        for name in _SCORES
        if name in expected and name in found and expected[name].shape == found[name].shape
    ]
    return np.any(rows, axis=0) if rows else np.array(False)


def _differs(
    expected: np.ndarray, found: np.ndarray, tolerance: float, exempt: np.ndarray
) -> np.ndarray:
    if np.issubdtype(expected.dtype, np.floating):
        wrong = ~np.isclose(expected, found, rtol=0, atol=tolerance, equal_nan=False)
    else:
        wrong = (expected != found) & ~exempt.reshape(-1, *(1,) * (expected.ndim - 1))
    return wrong.reshape(len(expected), -1).any(axis=1)


def _ranking_differences(
    expected: Answers, found: Answers, products: Sequence[str], tolerance: float
) -> list[str]:
    if expected["top_categories"].shape != found["top_categories"].shape:
        return ["top_categories differ in number"]
    for row, product in enumerate(products):
        one, other = _ranking(expected, row), _ranking(found, row)
        for category in one.keys() | other.keys():
            a, b = one.get(category), other.get(category)
            # A category that a list lacks scores at most what its last one does.
            if a is None:
                wrong = b > min(one.values()) + tolerance
            elif b is None:
                wrong = a > min(other.values()) + tolerance
            else:
                wrong = abs(a - b) > tolerance
            if wrong:
                return [f"top_scores of {product}: {_shown(category)} {_shown(b)}, not {_shown(a)}"]
    return []


def _ranking(answers: Answers, row: int) -> dict:
    return dict(zip(answers["top_categories"][row], answers["top_scores"][row], strict=True))


def _shown(value: object) -> str:
    if isinstance(value, bytes):
        return repr(value.decode("utf-8", "replace"))
    return str(value)
