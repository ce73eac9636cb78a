"""Suspected label errors: products whose label a model that never saw them hardly believes.

Confident learning (Northcutt, Jiang & Chuang, "Confident Learning: Estimating Uncertainty in
Dataset Labels", JAIR 2021): how many labels are wrong is counted from the products that are scored
above a category's usual confidence for another category than their own; that many products with
the least probability of their own label are the suspects. Among cleanlab's ways to pick them this
one was best in both precision and recall on simulated crowd labels (`benchmarks/label_errors.py`).
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from shelfsort.products.manifest.writing import manifest_line
from shelfsort.products.taxonomy import Taxonomy

CHANGED_SHARE = 0.05
"""Share of the labels that a trial of the search changes."""
_CHUNK = 4096


@dataclass(frozen=True)
class Suspect:
    """A product whose label may be wrong.

    Attributes:
        product_id: of the product.
        label: its category as given.
        likely: the category with the highest probability.
        label_score: probability of `label`, 0 to 1; the lower, the more suspect.
        likely_score: probability of `likely`, 0 to 1; 0 in runs of earlier versions.
        title, description: of the product, "" where they are not known.
        image: reference to its image as the data has it, "" for none.
    """

    product_id: str
    label: str
    likely: str
    label_score: float
    likely_score: float = 0.0
    title: str = ""
    description: str = ""
    image: str = ""


def find_suspects(
    product_ids: Sequence[str],
    labels: ArrayLike,
    probabilities: ArrayLike | Callable[[int, int], np.ndarray],
    categories: Sequence[str],
) -> list[Suspect]:
    """Finds the products whose label is probably wrong, the most suspect first.

    cleanlab's LabelInspector counts the errors; the probabilities are read in pieces, twice, and 28
    bytes a product are kept.

    Args:
        product_ids: of n products.
        labels: int array of shape (n,): the column of each product's label.
        probabilities: float array of shape (n, K), rows that add up to 1, from models that did
            not train on the product (out-of-fold); otherwise errors are learnt by heart. Or a
            function that gives the rows from `start` to before `stop`.
        categories: K ids, in the order of the columns.

    Returns:
        Suspects by rising `label_score`; none where fewer than two categories have products. A
        product whose label has the highest probability is never one.

    Raises:
        ValueError: shapes disagree, a label is no column, or a row holds no probabilities.
    """
    labels = np.asarray(labels, np.int64)
    if not callable(probabilities):
        probabilities = _rows_of(np.asarray(probabilities), len(labels))
    _check(product_ids, labels, categories)
    if len(np.unique(labels)) < 2:
        return []
    doubts = _Doubts.of(labels, probabilities, len(categories))
    least = np.argsort(doubts.own, kind="stable")[: doubts.count]
    return [
        Suspect(
            product_id=str(product_ids[int(row)]),
            label=categories[labels[row]],
            likely=categories[doubts.likely[row]],
            label_score=float(doubts.own[row]),
            likely_score=float(doubts.highest[row]),
        )
        for row in least
        if doubts.own[row] < doubts.highest[row]
    ]


@dataclass(frozen=True)
class Trial:
    """A search for labels that were changed on purpose.

    Attributes:
        changed: number of labels changed.
        listed: number of suspects found then.
        found: number of changed labels among them.
    """

    changed: int
    listed: int
    found: int

    @property
    def precision(self) -> float | None:
        """Share of the list that was changed; at least so much is wrong, for others may be too."""
        return self.found / self.listed if self.listed else None

    @property
    def recall(self) -> float | None:
        """Share of the changed labels that the list has."""
        return self.found / self.changed if self.changed else None


def try_changed_labels(
    labels: np.ndarray,
    probabilities: Callable[[int, int], np.ndarray],
    categories: Sequence[str],
    share: float = CHANGED_SHARE,
    seed: int = 7,
) -> Trial:
    """Changes a share of the labels to categories that the model confuses, and looks for them.

    The probabilities stay those of models that were fitted on the labels as given.

    Args:
        labels: int array of shape (n,), as in `find_suspects`.
        probabilities: as in `find_suspects`.
        categories: K ids.
        share: of the labels, in (0, 1).
        seed: of the choice.
    """
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(len(labels), round(share * len(labels)), replace=False))
    given = labels.copy()
    for row in rows:
        others = probabilities(int(row), int(row) + 1)[0].astype(np.float64)
        others[labels[row]] = 0
        if others.sum() > 0:
            given[row] = rng.choice(len(others), p=others / others.sum())
    changed = {str(row) for row in np.flatnonzero(given != labels)}
    ids = [str(row) for row in range(len(labels))]
    found = find_suspects(ids, given, probabilities, categories)
    listed = {suspect.product_id for suspect in found}
    return Trial(len(changed), len(listed), len(listed & changed))


@dataclass(frozen=True)
class _Doubts:
    """What the probabilities say of each label.

    Attributes:
        own: (n,) probability of each product's own label.
        highest: (n,) the highest probability of each product.
        likely: (n,) the category that has it.
        count: how many labels are wrong, by the off-diagonal of the confident joint.
    """

    own: np.ndarray
    highest: np.ndarray
    likely: np.ndarray
    count: int

    @classmethod
    def of(
        cls, labels: np.ndarray, probabilities: Callable[[int, int], np.ndarray], categories: int
    ) -> "_Doubts":
        # Takes 1.4 s to import, and few commands come here.
        from cleanlab.experimental.label_issues_batched import LabelInspector

        inspector = LabelInspector(
            num_class=categories,
            store_results=False,
            verbose=False,
            quality_score_kwargs={"method": "self_confidence"},
            num_issue_kwargs={"estimation_method": "off_diagonal"},
        )
        n = len(labels)
        own, highest, likely = np.zeros(n), np.zeros(n), np.zeros(n, np.int32)
        # There is no usual confidence in a category that no product has.
        unlabelled = np.bincount(labels, minlength=categories) == 0
        pieces = [slice(start, min(start + _CHUNK, n)) for start in range(0, n, _CHUNK)]
        for part in pieces:
            rows = probabilities(part.start, part.stop)
            _check_rows(rows, part.start, (part.stop - part.start, categories))
            highest[part], likely[part] = rows.max(axis=1), rows.argmax(axis=1)
            inspector.update_confident_thresholds(labels[part], _without(rows, unlabelled))
        for part in pieces:
            rows = probabilities(part.start, part.stop)
            own[part] = inspector.score_label_quality(labels[part], _without(rows, unlabelled))
        return cls(own, highest, likely, int(inspector.get_num_issues()))


def _without(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    return np.where(columns, 0.0, rows)


def suspect_lines(suspects: Iterable[Suspect]) -> Iterator[str]:
    """One JSON object a suspect: its fields, scores with six digits."""
    for suspect in suspects:
        yield json.dumps(
            {
                "product_id": suspect.product_id,
                "label": suspect.label,
                "likely": suspect.likely,
                "label_score": round(suspect.label_score, 6),
                "likely_score": round(suspect.likely_score, 6),
            },
            ensure_ascii=False,
        )


def relabelling_lines(suspects: Iterable[Suspect], taxonomy: Taxonomy) -> Iterator[str]:
    """A relabelling manifest: the suspects as JSON Lines, for people to look at again.

    Each line has `id`, `title`, `description`, `source-ref` where the product has an image,
    `suspected-label` and `likely-label` (paths in the tree, which an import accepts as labels) and
    `label-score`. An image is named as in the labelled data, so the file belongs into the same
    folder.

    Args:
        suspects: with title, description and image where they are known.
        taxonomy: the tree that the labels are from.
    """
    for suspect in suspects:
        image = {"source-ref": suspect.image} if suspect.image else {}
        yield manifest_line(
            {
                "id": suspect.product_id,
                "title": suspect.title,
                "description": suspect.description,
                **image,
                "suspected-label": taxonomy.path(suspect.label),
                "likely-label": taxonomy.path(suspect.likely),
                "label-score": suspect.label_score,
            }
        )


def _rows_of(probabilities: np.ndarray, n: int) -> Callable[[int, int], np.ndarray]:
    if len(probabilities) != n:
        raise ValueError(f"{n} labels for probabilities of shape {probabilities.shape}")
    return lambda start, stop: probabilities[start:stop]


def _check(product_ids: Sequence[str], labels: np.ndarray, categories: Sequence[str]) -> None:
    if len(product_ids) != len(labels):
        raise ValueError(f"{len(product_ids)} ids and {len(labels)} labels")
    outside = np.flatnonzero((labels < 0) | (labels >= len(categories)))
    if len(outside):
        raise ValueError(f"row {outside[0]}: label {labels[outside[0]]} is no column")


def _check_rows(rows: np.ndarray, start: int, shape: tuple[int, int]) -> None:
    if rows.shape != shape:
        raise ValueError(f"from row {start} on, probabilities of shape {rows.shape}, not {shape}")
    sums = rows.sum(axis=1)
    bad = np.flatnonzero(~(np.abs(sums - 1) < 1e-3) | (rows < 0).any(axis=1))
    if len(bad):
        raise ValueError(
            f"row {start + bad[0]} holds no probabilities: they add up to {sums[bad[0]]:.4g}"
        )
