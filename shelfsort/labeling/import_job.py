"""Turns the answers that other tools export into one manifest with every worker's answer."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shelfsort.core.errors import InputError
from shelfsort.core.files import refuse_inputs
from shelfsort.core.storage import is_folder
from shelfsort.labeling import ground_truth, label_studio
from shelfsort.labeling.answer_files import (
    answer_rows,
    has_workers,
    is_table,
    json_record,
    label_rows,
)
from shelfsort.labeling.consolidation_job import refuse_lost_images
from shelfsort.labeling.given_products import given_products, product_id
from shelfsort.labeling.imported import ImportedAnswer, json_of
from shelfsort.labeling.page_answers import page_answers
from shelfsort.labeling.queue.log import is_answer_log
from shelfsort.products.manifest.annotations import CUSTOM, METADATA_SUFFIX
from shelfsort.products.manifest.label_origin import label_origin_fields
from shelfsort.products.manifest.lines import Line, file_lines
from shelfsort.products.manifest.rejects import RejectedLine
from shelfsort.products.manifest.writing import Job, write_manifest
from shelfsort.products.product import CATALOGUE, PEOPLE, LabelOrigin
from shelfsort.products.tables.forms import Form, form_of

ODDITIES = {
    "image_problem": "answer that says the image does not load; kept, and counted as empty",
    "unreadable_answer": "answer without exactly one label; kept in full, and counted as empty",
    "no_worker": "answer without a worker's id",
    "catalogue_label": "category of a table without workers; it counts as the catalogue's own",
    "no_category": "row of such a table without a category; its product stays unlabelled",
    "repeated_answer": "further answer of the same worker about the same product",
    "unanswered_product": "line of --products without an answer, kept as it is",
    "bare_line": "line without words and image; --products adds those of the job",
    "confirmed_label": "product whose label a person found right; it stays as it is",
    "corrected_label": "product with another label than before; no evidence for thresholds",
    "unknown_product": "answer about a product that is no line of --products, kept on its own line",
}
"""What is counted and what each count means."""
_SHOWN = {"title", "description", "source", "source-ref"}
_CATALOGUE_WORKER = f"({CATALOGUE})"
RIGHT, LABEL_IS_RIGHT = "right", "label"
"""The column of a report's marks that says who is right, and what it holds where the label is."""
_CORRECTED = LabelOrigin(PEOPLE, selected_by="correction")


@dataclass(frozen=True)
class Imported:
    """Answers by product, in the order in which the products first occur.

    Attributes:
        entries: of the workers, as a manifest keeps them, by product.
        fields: of each product, as far as the export has them.
        by_line: whether products are named by their line of the job's input, from 0.
        counts: of `ODDITIES`.
    """

    entries: Mapping[str, list[dict[str, Any]]]
    fields: Mapping[str, Mapping[str, Any]]
    by_line: bool
    counts: Counter[str]

    @property
    def answers(self) -> int:
        """Number of all answers."""
        return sum(map(len, self.entries.values()))


def export_files(source: str) -> Sequence[str]:
    """The files that an export consists of. Raises InputError for a folder without responses."""
    return ground_truth.response_files(source) if is_folder(source) else [source]


def read_export(source: str, field: str = "") -> Imported:
    """Reads an export.

    Args:
        source: a table with the columns task, worker and label, or id and category; worker
            responses of Ground Truth (their folder, one file, or JSON Lines); Label Studio's JSON
            export; or the answers of the labelling page.
        field: of a Ground Truth answer that holds the label.

    Raises:
        InputError: one line with file, line and remedy.
    """
    by_line, answers = _answers(source, field)
    entries: dict[str, list[dict[str, Any]]] = {}
    fields: dict[str, Mapping[str, Any]] = {}
    counts: Counter[str] = Counter()
    seen: set[tuple[str, str]] = set()
    for each in answers:
        problem = not each.label and each.others.get("image_problem") == "yes"
        counts["image_problem"] += problem
        listed = each.worker == _CATALOGUE_WORKER
        counts["catalogue_label"] += listed and bool(each.label)
        counts["no_category"] += listed and not each.label
        counts["unreadable_answer"] += not each.label and not problem and not listed
        counts["no_worker"] += not each.worker
        by = each.product, each.worker
        counts["repeated_answer"] += bool(each.worker) and by in seen
        seen.add(by)
        seconds = {} if each.seconds is None else {"seconds": each.seconds}
        entry = {**each.others, "worker_id": each.worker, "label": each.label, **seconds}
        entries.setdefault(each.product, []).append(entry)
        fields.setdefault(each.product, each.fields)
    if not entries:
        raise InputError(f"{source}: no answer. Export the job when people have answered.")
    return Imported(entries, fields, by_line, counts)


def write_import(
    found: Imported, place: str, attribute: str, products: str = "", *, correct: bool = False
) -> int:
    """Writes the manifest.

    Args:
        found: what was read.
        place: of the manifest.
        attribute: that will hold the answers.
        products: what the job was given: a manifest, a table or a folder of images. Each product
            is kept. "" for lines of what the export has.
        correct: answers take the place of the labels that the products have. Those corrected are
            no evidence: a model chose which labels were looked at.

    Returns:
        The number of lines.

    Raises:
        InputError: `products` has the attribute already and is not to be corrected, or cannot be
            read, or its images would not be found from the place.
    """
    try:
        Job(attribute)
    except ValueError as error:
        raise InputError(f"--attribute {attribute}: {error}. Choose another name.") from error
    refuse_inputs(place, products)
    taken = () if correct else (attribute, attribute + METADATA_SUFFIX)
    known = dict(_joined(found, products, place, taken)) if products else {}
    found.counts["unanswered_product"] = sum(1 for _, name in known.values() if name is None)
    added = _corrected if correct else _answered
    return write_manifest(place, _lines(found, known, attribute, bool(products), added))


