"""The products that people label, and their images."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from shelfsort.core.errors import InputError
from shelfsort.labeling.chance import chance_order
from shelfsort.labeling.given_products import PRODUCT_FIELDS
from shelfsort.labeling.path_ids import is_path_id
from shelfsort.labeling.queue.wanted import WANTED_FIELDS, Wanted, read_wanted
from shelfsort.products.images.pages import DOWNLOAD_S, PageImages
from shelfsort.products.images.source import ImageSources
from shelfsort.products.manifest.parsing import parse_record, read_record
from shelfsort.products.manifest.rejects import RejectedLine
from shelfsort.products.product import Product
from shelfsort.products.tables.lines import catalogue_lines
from shelfsort.products.tables.rows import Reading

MAX_SHOWN_CHARS = 2_000
"""Of a title and of a description: nobody reads more."""


@dataclass(frozen=True)
class Listed:
    """A product, the file that names it, and the answers it needs (None: what all others do)."""

    product: Product
    file: str
    wanted: Wanted | None = None

    @property
    def shown_id(self) -> str:
        """The id as people see it; "" for a path, whose folders may name the category."""
        return "" if is_path_id(self.product) else self.product.id


@dataclass(frozen=True)
class Catalogue:
    """The products of a labelling job.

    Attributes:
        listed: each id once, in `chance_order`; a later file replaces products of an earlier one.
        rejects: number of lines that were left out, by reason.
        first_reject: place of the first of them and what is wrong there, "" for none.
    """

    listed: Sequence[Listed]
    rejects: Mapping[str, int]
    first_reject: str


def read_catalogue(data: str, how: Reading, answers_each: int = 3) -> Catalogue:
    """Reads the products; labels in the data are not looked at.

    Args:
        data: manifest, table or folder of images, in any form that `shelfsort run` takes.
        how: tables are read.
        answers_each: that a product needs whose line says whom to ask, and not how many.

    Raises:
        InputError: it cannot be read, or holds no product, or a line wants answers that nobody can
            give.
    """
    listed: dict[str, Listed] = {}
    rejects: Counter[str] = Counter()
    first = ""
    for line in catalogue_lines(data, replace(how, also=WANTED_FIELDS)):
        record = read_record(line)
        shown = {name: record.fields[name] for name in PRODUCT_FIELDS if name in record.fields}
        try:
            product = parse_record(
                type(record)(line, shown, record.fault), "", MAX_SHOWN_CHARS
            ).product
            if product.id in listed and listed[product.id].file == line.file:
                raise RejectedLine("repeated_id", f"{product.id[:80]!r}")
        except RejectedLine as why:
            rejects[why.reason] += 1
            first = first or f"{line.file}:{line.number}: {why}"
            continue
        try:
            wanted = read_wanted(record.fields, answers_each)
        except ValueError as error:
            raise InputError(f"{line.file}:{line.number}: {error}. Correct the line.") from error
        listed[product.id] = Listed(product, line.file, wanted)
    if not listed:
        why_none = f" ({first})" if first else ""
        raise InputError(
            f"{data}: no product to label{why_none}. Give products with images or words."
        )
    found = list(listed.values())
    return Catalogue(tuple(found[row] for row in chance_order(list(listed))), rejects, first)


class Images:
    """The images of a catalogue's products, as a browser shows them. Threads may share it."""

    def __init__(
        self, listed: Sequence[Listed], roots: Sequence[str] = (), allow_http: bool = False
    ):
        """As `ImageSources`."""
        self._listed, self._shown = listed, PageImages()
        self._sources = ImageSources(roots, allow_http=allow_http, download_s=DOWNLOAD_S)

    def jpeg(self, place: int) -> bytes:
        """The image of the product at a place in the catalogue.

        Raises:
            RejectedLine: there is none, or it cannot be read or shown.
        """
        each = self._listed[place]
        return self._shown.jpeg(self._sources.of(each.file), each.product.image)
