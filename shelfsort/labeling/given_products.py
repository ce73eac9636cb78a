"""The products that a labelling job was given, as lines of a manifest."""

from collections.abc import Iterator, Mapping
from typing import Any

from shelfsort.core.errors import InputError
from shelfsort.core.storage import local_path
from shelfsort.labeling.answer_files import json_record
from shelfsort.products.manifest.annotations import CUSTOM, METADATA_SUFFIX
from shelfsort.products.manifest.lines import Line, file_lines
from shelfsort.products.manifest.parsing import Record, parse_record
from shelfsort.products.tables.forms import Form, columns_of, form_of
from shelfsort.products.tables.lines import catalogue_lines
from shelfsort.products.tables.rows import CATEGORY, Reading

PRODUCT_FIELDS = ("source-ref", "id", "title", "description", "source", "price")
"""The fields of a line that say what a product is."""
# What a line of a table without labels has.
_METADATA = CATEGORY + METADATA_SUFFIX


def given_products(data: str) -> Iterator[tuple[Line, Mapping[str, Any]]]:
    """Each product's line and fields, in order.

    A line of JSON keeps all its fields. Image and words have the names of a manifest, whatever the
    data call them.

    Args:
        data: a manifest, a table or a folder of images.

    Raises:
        InputError: it cannot be read, or a line holds no product.
    """
    if local_path(data).is_file() and form_of(data) is Form.JSON_LINES:
        renamed = _renamed(data)
        for line in file_lines(data):
            raw = json_record(line).fields
            yield line, {**{name: raw[of] for name, of in renamed.items() if of in raw}, **raw}
        return
    for line in catalogue_lines(data, Reading()):
        fields = dict(json_record(line).fields)
        if CATEGORY not in fields and fields.get(_METADATA) == {"type": CUSTOM}:
            del fields[_METADATA]
        yield line, fields


def product_id(line: Line, fields: Mapping[str, Any]) -> str:
    """The id under which a product is known: its own, its image, or a digest of its words.

    Raises:
        RejectedLine: the fields describe no product.
    """
    shown = {name: fields[name] for name in PRODUCT_FIELDS if name in fields}
    return parse_record(Record(line, shown), "").product.id


def _renamed(file: str) -> Mapping[str, str]:
    """The column of each field that a file of JSON Lines calls otherwise than a manifest does."""
    try:
        columns = columns_of(file, Form.JSON_LINES, Reading()).of
    except InputError:
        return {}
    names = {"source-ref" if field == "image" else field: of for field, of in columns.items()}
    return {name: of for name, of in names.items() if name in PRODUCT_FIELDS and of != name}
