"""Reads serving logs as products, and counts what cannot be read."""

import hashlib
import zlib
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from components.drift_check.profile import Product
from components.drift_check.records import BrokenRecordError, records
from shelfsort.core.errors import InputError

_UNREADABLE = "unreadable"


def logs_digest(pattern: str) -> str:
    """16 hex digits over the names, sizes and times of the files: other logs, another digest.

    Raises:
        InputError: no file matches, or nothing can read such an address.
    """
    digest = hashlib.blake2b(digest_size=8)
    for file in _matching(pattern):
        digest.update(f"{file.path}\0{file.size_in_bytes}\0".encode())
        digest.update(f"{file.last_updated_in_seconds}\0".encode())
    return digest.hexdigest()


class ReadServedProducts(beam.PTransform):
    """Files that match a pattern to the products asked about, and the number of broken records.

    One record at a time is in memory. A file that breaks off, as the one being written may, counts
    one broken record.
    """

    def __init__(self, pattern: str):
        """Names the files; those called `*.gz` are unpacked.

        Raises:
            InputError: no file matches.
        """
        super().__init__()
        self._files = [file.path for file in _matching(pattern)]

    def expand(self, pipeline: beam.Pipeline) -> Any:
        read = (
            pipeline
            | "Files" >> beam.Create(self._files)
            | "Spread" >> beam.Reshuffle()
            | "Read"
            >> beam.FlatMap(_read)
            .with_output_types(Product)
            .with_outputs(_UNREADABLE, main="products")
        )
        return read.products, read[_UNREADABLE] | "Unreadable" >> beam.CombineGlobally(sum)


def _matching(pattern: str) -> list:
    try:
        (found,) = FileSystems.match([pattern])
    except Exception as error:  # every file system has its own
        raise InputError(
            f"drift.serving_logs: {pattern}: cannot be listed ({error}). Correct the pattern."
        ) from error
    if not found.metadata_list:
        raise InputError(
            f"drift.serving_logs: no file matches {pattern}. Correct the pattern, or leave it out."
        )
    return sorted(found.metadata_list, key=lambda file: file.path)


def _read(path: str) -> Iterator[Product | beam.pvalue.TaggedOutput]:
    # TensorFlow Serving's messages bring all of TensorFlow.
    from components.drift_check.logged_requests import UnreadableRequestError, products_of

    with FileSystems.open(path, compression_type=CompressionTypes.AUTO) as stream:
        found = records(stream)
        while True:
            try:
                yield from products_of(next(found))
            except UnreadableRequestError:
                yield beam.pvalue.TaggedOutput(_UNREADABLE, 1)
            except (BrokenRecordError, EOFError, zlib.error):
                yield beam.pvalue.TaggedOutput(_UNREADABLE, 1)
                return
            except StopIteration:
                return
