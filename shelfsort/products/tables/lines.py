"""Lines of a manifest out of data in any form: the one form that everything behind reads."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from shelfsort.core.storage import absolute, blocks, is_folder
from shelfsort.products.manifest.annotations import CUSTOM, METADATA_SUFFIX
from shelfsort.products.manifest.files import NoFiles, find_manifest_files
from shelfsort.products.manifest.lines import LONGEST_LINE_BYTES, Digest, Line, file_lines
from shelfsort.products.tables.columns import missing_category
from shelfsort.products.tables.forms import Form, column_names, columns_of, form_of, rows_of
from shelfsort.products.tables.image_folders import images_beneath, unlabelled_image_rows
from shelfsort.products.tables.rows import CATEGORY, Reading, Row, reading

_KEYS = {"image": "source-ref"}
"""Keys of a line that differ from the field's name."""


def product_lines(file: str, how: Reading, digest: Digest | None = None) -> Iterator[Line]:
    """The lines of a file, or of a folder of images, as a labelled manifest would have them.

    A manifest's lines are its own. Each row of a table becomes a line with the row's number whose
    label, if any, is the result of a custom job without workers.

    Args:
        file: path or address.
        how: tables are read.
        digest: takes every byte of the file, or the names of a folder's images.

    Raises:
        InputError: it cannot be read, is empty, or has no column for a product.
    """
    form = _form(file, how)
    if form is Form.MANIFEST:
        yield from file_lines(file, digest)
        return
    columns = columns_of(file, form, how).of
    if digest:
        _add(file, form, digest)
    attribute = how.label_attribute or CATEGORY
    for row in rows_of(file, form, how):
        yield row if isinstance(row, Line) else _line(row, file, columns, attribute, how.also)


def all_product_lines(files: Iterable[str], how: Reading) -> Iterator[Line]:
    """The lines of several files, in order. Raises as `product_lines` does."""
    for file in files:
        yield from product_lines(file, how)


def catalogue_files(data: str) -> tuple[str, ...]:
    """As `find_manifest_files`; a folder without manifests and tables is one of images.

    Raises:
        InputError: it cannot be listed, or a pattern names no file.
    """
    place = absolute(data)
    try:
        return find_manifest_files(place)
    except NoFiles:
        if not is_folder(place):
            raise
        return (place,)


def catalogue_lines(data: str, how: Reading) -> Iterator[Line]:
    """The lines of all products, whether or not they have labels.

    Args:
        data: as `find_manifest_files` takes it. A folder without manifests and tables is one of
            images, in folders or not, and their folders say nothing.
        how: tables are read.

    Raises:
        InputError: it cannot be read, or holds no product.
    """
    for file in catalogue_files(data):
        if is_folder(file):
            for row in unlabelled_image_rows(file):
                yield _line(row, file, {"id": "id", "image": "image"}, "")
        else:
            yield from product_lines(file, how)


def refuse_unlabelled(files: Sequence[str], how: Reading) -> None:
    """Stops a run on a table that has no column for the category. Raises InputError."""
    for file in files:
        form = _form(file, how)
        if form is not Form.MANIFEST and CATEGORY not in columns_of(file, form, how).of:
            raise missing_category(file, column_names(file, form, how))


def _form(file: str, how: Reading) -> Form:
    """As `form_of`; lines of which none is an object are a broken manifest's."""
    form = form_of(file)
    broken = form is Form.JSON_LINES and not column_names(file, form, how)
    return Form.MANIFEST if broken else form


def _add(file: str, form: Form, digest: Digest) -> None:
    with reading(file, "Give a file that can be read."):
        if form is Form.IMAGE_FOLDER:
            digest.update("\0".join(images_beneath(file)).encode("utf-8", "surrogateescape"))
            return
        for block in blocks(file):
            digest.update(block)


def _line(
    row: Row, file: str, columns: Mapping[str, str], attribute: str, also: Sequence[str] = ()
) -> Line:
    if row.fault:
        return Line(row.number, b"", file=file, fault=row.fault)
    fields = {name: row.cells[name] for name in also if row.cells.get(name) is not None}
    for field, column in columns.items():
        value = row.cells.get(column)
        if value is None or (isinstance(value, str) and not value.strip()):
            continue
        if field == CATEGORY:
            fields[attribute] = _label(value)
        else:
            fields[_KEYS.get(field, field)] = _first(value) if field == "image" else value
    if attribute:
        fields[attribute + METADATA_SUFFIX] = {"type": CUSTOM}
    try:
        content = json.dumps(fields).encode()
    except (TypeError, ValueError, RecursionError) as error:
        return Line(row.number, b"", file=file, fault=str(error))
    return Line(row.number, content, len(content) > LONGEST_LINE_BYTES, file)


def _label(value: Any) -> Any:
    """A number as text: tables hold ids as numbers."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if number else value


def _first(images: Any) -> Any:
    """The first of several images: a product has one."""
    return images[0] if isinstance(images, list) and images else images
