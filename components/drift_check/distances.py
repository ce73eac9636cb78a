"""How far properties of products have moved: TFDV's comparators, with thresholds that know n."""

import math
from collections.abc import Collection, Mapping
from typing import Literal

import tensorflow_data_validation as tfdv
from scipy.stats import chi2
from tensorflow_metadata.proto.v0 import schema_pb2

from components.drift_check.artifact import Shift
from components.drift_check.statistics import (
    Statistics,
    value_counts,
    with_value_counts,
)

Comparator = Literal["drift", "skew"]


def shifts(
    before: Statistics,
    now: Statistics,
    tolerances: Mapping[str, float | None],
    confidence: float,
    comparator: Comparator = "drift",
) -> list[Shift]:
    """Compares every property that both sides have, farthest beyond its threshold first.

    Args:
        before, now: of the earlier and of today's products; for skew, of those trained on and of
            those served.
        tolerances: divergence in bits by property; None leaves a property out.
        confidence: with which chance is ruled out.
        comparator: which of TFDV's compares.
    """
    counts = {
        name: (value_counts(before, name), value_counts(now, name))
        for name, tolerance in tolerances.items()
        if tolerance is not None
    }
    counts = {name: each for name, each in counts.items() if all(each)}
    thresholds = {
        name: tolerances[name] + chance_divergence(*each, confidence)
        for name, each in counts.items()
    }
    schema = _schema(thresholds, comparator)
    if comparator == "drift":
        anomalies = tfdv.validate_statistics(now, schema, previous_statistics=before)
    else:
        anomalies = tfdv.validate_statistics(before, schema, serving_statistics=now)
    distances = {
        info.path.step[0]: measured.value
        for info in anomalies.drift_skew_info
        for measured in (*info.drift_measurements, *info.skew_measurements)
    }
    found = [
        Shift(
            feature=name,
            distance=distances[name],
            threshold=thresholds[name],
            n_before=sum(counts[name][0].values()),
            n_now=sum(counts[name][1].values()),
            drifted=distances[name] > thresholds[name],
        )
        for name in counts
    ]
    return sorted(found, key=lambda shift: shift.threshold - shift.distance)


def among(statistics: Statistics, feature: str, values: Collection[str]) -> Statistics:
    """A copy in which only some values of a property count."""
    counts = value_counts(statistics, feature)
    kept = {value: count for value, count in counts.items() if value in values}
    return with_value_counts(statistics, feature, kept)


def chance_divergence(
    before: Mapping[str, int], now: Mapping[str, int], confidence: float
) -> float:
    """The Jensen-Shannon divergence, in bits, that two samples of one source seldom exceed.

    To second order the divergence is 1/8 of the sum of (p - q)^2 / ((p + q) / 2), and that sum,
    divided by 1/n + 1/m, is chi-squared with one degree of freedom less than there are values
    (Lin 1991; Menendez et al. 1997).

    Args:
        before, now: how often each value occurs.
        confidence: with which two samples of one source stay below.
    """
    freedom = len(before.keys() | now.keys()) - 1
    if freedom < 1:
        return 0.0
    variance = 1 / sum(before.values()) + 1 / sum(now.values())
    return float(chi2.ppf(confidence, freedom)) * variance / (8 * math.log(2))


def _schema(thresholds: Mapping[str, float], comparator: Comparator) -> schema_pb2.Schema:
    schema = schema_pb2.Schema()
    for name, threshold in thresholds.items():
        feature = schema.feature.add(name=name, type=schema_pb2.BYTES)
        chosen = feature.drift_comparator if comparator == "drift" else feature.skew_comparator
        chosen.jensen_shannon_divergence.threshold = threshold
    return schema
