"""The Beam steps of ingestion: read lines, parse them, check images and write shards."""

import collections
import contextlib
import dataclasses
import hashlib
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Semaphore
from typing import TypeVar

import apache_beam as beam
import tensorflow as tf
from apache_beam import pvalue

from components.manifest_example_gen.crowd import CrowdVerdicts
from components.manifest_example_gen.labelling import (
    in_split,
    labelled_product,
    left_out,
    repeated_id,
)
from components.manifest_example_gen.settings import DataConfig
from components.manifest_example_gen.sharding import by_id, shard_of
from components.manifest_example_gen.summary import (
    Counts,
    count_image_digests,
    count_product,
    count_superseded,
)
from shelfsort.contract.modalities import has_words
from shelfsort.core.progress import progress
from shelfsort.core.storage import is_remote
from shelfsort.products.example import NO_PICTURE, to_example
from shelfsort.products.groups import group_id, group_key
from shelfsort.products.images.checks import Picture
from shelfsort.products.images.conversion import served_image
from shelfsort.products.images.decoder import check_decodes
from shelfsort.products.images.source import ImageSource, ImageSources
from shelfsort.products.leaves import LeafResolver
from shelfsort.products.manifest.digest import DIGEST_BYTES, local_image_digest
from shelfsort.products.manifest.lines import Line
from shelfsort.products.manifest.parsing import read_record
from shelfsort.products.manifest.rejects import Reject, RejectedLine
from shelfsort.products.product import LabelledProduct
from shelfsort.products.splits import Splits
from shelfsort.products.tables.lines import product_lines
from shelfsort.products.tables.rows import Reading

REJECTS = "rejects"
READ = "read"
PARTIAL_FOLDER = "partial"
_READERS = 8
_READ_AHEAD = 24
_DECODED_AT_ONCE = 2

_Item, _Result = TypeVar("_Item"), TypeVar("_Result")
_Written = tuple[LabelledProduct, str, bytes]
"""A product as it is counted, its split, and its serialised example."""


class ReadLines(beam.DoFn):
    """Yields the lines of a file, given its path.

    Yields the path and the digest of what was read, as hex digits, under their own tag.
    """

    def __init__(self, how: Reading):
        self._how = how

    def process(self, file: str) -> Iterator[Line]:
        digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
        yield from product_lines(file, self._how, digest)
        yield pvalue.TaggedOutput(READ, (file, digest.hexdigest()))


class LabelProducts(beam.DoFn):
    """Yields (shard, labelled product), and rejects under their own tag."""

    def __init__(
        self,
        data: DataConfig,
        resolver: LeafResolver,
        shards: int,
        verdicts: CrowdVerdicts,
    ):
        """`verdicts`: of the crowd on lines, see `crowd.crowd_verdicts`."""
        self._data = data
        self._resolver = resolver
        self._verdicts = verdicts
        self._shards = shards

    def process(self, line: Line) -> Iterator[tuple[int, LabelledProduct]]:
        outcome = labelled_product(read_record(line), self._data, self._resolver, self._verdicts)
        if isinstance(outcome, Reject):
            yield pvalue.TaggedOutput(REJECTS, outcome)
        else:
            yield shard_of(outcome.product.id, self._shards), outcome


