"""Tunes a network for each cross-fitting fold, without it.

Thresholds rest on answers about products that the answering model never saw. A network tuned on
all products has seen every one of them: its held-out answers would be too good, and the thresholds
too low. So each fold's answers come from a network tuned on the other folds, which is the one that
the fold's towers are fitted on, too. The served network is tuned on all products in the same way.
"""

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from shelfsort.core.progress import progress
from shelfsort.training.dataset import Products
from shelfsort.training.settings import TrainingConfig

N = TypeVar("N")
E = TypeVar("E")


def tune_folds(
    train: Products,
    usable: np.ndarray,
    config: TrainingConfig,
    tune: Callable[[np.ndarray], N],
    embedded: Callable[[N], E],
    pretrained: E,
) -> dict[int, E]:
    """By fold of the cross-fit, embeddings by a network tuned on the products of other folds.

    Args:
        train: the training split.
        usable: (n,) bool, products that can be tuned on.
        config: settings.
        tune: from (m,) rows to a network tuned on these products alone.
        embedded: embeds `train` by a network.
        pretrained: `train` by the network that was tuned on nothing.
    """
    folds = train.group_folds(config.fit.folds, config.fit.seed)
    found: dict[int, E] = {}
    for fold in range(config.fit.folds):
        others = np.flatnonzero((folds != fold) & usable)
        # Where there is nothing to tune on, the pretrained network has seen no product at all.
        found[fold] = embedded(tune(others)) if len(others) else pretrained
        progress(fold + 1, config.fit.folds + 1, "networks tuned")
    return found


class FeatureRows:
    """One of the products' features, as rows."""

    def __init__(self, products: Products, name: str):
        self._features = products.features
        self._name = name
        self.dtype = products.features.dtype[name]

    def __getitem__(self, index: np.ndarray) -> np.ndarray:
        return self._features[index][self._name]
