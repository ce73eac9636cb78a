"""Which products of the crawl database leave it, and why the others stay."""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from shelfsort.catalog.category_counts import sorted_products
from shelfsort.catalog.cleaning.cleaner import Cleaner
from shelfsort.catalog.cleaning.posts import later_of_posts
from shelfsort.catalog.cleaning.settings import CleaningSettings
from shelfsort.catalog.database.tables import image, link, pair, product, product_link, source
from shelfsort.catalog.output.alike import Alike

OnePer = Literal["product", "picture", "group"]
Label = Callable[[str, tuple[str, ...]], str | None]
"""The leaf that a source's name and the categories of a product mean; None where there is none."""

_ROWS = 1_000
REASONS = {
    "gone": "its source no longer has it",
    "no_image": "none of its pictures was fetched, or none may be used",
    "no_content": "it has no picture and no words",
    "no_licence": "its source has no licence in the settings",
    "spam": "an earlier product of the same post is kept",
    "personal_data": "it shows an e-mail address or a telephone number",
    "language": "it is in another language",
    "not_trusted": "the categories of its source are not trusted",
    "no_category": "its source does not sort it",
    "not_mapped": "no leaf of the tree belongs to its categories",
    "rare": "its leaf has too few products",
    "same_picture": "an earlier product shows the same picture",
    "variant": "it is a variant of an earlier product",
}
"""Why a product is left out, in the order in which they are looked at."""


@dataclass(frozen=True)
class Picture:
    """A picture in the store.

    Attributes:
        digest: SHA-256 of the bytes, in hex.
        format: such as "jpeg".
        width, height: in pixels.
        bytes: of the file.
        url: that it was fetched from, as the source gave it.
        fetched: moment of the first fetch.
    """

    digest: str
    format: str
    width: int
    height: int
    bytes: int
    url: str
    fetched: datetime

    @property
    def public_url(self) -> str:
        """`url` on the web; "" for a file of this machine or in a bucket."""
        return self.url if self.url.startswith(("http://", "https://")) else ""


@dataclass(frozen=True)
class Chosen:
    """A product that leaves the database.

    Attributes:
        source: name of its source.
        source_id: its id there.
        title, description: as the rules for cleaning leave them.
        price: None where it is not known.
        currency: ISO 4217, "" where it is not known.
        licence: of its source, "" where there is none.
        picture: the first good one; None where there is none.
        label: path of the leaf; None where none was asked for.
    """

    source: str
    source_id: str
    title: str
    description: str
    price: float | None
    currency: str
    licence: str
    picture: Picture | None
    label: str | None = None

    @property
    def id(self) -> str:
        """Unique in the database, and the same whatever other sources there are."""
        return f"{self.source}:{self.source_id}"


@dataclass(frozen=True)
class Wanted:
    """Which products are wanted.

    Attributes:
        sources: names of theirs; empty for all.
        licences: by name of the source.
        trusted: sources whose categories are labels; looked at with `label` only.
        label: what the categories mean; None for products without labels.
        without_images: whether products without a good picture are taken.
        licensed: whether products need a licence.
        one_per: "picture" keeps the first of the products that show one picture, "group" the first
            of all variants as well, "product" keeps all.
        cleaning: rules for the texts; None leaves them as the sources wrote them.
        least_products: number of products of trusted sources that a leaf needs; looked at with
            `label` only.
    """

    licences: Mapping[str, str]
    sources: Collection[str] = ()
    trusted: Collection[str] = ()
    label: Label | None = None
    without_images: bool = False
    licensed: bool = False
    one_per: OnePer = "picture"
    cleaning: CleaningSettings | None = None
    least_products: int = 0


