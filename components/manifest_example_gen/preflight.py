"""Cheap checks of the input before a run: everything that shows without opening a picture."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from components.manifest_example_gen.input_validation import RejectTally, refuse_unusable
from components.manifest_example_gen.settings import DataConfig
from shelfsort.core.errors import InputError
from shelfsort.core.progress import progress
from shelfsort.core.storage import open_binary
from shelfsort.products.images.source import ImageSources
from shelfsort.products.manifest.annotations import (
    METADATA_SUFFIX,
    READABLE_TYPES,
    LeafResolver,
    label_types,
)
from shelfsort.products.manifest.digest import Picture, content_digest, file_digest
from shelfsort.products.manifest.files import find_spans
from shelfsort.products.manifest.lines import Line, numbered_lines
from shelfsort.products.manifest.parsing import ParseRules, Product, parse_line, parse_object
from shelfsort.products.manifest.rejects import Reject, RejectedLine
from shelfsort.products.reduction import load_reduction
from shelfsort.products.taxonomy import InvalidTaxonomy, Taxonomy


@dataclass(frozen=True)
class Preflight:
    """What the checks found.

    Attributes:
      label_attribute: the one given, or the only one there is.
      spans: the manifest's files, in order.
      lines: of all of them, blank ones not counted.
      digest: of manifest, taxonomy, reduction and pictures; see `digest.content_digest`.
      categories: how many leaves have at least one product.
      rejected: lines that will be left out, as far as it shows without opening pictures.
    """

    label_attribute: str
    spans: tuple[str, ...]
    lines: int
    digest: str
    categories: int
    rejected: int


def check(manifest: str, taxonomy: str, data: DataConfig) -> Preflight:
    """Checks the input of a run.

    Args:
      manifest, taxonomy: as ManifestExampleGen takes them.
      data: how the manifest will be read.

    Raises:
      InputError: one line that names the file, the line where there is one, and the remedy.
    """
    resolver = load_resolver(taxonomy, data.reduction)
    spans = find_spans(manifest)
    attribute = data.label_attribute or find_label_attribute(spans)
    rules = ParseRules(attribute, data.min_confidence)
    tally = RejectTally()
    sources = ImageSources(data.image_roots, allow_http=data.allow_http)
    pictures: list[Picture] = []
    categories: set[str] = set()
    for outcome in _outcomes(spans, rules, resolver):
        tally.lines += 1
        progress(tally.lines, None, "lines checked")
        if isinstance(outcome, Reject):
            tally.add(outcome)
        else:
            categories.add(outcome.category)
            if outcome.image:
                pictures.append((sources.of(outcome.file), outcome.image))
    if data.label_attribute and tally.by_reason.get("missing_label", 0) == tally.lines:
        raise _no_such_attribute(spans, attribute)
    refuse_unusable(manifest, tally, sorted(categories), data.max_reject_share)
    files = [file_digest(path) for path in (*spans, taxonomy, data.reduction) if path]
    digest = content_digest(files, pictures)
    return Preflight(attribute, spans, tally.lines, digest, len(categories), tally.rejected)


def load_resolver(taxonomy: str, reduction: str) -> LeafResolver:
    """The taxonomy with its reduction, "" for none, applied.

    Raises:
      InputError: either cannot be read, or fewer than two leaves are left.
    """
    tree = Taxonomy.load(taxonomy)
    mapping = load_reduction(reduction, tree) if reduction else {}
    try:
        resolver = LeafResolver(tree, mapping)
    except InvalidTaxonomy as error:
        raise InputError(f"{reduction}: {error}") from error
    if len(resolver.taxonomy.leaves) < 2:
        raise InputError(
            f"{taxonomy}: fewer than two categories to choose from. Give a tree with two leaves."
        )
    return resolver


def find_label_attribute(spans: Sequence[str]) -> str:
    """The only label attribute of the manifest's files.

    Raises:
      InputError: a file is missing, empty or not JSON, or has no label attribute or several.
    """
    types: Counter[tuple[str, str]] = Counter()
    bad: RejectedLine | None = None
    for line in manifest_lines(spans):
        try:
            types.update(_label_types(line))
        except RejectedLine as why:
            bad = bad or RejectedLine(why.reason, f"{line.file}:{line.number}: {why}")
    readable = sorted({attribute for attribute, type_ in types if type_ in READABLE_TYPES})
    if len(readable) == 1:
        return readable[0]
    if readable:
        names = ", ".join(repr(name) for name in readable)
        raise InputError(
            f"{_named(spans)}: {len(readable)} label attributes ({names}). "
            "Choose one with --set data.label_attribute=NAME."
        )
    if bad is not None and not types:
        raise InputError(f"{bad.detail}. Give a manifest of JSON Lines.")
    raise _no_attribute(spans, types)


def manifest_lines(spans: Iterable[str]) -> Iterator[Line]:
    """The lines of a manifest's files, in order.

    Raises:
      InputError: one is missing, unreadable or has no line.
    """
    for span in spans:
        empty = True
        with _reading(span), open_binary(span) as stream:
            for line in numbered_lines(stream, file=span):
                empty = False
                yield line
        if empty:
            raise InputError(
                f"{span}: the manifest is empty. Give one with a product a line, or take it away."
            )


def _label_types(line: Line) -> list[tuple[str, str]]:
    if line.too_long:
        return []
    record = parse_object(line.content)
    found = []
    for attribute, type_ in label_types(record).items():
        value = record.get(attribute)
        kept_workers = isinstance(value, dict) and "workers" in value
        found.append((attribute, "groundtruth/custom" if kept_workers and not type_ else type_))
    return found


def _outcomes(
    spans: Sequence[str], rules: ParseRules, resolver: LeafResolver
) -> Iterator[Product | Reject]:
    """What becomes of each line; of one file the first line with an id keeps it."""
    for span in spans:
        seen: set[str] = set()
        for line in manifest_lines([span]):
            outcome = parse_line(line, rules, resolver)
            if isinstance(outcome, Product):
                if outcome.id in seen:
                    why = RejectedLine("repeated_id", f"an earlier line has the id {outcome.id!r}")
                    outcome = Reject.of(span, line.number, outcome.id, outcome.image, why)
                else:
                    seen.add(outcome.id)
            yield outcome


def _named(spans: Sequence[str]) -> str:
    return spans[0] if len(spans) == 1 else f"{spans[0]} and {len(spans) - 1:,} more"


@contextmanager
def _reading(span: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(
            f"{span}: the manifest cannot be read ({reason}). Give the path of a manifest."
        ) from error


def _no_attribute(spans: Sequence[str], types: Counter[tuple[str, str]]) -> InputError:
    others = ", ".join(f"{name!r} of type {type_ or 'unknown'!r}" for name, type_ in sorted(types))
    found = f" (found {others}, which cannot be read)" if others else ""
    return InputError(
        f"{_named(spans)}: no label attribute{found}: no line has a NAME{METADATA_SUFFIX} whose "
        f"type is {', '.join(sorted(READABLE_TYPES))}. "
        "Give a labelled manifest, or name it with --set data.label_attribute=NAME."
    )


def _no_such_attribute(spans: Sequence[str], attribute: str) -> InputError:
    names: set[str] = set()
    for line in manifest_lines(spans):
        try:
            names.update(name for name, _ in _label_types(line))
        except RejectedLine:
            continue
    there = ", ".join(repr(name) for name in sorted(names)[:10]) or "none"
    return InputError(
        f"{_named(spans)}: no line has the label attribute {attribute!r} (there: {there}). "
        "Choose one with --set data.label_attribute=NAME."
    )
