"""Estimates how well the check notices unknown products, by leaving known ones out of training.

Towers are fitted a few times more, each time without a department, some categories and a fold. The
check is fitted on that fold, whose products are as new to these towers as later known ones are to
the served model, and the share of the left-out products above its limit is the detection rate.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np

from shelfsort.contract.unknown import LeftOut, Rates, UnknownRates
from shelfsort.core.progress import note, progress
from shelfsort.stats.novelty import FEWEST
from shelfsort.training.dataset import Products
from shelfsort.training.evidence import modality_rows
from shelfsort.training.fitting import CrossFit, VocabularySizes, part_logits
from shelfsort.training.label_space import LabelSpace
from shelfsort.training.pooling import Fusion
from shelfsort.training.rows import Rows, evenly
from shelfsort.training.settings import TrainingConfig
from shelfsort.training.spaces import Space
from shelfsort.training.steps import CompiledSteps
from shelfsort.training.unknown import (
    chosen_rows,
    doubting,
    image_features,
    measures,
    outside_of,
    scale_of,
)

_FITS = 4
_SHARE_OF_LEAVES = 0.1
"""Left out in one fit: so few that almost all keep their neighbours in the tree."""
_LEARNT = 20_000
_MEASURED = 4000
# Of a part that is left out, so that its rate says something.
_FEWEST_OF_PART = 5


def unknown_rates(
    train: Products,
    crossed: CrossFit,
    sizes: VocabularySizes,
    labels: LabelSpace,
    config: TrainingConfig,
) -> Rates:
    """Detection rates by modality, of those that enough products have.

    There are none of what a tuned network embeds: it has seen the products that are left out.

    Args:
        train: the training split.
        crossed: its cross-fit, for the folds and the pool.
        sizes: of the vocabularies.
        labels: the categories and their tree.
        config: settings; of products that belong, a share of `unknown_alarms` is withheld.
    """
    alarms = config.calibration.unknown_alarms
    rows = _judged_rows(train)
    if not rows or not alarms > 0:
        return {}
    note("fitting without parts of the tree: how many unknown products would be noticed")
    steps = CompiledSteps.for_products(config, train)
    departments: dict[str, list[LeftOut]] = {modality: [] for modality in rows}
    leaves: dict[str, list[LeftOut]] = {modality: [] for modality in rows}
    parts = _parts(labels, config.fit.seed)
    for number, part in enumerate(parts):
        fit = _Fit.without(part, number, train, crossed, sizes, config, steps)
        for modality, own in rows.items():
            noticed = fit.noticed(modality, own, alarms)
            departments[modality] += noticed.of(labels, part.department, part.below)
            for leaf in part.leaves:
                leaves[modality] += noticed.of(labels, labels.categories[leaf], np.array([leaf]))
        progress(number + 1, len(parts), "fits without a part of the tree")
    return {
        modality: UnknownRates(alarms, tuple(departments[modality]), tuple(leaves[modality]))
        for modality in rows
    }


def _judged_rows(train: Products) -> dict[str, np.ndarray]:
    """By modality, the products that a rate may rest on; none where a tuned network embeds."""
    usable = train.evidence & train.has_leaf
    tuned = {"text": bool(train.fold_encoded), "image": bool(train.fold_embeddings)}
    tuned["combined"] = any(tuned.values())
    return {
        modality: own[usable[own]]
        for modality, own in modality_rows(train).items()
        if usable[own].sum() >= 2 * FEWEST and not tuned[modality]
    }


@dataclasses.dataclass(frozen=True)
class _Part:
    """What one fit leaves out, as places of categories.

    Attributes:
        department: id of a node at the top; "" for none.
        below: (m,) its categories.
        leaves: (l,) others.
    """

    department: str
    below: np.ndarray
    leaves: np.ndarray

    @property
    def categories(self) -> np.ndarray:
        return np.concatenate([self.below, self.leaves])


def _parts(labels: LabelSpace, seed: int) -> list[_Part]:
    """What each fit leaves out; at least two categories stay."""
    tops = np.array([(labels.taxonomy.ancestors(leaf) or [""])[0] for leaf in labels.categories])
    departments = [node for node in dict.fromkeys(tops.tolist()) if node]
    if len(set(tops)) < 2:
        departments = []
    nodes = np.array(departments)[evenly(np.arange(len(departments)), _FITS)].tolist()
    order = np.random.default_rng(seed).permutation(len(tops))
    few = max(1, round(_SHARE_OF_LEAVES * len(tops)))
    found = []
    for number in range(_FITS):
        node = nodes[number] if number < len(nodes) else ""
        below = np.flatnonzero(tops == node) if node else np.zeros(0, np.int64)
        leaves = np.setdiff1d(order[number * few : (number + 1) * few], below)
        most = len(tops) - 2
        part = _Part(node, below, leaves if len(below) + len(leaves) <= most else leaves[:0])
        if 0 < len(part.categories) <= most:
            found.append(part)
    return found


@dataclasses.dataclass(frozen=True)
class _Noticed:
    """Products that were left out.

    Attributes:
        labels: (n,) category ids.
        above: (n,) bool, whether the unknown score is above the limit.
    """

    labels: np.ndarray
    above: np.ndarray

    def of(self, labels: LabelSpace, node: str, categories: np.ndarray) -> list[LeftOut]:
        """The rate of a node with its categories, or nothing where products are too few."""
        own = self.above[np.isin(self.labels, categories)]
        if len(own) < _FEWEST_OF_PART:
            return []
        return [LeftOut(node, labels.taxonomy.path(node), len(own), round(float(own.mean()), 4))]


@dataclasses.dataclass(frozen=True)
class _Fit:
    """Towers that saw neither a part of the tree nor a fold.

    Attributes:
        train: the training split.
        logits: by tower, n rows of K.
        fusion: of the categories that they saw.
        space: of the images that they saw.
        seen: (c,) places of these categories.
        gone: (n,) bool, products of the others.
        apart: (n,) bool, products of the fold.
    """

    train: Products
    logits: Mapping[str, Rows]
    fusion: Fusion
    space: Space
    seen: np.ndarray
    gone: np.ndarray
    apart: np.ndarray

    @classmethod
    def without(
        cls,
        part: _Part,
        number: int,
        train: Products,
        crossed: CrossFit,
        sizes: VocabularySizes,
        config: TrainingConfig,
        steps: CompiledSteps,
    ) -> "_Fit":
        folds = np.unique(crossed.folds)
        gone = np.isin(train.labels, part.categories)
        apart = crossed.folds == folds[number % len(folds)]
        inside = evenly(np.flatnonzero(~apart & ~gone & train.has_leaf), _LEARNT)
        with_image = chosen_rows(train.labels, inside[train.has_image[inside]])
        seen = np.setdiff1d(np.arange(sizes.categories), part.categories)
        return cls(
            train,
            part_logits(train, sizes, config, inside, steps),
            crossed.fusion.only(seen),
            Space.of(image_features(train, with_image)),
            seen,
            gone,
            apart,
        )

    def noticed(self, modality: str, rows: np.ndarray, alarms: float) -> _Noticed:
        """What a check on the fold says of the left-out products among the (m,) `rows`."""
        known = evenly(rows[self.apart[rows] & ~self.gone[rows]], _MEASURED)
        gone = rows[self.gone[rows]]
        gone = evenly(gone, _MEASURED) if len(known) >= FEWEST else gone[:0]
        scale = scale_of(self._measures(modality, known), modality)
        above = scale.scores(self._measures(modality, gone)) > 1 - alarms
        return _Noticed(self.train.labels[gone], above)

    def _measures(self, modality: str, rows: np.ndarray) -> np.ndarray:
        towers = {name: each[rows][:, self.seen] for name, each in self.logits.items()}
        return measures(
            self.fusion.energies_in(modality, towers),
            self.fusion.logits_in(doubting(modality), towers),
            outside_of(self.space, self.train, rows),
        )
