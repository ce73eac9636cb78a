"""From a line of a manifest to a labelled product, or to the reason why it is left out."""

import contextlib
from dataclasses import replace

from components.manifest_example_gen.crowd import NO_VERDICTS, CrowdVerdicts
from components.manifest_example_gen.settings import DataConfig
from shelfsort.labeling.consensus import Verdict
from shelfsort.labeling.consolidation import consolidate
from shelfsort.labeling.manifest_answers import task_of
from shelfsort.products.leaves import Leaves
from shelfsort.products.manifest.parsing import ManifestEntry, Record, parse_record, rejected
from shelfsort.products.manifest.rejects import Reject, RejectedLine
from shelfsort.products.product import ASSISTED, Label, LabelledProduct
from shelfsort.products.tables.rows import CATEGORY
from shelfsort.products.taxonomy import UnknownLabel


def labelled_product(
    record: Record,
    data: DataConfig,
    resolver: Leaves,
    verdicts: CrowdVerdicts = NO_VERDICTS,
) -> LabelledProduct | Reject:
    """The product on a line with its label. Never raises, whatever the line holds.

    Args:
        record: the line.
        data: settings, with the label attribute in them.
        resolver: finds the category that a label means.
        verdicts: of the crowd on lines, see `crowd.crowd_verdicts`.
    """
    attribute = data.label_attribute
    try:
        entry = parse_record(record, attribute, data.max_text_chars)
        label, by_people = _labels(entry, task_of(record), verdicts, data, resolver)
    except RejectedLine as why:
        return rejected(record, attribute, why)
    gold, ignored = _gold(entry, resolver)
    line = record.line
    return LabelledProduct(entry.product, label, line.file, line.number, gold, ignored, by_people)


def repeated_id(product: LabelledProduct, first_line: int) -> Reject:
    """The reject that a product becomes whose id a line above it has."""
    why = RejectedLine(
        "repeated_id", f"line {first_line} already has the id {product.product.id!r}"
    )
    return left_out(product, why)


def left_out(product: LabelledProduct, why: RejectedLine) -> Reject:
    """The reject that a product becomes for a reason that its line does not show."""
    shown, workers = product.product, product.label.workers
    return Reject.of(product.file, product.line, shown.id, shown.image, why, workers)


def in_split(labelled: LabelledProduct, drawn: str) -> LabelledProduct:
    """The product as the split takes it that its group has drawn.

    What is no evidence only trains. In a group that belongs to a held-out split it does not even
    train: a model that has seen it would judge its variants there. A held-out split takes the label
    that people alone give, where there is one.

    Raises:
        RejectedLine: `held_out_group` or `held_out_inner_label`.
    """
    if drawn == "train":
        return labelled
    if labelled.by_people is not None:
        labelled = replace(labelled, label=labelled.by_people, by_people=None)
    origin = labelled.label.origin
    if labelled.label.is_evidence:
        return labelled
    if origin.is_evidence:
        raise RejectedLine("held_out_inner_label", f"{labelled.label.category!r}; group: {drawn}")
    selected = f", selected by {origin.selected_by}" if origin.selected_by else ""
    raise RejectedLine(
        "held_out_group", f"the label's source is {origin.source}{selected}; its group: {drawn}"
    )


def _labels(
    entry: ManifestEntry,
    task: str,
    verdicts: CrowdVerdicts,
    data: DataConfig,
    resolver: Leaves,
) -> tuple[Label, Label | None]:
    """The label, and the one by people alone where a model had a part in it.

    A product is not left out because a model doubts what people say: those that remain would be
    easier than the catalogue.

    Raises:
        RejectedLine: there is no label.
    """
    by_people: Label | RejectedLine
    try:
        by_people = _label(_judged(entry, verdicts.by_people.get(task)), data, resolver)
    except RejectedLine as why:
        by_people = why
    verdict = verdicts.assisted.get(task)
    if verdict is not None and entry.annotations is not None and not entry.annotations.outcome:
        with contextlib.suppress(RejectedLine):
            label = _label(_judged(entry, verdict), data, resolver)
            assisted = replace(label, origin=replace(label.origin, source=ASSISTED))
            return assisted, by_people if isinstance(by_people, Label) else None
    if isinstance(by_people, RejectedLine):
        raise by_people
    return by_people, None


def _judged(entry: ManifestEntry, verdict: Verdict | None) -> ManifestEntry:
    """The entry with the crowd's verdict as the job's result; an earlier one stays."""
    annotations = entry.annotations
    if verdict is None or annotations is None or annotations.outcome:
        return entry
    decided = replace(
        annotations,
        result=verdict.label,
        confidence=verdict.confidence,
        outcome=verdict.outcome,
    )
    return replace(entry, annotations=decided)


def _label(entry: ManifestEntry, data: DataConfig, resolver: Leaves) -> Label:
    if entry.annotations is None:
        attribute = data.label_attribute
        # Of a table, whose column has a name of its own, too.
        missing = "no category" if attribute == CATEGORY else f"no value for {attribute!r}"
        raise RejectedLine("missing_label", missing)
    label = consolidate(entry.annotations, resolver, data.min_confidence)
    if reason := resolver.left_out(label.category):
        raise RejectedLine(reason, f"{label.category!r}")
    return label


def _gold(entry: ManifestEntry, resolver: Leaves) -> tuple[str | None, tuple[str, ...]]:
    """The leaf of the gold label, and what was left out of the product."""
    if entry.gold is None:
        return None, entry.ignored
    try:
        return resolver.leaf(entry.gold), entry.ignored
    except UnknownLabel:
        return None, (*entry.ignored, "gold")
