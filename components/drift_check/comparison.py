"""This run's training products against those of the live model, from the statistics of both."""

import dataclasses
from collections.abc import Collection

from components.drift_check.distances import among, shifts
from components.drift_check.findings import Drift
from components.drift_check.settings import ValidationConfig
from components.drift_check.shares import category_changes
from components.drift_check.statistics import (
    Statistics,
    StatisticsError,
    products_counted,
    value_counts,
)

_LABEL = "category"


def compare(
    before: Statistics, now: Statistics, leaves: Collection[str], config: ValidationConfig
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
