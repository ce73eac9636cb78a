"""The products of a customer, out of the data that was decided about."""

from collections.abc import Iterator

from shelfsort.core.errors import InputError
from shelfsort.core.storage import absolute
from shelfsort.products.manifest.files import find_manifest_files
from shelfsort.products.manifest.parsing import read_record
from shelfsort.products.tables.lines import product_lines
from shelfsort.products.tables.rows import Reading


def products_of(data: str, column: str, customer: str) -> list[str]:
    """Ids of the products whose column holds a customer's id, each once.

    Args:
        data: file, folder or pattern, as for `shelfsort batch`.
        column: of a table, or field of a manifest's lines.
        customer: the value, as text.

    Raises:
        InputError: the data cannot be read, no row is the customer's, or one of them has no id.
    """
    found = list(dict.fromkeys(_rows(data, column, customer)))
    if not found:
        raise InputError(f"{data}: no row has this customer in {column}. Check column and id.")
    return found


def _rows(data: str, column: str, customer: str) -> Iterator[str]:
    for file in find_manifest_files(absolute(data)):
        for line in product_lines(file, Reading(also=(column,))):
            fields = read_record(line).fields
            if _text(fields.get(column)) != customer:
                continue
            id_ = _text(fields.get("id"))
            if not id_:
                raise InputError(
                    f"{file}:{line.number}: the customer's row has no id of a product. Give the "
                    "product with --product."
                )
            yield id_


def _text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return f"{value:.0f}" if isinstance(value, float) and value.is_integer() else str(value).strip()
