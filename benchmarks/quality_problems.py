"""Labelled sets as `quality.py` splits them, and what is learnt from."""

import dataclasses
import functools
from pathlib import Path

import numpy as np
from labelled_sets import LabelledSet, draw_groups, sample_products
from peers import Parts
from quality_figures import Unseen

from components.transform.settings import TransformConfig
from shelfsort.training.dataset import Products
from shelfsort.training.fitting import VocabularySizes
from shelfsort.training.fold_terms import with_terms_of
from shelfsort.training.label_space import LabelSpace
from shelfsort.training.settings import TrainingConfig

SCORED = 1 / 5
ALL_LABELS = "all"


@dataclasses.dataclass(frozen=True)
class Case:
    """Which products of which set are learnt from.

    Attributes:
        name: of the set.
        labels: "10" for at most ten labels a leaf, "1000 drawn" for so many in all, drawn at
            random, or ALL_LABELS.
        seed: of the split, the choice of labels, and every fit.
    """

    name: str
    labels: str
    seed: int


@dataclasses.dataclass(frozen=True)
class Problem:
    """One set as it is split for one seed.

    Attributes:
        train, rest: products to fit on, and the unseen ones.
        sizes: of the vocabularies.
        labels: the K categories of `train`.
        unseen: what is known of the unseen products.
        config: of our fits.
        kept: file of a model's answers, by name.
    """

    train: Products
    rest: Products
    sizes: VocabularySizes
    labels: LabelSpace
    unseen: Unseen
    config: TrainingConfig
    kept: Path

    @classmethod
    def of(
        cls,
        whole: LabelledSet,
        drawn: np.ndarray,
        rest: np.ndarray,
        config: TrainingConfig,
        kept: Path,
    ) -> "Problem":
        """The products at (n,) rows `drawn` to fit on, and those at (m,) rows `rest` unseen."""
        train, others, sizes, labels = sample_products(whole, drawn, rest, TransformConfig())
        truth = np.where(whole.gold[rest] == "", whole.labels[rest], whole.gold[rest])
        unseen = Unseen(truth, whole.groups[rest])
        return cls(train, others, sizes, labels, unseen, config, kept)

    @property
    def folds(self) -> np.ndarray:
        """(n,) fold of each product of `train`, the same for every model."""
        return self.train.group_folds(self.config.fit.folds, self.config.fit.seed)

    @functools.cached_property
    def parts(self) -> Parts:
        """What peers read, of `train` and then of `rest`."""
        return Parts.of([self.train, self.rest], self.sizes)

    @functools.cached_property
    def parts_without(self) -> dict[int, Parts]:
        """By fold, what peers read of `train`: as our towers do, the other folds' terms alone."""
        return {
            int(fold): Parts.of(
                [with_terms_of(self.train, np.flatnonzero(self.folds != fold))], self.sizes
            )
            for fold in np.unique(self.folds)
        }


def problem(whole: LabelledSet, case: Case, config: TrainingConfig, work: Path) -> Problem:
    """Splits a set by groups.

    Args:
        whole: the set.
        case: what is learnt from.
        config: of our fits.
        work: folder of all answers.
    """
    rng = np.random.default_rng(case.seed)
    drawn, rest = draw_groups(whole, round((1 - SCORED) * len(whole)), rng)
    number, _, at_random = case.labels.partition(" ")
    if at_random:
        drawn = np.sort(rng.permutation(drawn)[: int(number)])
    elif case.labels != ALL_LABELS:
        drawn = a_few_of_each(whole.labels, rng.permutation(drawn), int(number))
    seeded = dataclasses.replace(config, fit=dataclasses.replace(config.fit, seed=case.seed))
    kept = work / "answers" / case.name / case.labels / f"{case.seed}"
    return Problem.of(whole, drawn, rest, seeded, kept)


def a_few_of_each(labels: np.ndarray, rows: np.ndarray, most: int) -> np.ndarray:
    """The first `most` of `rows` with each label, sorted."""
    order = np.argsort(labels[rows], kind="stable")
    named = labels[rows][order]
    first = np.searchsorted(named, named)
    return np.sort(rows[order][np.arange(len(rows)) - first < most])
