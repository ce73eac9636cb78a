"""Learns vocabularies from products: the most frequent terms, and how many products have each.

TFT's analyzers learn the same in two passes, one for vocabularies and one for document frequencies,
through a hundred Beam stages and eight tracings of the graph: 15 s of processor time before the
first product. This is one pass, in which TensorFlow counts the terms of a file at a time.
"""

import heapq
import zlib
from collections.abc import Iterable, Iterator, Sequence

import apache_beam as beam
import tensorflow as tf

from components.transform.artifact import CATEGORIES_VOCABULARY
from components.transform.vocabularies import Limits, terms_of
from shelfsort.contract.signatures import WORDS
from shelfsort.core import files

_FEATURES = (*WORDS, "category")
_READ_BATCH = 256
_BUCKETS = 16
# A term a line: these cannot be written.
_UNWRITABLE = r"|\C*[\n\r]\C*"
# Counted beside the terms, and in every product, so that each vocabulary knows their number.
_EVERY_PRODUCT = b"\n"
# No table can be made of an empty file. No text has this term: `text.words` drops punctuation.
_FILLER = b","

Counts = dict[bytes, tuple[int, int]]
"""By term: how often it occurs, and in how many products."""
Ranked = tuple[int, bytes, int]
"""How often a term occurs, the term, and in how many products."""


class LearnVocabularies(beam.PTransform):
    """Paths of gzipped TFRecords of tf.Examples to files of terms and of counts."""

    def __init__(self, limits: dict[str, Limits], folder: str):
        """`limits` of every vocabulary by its name; `folder` takes the files."""
        super().__init__()
        self._limits = dict(limits)
        self._folder = folder

    def expand(self, paths: beam.PCollection) -> beam.PCollection:
        return (
            paths
            | "Count" >> beam.ParDo(_CountTerms())
            | "Add" >> beam.CombinePerKey(_AddCounts())
            | "Rank" >> beam.Map(_ranked, self._limits)
            | "Buckets" >> beam.GroupByKey()
            | "Write" >> beam.Map(_write, self._limits, self._folder)
        )


class _CountTerms(beam.DoFn):
    """Yields ((vocabulary, bucket), counts) of a file; a term always falls into one bucket."""

    def setup(self) -> None:
        signature = [tf.TensorSpec([None], tf.string)]
        self._count = tf.function(_counted, input_signature=signature, autograph=False)

    def process(self, path: str) -> Iterator[tuple[tuple[str, int], Counts]]:
        found: dict[tuple[str, int], Counts] = {}
        for records in tf.data.TFRecordDataset(path, "GZIP").batch(_READ_BATCH):
            for name, columns in self._count(records).items():
                for term, *counts in zip(*(c.numpy().tolist() for c in columns), strict=True):
                    bucket = found.setdefault((name, zlib.crc32(term) % _BUCKETS), {})
                    _add(bucket, term, counts)
        yield from found.items()


def _counted(records: tf.Tensor) -> dict[str, tuple[tf.Tensor, tf.Tensor, tf.Tensor]]:
    """By vocabulary, the different terms of n serialised products and both counts of each."""
    spec = {name: tf.io.FixedLenFeature([], tf.string, "") for name in _FEATURES}
    products = tf.io.parse_example(records, spec)
    terms = terms_of(products["title"], products["description"])
    terms[CATEGORIES_VOCABULARY] = tf.RaggedTensor.from_tensor(products["category"][:, tf.newaxis])
    return {name: _count_terms(each) for name, each in terms.items()}


def _count_terms(terms: tf.RaggedTensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    different, index, occurrences = tf.unique_with_counts(terms.flat_values, tf.int64)
    size = tf.size(different, tf.int64)
    pairs, _ = tf.unique(terms.value_rowids() * size + index)
    products = tf.math.unsorted_segment_sum(tf.ones_like(pairs), pairs % size, size)
    written = tf.logical_not(tf.strings.regex_full_match(different, _UNWRITABLE))
    return (
        tf.concat([different[written], [_EVERY_PRODUCT]], 0),
        tf.concat([occurrences[written], [0]], 0),
        tf.concat([products[written], [terms.nrows()]], 0),
    )


class _AddCounts(beam.CombineFn):
    """Adds up the counts of a bucket."""

    def create_accumulator(self) -> Counts:
        return {}

    def add_input(self, accumulator: Counts, counts: Counts) -> Counts:
        for term, both in counts.items():
            _add(accumulator, term, both)
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[Counts]) -> Counts:
        merged: Counts = {}
        for counts in accumulators:
            self.add_input(merged, counts)
        return merged

    def extract_output(self, accumulator: Counts) -> Counts:
        return accumulator


def _add(counts: Counts, term: bytes, more: Sequence[int]) -> None:
    occurrences, products = counts.get(term, (0, 0))
    counts[term] = occurrences + more[0], products + more[1]


def _ranked(
    bucket: tuple[tuple[str, int], Counts], limits: dict[str, Limits]
) -> tuple[str, tuple[int, list[Ranked]]]:
    """A bucket's vocabulary, the number of products where it knows it, and its strongest terms."""
    (name, _), counts = bucket
    kept = limits[name]
    products = counts.get(_EVERY_PRODUCT, (0, 0))[1]
    terms = (
        (occurrences, term, documents)
        for term, (occurrences, documents) in counts.items()
        if term != _EVERY_PRODUCT and occurrences >= kept.min_count
    )
    return name, (products, _strongest(terms, kept))


def _strongest(terms: Iterable[Ranked], limits: Limits) -> list[Ranked]:
    """The most frequent first, of equally frequent ones the last in the alphabet first."""
    if limits.size is None:
        return sorted(terms, reverse=True)
    return heapq.nlargest(limits.size, terms)


def _write(
    vocabulary: tuple[str, Iterable[tuple[int, list[Ranked]]]],
    limits: dict[str, Limits],
    folder: str,
) -> None:
    name, buckets = vocabulary
    products, terms = 0, []
    for known, ranked in buckets:
        products += known
        terms += ranked
    terms = _strongest(terms, limits[name]) or [(0, _FILLER, 0)]
    files.write_bytes(f"{folder}/{name}", b"".join(term + b"\n" for _, term, _ in terms))
    documents = [documents for _, _, documents in terms]
    files.write_json(f"{folder}/{name}.json", {"products": products, "documents": documents})
