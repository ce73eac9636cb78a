"""Which columns of a table hold which field of a row."""

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import pydantic
from pydantic import BeforeValidator

from shelfsort.catalog.rows import ROW_FIELDS
from shelfsort.core.errors import InputError
from shelfsort.products.tables.columns import FIELDS
from shelfsort.products.tables.rows import CATEGORY

LISTS = ("image_urls", "categories")
"""The fields that several columns may hold."""

_NAMES: dict[str, tuple[str, ...]] = {
    "id": FIELDS["id"],
    "title": FIELDS["title"],
    "description": FIELDS["description"],
    "price": FIELDS["price"],
    "currency": ("currency", "pricecurrency", "currencycode"),
    "image_urls": ("imageurls", "imagelinks", *FIELDS["image"]),
    "categories": tuple(name for name in FIELDS[CATEGORY] if name not in ("label", "class")),
    "gtin": ("gtin", "gtin13", "gtin12", "gtin14", "gtin8", "ean", "upc", "barcode", "isbn"),
    "brand": ("brand", "brandname", "manufacturer", "vendor", "maker"),
    "mpn": ("mpn", "manufacturerpartnumber", "partnumber", "modelnumber"),
    "part_of": ("partof", "postid", "post", "listingid"),
    "position": ("position",),
}
_FURTHER_IMAGES = ("additionalimagelink", "additionalimages", "additionalimage", "moreimages")
_ALNUM = re.compile(r"[\W_]+")
_NUMBERED = re.compile(r"(.*?)(\d{1,3})")


def _listed(names: Any) -> Any:
    return [names] if isinstance(names, str) else names


def _known(columns: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
    for field, names in columns.items():
        if field not in ROW_FIELDS:
            raise ValueError(f"no field {field!r}; the fields are {', '.join(ROW_FIELDS)}")
        if len(names) > 1 and field not in LISTS:
            raise ValueError(f"{field} is in one column; several may hold {' and '.join(LISTS)}")
    return columns


NamedColumns = Annotated[
    dict[str, Annotated[tuple[str, ...], BeforeValidator(_listed)]],
    pydantic.AfterValidator(_known),
]
"""The column of a field, or several of pictures and categories; "" for none."""


def columns_of(
    place: str, names: Sequence[str], named: Mapping[str, Sequence[str]]
) -> dict[str, tuple[str, ...]]:
    """The columns of each field: those that are named, else those with a known name.

    Of pictures these are the best known name, its numbered ones (`image_url_2`) and additional
    ones; of categories all known names. Names are compared without case, blanks and punctuation.

    Args:
        place: file or query, for errors.
        names: of the table's columns.
        named: columns by field, as the settings have them.

    Raises:
        InputError: a named column is not there, or no column holds an id.
    """
    for field, wanted in named.items():
        for column in wanted:
            if column and column not in names:
                raise _missing(place, field, column, names)
    by_key: dict[str, str] = {}
    for name in names:
        by_key.setdefault(_ALNUM.sub("", name).casefold(), name)
    found: dict[str, tuple[str, ...]] = {}
    for field in ROW_FIELDS:
        if field in named:
            columns = tuple(name for name in named[field] if name)
        else:
            columns = tuple(_recognised(field, by_key))
        if columns:
            found[field] = columns
    if "id" not in found:
        raise InputError(
            f"{place}: no column for the id ({_shown(names)}). Name it, as in "
            "columns: {id: NAME}."
        )
    return found


def _recognised(field: str, by_key: Mapping[str, str]) -> list[str]:
    known = [key for key in _NAMES[field] if key in by_key]
    if field == "categories":
        return [by_key[key] for key in known]
    if field != "image_urls":
        return [by_key[key] for key in known[:1]]
    keys = [*known[:1], *_numbered(known[0] if known else _NAMES[field], by_key)]
    return [by_key[key] for key in (*keys, *(k for k in _FURTHER_IMAGES if k in by_key))]


def _numbered(stems: str | Sequence[str], by_key: Mapping[str, str]) -> list[str]:
    """The keys that are one of these and a number, in the order of the numbers."""
    wanted = (stems,) if isinstance(stems, str) else stems
    parted = ((_NUMBERED.fullmatch(key), key) for key in by_key)
    numbered = [(int(found[2]), key) for found, key in parted if found and found[1] in wanted]
    return [key for _, key in sorted(numbered)]


def _missing(place: str, field: str, column: str, names: Sequence[str]) -> InputError:
    near = difflib.get_close_matches(column, names, n=1)
    hint = f"; nearest: {near[0]!r}" if near else ""
    return InputError(
        f"{place}: no column {column!r} for {field}{hint} ({_shown(names)}). Correct columns."
    )


def _shown(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name[:40]) for name in names[:12])
    return f"columns: {shown}" + (", …" if len(names) > 12 else "")
