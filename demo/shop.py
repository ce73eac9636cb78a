"""The demo's catalogue as a shop keeps it: tables of two sources, and links to a picture server."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import yaml

from demo.catalogue import HELD_OUT, TAXONOMY, Entry, HeldOut, held_out, made_products
from demo.shelves import SHELVES, taxonomy_nodes
from demo.shop_server import DEAD_HOST, HOST, SLOW_HOST, PictureServer
from demo.whole_folder import publish_folder
from demo.workers import majority

SETTINGS, CROSSWALK, SOURCES = "catalog.yaml", "crosswalk.csv", "sources"
CRAWL, TRAINING, REPORT = "crawl", "training.manifest", "report.html"
TABLES = 6
"""Files of the first source."""
_OUTLET_SHARE = 0.3
SOLD_AS: dict[str, tuple[str, ...]] = {
    "mugs": ("Mugs & cups",),
    "bowls": ("Bowls",),
    "teapots": ("Tea & coffee / pots",),
    "chairs": ("Chairs", "Dining / seating"),
    "stools": ("Stools",),
    "lamps": ("Lighting",),
    "t-shirts": ("T-Shirts", "Basics / tops"),
    "jackets": ("Outerwear",),
    "dresses": ("Dresses",),
    "boots": ("Boots",),
    "sneakers": ("Trainers", "Sneakers"),
    "sandals": ("Summer shoes",),
}
"""What the sources call each shelf."""
_OURS = {SOURCES, TAXONOMY, CROSSWALK, SETTINGS, HELD_OUT, CRAWL, TRAINING, REPORT}
_BY_PATH = {shelf.path: shelf.id for shelf in SHELVES}


@dataclass(frozen=True, slots=True)
class Shop:
    """A shop on disk.

    Attributes:
        settings: of its catalogue, for `shelfsort catalog`.
        products: lines of its tables.
        links: to pictures, dead ones included.
        held_out: a product that is in no table.
    """

    settings: Path
    products: int
    links: int
    held_out: HeldOut


def make_shop(directory: Path, server: PictureServer, products: int = 600, seed: int = 7) -> Shop:
    """Writes the tables and settings of a shop into `directory`, and gives the server its pictures.

    The folder appears whole or not at all; one that a former call made is replaced, with its crawl
    database and its pictures.

    Raises:
        InputError: the folder holds anything else.
    """
    entries = made_products(products, seed)
    rng = Random(f"{seed}/links")
    pictures: dict[str, bytes] = {}
    lines = [
        _line(entry, list(_links(entry, server.port, pictures, rng)), rng) for entry in entries
    ]
    server.pictures = pictures
    cut = round(len(lines) * (1 - _OUTLET_SHARE))
    question, picture = held_out(directory, seed)
    files = {
        f"{SOURCES}/boutique-{number + 1}.csv": _boutique(lines[:cut][number::TABLES])
        for number in range(TABLES)
    }
    files[f"{SOURCES}/outlet.csv"] = _outlet(lines[cut:])
    files[TAXONOMY] = json.dumps(taxonomy_nodes(), indent=1, ensure_ascii=False).encode()
    files[CROSSWALK] = _crosswalk()
    files[SETTINGS] = yaml.safe_dump(_settings(server.port), sort_keys=False).encode()
    files[HELD_OUT] = picture
    # The database needs a folder.
    files[f"{CRAWL}/.keep"] = b""
    publish_folder(directory, files, ours=_OURS)
    links = sum(len(line.links) for line in lines)
    return Shop(directory / SETTINGS, len(lines), links, question)


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of a table."""

    id: str
    title: str
    description: str
    price: float | None
    category: str
    links: Sequence[str]


def _line(entry: Entry, links: Sequence[str], rng: Random) -> _Line:
    product = entry.product
    # The shop sorts as most people would, with their mistakes.
    leaf, _ = majority(product.answers)
    words = product.words
    return _Line(
        product.id,
        words.title if words else "",
        words.description if words else "",
        words.price if words else None,
        rng.choice(SOLD_AS[_BY_PATH[leaf]]),
        links,
    )


def _links(entry: Entry, port: int, pictures: dict[str, bytes], rng: Random) -> Iterator[str]:
    """Links to the picture of a product, the dead ones first, as a shop's tables have them."""
    if entry.picture is None:
        return
    chance = rng.random()
    name = f"{entry.product.id}.jpg"
    for bad, host, folder in _BAD_LINKS:
        chance -= bad
        if chance < 0:
            yield f"http://{host}:{port}/{folder}/{name}"
            break
    if 0 <= chance < _LOST:
        yield f"http://{HOST}:{port}/gone/{name}"
        return
    host, folder = (SLOW_HOST, "slow") if rng.random() < _SLOW else (HOST, "photos")
    pictures[f"/{folder}/{name}"] = entry.picture
    yield f"http://{host}:{port}/{folder}/{name}"


_BAD_LINKS = (
    (0.10, HOST, "gone"),
    (0.04, DEAD_HOST, "photos"),
    (0.02, HOST, "page"),
    (0.004, HOST, "stream"),
)
"""Shares of the products whose first link is bad."""
_LOST, _SLOW = 0.04, 0.04
"""Shares of the products whose only link is dead, and whose picture comes slowly."""


def _boutique(lines: Sequence[_Line]) -> bytes:
    """A table as this century writes it: UTF-8 and commas."""
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(["id", "title", "description", "price", "currency", "category", "images"])
    for line in lines:
        price = "" if line.price is None else f"{line.price:.2f}"
        row = [line.id, line.title, line.description, price, "EUR", line.category]
        writer.writerow([*row, " ".join(line.links)])
    return table.getvalue().encode()


def _outlet(lines: Sequence[_Line]) -> bytes:
    """A table of an older system: Windows' letters, semicolons, decimal commas, other columns."""
    table = io.StringIO(newline="")
    writer = csv.writer(table, delimiter=";")
    writer.writerow(["Article", "Name", "Text", "Price", "Group", "Photo", "Photo 2"])
    for line in lines:
        price = "" if line.price is None else f"{line.price:.2f} €".replace(".", ",")
        photos = [*line.links, "", ""][:2]
        writer.writerow([line.id, line.title, line.description, price, line.category, *photos])
    return table.getvalue().encode("cp1252", "replace")


def _crosswalk() -> bytes:
    table = io.StringIO(newline="")
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["from", "to"])
    for shelf in SHELVES:
        writer.writerows([name, shelf.path] for name in SOLD_AS[shelf.id])
    return table.getvalue().encode()


def _settings(port: int) -> dict[str, object]:
    return {
        "database": f"{CRAWL}/catalog.db",
        "images": f"{CRAWL}/images",
        "taxonomy": TAXONOMY,
        "crosswalk": CROSSWALK,
        # What the shop says of everything goes, and what it says of a department stays.
        "cleaning": {"least_share": 0.07},
        "fetch": {"contact": "https://shop.example/contact", "ports": [port], "wait_s": 10},
        "sources": {
            "boutique": {
                "type": "tables",
                "files": f"{SOURCES}/boutique-*.csv",
                "licence": "CC0-1.0",
                "trusted_categories": True,
            },
            "outlet": {
                "type": "tables",
                "files": f"{SOURCES}/outlet.csv",
                "licence": "CC0-1.0",
                "trusted_categories": True,
                "currency": "EUR",
                "columns": {
                    "id": "Article",
                    "title": "Name",
                    "description": "Text",
                    "price": "Price",
                    "categories": "Group",
                    "image_urls": ["Photo", "Photo 2"],
                },
            },
        },
    }
