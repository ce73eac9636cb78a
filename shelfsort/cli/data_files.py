"""The files of --data, which hold no product on some days."""

from collections.abc import Sequence

import click

from shelfsort.core.errors import NoRows
from shelfsort.core.storage import absolute
from shelfsort.products.manifest.files import NoFiles, find_manifest_files
from shelfsort.products.tables.lines import product_lines
from shelfsort.products.tables.rows import Reading

NOTHING = "No products: nothing to decide."

if_any_option = click.option(
    "--if-any",
    is_flag=True,
    help="End well where --data holds no product, as on a day without new ones.",
)


def data_files(data: str, how: Reading, if_any: bool) -> Sequence[str]:
    """The files of the data; with `if_any`, those that hold a row, which may be none.

    Raises:
        InputError: there is no such file, or one cannot be read.
    """
    try:
        files = find_manifest_files(absolute(data))
    except NoFiles:
        if if_any:
            return ()
        raise
    return [each for each in files if not if_any or _has_rows(each, how)]


def _has_rows(file: str, how: Reading) -> bool:
    try:
        return next(iter(product_lines(file, how)), None) is not None
    except NoRows:
        return False
