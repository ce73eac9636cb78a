"""TFDV's statistics of products' properties, and what the comparison needs to know of them."""

from collections.abc import Iterable, Mapping

import apache_beam as beam
import pyarrow as pa
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import statistics_pb2

from components.drift_check.profile import (
    PROFILE_VERSION,
    SOURCES,
    Product,
    properties,
)

Statistics = statistics_pb2.DatasetFeatureStatisticsList

_BATCH = 1000
# More than there are categories: a histogram that was cut could not be compared.
_MOST_VALUES = 100_000
_NAME = f"shelfsort-profile-{PROFILE_VERSION}"


class StatisticsError(ValueError):
    """Statistics that cannot be compared with; says why."""


class ProfileStatistics(beam.PTransform):
    """Products to one `Statistics`: how often each property has which value.

    Variants under one title and label count once. They are not independent draws: twenty colours of
    one shoe, in this sample and not in the other, would look like a category that has grown.
    """

    def expand(self, products: beam.PCollection) -> beam.PCollection:
        return (
            products
            | "Groups" >> beam.Map(lambda product: (_kind_of(product), product))
            | "OneOfEach" >> beam.CombinePerKey(_first)
            | "Properties" >> beam.Map(lambda keyed: properties(keyed[1]))
            | "Batch" >> beam.BatchElements(min_batch_size=_BATCH, max_batch_size=_BATCH)
            | "Columns" >> beam.Map(_columns)
            | "Count" >> tfdv.GenerateStatistics(_options())
            | "Name" >> beam.Map(_named)
        )


def parse(content: bytes) -> Statistics:
    """Reads serialised `Statistics`.

    Raises:
        StatisticsError: they are no such thing, or of other properties than today's.
    """
    try:
        statistics = Statistics.FromString(content)
    except Exception as error:  # protobuf's implementations raise different ones
        raise StatisticsError(f"its training statistics cannot be read ({error})") from error
    named = [dataset.name for dataset in statistics.datasets]
    if named != [_NAME]:
        raise StatisticsError("its training statistics were made by another version of Shelfsort")
    return statistics


def products_counted(statistics: Statistics) -> int:
    """How many products the statistics are of, variants counted once."""
    return int(statistics.datasets[0].num_examples)


def value_counts(statistics: Statistics, feature: str) -> dict[str, int]:
    """How often a property has each of its values; {} where no product has it."""
    found = _features(statistics).get(feature)
    buckets = found.string_stats.rank_histogram.buckets if found is not None else ()
    return {bucket.label: int(bucket.sample_count) for bucket in buckets}


def with_value_counts(
    statistics: Statistics, feature: str, counts: Mapping[str, int]
) -> Statistics:
    """A copy in which a property has other values."""
    changed = Statistics.FromString(statistics.SerializeToString())
    string_stats = _features(changed)[feature].string_stats
    del string_stats.rank_histogram.buckets[:]
    del string_stats.top_values[:]
    for rank, (label, count) in enumerate(counts.items()):
        string_stats.rank_histogram.buckets.add(
            label=label, sample_count=count, low_rank=rank, high_rank=rank
        )
    return changed


def _features(statistics: Statistics) -> dict[str, statistics_pb2.FeatureNameStatistics]:
    return {each.path.step[0]: each for each in statistics.datasets[0].features}


def _options() -> tfdv.StatsOptions:
    return tfdv.StatsOptions(num_rank_histogram_buckets=_MOST_VALUES, num_top_values=1)


def _columns(batch: list[dict[str, list[bytes]]]) -> pa.RecordBatch:
    columns = [
        pa.array([each.get(name) for each in batch], pa.list_(pa.binary())) for name in SOURCES
    ]
    return pa.RecordBatch.from_arrays(columns, names=list(SOURCES))


def _kind_of(product: Product) -> bytes:
    return f"{product.category or ''}\0{product.group}".encode()


def _first(products: Iterable[Product]) -> Product:
    return min(products, key=lambda product: product.product_id)


def _named(statistics: Statistics) -> Statistics:
    named = Statistics.FromString(statistics.SerializeToString())
    named.datasets[0].name = _NAME
    return named
