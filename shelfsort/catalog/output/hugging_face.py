"""An image set as Hugging Face's `datasets` reads it: Parquet shards and a data card.

A picture is a struct of its bytes and a path, which the schema's metadata call an image. A label is
the number of a class. The card is `README.md`, whose head names licence, features and files.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from shelfsort.catalog.output.data_card import data_card
from shelfsort.catalog.output.image_set import NO_LICENCE, Contents, Item, items, new_folder
from shelfsort.catalog.output.pictures import Pictures
from shelfsort.catalog.output.selection import Chosen

CARD, DATA = "README.md", "data"
SHARD_BYTES = 400_000_000
_ROWS = 100
_LICENCES = frozenset(
    (
        *("cc0-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0"),
        *("cc-by-sa-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nd-4.0"),
        *("cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0"),
        *("cc-by-nc-sa-4.0", "cdla-sharing-1.0", "cdla-permissive-1.0", "cdla-permissive-2.0"),
        *("odc-by", "odbl", "pddl", "apache-2.0", "mit", "unlicense", "gpl-3.0", "agpl-3.0"),
    )
)
_TEXTS = ("id", "title", "description", "currency", "source", "licence", "image_url")
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def write_hugging_face(
    place: str,
    products: Iterable[Chosen],
    pictures: Pictures,
    title: str,
    classes: Sequence[str],
    shard_bytes: int = SHARD_BYTES,
) -> Contents:
    """Writes the set, whole or not at all.

    Args:
        place: folder that does not exist yet.
        products: each with a leaf and a picture.
        pictures: the store.
        title: of the set.
        classes: paths of all leaves of the products; their order gives the numbers.
        shard_bytes: a shard ends with the picture that reaches this size.

    Raises:
        InputError: there is something at `place`.
    """
    contents = Contents()
    schema = _schema(classes)
    numbers = {name: number for number, name in enumerate(classes)}
    with new_folder(place) as folder:
        (folder / DATA).mkdir()
        found = items(products, pictures, contents)
        shards: list[Path] = []
        for first in found:
            shards.append(folder / DATA / f"{len(shards)}.partial")
            _write_shard(shards[-1], first, found, schema, numbers, shard_bytes)
        for number, path in enumerate(shards):
            path.rename(folder / DATA / f"train-{number:05d}-of-{len(shards):05d}.parquet")
        stored = sum(path.stat().st_size for path in (folder / DATA).iterdir())
        card = _head(title, contents, classes, stored) + data_card(title, contents)
        (folder / CARD).write_text(card, "utf-8")
    return contents


def _write_shard(
    path: Path,
    first: Item,
    others: Iterator[Item],
    schema: pa.Schema,
    numbers: dict[str, int],
    most: int,
) -> None:
    """Writes the first item and those after it, until the shard is full."""
    written = 0

    def until_full() -> Iterator[dict[str, Any]]:
        nonlocal written
        item: Item | None = first
        while item is not None:
            written += len(item.content)
            yield _row(item, numbers)
            item = next(others, None) if written < most else None

    rows = until_full()
    with pq.ParquetWriter(path, schema) as writer:
        while group := list(islice(rows, _ROWS)):
            writer.write_table(pa.Table.from_pylist(group, schema=schema))


def _row(item: Item, numbers: dict[str, int]) -> dict[str, Any]:
    product = item.product
    texts = (
        *(product.id, product.title, product.description, product.currency, product.source),
        *(product.licence, item.picture.public_url),
    )
    return {
        "image": {"bytes": item.content, "path": item.file.rpartition("/")[2]},
        "label": numbers[product.label or ""],
        **dict(zip(_TEXTS, texts, strict=True)),
        "price": product.price,
    }


def _schema(classes: Sequence[str]) -> pa.Schema:
    text = [pa.field(name, pa.string()) for name in _TEXTS]
    picture = pa.struct([pa.field("bytes", pa.binary()), pa.field("path", pa.string())])
    features = {
        "image": {"_type": "Image"},
        "label": {"names": list(classes), "_type": "ClassLabel"},
        **{name: {"dtype": "string", "_type": "Value"} for name in _TEXTS},
        "price": {"dtype": "float64", "_type": "Value"},
    }
    fields = [pa.field("image", picture), pa.field("label", pa.int64()), *text]
    told = json.dumps({"info": {"features": features}})
    return pa.schema([*fields, pa.field("price", pa.float64())], {"huggingface": told})


def _head(title: str, contents: Contents, classes: Sequence[str], stored: int) -> str:
    """The YAML that the card begins with."""
    named = {str(number): name for number, name in enumerate(classes)}
    features: list[dict[str, Any]] = [
        {"name": "image", "dtype": "image"},
        {"name": "label", "dtype": {"class_label": {"names": named}}},
        *({"name": name, "dtype": "string"} for name in _TEXTS),
        {"name": "price", "dtype": "float64"},
    ]
    split = {"name": "train", "num_bytes": contents.bytes, "num_examples": contents.products}
    head = {
        "pretty_name": title,
        **_licence(contents.licences),
        "task_categories": ["image-classification"],
        "annotations_creators": ["found"],
        "size_categories": [_size(contents.products)],
        "dataset_info": {
            "features": features,
            "splits": [split],
            "download_size": stored,
            "dataset_size": contents.bytes,
        },
        "configs": [
            {
                "config_name": "default",
                "data_files": [{"split": "train", "path": f"{DATA}/train-*"}],
            }
        ],
    }
    return f"---\n{yaml.safe_dump(head, sort_keys=False, allow_unicode=True)}---\n\n"


def _licence(licences: list[str]) -> dict[str, Any]:
    """The card's names of the one licence; "other" for several, which the text lists."""
    if licences in ([], [NO_LICENCE]):
        return {"license": "unknown"}
    if len(licences) == 1 and licences[0].lower() in _LICENCES:
        return {"license": licences[0].lower()}
    return {"license": "other", "license_name": "see-sources-and-licences"}


def _size(count: int) -> str:
    return next((name for limit, name in _SIZES if count < limit), "1M<n<10M")
