"""Which column of a table holds which field of a product."""

import difflib
import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shelfsort.core.errors import InputError
from shelfsort.products.tables.rows import CATEGORY

FIELDS: dict[str, tuple[str, ...]] = {
    "id": ("id", "productid", "sku", "itemid", "articleid", "uniqid", "asin", "gtin", "ean"),
    "title": ("title", "name", "producttitle", "productname", "displayname", "itemname"),
    "description": ("description", "productdescription", "longdescription", "desc", "body", "text"),
    "price": ("price", "saleprice", "regularprice", "retailprice", "unitprice"),
    "image": (
        *("image", "imageurl", "imagepath", "imagefile", "imagelink", "imagesrc", "mainimage"),
        *("images", "picture", "photo", "img", "sourceref", "filename"),
    ),
    CATEGORY: (
        *("category", "categorypath", "categoryid", "categoryname", "productcategory"),
        *("categories", "googleproductcategory", "producttype", "breadcrumbs", "label", "class"),
    ),
    "gold": ("gold",),
}
"""The fields, and the names by which their columns are recognised, the best first.

Names are compared without case, blanks and punctuation: `Product Name` is `productname`.
"""

_ALNUM = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class Columns:
    """The columns of a table by the field that they hold.

    Attributes:
        of: field to column; fields without a column are left out.
        unused: the other columns, in their order.
    """

    of: Mapping[str, str]
    unused: tuple[str, ...] = field(default=())


def recognise(
    file: str, names: Sequence[str], named: Mapping[str, str], label_attribute: str = ""
) -> Columns:
    """Finds the column of each field: the one that `named` gives, else the best known name.

    Args:
        file: for error messages.
        names: of the table's columns.
        named: field to column, as configured.
        label_attribute: a column of this name holds the category where `named` names none.

    Raises:
        InputError: `named` has an unknown field or column, or no column is recognised.
    """
    of = dict(_checked(file, names, named))
    if label_attribute in names:
        of.setdefault(CATEGORY, label_attribute)
    taken = set(of.values())
    by_key: dict[str, str] = {}
    for name in names:
        if name not in taken:
            by_key.setdefault(_ALNUM.sub("", name).casefold(), name)
    for wanted, keys in FIELDS.items():
        found = next((by_key[key] for key in keys if key in by_key), None)
        if wanted not in of and found is not None:
            of[wanted] = found
    if not {"title", "description", "image"} & set(of):
        raise InputError(
            f"{file}: no column for a title, a description or an image ({_listed(names)}). "
            "Name them, as in --columns title=NAME,image=NAME."
        )
    used = set(of.values())
    return Columns(of, tuple(name for name in names if name not in used))


def missing_category(file: str, names: Sequence[str]) -> InputError:
    """The error where labels are needed and no column holds them."""
    return InputError(
        f"{file}: no column for the category ({_listed(names)}). Name it, as in "
        "--columns category=NAME."
    )


def parse_columns(*texts: str) -> dict[str, str]:
    """`title=Name,image=Photo`, in one text or several, as a mapping from field to column.

    Raises:
        InputError: a part has no `=`, names a field twice, or names none of `FIELDS`.
    """
    named: dict[str, str] = {}
    text = ",".join(texts)
    for part in text.split(",") if texts else ():
        wanted, equals, column = (each.strip() for each in part.partition("="))
        if not equals or not wanted or not column or wanted in named:
            raise InputError(
                f"--columns {text}: {part!r} is not a new FIELD=COLUMN. Write it as in "
                "title=Name,image=Photo."
            )
        _refuse_unknown(wanted, column)
        named[wanted] = column
    return named


def distinct_names(
    file: str, number: int, cells: Sequence[str], tolerant: bool = False
) -> list[str]:
    """The names of the columns of a header; one without a name is called by its place.

    Args:
        file: for the error message.
        number: of the header's line or row.
        cells: of the header.
        tolerant: a name that occurs again is numbered, as in `image` and `image 2`.

    Raises:
        InputError: a name occurs twice.
    """
    names: dict[str, None] = {}
    taken = {cell.strip() for cell in cells}
    for place, cell in enumerate(cells, start=1):
        name = cell.strip() or f"column {place}"
        if name in names:
            if not tolerant:
                raise InputError(
                    f"{file}:{number}: the column {name!r} occurs twice. Rename one of them."
                )
            numbers = (f"{name} {n}" for n in itertools.count(2))
            name = next(each for each in numbers if each not in taken)
            taken.add(name)
        names[name] = None
    return list(names)


def _checked(file: str, names: Sequence[str], named: Mapping[str, str]) -> Mapping[str, str]:
    for wanted, column in named.items():
        _refuse_unknown(wanted, column)
        if column not in names:
            near = difflib.get_close_matches(column, names, n=1)
            hint = f"; nearest: {near[0]!r}" if near else ""
            raise InputError(
                f"{file}: no column {column!r}{hint} ({_listed(names)}). Correct --columns."
            )
    return named


def _refuse_unknown(wanted: str, column: str) -> None:
    if wanted not in FIELDS:
        raise InputError(
            f"--columns {wanted}={column}: no field {wanted!r}. Use {', '.join(FIELDS)}."
        )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name[:40]) for name in names[:12])
    return f"columns: {shown}" + (", …" if len(names) > 12 else "")