Added = Callable[[Mapping[str, Any], list[dict[str, Any]], str, Counter[str]], Mapping[str, Any]]
"""From a product's fields, its entries, the attribute and the counts to the fields with both."""


def _lines(
    found: Imported,
    known: Mapping[int, tuple[Mapping[str, Any], str | None]],
    attribute: str,
    has_products: bool,
    added: Added,
) -> Iterator[Mapping[str, Any]]:
    left = dict(found.entries)
    for fields, name in known.values():
        entries = None if name is None else left.pop(name, None)
        yield fields if entries is None else added(fields, entries, attribute, found.counts)
    found.counts["unknown_product"] = (
        sum(len(entries) for entries in left.values()) if has_products else 0
    )
    found.counts["bare_line"] = sum(
        not has_products and not _SHOWN & found.fields[name].keys() for name in left
    )
    for name, entries in left.items():
        yield _answered({"id": name, **found.fields[name]}, entries, attribute, found.counts)


def _corrected(
    fields: Mapping[str, Any], entries: list[dict[str, Any]], attribute: str, counts: Counter[str]
) -> Mapping[str, Any]:
    """The fields with the answers in place of the label, if these say another."""
    if all(each.get(RIGHT) == LABEL_IS_RIGHT for each in entries):
        counts["confirmed_label"] += 1
        return fields
    if not any(each["label"] for each in entries):
        return fields
    counts["corrected_label"] += 1
    metadata = attribute + METADATA_SUFFIX
    kept = {key: value for key, value in fields.items() if key not in (attribute, metadata)}
    found = _answered(kept, entries, attribute, counts)
    return {**found, metadata: {**found[metadata], **label_origin_fields(_CORRECTED)}}


def _answered(
    fields: Mapping[str, Any], entries: list[dict[str, Any]], attribute: str, _: Counter[str]
) -> Mapping[str, Any]:
    metadata: dict[str, Any] = {"type": CUSTOM, "human-annotated": "yes"}
    value: dict[str, Any] = {"workers": entries}
    if all(each["worker_id"] == _CATALOGUE_WORKER for each in entries):
        label = next((each["label"] for each in entries if each["label"]), "")
        others = {
            key: each for key, each in entries[0].items() if key not in ("worker_id", "label")
        }
        if not label:
            return {**fields, **{key: others[key] for key in others if key not in fields}}
        value = {"result": {attribute: label}, **({"row": others} if others else {})}
        metadata |= label_origin_fields(LabelOrigin(CATALOGUE))
    return {
        **fields,
        attribute: value,
        attribute + METADATA_SUFFIX: metadata,
    }


def _joined(
    found: Imported, products: str, place: str, taken: Collection[str]
) -> Iterator[tuple[int, tuple[Mapping[str, Any], str | None]]]:
    """Each line of the job's input by its number, with the product whose answers belong to it."""
    answered: set[str] = set()
    for number, (line, fields) in enumerate(given_products(products)):
        if there := [name for name in taken if name in fields]:
            raise InputError(
                f"{products}:{line.number}: has {there[0]!r} already. Choose another --attribute, "
                "or let the answers take the place of its labels (--correct)."
            )
        refuse_lost_images(fields, line.file, line.number, place)
        name = str(number) if found.by_line else _name(line, fields)
        belongs = name in found.entries and name not in answered
        answered.add(name)
        yield number, (fields, name if belongs else None)


def _name(line: Line, fields: Mapping[str, Any]) -> str:
    try:
        return product_id(line, fields)
    except RejectedLine:
        return str(fields.get("id") or fields.get("source-ref"))


def _answers(source: str, field: str) -> tuple[bool, Iterable[ImportedAnswer]]:
    """Whether products are named by their line, and the answers."""
    if is_folder(source):
        return True, ground_truth.folder_answers(source, field)
    if form_of(source) is not Form.JSON_ARRAY and is_table(source):
        return False, _of_table(source)
    if form_of(source) is Form.JSON_ARRAY:
        value = json_of(source)
        if label_studio.is_export(value):
            return False, label_studio.export_answers(value, source)
        if isinstance(value, list) and value and all(map(ground_truth.is_response, value)):
            return True, (
                answer
                for number, each in enumerate(value, start=1)
                for answer in ground_truth.answers_of(each, f"{source}: entry {number}", field)
            )
        raise InputError(
            f"{source}: neither worker responses of Ground Truth nor an export of Label Studio. "
            "Export the annotations as JSON."
        )
    if is_answer_log(source):
        return False, page_answers(source)
    return True, _of_lines(source, field)


def _of_lines(source: str, field: str) -> Iterator[ImportedAnswer]:
    for line in file_lines(source):
        fields = json_record(line).fields
        place = f"{source}:{line.number}"
        if not ground_truth.is_response(fields):
            raise InputError(
                f"{place}: no worker response: it has no list of answers. Consolidate a manifest "
                "as it is; import answers from a table, Ground Truth or Label Studio."
            )
        yield from ground_truth.answers_of(fields, place, field)


def _of_table(source: str) -> Iterator[ImportedAnswer]:
    listed = not has_workers(source)
    for row in label_rows(source) if listed else answer_rows(source):
        answer = row.answer
        worker = _CATALOGUE_WORKER if listed else answer.worker
        yield ImportedAnswer(answer.task, worker, answer.label, answer.seconds, row.others)
