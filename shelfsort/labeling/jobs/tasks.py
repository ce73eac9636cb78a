"""The products of a labelling job: chosen fields only, and nothing that a job cannot carry."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from shelfsort.labeling.jobs.chosen_ids import selection_of, selections_in
from shelfsort.labeling.jobs.task_images import TaskImages
from shelfsort.labeling.pages.written import FIELDS
from shelfsort.labeling.path_ids import is_path_id
from shelfsort.products.manifest.lines import Line
from shelfsort.products.manifest.parsing import parse_record, read_record
from shelfsort.products.manifest.rejects import REASONS, RejectedLine
from shelfsort.products.manifest.writing import manifest_line, product_fields
from shelfsort.products.personal_data import has_personal_data
from shelfsort.products.product import Product
from shelfsort.products.tables.lines import catalogue_lines
from shelfsort.products.tables.rows import Reading

MOST_LINE_BYTES = 100_000
"""Of a line of Ground Truth's input. The input of a task is a part of the line, so it stays below
the limit of 128,000 characters.
https://docs.aws.amazon.com/sagemaker/latest/dg/sms-custom-templates-step3-lambda-requirements.html"""
LEFT_OUT = {
    "not_chosen": "products that --only does not name",
    "nothing_to_show": "products without any of the chosen fields",
    "personal_data": "products with an e-mail address or a telephone number",
    "line_over_100_kb": "products whose line is longer than Ground Truth takes",
    "repeated_id": "products whose id occurs above",
}
"""Why products are left out, besides the reasons against a line of a manifest."""


@dataclass(frozen=True)
class Wanted:
    """What a job asks about.

    Attributes:
        data: products in any form.
        fields: of `FIELDS` that people see.
        only: what is known of the choice, by id; None for all products.
        public: whether strangers will see the products.
        how: tables are read.
    """

    data: str
    fields: Collection[str] = FIELDS
    only: Mapping[str, Mapping[str, Any]] | None = None
    public: bool = False
    how: Reading = field(default_factory=Reading)


@dataclass
class Tasks:
    """Reads products and counts what is left out.

    Attributes:
        counts: of what was left out, by reason.
        missing: chosen ids that the data has not, once all is read.
        local_images: number of images on this machine, which a service cannot read.
        path_ids: number of products whose id is a path.
    """

    wanted: Wanted
    images: TaskImages = field(default_factory=TaskImages)
    counts: Counter[str] = field(default_factory=Counter)
    missing: list[str] = field(default_factory=list)
    local_images: int = 0
    path_ids: int = 0
    _selections: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def lines(self) -> Iterator[dict[str, Any]]:
        """The fields of each line of the job's input.

        Raises:
            InputError: the data cannot be read.
        """
        seen: set[str] = set()
        self._selections = selections_in(self.wanted.data)
        for line in catalogue_lines(self.wanted.data, self.wanted.how):
            try:
                fields = self._fields(line, seen)
            except RejectedLine as why:
                self.counts[why.reason] += 1
                continue
            self.local_images += fields.get("source-ref", "").startswith("/")
            yield fields
        self.missing = [id_ for id_ in self.wanted.only or () if id_ not in seen]

    def _fields(self, line: Line, seen: set[str]) -> dict[str, Any]:
        wanted = self.wanted
        record = read_record(line)
        product = parse_record(record, "").product
        if wanted.only is not None and product.id not in wanted.only:
            raise _left_out("not_chosen")
        if product.id in seen:
            raise _left_out("repeated_id")
        seen.add(product.id)
        shown = _only(product, wanted.fields)
        if not (shown.title or shown.description or shown.image):
            raise _left_out("nothing_to_show")
        if wanted.public and has_personal_data(f"{shown.title}\n{shown.description}"):
            raise _left_out("personal_data")
        self.path_ids += is_path_id(product)
        fields = product_fields(shown)
        if shown.image:
            fields["source-ref"] = self.images.reference(shown.image, line.file)
        else:
            # Ground Truth takes no line without source or source-ref.
            fields["source"] = shown.title or fields.pop("description")
        fields |= selection_of(record.fields) or self._selections.get(product.id, {})
        fields |= (wanted.only or {}).get(product.id, {})
        if len(manifest_line(fields).encode()) > MOST_LINE_BYTES:
            raise _left_out("line_over_100_kb")
        return fields


def label_studio_tasks(
    lines: Iterable[Mapping[str, Any]], fields: Collection[str]
) -> list[dict[str, Any]]:
    """Tasks of Label Studio, each with all of `fields` and the product's id in its data."""
    return [{"data": _data(line, fields)} for line in lines]


def tasks_json(tasks: list[dict[str, Any]]) -> bytes:
    """Tasks as the file that Label Studio imports."""
    return (json.dumps(tasks, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()


def meaning(reason: str) -> str:
    """Why products are left out, in words."""
    return LEFT_OUT.get(reason) or REASONS.get(reason, reason)


def _left_out(reason: str) -> RejectedLine:
    return RejectedLine(reason, LEFT_OUT[reason])


def _data(line: Mapping[str, Any], fields: Collection[str]) -> dict[str, Any]:
    keys = {"image": "source-ref"}
    # A task that lacks what the configuration names is refused.
    shown = {name: line.get(keys.get(name, name), "") for name in FIELDS if name in fields}
    if "description" in shown and not line.get("title"):
        shown["description"] = line.get("description") or line.get("source", "")
    return {"id": line["id"], **shown}


def _only(product: Product, fields: Collection[str]) -> Product:
    return Product(
        product.id,
        product.title if "title" in fields else "",
        product.description if "description" in fields else "",
        product.price if "price" in fields else None,
        product.image if "image" in fields else "",
    )
