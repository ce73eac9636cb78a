"""Cheap checks of the input before a run: everything that shows without opening an image."""

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from components.manifest_example_gen.input_validation import RejectTally, refuse_unusable
from components.manifest_example_gen.labelling import labelled_product, repeated_id
from components.manifest_example_gen.settings import DataConfig
from shelfsort.core.progress import progress
from shelfsort.products.images.source import ImageSources
from shelfsort.products.leaves import LeafResolver
from shelfsort.products.manifest.digest import (
    DIGEST_BYTES,
    ImageReference,
    content_digest,
    file_digest,
)
from shelfsort.products.manifest.files import find_manifest_files
from shelfsort.products.manifest.label_attributes import LabelAttributes, first_label_attribute
from shelfsort.products.manifest.lines import file_lines
from shelfsort.products.manifest.parsing import Record, read_record
from shelfsort.products.manifest.rejects import Reject
from shelfsort.products.product import LabelledProduct


@dataclass(frozen=True)
class Preflight:
    """What the checks found.

    Attributes:
        label_attribute: the one given, or the only one there is.
        files: how many lines each of the manifest's files has, in their order; blank lines are not
            counted.
        digest: of manifest, taxonomy, reduction and images; see `digest.content_digest`.
        categories: how many leaves have at least one product.
        rejected: lines that will be left out, as far as it shows without opening images.
    """

    label_attribute: str
    files: Mapping[str, int]
    digest: str
    categories: int
    rejected: int

    @property
    def lines(self) -> int:
        """Of all files."""
        return sum(self.files.values())


def check(manifest: str, taxonomy: str, data: DataConfig) -> Preflight:
    """Checks the input of a run; reads every line once.

    Args:
        manifest, taxonomy: as ManifestExampleGen takes them.
        data: how the manifest will be read.

    Raises:
        InputError: one line that names the file, the line where there is one, and the remedy.
    """
    resolver = LeafResolver.load(taxonomy, data.reduction)
    files = find_manifest_files(manifest)
    attribute = data.label_attribute or first_label_attribute(files)
    attributes = LabelAttributes(files)
    found = _Findings(dataclasses.replace(data, label_attribute=attribute), resolver)
    lines: dict[str, int] = {}
    digests = []
    for file in files:
        digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
        before = found.tally.lines
        for line in file_lines(file, digest):
            record = read_record(line)
            attributes.add(record)
            found.add(record)
        lines[file] = found.tally.lines - before
        digests.append(digest.digest())
    if not data.label_attribute:
        attributes.only()
    elif found.tally.by_reason.get("missing_label", 0) == found.tally.lines:
        raise attributes.missing(attribute)
    refuse_unusable(manifest, found.tally, sorted(found.categories), data.max_reject_share)
    digests += [file_digest(path) for path in (taxonomy, data.reduction) if path]
    return Preflight(
        attribute,
        lines,
        content_digest(digests, found.images),
        len(found.categories),
        found.tally.rejected,
    )


class _Findings:
    """What becomes of the lines read so far; in each file the first line with an id keeps it.

    Attributes:
        tally: of lines and rejects.
        categories: leaves with a product.
        images: that the products refer to, in the order of their lines.
    """

    def __init__(self, data: DataConfig, resolver: LeafResolver):
        self._data = data
        self._resolver = resolver
        self._sources = ImageSources(data.image_roots, allow_http=data.allow_http)
        self._file = ""
        self._lines_of_ids: dict[str, int] = {}
        self.tally = RejectTally()
        self.categories: set[str] = set()
        self.images: list[ImageReference] = []

    def add(self, record: Record) -> None:
        """Takes up the next line."""
        self.tally.lines += 1
        progress(self.tally.lines, None, "lines checked")
        outcome = labelled_product(record, self._data, self._resolver)
        if isinstance(outcome, LabelledProduct):
            outcome = self._first_of_its_id(outcome)
        if isinstance(outcome, Reject):
            self.tally.add(outcome)
            return
        self.categories.add(outcome.label.category)
        if outcome.product.image:
            self.images.append((self._sources.of(outcome.file), outcome.product.image))

    def _first_of_its_id(self, product: LabelledProduct) -> LabelledProduct | Reject:
        if product.file != self._file:
            self._file, self._lines_of_ids = product.file, {}
        first = self._lines_of_ids.setdefault(product.product.id, product.line)
        return product if first == product.line else repeated_id(product, first)
