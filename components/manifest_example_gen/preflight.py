"""Cheap checks of the input before a run: everything that shows without opening an image."""

import dataclasses
import hashlib
import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from components.manifest_example_gen.category_tree import load_resolver
from components.manifest_example_gen.crowd import CrowdVerdicts, crowd_verdicts, files_beside
from components.manifest_example_gen.input_validation import RejectTally, refuse_unusable
from components.manifest_example_gen.labelling import labelled_product, repeated_id
from components.manifest_example_gen.settings import DataConfig
from shelfsort.contract.modalities import has_words
from shelfsort.core.errors import InputError
from shelfsort.core.progress import note, progress
from shelfsort.core.storage import file_system, scheme
from shelfsort.products.images.source import OBJECT_STORES, ImageSources
from shelfsort.products.leaves import LeafResolver
from shelfsort.products.manifest.digest import (
    DIGEST_BYTES,
    ImageReference,
    content_digest,
    file_digest,
)
from shelfsort.products.manifest.files import find_manifest_files
from shelfsort.products.manifest.label_attributes import LabelAttributes, first_label_attribute
from shelfsort.products.manifest.parsing import Record, read_record
from shelfsort.products.manifest.rejects import Reject
from shelfsort.products.product import LabelledProduct
from shelfsort.products.tables.lines import product_lines, refuse_unlabelled

_LONGEST_VALUE = 40


@dataclass(frozen=True)
class Preflight:
    """What the checks found.

    Attributes:
        label_attribute: the one given, or the only one there is.
        files: how many lines each of the manifest's files has, in their order; blank lines are not
            counted.
        digest: of manifest, taxonomy, reduction, scores and images; see `digest.content_digest`.
        categories: products of each leaf that has one, by id.
        rejected: lines that will be left out, as far as it shows without opening images.
        inner: products that are labelled with an inner category, and only train, by its id.
    """

    label_attribute: str
    files: Mapping[str, int]
    digest: str
    categories: Mapping[str, int]
    rejected: int
    inner: Mapping[str, int] = dataclasses.field(default_factory=dict)

    @property
    def lines(self) -> int:
        """Of all files."""
        return sum(self.files.values())


@dataclass(frozen=True)
class Examined:
    """What the lines say, whether or not a run can use them.

    Attributes:
        label_attribute: the one given, or the only one there is.
        files: how many lines each of the manifest's files has.
        digests: of the files, in their order.
        resolver: finds the leaves.
        tally: lines and rejects, as far as it shows without opening images.
        categories: products of each leaf that has one, by id.
        inner: products that are labelled with an inner category, by its id.
        ignored: fields that were cut, left out or set, by their name.
        first_ignored: place of the first of each, and what it was where the line has it.
        images: that the lines refer to which no later file supersedes.
        wordless: those that their product has no words beside, and no other image.
    """

    label_attribute: str
    files: Mapping[str, int]
    digests: Sequence[bytes]
    resolver: LeafResolver
    tally: RejectTally
    categories: Mapping[str, int]
    inner: Mapping[str, int]
    ignored: Mapping[str, int]
    first_ignored: Mapping[str, str]
    images: Sequence[ImageReference]
    wordless: Sequence[tuple[ImageReference, LabelledProduct]]


def check(manifest: str, taxonomy: str, data: DataConfig) -> Preflight:
    """Checks the input of a run; reads every line once, and every image.

    Args:
        manifest, taxonomy: as ManifestExampleGen takes them.
        data: how the manifest will be read.

    Raises:
        InputError: one line that names the file, the line where there is one, and the remedy.
    """
    found = examine(manifest, taxonomy, data)
    refuse_unusable(
        manifest,
        found.tally,
        sorted(found.categories),
        data.max_reject_share,
        sum(found.inner.values()),
    )
    _refuse_unreadable_stores([reference for _, reference in found.images])
    digests = [*found.digests, *map(file_digest, files_beside(data, taxonomy))]
    return Preflight(
        found.label_attribute,
        found.files,
        content_digest(digests, found.images),
        found.categories,
        found.tally.rejected,
        found.inner,
    )