class Selection:
    """The wanted products, one after the other, by the time they were first stored.

    Attributes:
        left_out: number of products by a key of `REASONS`; whole after the last product.
        taken: number of products given.
    """

    def __init__(self, connection: Connection, wanted: Wanted):
        """Reads the pairs of pictures that look the same, and what descriptions share."""
        self._connection = connection
        rules = wanted.cleaning
        self._rare = _rare_labels(connection, wanted)
        self._cleaner = Cleaner.of(connection, rules) if rules else None
        self._later = later_of_posts(connection) if rules and rules.first_of_post else frozenset()
        self._wanted = wanted
        self._alike = Alike(_same_pairs(connection) if wanted.one_per != "product" else ())
        self._pictures: set[str] = set()
        self._groups: set[int] = set()
        self.left_out: Counter[str] = Counter()
        self.taken = 0

    def __iter__(self) -> Iterator[Chosen]:
        """Gives each wanted product once; a second round begins with the first."""
        self._pictures, self._groups = set(), set()
        self.left_out, self.taken = Counter(), 0
        statement = _products(self._wanted.sources)
        found = self._connection.execution_options(stream_results=True).execute(statement)
        for row in found.yield_per(_ROWS).mappings():
            chosen, reason = self._cleaned(_chosen(row, self._wanted))
            reason = self._reason(row, chosen, reason)
            if reason:
                self.left_out[reason] += 1
            else:
                self.taken += 1
                yield chosen

    def _cleaned(self, chosen: Chosen) -> tuple[Chosen, str]:
        """The product with clean texts, and why the rules leave it out; "" where they do not."""
        if self._cleaner is None:
            return chosen, ""
        found = self._cleaner.clean(chosen.source, chosen.title, chosen.description)
        cleaned = replace(chosen, title=found.title, description=found.description)
        return cleaned, self._cleaner.reason(found)

    def _reason(self, row: Mapping[Any, Any], chosen: Chosen, by_text: str) -> str:
        """Why a product is left out, "" where it is not."""
        wanted = self._wanted
        if row["gone"] is not None:
            return "gone"
        if chosen.picture is None and not wanted.without_images:
            return "no_image"
        if chosen.picture is None and not (chosen.title.strip() or chosen.description.strip()):
            return "no_content"
        if wanted.licensed and not chosen.licence:
            return "no_licence"
        if row["id"] in self._later:
            return "spam"
        if by_text:
            return by_text
        if wanted.label is not None and chosen.label is None:
            if chosen.source not in wanted.trusted:
                return "not_trusted"
            return "not_mapped" if _categories(row) else "no_category"
        if chosen.label in self._rare:
            return "rare"
        return self._copy(row["variants"], chosen.picture)

    def _copy(self, variants: int, picture: Picture | None) -> str:
        """Why a product is a copy of an earlier one, "" where it is none."""
        one_per = self._wanted.one_per
        if one_per == "product":
            return ""
        seen = self._alike.one_of(picture.digest) if picture else ""
        if seen in self._pictures:
            return "same_picture"
        # Number 0: nobody looked for variants yet.
        if one_per == "group" and variants and variants in self._groups:
            return "variant"
        self._pictures |= {seen} if seen else set()
        self._groups.add(variants)
        return ""


def _rare_labels(connection: Connection, wanted: Wanted) -> frozenset[str]:
    """Labels of too few products of the trusted sources."""
    label, counts = wanted.label, Counter[str]()
    if label is None or not wanted.least_products:
        return frozenset()
    for each in sorted_products(connection):
        leaf = label(each.source, each.categories) if each.source in wanted.trusted else None
        if leaf is not None:
            counts[leaf] += each.products
    return frozenset(leaf for leaf, count in counts.items() if count < wanted.least_products)


def _same_pairs(connection: Connection) -> Iterator[tuple[str, str]]:
    found = connection.execute(sa.select(pair.c.one, pair.c.other).where(pair.c.verdict == "same"))
    return ((row.one, row.other) for row in found)


def _products(sources: Collection[str]) -> sa.Select[Any]:
    """Every product with its first good picture."""
    first = (
        sa.select(product_link.c.product, sa.func.min(product_link.c.position).label("position"))
        .join(link, link.c.id == product_link.c.link)
        .join(image, image.c.digest == link.c.image)
        .where(image.c.problem == "")
        .group_by(product_link.c.product)
        .subquery()
    )
    shown = sa.and_(
        product_link.c.product == first.c.product, product_link.c.position == first.c.position
    )
    places = (
        product.outerjoin(first, first.c.product == product.c.id)
        .outerjoin(product_link, shown)
        .outerjoin(link, link.c.id == product_link.c.link)
        .outerjoin(image, image.c.digest == link.c.image)
        .join(source, source.c.name == product.c.source)
    )
    columns = (
        *(product.c[name] for name in _OF_PRODUCT),
        source.c.licence,
        link.c.url,
        image.c.digest.label("picture"),
        *(image.c[name] for name in ("format", "width", "height", "bytes", "fetched")),
    )
    statement = sa.select(*columns).select_from(places).order_by(product.c.id)
    return statement.where(product.c.source.in_(sources)) if sources else statement


_OF_PRODUCT = (
    *("id", "source", "source_id", "title", "description", "price", "currency", "categories"),
    *("variants", "gone"),
)


def _chosen(row: Mapping[Any, Any], wanted: Wanted) -> Chosen:
    name = row["source"]
    label = None
    if wanted.label is not None and name in wanted.trusted:
        label = wanted.label(name, _categories(row))
    return Chosen(
        name,
        row["source_id"],
        row["title"],
        row["description"],
        row["price"],
        row["currency"],
        wanted.licences.get(name) or row["licence"],
        _picture(row),
        label,
    )


def _picture(row: Mapping[Any, Any]) -> Picture | None:
    if row["picture"] is None:
        return None
    return Picture(
        row["picture"],
        row["format"],
        row["width"],
        row["height"],
        row["bytes"],
        row["url"],
        row["fetched"],
    )


def _categories(row: Mapping[Any, Any]) -> tuple[str, ...]:
    return tuple(json.loads(row["categories"] or "[]"))
