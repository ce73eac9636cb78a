"""The products of a file, each as a row that can be sent, or why it cannot be."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from shelfsort.client import messages
from shelfsort.client.messages import Row
from shelfsort.core.errors import InputError
from shelfsort.products.images.source import ImageSource, ImageSources
from shelfsort.products.manifest.lines import Line
from shelfsort.products.manifest.parsing import parse_record, read_record
from shelfsort.products.manifest.rejects import RejectedLine
from shelfsort.products.product import Product
from shelfsort.products.tables.lines import product_lines
from shelfsort.products.tables.rows import CATEGORY, Reading

IMAGE_LEFT_OUT = "image: "
"""Begins what `Asked.left_out` says of an image."""


@dataclass(frozen=True)
class Asked:
    """A row of the input.

    Attributes:
        file, number: where it stands.
        id: of the product, "" where there is none.
        row: what is sent, None where the product cannot be.
        left_out: parts that were left out, such as "image: No such file or directory".
        error: why it cannot be sent, "" where it can.
        fields: values of the columns that `Reading.also` names, as text.
        gold: the true category as it is written, None where none is given.
        image: reference of the image, "" where there is none.
    """

    file: str
    number: int
    id: str = ""
    row: Row | None = None
    left_out: tuple[str, ...] = ()
    error: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    gold: str | None = None
    image: str = ""


def asked_rows(files: Sequence[str], how: Reading, sources: ImageSources) -> Iterator[Asked]:
    """Every row of the files, in order, with its image read.

    A product whose image cannot be read keeps its words.

    Raises:
        InputError: a file cannot be read as a whole.
    """
    for file in files:
        source = sources.of(file)
        for line in product_lines(file, how):
            yield asked_row(line, how, source)


def asked_row(line: Line, how: Reading, source: ImageSource) -> Asked:
    """The row of a line, with its image read; `source` is that of the line's file."""
    record = read_record(line)
    attribute = how.label_attribute or CATEGORY
    # The label is not asked for, and need not be readable.
    unlabelled = {name: each for name, each in record.fields.items() if name != attribute}
    try:
        entry = parse_record(type(record)(line, unlabelled, record.fault), attribute)
    except RejectedLine as why:
        id_ = record.fields.get("id")
        shown = str(id_) if isinstance(id_, str | int) else ""
        return Asked(line.file, line.number, shown, error=f"{why.reason}: {why.detail}")
    product = entry.product
    left_out = [name for name in entry.ignored if name in ("text_cut", "price")]
    image, fault = _image(product, source)
    if fault:
        left_out.append(IMAGE_LEFT_OUT + fault)
    price = product.price
    if price is not None and not (math.isfinite(price) and price >= 0):
        price = None
        left_out.append("price")
    row, error = None, ""
    try:
        row = messages.checked(
            messages.Product(product.title, product.description, image or None, price)
        )
    except InputError as why:
        words = product.title.strip() or product.description.strip()
        if image and words:
            left_out.append(f"{IMAGE_LEFT_OUT}{why}")
            without = messages.Product(product.title, product.description, None, price)
            row = messages.checked(without)
        else:
            error = f"image: {fault}" if fault and not words else str(why)
    return Asked(
        line.file,
        line.number,
        product.id,
        row,
        tuple(left_out),
        error,
        {name: _text(record.fields.get(name)) for name in how.also},
        entry.gold,
        product.image,
    )


def _text(value: object) -> str:
    if value is None or isinstance(value, list | dict):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _image(product: Product, source: ImageSource) -> tuple[bytes, str]:
    """The image's bytes, and why they could not be read."""
    if not product.image:
        return b"", ""
    try:
        return source.read(source.locate(product.image)), ""
    except RejectedLine as why:
        return b"", why.detail