def examine(manifest: str, taxonomy: str, data: DataConfig) -> Examined:
    """Reads every line, and no image.

    Args:
        manifest, taxonomy: as ManifestExampleGen takes them.
        data: how the manifest will be read.

    Raises:
        InputError: a file cannot be read, has no column or attribute for the label, or the tree
            is unusable.
    """
    files = find_manifest_files(manifest)
    refuse_unlabelled(files, data.reading)
    attribute = data.label_attribute or first_label_attribute(files, data.reading)
    attributes = LabelAttributes(files)
    settled = dataclasses.replace(data, label_attribute=attribute)
    resolver = load_resolver(files, taxonomy, settled)
    found = _Findings(settled, resolver, crowd_verdicts(files, settled, resolver))
    lines: dict[str, int] = {}
    digests = []
    for file in files:
        digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
        before = found.tally.lines
        for line in product_lines(file, settled.reading, digest):
            record = read_record(line)
            attributes.add(record)
            found.add(record)
        lines[file] = found.tally.lines - before
        digests.append(digest.digest())
    if not data.label_attribute:
        main = attributes.only()
        if main != attribute:
            # The first line of all had a stray attribute.
            return examine(manifest, taxonomy, dataclasses.replace(data, label_attribute=main))
    elif found.tally.by_reason.get("missing_label", 0) == found.tally.lines:
        raise attributes.missing(attribute)
    return Examined(
        attribute,
        lines,
        digests,
        resolver,
        found.tally,
        found.categories,
        found.inner,
        found.ignored,
        found.first_ignored,
        list(itertools.chain.from_iterable(found.images.values())),
        [
            (images[0], product)
            for id_, product in found.wordless.items()
            if len(images := found.images[id_]) == 1
        ],
    )


def _refuse_unreadable_stores(images: Sequence[str]) -> None:
    """Notes images in stores whose package is missing; InputError where there are no others."""
    stores = Counter(scheme(image) for image in images)
    lost = 0
    for store in sorted(OBJECT_STORES & set(stores)):
        try:
            file_system(next(image for image in images if scheme(image) == store))
        except InputError as error:
            lost += stores[store]
            if lost == len(images):
                raise
            note(f"{stores[store]:,} images in {store}:// cannot be read: {error}")


class _Findings:
    """What becomes of the lines read so far; in each file the first line with an id keeps it.

    Attributes:
        tally: of lines and rejects.
        categories, inner: products of each leaf, and of each inner category that is a label.
        ignored, first_ignored: fields that were cut, left out or set.
        images: by id, that its lines refer to, in the last file that has it.
        wordless: by id, the product of its first line there, if that has an image and no words.
    """

    def __init__(self, data: DataConfig, resolver: LeafResolver, verdicts: CrowdVerdicts):
        self._data = data
        self._verdicts = verdicts
        self._resolver = resolver
        self._sources = ImageSources(
            data.image_roots, allow_http=data.allow_http, max_bytes=data.max_image_bytes
        )
        self._file = ""
        self._lines_of_ids: dict[str, int] = {}
        self.tally = RejectTally()
        self.categories: Counter[str] = Counter()
        self.inner: Counter[str] = Counter()
        self.ignored: Counter[str] = Counter()
        self.first_ignored: dict[str, str] = {}
        self.images: dict[str, list[ImageReference]] = {}
        self.wordless: dict[str, LabelledProduct] = {}

    def add(self, record: Record) -> None:
        """Takes up the next line."""
        self.tally.lines += 1
        progress(self.tally.lines, None, "lines checked")
        outcome = labelled_product(record, self._data, self._resolver, self._verdicts)
        if isinstance(outcome, LabelledProduct):
            outcome = self._first_of_its_id(outcome)
        if isinstance(outcome, Reject):
            self.tally.add(outcome)
            return
        counted = self.inner if outcome.label.inner else self.categories
        counted[outcome.label.category] += 1
        self.ignored.update(outcome.ignored)
        for name in outcome.ignored:
            value = record.fields.get(name)
            said = "" if value is None else f": {str(value)[:_LONGEST_VALUE]!r}"
            self.first_ignored.setdefault(name, f"{outcome.file}:{outcome.line}{said}")

    def _first_of_its_id(self, labelled: LabelledProduct) -> LabelledProduct | Reject:
        """The product, or a reject where an earlier line of its file has its id."""
        product = labelled.product
        if labelled.file != self._file:
            self._file, self._lines_of_ids = labelled.file, {}
        first = self._lines_of_ids.setdefault(product.id, labelled.line)
        if first == labelled.line:
            self.images.pop(product.id, None)
            self.wordless.pop(product.id, None)
            if product.image and not has_words(product.title, product.description):
                self.wordless[product.id] = labelled
        if product.image:
            # Of a line that repeats an id too: it takes the place of one whose image is unusable.
            reference = (self._sources.of(labelled.file), product.image)
            self.images.setdefault(product.id, []).append(reference)
        return labelled if first == labelled.line else repeated_id(labelled, first)