class WriteShards(beam.DoFn):
    """Reads and checks the images of one shard's products and writes the shard's TFRecords.

    Images go from the store to the file without passing through a shuffle. Yields the shard's
    counts, and rejects under their own tag. A shard that a runner repeats overwrites its files.
    """

    def __init__(self, data: DataConfig, shards: int, folder: str, expected: int | None):
        """`expected`: lines of the manifest's files, where this process sees them all."""
        self._data = data
        self._shards = shards
        self._folder = folder
        self._expected = expected
        self._done = 0

    def setup(self) -> None:
        self._splits = Splits(self._data.splits)
        self._sources = ImageSources(
            self._data.image_roots,
            allow_http=self._data.allow_http,
            max_bytes=self._data.max_image_bytes,
        )
        self._pool = ThreadPoolExecutor(_READERS)
        self._image_digests: list[int] = []
        # Reading waits for the store; decoding takes memory, up to 4 bytes a pixel.
        self._decoding = Semaphore(_DECODED_AT_ONCE)

    def teardown(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def process(self, element: tuple[int, Iterable[LabelledProduct]]) -> Iterator[Counts]:
        shard, grouped = element
        lines, superseded, rejects = by_id(grouped)
        counts: Counts = collections.Counter()
        for product in superseded:
            counts.update(count_superseded(product))
        with _ShardFiles(self._folder, shard, self._shards) as files:
            for outcome in self._examined(lines):
                if isinstance(outcome, Reject):
                    rejects.append(outcome)
                    continue
                product, split, example = outcome
                files.write(split, example)
                counts.update(count_product(product, split))
        counts.update(count_image_digests(self._image_digests))
        self._image_digests.clear()
        for reject in rejects:
            yield pvalue.TaggedOutput(REJECTS, reject)
        yield counts

    def _examined(self, lines: list[list[LabelledProduct]]) -> Iterator[Reject | _Written]:
        for outcomes in _in_order(self._pool, self._examine_lines, lines):
            self._done += len(outcomes)
            progress(self._done, self._expected, "products read")
            yield from outcomes

    def _examine_lines(self, lines: list[LabelledProduct]) -> list[Reject | _Written]:
        """What becomes of lines with one id: the first that can be used keeps it."""
        outcomes: list[Reject | _Written] = []
        keeps: LabelledProduct | None = None
        for line in lines:
            if keeps is None:
                outcome = self._examine(line)
                keeps = None if isinstance(outcome, Reject) else line
                outcomes.append(outcome)
            else:
                self._count_image(line)
                outcomes.append(repeated_id(line, keeps.line))
        return outcomes

    def _count_image(self, labelled: LabelledProduct) -> None:
        """Adds an image that is not kept to the digest of the content, which covers it."""
        reference = labelled.product.image
        source = self._sources.of(labelled.file)
        with contextlib.suppress(RejectedLine):
            if reference and not is_remote(source.locate(reference)):
                self._read(source, reference)

    def _examine(self, labelled: LabelledProduct) -> Reject | _Written:
        """A product with its split and its serialised example, or why it is left out.

        A product whose image cannot be used keeps its words.
        """
        product = labelled.product
        try:
            picture, image = self._image_of(product.image, labelled.file)
        except RejectedLine as why:
            if not has_words(product.title, product.description):
                return left_out(labelled, why)
            picture, image = NO_PICTURE, b""
            labelled = dataclasses.replace(labelled, ignored=(*labelled.ignored, why.reason))
        key = group_key(product.title, image, product.description)
        split = self._splits.split_of(key)
        try:
            labelled = in_split(labelled, split)
        except RejectedLine as why:
            return left_out(labelled, why)
        return labelled, split, to_example(labelled, picture, image, group_id(key))

    def _image_of(self, reference: str, file: str) -> tuple[Picture, bytes]:
        if not reference:
            return NO_PICTURE, b""
        source = self._sources.of(file)
        image = self._read(source, reference)
        with self._decoding:
            picture, served = served_image(image, self._data.max_image_pixels)
            check_decodes(served, picture)
        return picture, served

    def _read(self, source: ImageSource, reference: str) -> bytes:
        location = source.locate(reference)
        if is_remote(location):
            return source.read(location)
        read: bytes | RejectedLine
        try:
            read = source.read(location)
        except RejectedLine as why:
            read = why
        self._image_digests.append(local_image_digest(reference, read))
        if isinstance(read, RejectedLine):
            raise read
        return read


class MergeCounts(beam.CombineFn):
    """Adds up counters."""

    def create_accumulator(self) -> Counts:
        return collections.Counter()

    def add_input(self, accumulator: Counts, counts: Counts) -> Counts:
        accumulator.update(counts)
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[Counts]) -> Counts:
        merged: Counts = collections.Counter()
        for counts in accumulators:
            merged.update(counts)
        return merged

    def extract_output(self, accumulator: Counts) -> Counts:
        return accumulator


class _ShardFiles:
    """One gzipped TFRecord file for each split of a shard; all appear when the block ends well."""

    def __init__(self, folder: str, shard: int, shards: int):
        self._folder = folder
        self._name = f"data_tfrecord-{shard:05d}-of-{shards:05d}.gz"
        self._partial = f"{folder}/{PARTIAL_FOLDER}/{uuid.uuid4().hex}"
        self._writers: dict[str, tf.io.TFRecordWriter] = {}

    def write(self, split: str, record: bytes) -> None:
        if split not in self._writers:
            # Gzip is what TFX's readers expect; but images are compressed already. Deflating them
            # once more saves 7 % of the space, and takes longer than to check them; each of the
            # seven steps that read them would have to inflate them, too.
            options = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=0)
            self._writers[split] = tf.io.TFRecordWriter(f"{self._partial}/{split}.gz", options)
        self._writers[split].write(record)

    def __enter__(self) -> "_ShardFiles":
        tf.io.gfile.makedirs(self._partial)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for writer in self._writers.values():
            writer.close()
        if kind is None:
            for split in self._writers:
                target = f"{self._folder}/Split-{split}"
                tf.io.gfile.makedirs(target)
                partial = f"{self._partial}/{split}.gz"
                tf.io.gfile.rename(partial, f"{target}/{self._name}", overwrite=True)


def _in_order(
    pool: ThreadPoolExecutor, work: Callable[[_Item], _Result], items: Iterable[_Item]
) -> Iterator[_Result]:
    """`work` on each item in threads, results in order, a bounded number of them waiting."""
    waiting: collections.deque[Future[_Result]] = collections.deque()
    for item in items:
        waiting.append(pool.submit(work, item))
        if len(waiting) >= _READ_AHEAD:
            yield waiting.popleft().result()
    for future in waiting:
        yield future.result()
