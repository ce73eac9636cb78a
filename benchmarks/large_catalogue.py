"""Catalogues of any size for the scale benchmark: the demo's products, drawn much faster.

A few photographs of each shelf are drawn once; each product's picture is a crop of one of them,
enlarged to a size of its own, so that no two files are alike. The first n products of a larger
catalogue are those of a smaller one, which makes "one per cent more" a matter of a longer manifest.
"""

import functools
import json
import multiprocessing
from pathlib import Path
from random import Random

from PIL import Image

from demo.catalogue import NO_PICTURE, NO_WORDS, POOR_SHOTS
from demo.manifest import Product, line
from demo.pictures import COLOURS, easy_shot, encode, photograph, poor_shot
from demo.shelves import SHELVES, Shelf, taxonomy_nodes
from demo.words import describe
from demo.workers import answers

TAXONOMY = "taxonomy.json"
_CHUNK = 500
_DRAWS = 12
_SIDES = (220, 300)
_CROPPED = 24


def make_catalogue(folder: Path, products: int, seed: int = 7, processes: int = 2) -> Path:
    """Writes pictures, taxonomy and `labelled-<products>.manifest` into `folder`.

    Args:
        folder: may hold other sizes already; their pictures are shared.
        products: lines of the manifest; about 5 % lack the picture, 4 % the words.
        seed: what all chance is drawn from.
        processes: that draw at the same time.

    Returns:
        The manifest.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / TAXONOMY).write_text(json.dumps(taxonomy_nodes(), ensure_ascii=False))
    chunks = [range(a, min(a + _CHUNK, products)) for a in range(0, products, _CHUNK)]
    make = functools.partial(_make_chunk, folder, seed)
    manifest = folder / f"labelled-{products}.manifest"
    with multiprocessing.get_context("spawn").Pool(processes) as pool, manifest.open("w") as file:
        for lines in pool.imap(make, chunks):
            file.writelines(f"{each}\n" for each in lines)
    return manifest


def _make_chunk(folder: Path, seed: int, numbers: range) -> list[str]:
    images = folder / "images" / f"{numbers.start:07d}"
    images.mkdir(parents=True, exist_ok=True)
    titles: set[str] = set()
    return [line(_product(folder, images, seed, number, titles)) for number in numbers]


def _product(folder: Path, images: Path, seed: int, number: int, titles: set[str]) -> Product:
    rng = Random(f"{seed}/{number}")
    shelf = SHELVES[number % len(SHELVES)]
    lack, colour = rng.random(), rng.choice(list(COLOURS))
    words = None if lack < NO_WORDS else describe(shelf, colour, rng, titles)
    path = None if NO_WORDS <= lack < NO_WORDS + NO_PICTURE else images / f"{number}.jpg"
    poor = rng.random() < POOR_SHOTS
    content = _picture(seed, shelf, poor, rng)
    if path is not None and not path.exists():
        path.write_bytes(content)
    vague = words is None or not words.named
    return Product(
        id=f"p{number:08d}",
        words=words,
        source=str(path.relative_to(folder)) if path else None,
        answers=answers(shelf, rng, hard=vague and (poor or path is None)),
        gold=shelf.path,
    )


def _picture(seed: int, shelf: Shelf, poor: bool, rng: Random) -> bytes:
    drawn = rng.choice(_drawn(seed, shelf, poor))
    left, top, right, bottom = (rng.randrange(_CROPPED) for _ in range(4))
    box = (left, top, drawn.width - right, drawn.height - bottom)
    size = (rng.randint(*_SIDES), rng.randint(*_SIDES))
    return encode(drawn.resize(size, Image.Resampling.BICUBIC, box), "JPEG")


@functools.cache
def _drawn(seed: int, shelf: Shelf, poor: bool) -> list[Image.Image]:
    rng = Random(f"{seed}/{shelf.id}/{poor}")
    take = poor_shot if poor else easy_shot
    return [photograph(shelf.id, rng.choice(list(COLOURS)), take(rng), rng) for _ in range(_DRAWS)]
