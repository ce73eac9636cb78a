"""Estimates how well the check notices unknown products, by leaving known ones out.

A leaf, or a department with all below it, is taken out of the training products that the check
compares with, and out of the categories that the towers may choose from. The towers themselves
have seen its products, which no estimate without another training can change. The scale is fitted
again on the other products, and the share of the left-out ones above its limit is the detection
rate. Every product is compared with those of other groups only, in a space that these alone have
chosen. The left-out products had a part in choosing it, so in small data the rates are too high.
"""

import dataclasses
import functools
from collections.abc import Callable

import numpy as np

from shelfsort.contract.unknown import LeftOut, Rates, UnknownRates
from shelfsort.stats.novelty import FEWEST, fit_scale
from shelfsort.stats.temperature import softmax
from shelfsort.training.evidence import Evidence, Scored, modality_rows
from shelfsort.training.label_space import LabelSpace
from shelfsort.training.rows import evenly
from shelfsort.training.spaces import NEIGHBOURS, CrossedSpaces, FoldSpaces, filled, mean_of_least
from shelfsort.training.unknown import (
    crossed_spaces,
    flags,
    measures,
    reference_rows,
    used,
)

_KNOWN = 1000
_LEFT_OUT = 2000
# Of a part that is left out, so that its rate says something.
_FEWEST_OF_PART = 5
# Numbers in the table of distances by category.
_MOST_NUMBERS = 20_000_000


def unknown_rates(held_out: Scored, labels: LabelSpace, alarms: float) -> Rates:
    """Detection rates by modality, of those that enough products have.

    Args:
        held_out: the split `train`, cross-fitted.
        labels: the categories and their tree.
        alarms: stated share of known products above the limit, in [0, 1).
    """
    products = held_out.products
    usable = products.evidence & (products.labels >= 0)
    rates, answered = {}, modality_rows(products)

    @functools.cache
    def crossed(kind: str) -> CrossedSpaces | FoldSpaces:
        return crossed_spaces(held_out, kind, answered[kind])

    for modality, rows in answered.items():
        rows = rows[usable[rows]]
        if len(rows) >= 2 * FEWEST and alarms > 0:
            sample = _Sample.of(held_out, modality, rows, len(labels.categories), crossed)
            rates[modality] = UnknownRates(
                alarms, _departments(sample, labels, alarms), _leaves(sample, labels, alarms)
            )
    return rates


def _departments(sample: "_Sample", labels: LabelSpace, alarms: float) -> tuple[LeftOut, ...]:
    tops = np.array([(labels.taxonomy.ancestors(leaf) or [""])[0] for leaf in labels.categories])
    nodes = [node for node in dict.fromkeys(tops.tolist()) if node]
    return _parts(sample, labels, {node: np.flatnonzero(tops == node) for node in nodes}, alarms)


def _leaves(sample: "_Sample", labels: LabelSpace, alarms: float) -> tuple[LeftOut, ...]:
    each = {leaf: np.array([place]) for place, leaf in enumerate(labels.categories)}
    return _parts(sample, labels, each, alarms)


def _parts(
    sample: "_Sample", labels: LabelSpace, parts: dict[str, np.ndarray], alarms: float
) -> tuple[LeftOut, ...]:
    found = []
    for node, categories in parts.items():
        gone = np.isin(sample.labels, categories)
        known = sample.counted & ~gone
        if gone.sum() < _FEWEST_OF_PART or known.sum() < FEWEST:
            continue
        seen = sample.measures_without(categories)
        scale = fit_scale(seen[known], flags(sample.modality))
        detected = float((scale.scores(seen[gone]) > 1 - alarms).mean())
        found.append(LeftOut(node, labels.taxonomy.path(node), int(gone.sum()), round(detected, 4)))
    return tuple(found)


@dataclasses.dataclass(frozen=True)
class _Sample:
    """Products of one modality, and their distances to the training products of each category.

    Attributes:
        modality: that they are answered in.
        labels: (n,) category ids.
        counted: (n,) bool, whether a product is of the even sample that the scale is fitted on.
        logits: (n, K).
        nearest: by "text" and "image", (n, K, NEIGHBOURS) squared distances, infinite where a
            category has no more products.
    """

    modality: str
    labels: np.ndarray
    counted: np.ndarray
    logits: np.ndarray
    nearest: dict[str, np.ndarray]

    @classmethod
    def of(
        cls,
        held_out: Scored,
        modality: str,
        rows: np.ndarray,
        categories: int,
        crossed: Callable[[str], CrossedSpaces | FoldSpaces],
    ) -> "_Sample":
        room = max(FEWEST, _MOST_NUMBERS // (categories * NEIGHBOURS))
        even = evenly(rows, min(_KNOWN, room))
        of_parts = reference_rows(held_out.products.labels, rows, min(_LEFT_OUT, room))
        sampled = np.union1d(even, of_parts)
        products = held_out.products
        return cls(
            modality,
            products.labels[sampled],
            np.isin(sampled, even),
            Evidence(held_out, sampled, modality).logits(sampled),
            {
                kind: _nearest(crossed(kind), products.labels, sampled, categories)
                for kind in used(modality)
            },
        )

    def measures_without(self, categories: np.ndarray) -> np.ndarray:
        """(n, 3) measures, with the categories gone."""
        kept = np.setdiff1d(np.arange(self.logits.shape[1]), categories)
        doubt = 1 - softmax(self.logits[:, kept]).max(axis=1)
        apart = {
            kind: filled(mean_of_least(near[:, kept].reshape(len(near), -1)))
            for kind, near in self.nearest.items()
        }
        return measures(apart, doubt)


def _nearest(
    crossed: CrossedSpaces | FoldSpaces, labels: np.ndarray, rows: np.ndarray, categories: int
) -> np.ndarray:
    """(n, K, NEIGHBOURS) least squared distances of the products at (n,) rows, by category."""
    found = np.full((len(rows), categories, NEIGHBOURS), np.inf, np.float32)
    for places, apart, references in crossed.apart(rows):
        for category in range(categories):
            own = apart[:, labels[references] == category]
            count = min(NEIGHBOURS, own.shape[1])
            if count:
                found[places, category, :count] = np.partition(own, count - 1, axis=1)[:, :count]
    return found
