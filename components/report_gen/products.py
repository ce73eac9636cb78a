"""Words and small pictures of the few products that a report shows, found among all of a split."""

import itertools
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import tensorflow as tf

from shelfsort.contract.signatures import NO_PRICE
from shelfsort.core.progress import progress
from shelfsort.products.example import first_bytes, first_float, first_text
from shelfsort.products.images.thumbnails import thumbnail

PICTURE_BUDGET = 20_000_000


@dataclass(frozen=True)
class Found:
    """What was found, by product id.

    Attributes:
        words: title and description.
        pictures: data URIs.
        sources: references to the images as the data has them; "" for none.
        golds: gold categories, of products that have one.
        prices: of products that have one.
        records: serialised tf.Examples, of products whose record was wanted.
    """

    words: dict[str, tuple[str, str]] = field(default_factory=dict)
    pictures: dict[str, str] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    golds: dict[str, str] = field(default_factory=dict)
    prices: dict[str, float] = field(default_factory=dict)
    records: dict[str, bytes] = field(default_factory=dict)

    def details(self) -> dict[str, tuple[str, float | None]]:
        """Description and price, of products that have either."""
        return {
            product_id: (description, self.prices.get(product_id))
            for product_id, (_, description) in self.words.items()
            if description or product_id in self.prices
        }


def find_products(
    split_uri: str,
    wanted: Collection[str],
    pictured: Collection[str] = (),
    scanned: int | None = None,
    recorded: Collection[str] = (),
) -> Found:
    """Reads a split of tf.Examples until all that is wanted was found.

    Args:
        split_uri: folder of gzipped TFRecords.
        wanted: product ids.
        pictured: those of them whose picture is wanted too.
        scanned: look only at the first so many products; None for all.
        recorded: those of them whose record is wanted too.
    """
    wanted, pictured, found = set(wanted), set(pictured), Found()
    for example in itertools.islice(_products(split_uri), scanned if wanted else 0):
        product_id = first_text(example, "product_id")
        if product_id not in wanted or product_id in found.words:
            continue
        found.words[product_id] = (first_text(example, "title"), first_text(example, "description"))
        found.sources[product_id] = first_text(example, "image_source")
        if gold := first_text(example, "gold"):
            found.golds[product_id] = gold
        if (price := first_float(example, "price", NO_PRICE)) != NO_PRICE:
            found.prices[product_id] = price
        if product_id in recorded:
            found.records[product_id] = example.SerializeToString()
        encoded = first_bytes(example, "image") if product_id in pictured else b""
        if encoded and (small := thumbnail(encoded)):
            found.pictures[product_id] = small
            progress(len(found.pictures), None, "images")
        if len(found.words) == len(wanted):
            break
    return found


def within_budget(
    pictures: Mapping[str, str], order: Sequence[str], budget: int = PICTURE_BUDGET
) -> dict[str, str]:
    """The pictures that fit into `budget` bytes of page, taken in `order`."""
    kept: dict[str, str] = {}
    for product_id in order:
        picture = pictures.get(product_id)
        if picture is None:
            continue
        budget -= len(picture)
        if budget < 0:
            break
        kept[product_id] = picture
    return kept


def _products(split_uri: str) -> Iterator[tf.train.Example]:
    """Every product of a split, in the order in which training reads them."""
    files = sorted(tf.io.gfile.glob(os.path.join(split_uri, "*")))  # noqa: PTH118 - a URI
    for record in tf.data.TFRecordDataset(files, compression_type="GZIP").as_numpy_iterator():
        yield tf.train.Example.FromString(record)
