"""Training products against the live model's, and served ones against them, by their statistics."""

import dataclasses
from collections.abc import Collection

from components.drift_check.artifact import Drift, Skew
from components.drift_check.distances import among, shifts
from components.drift_check.profile import SOURCES
from components.drift_check.settings import DriftConfig
from components.drift_check.shares import category_changes
from components.drift_check.statistics import (
    Statistics,
    StatisticsError,
    products_counted,
    value_counts,
)

_LABEL = "category"


def drift(
    before: Statistics, now: Statistics, leaves: Collection[str], config: DriftConfig
) -> Drift:
    """Finds what has drifted.

    Args:
        before, now: of the live model's and of this run's training products.
        leaves: ids of this run's categories.
        config: what is tolerated.

    Raises:
        StatisticsError: the two have no category in common.
    """
    changes = category_changes(
        value_counts(before, _LABEL),
        value_counts(now, _LABEL),
        leaves,
        max_ratio=config.max_share_ratio,
        confidence=config.confidence,
    )
    compared = {change.category for change in changes.compared}
    if not any(change.now for change in changes.compared):
        raise StatisticsError("its training products and today's have no category in common")
    found = shifts(
        among(before, _LABEL, compared),
        among(now, _LABEL, compared),
        dataclasses.asdict(config.max_distance),
        config.confidence,
    )
    return Drift(products_counted(before), products_counted(now), found, changes)


def skew(
    trained: Statistics,
    served: Statistics,
    unreadable: int,
    served_features: Collection[str],
    config: DriftConfig,
) -> Skew:
    """Finds how what is served differs from what was trained on.

    Args:
        trained, served: of this run's training products and of those in the logs.
        unreadable: records of the logs that were none.
        served_features: features of the schema's environment SERVING; only properties that come
            from them are compared.
        config: what is tolerated.
    """
    tolerances = {
        name: tolerance
        for name, tolerance in dataclasses.asdict(config.max_distance).items()
        if SOURCES[name] in served_features
    }
    return Skew(
        n_served=products_counted(served),
        n_trained=products_counted(trained),
        unreadable=unreadable,
        shifts=shifts(trained, served, tolerances, config.confidence, comparator="skew"),
    )
