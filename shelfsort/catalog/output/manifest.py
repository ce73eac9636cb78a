"""Writes chosen products as a manifest: for people to label, or with a trusted source's labels."""

import posixpath
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from shelfsort.catalog.output.pictures import Pictures
from shelfsort.catalog.output.selection import Chosen
from shelfsort.core.storage import absolute
from shelfsort.products.manifest.annotations import IMAGE_CLASSIFICATION, Annotations
from shelfsort.products.manifest.writing import (
    Job,
    labelled_fields,
    product_fields,
    write_manifest,
)
from shelfsort.products.product import CATALOGUE, LabelOrigin, Product

ATTRIBUTE = "category"
FILE_NAME = "catalogue.manifest"
IMAGES = "images"
PROVENANCE = "catalogue"
"""Field of a line that says where the product comes from. Readers of manifests pass over it."""
_JOB = Job(ATTRIBUTE, IMAGE_CLASSIFICATION, "catalogue")


def write_products(place: str, products: Iterable[Chosen], pictures: Pictures) -> int:
    """Writes the lines, whole or not at all; returns how many. Without products it writes nothing.

    Args:
        place: file to write.
        products: with labels or without.
        pictures: where the pictures lie.
    """
    lines = _lines(products, pictures, posixpath.dirname(absolute(place)))
    first = next(lines, None)
    return 0 if first is None else write_manifest(place, chain([first], lines))


def _lines(products: Iterable[Chosen], pictures: Pictures, folder: str) -> Iterator[dict[str, Any]]:
    for each in products:
        image = pictures.reference(each.picture, folder) if each.picture else ""
        shown = Product(each.id, each.title, each.description, each.price, image)
        yield {**_fields(shown, each.label), PROVENANCE: _provenance(each)}


def _fields(shown: Product, label: str | None) -> dict[str, Any]:
    if label is None:
        return product_fields(shown)
    named = Annotations(result=label, origin=LabelOrigin(CATALOGUE))
    return labelled_fields(shown, named, _JOB)


def _provenance(each: Chosen) -> dict[str, str]:
    told = {"source": each.source, "id": each.source_id, "licence": each.licence}
    told |= {"currency": each.currency}
    if each.picture:
        told |= {"image-url": each.picture.url, "fetched": each.picture.fetched.isoformat()}
    return {name: value for name, value in told.items() if value}
