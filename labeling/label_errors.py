"""Suspected label errors: products whose label a model that never saw them hardly believes.

Confident learning (Northcutt, Jiang & Chuang, "Confident Learning: Estimating Uncertainty in
Dataset Labels", JAIR 2021): how many labels are wrong is counted from the products that are scored
above a category's usual confidence for another category than their own; that many products with
the least probability of their own label are the suspects. Among cleanlab's ways to pick them this
one was best in both precision and recall on simulated crowd labels (`benchmarks/label_errors.py`).
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from labeling.taxonomy import Taxonomy


@dataclass(frozen=True)
class Suspect:
    """A product whose label may be wrong.

    Attributes:
        product_id: of the product.
        label: its category as given.
        likely: the category with the highest probability.
        label_score: probability of `label`, 0 to 1; the lower, the more suspect.
    """

    product_id: str
    label: str
    likely: str
    label_score: float


def find_suspects(
    product_ids: Sequence[str],
    labels: ArrayLike,
    probabilities: ArrayLike,
    categories: Sequence[str],
) -> list[Suspect]:
    """Finds the products whose label is probably wrong, the most suspect first.

    One thread; takes as much memory again as `probabilities`.

    Args:
        product_ids: of n products.
        labels: int array of shape (n,): the column of each product's label.
        probabilities: float array of shape (n, K), rows that add up to 1, from models that did
            not train on the product (out-of-fold); otherwise errors are learnt by heart.
        categories: K ids, in the order of the columns.

    Returns:
        Suspects by rising `label_score`; none where fewer than two categories have products. A
        product whose label has the highest probability is never one.

    Raises:
        ValueError: shapes disagree, a label is no column, or a row holds no probabilities.
    """
    labels = np.asarray(labels, np.int64)
    probabilities = np.asarray(probabilities)
    _check(product_ids, labels, probabilities, categories)
    if len(np.unique(labels)) < 2:
        return []
    from cleanlab.filter import find_label_issues  # takes 2 s, and few commands come here

    issues = find_label_issues(labels, probabilities, filter_by="low_self_confidence", n_jobs=1)
    scores = probabilities[np.arange(len(labels)), labels]
    rows = np.flatnonzero(issues & (scores < probabilities.max(axis=1)))
    ranked = rows[np.argsort(scores[rows], kind="stable")]
    return [
        Suspect(
            product_id=str(product_ids[row]),
            label=categories[labels[row]],
            likely=categories[int(probabilities[row].argmax())],
            label_score=float(scores[row]),
        )
        for row in ranked
    ]


def suspect_lines(suspects: Iterable[Suspect]) -> Iterator[str]:
    """One JSON object a suspect: its fields, the score with six digits."""
    for suspect in suspects:
        yield json.dumps(
            {
                "product_id": suspect.product_id,
                "label": suspect.label,
                "likely": suspect.likely,
                "label_score": round(suspect.label_score, 6),
            },
            ensure_ascii=False,
        )


def relabelling_lines(suspects: Iterable[Mapping[str, Any]], taxonomy: Taxonomy) -> Iterator[str]:
    """A relabelling manifest: the suspects as JSON Lines, for people to look at again.

    Each line has `id`, `title`, `description`, `suspected-label` and `likely-label` (paths in the
    tree, which an import accepts as labels) and `label-score`. A `source-ref` is not among them:
    training keeps pictures, not where they came from; join with the labelled manifest on `id`.

    Args:
        suspects: records with the fields of `Suspect`, and where known `title`, `description`.
        taxonomy: the tree that the labels are from.
    """
    for suspect in suspects:
        yield json.dumps(
            {
                "id": suspect["product_id"],
                "title": suspect.get("title", ""),
                "description": suspect.get("description", ""),
                "suspected-label": taxonomy.path(suspect["label"]),
                "likely-label": taxonomy.path(suspect["likely"]),
                "label-score": suspect["label_score"],
            },
            ensure_ascii=False,
        )


def _check(
    product_ids: Sequence[str],
    labels: np.ndarray,
    probabilities: np.ndarray,
    categories: Sequence[str],
) -> None:
    if probabilities.shape != (len(labels), len(categories)) or len(product_ids) != len(labels):
        raise ValueError(
            f"{len(product_ids)} ids, {len(labels)} labels and {len(categories)} categories for "
            f"probabilities of shape {probabilities.shape}"
        )
    outside = np.flatnonzero((labels < 0) | (labels >= len(categories)))
    if len(outside):
        raise ValueError(f"row {outside[0]}: label {labels[outside[0]]} is no column")
    sums = probabilities.sum(axis=1)
    bad = np.flatnonzero(~(np.abs(sums - 1) < 1e-3) | (probabilities < 0).any(axis=1))
    if len(bad):
        raise ValueError(f"row {bad[0]} holds no probabilities: they add up to {sums[bad[0]]:.4g}")
