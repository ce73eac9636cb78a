"""Makes the demo's catalogue: a labelled manifest, its taxonomy and its pictures, from a seed.

Pictures and words carry independent evidence: whether a photograph is poor does not depend on
whether a title is vague, so a model that sees both must beat one that sees either.
"""

import json
from collections import Counter
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from random import Random

from demo.breakage import FAULTS, BrokenLine, Specimen, break_lines
from demo.manifest import Product, line
from demo.pictures import COLOURS, easy_shot, encode, photograph, poor_shot
from demo.shelves import BY_ID, SHELVES, Shelf, taxonomy_nodes
from demo.whole_folder import publish_folder
from demo.words import Words, describe, recoloured
from demo.workers import answers, majority
from shelfsort.core.progress import progress

MANIFEST, TAXONOMY, IMAGES, HELD_OUT = (
    "labelled.manifest",
    "taxonomy.json",
    "images",
    "held-out.jpg",
)

POOR_SHOTS = 0.19
NO_PICTURE = 0.05
NO_WORDS = 0.04
PNG_SHARE = 0.06
PRODUCTS_PER_FAMILY = 75
"""One family of colour variants for so many products."""
_CONSENSUS = 1.5
"""Answers that must agree: more than one, or the three workers have said three things."""
_HELD_OUT_SHELF = "teapots"


@dataclass(frozen=True, slots=True)
class HeldOut:
    """A product that is in no line of the manifest: what the demo asks the served model.

    Attributes:
        category: id of the leaf it was made for.
        path: the same leaf as people read it.
    """

    title: str
    description: str
    price: float
    image: Path
    category: str
    path: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A catalogue on disk.

    Attributes:
        lines: lines of the manifest, sound and broken.
        products: lines that ingest must accept.
        rejects: lines that it must reject, by reason.
        without_picture, without_words: accepted products that lack the one or the other.
        wrong_labels: accepted products whose majority label is not the category they were made for.
        variants: accepted products that share their title with another.
    """

    directory: Path
    manifest: Path
    taxonomy: Path
    images: Path
    lines: int
    products: int
    rejects: dict[str, int]
    without_picture: int
    without_words: int
    wrong_labels: int
    variants: int
    held_out: HeldOut


@dataclass(frozen=True, slots=True)
class Entry:
    """A product and its picture, not yet in any file.

    Attributes:
        product: as the crowd has labelled it.
        shelf: that it was made for.
        picture: encoded; None where there is none.
    """

    product: Product
    shelf: Shelf
    picture: bytes | None


class _Maker:
    """Makes one product after the other; the same seed makes the same products."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._titles: set[str] = set()
        self._made = 0

    def product(self, shelf: Shelf, family: Words | None = None, *, whole: bool = False) -> Entry:
        """Makes a product; `family` gives the words it shares, `whole` forbids that it lacks any.

        Words, picture and answers each have a generator of their own, so that a change to one of
        them leaves the others as they were.
        """
        number = self._made
        self._made += 1
        chance, words_rng, picture_rng, crowd_rng = (
            Random(f"{self._seed}/{number}/{part}")
            for part in ("lack", "words", "picture", "crowd")
        )
        lack = 1.0 if whole or family else chance.random()
        colour = chance.choice(list(COLOURS))
        words = None if lack < NO_WORDS else self._words(shelf, colour, family, words_rng)
        has_picture = not NO_WORDS <= lack < NO_WORDS + NO_PICTURE
        image_format = "PNG" if not whole and chance.random() < PNG_SHARE else "JPEG"
        product_id = f"{10_000 + 7 * number}"
        suffix = {"PNG": ".png", "JPEG": ".jpg"}[image_format]
        poor = picture_rng.random() < POOR_SHOTS
        picture = None
        if has_picture:
            shot = poor_shot(picture_rng) if poor else easy_shot(picture_rng)
            picture = encode(photograph(shelf.id, colour, shot, picture_rng), image_format)
        vague = words is None or not words.named
        product = Product(
            id=product_id,
            words=words,
            source=f"{IMAGES}/{product_id}{suffix}" if has_picture else None,
            answers=answers(shelf, crowd_rng, hard=vague and (poor or not has_picture)),
            gold=shelf.path,
        )
        return Entry(product, shelf, picture)

    def _words(self, shelf: Shelf, colour: str, family: Words | None, rng: Random) -> Words:
        if family is not None:
            return recoloured(family, shelf, colour, rng)
        return describe(shelf, colour, rng, self._titles)

    def family(self, shelf: Shelf, size: int) -> list[Entry]:
        """Makes colour variants of one product: one title, one price, several pictures."""
        rng = Random(f"{self._seed}/family/{self._made}")
        words = describe(shelf, "", rng, self._titles, colour_in_title=False)
        return [self.product(shelf, words) for _ in range(size)]


def _sound_entries(maker: _Maker, products: int, rng: Random) -> list[Entry]:
    entries: list[Entry] = []
    for _ in range(products // PRODUCTS_PER_FAMILY):
        entries += maker.family(rng.choice(SHELVES), rng.randint(2, 4))
    while len(entries) < products:
        entries.append(maker.product(SHELVES[len(entries) % len(SHELVES)]))
        progress(len(entries), products, "products generated")
    rng.shuffle(entries)
    return entries


def made_products(products: int, seed: int) -> list[Entry]:
    """The sound products of `make_catalogue` with the same number and seed, in the same order."""
    return _sound_entries(_Maker(seed), products, Random(f"{seed}/order"))


def _broken_lines(maker: _Maker, first_id: str) -> list[BrokenLine]:
    shelves = [SHELVES[number % len(SHELVES)] for number in range(FAULTS)]
    specimens = []
    for shelf in shelves:
        entry = maker.product(shelf, whole=True)
        agreed = [replace(answer, label=shelf.path) for answer in entry.product.answers]
        product = replace(entry.product, answers=agreed)
        specimens.append(Specimen(product, entry.picture))
    return break_lines(specimens, first_id)


def _mixed(entries: list[Entry], broken: list[BrokenLine], rng: Random) -> list[str]:
    """Scatters the broken lines among the sound ones; the first line stays sound."""
    places = sorted(rng.sample(range(1, len(entries) + len(broken)), len(broken)))
    sound = (line(entry.product) for entry in entries)
    lines: list[str] = []
    for place, fault in zip(places, broken, strict=True):
        lines.extend(islice(sound, place - len(lines)))
        lines.append(fault.text)
    lines.extend(sound)
    return lines


def held_out(directory: Path, seed: int) -> tuple[HeldOut, bytes]:
    """A product that no line is about, and its picture, which belongs into `directory`."""
    rng = Random(f"{seed}/held-out")
    shelf = BY_ID[_HELD_OUT_SHELF]
    picture = encode(photograph(shelf.id, "teal", easy_shot(rng), rng), "JPEG")
    question = HeldOut(
        title="Quillby Fjord stoneware teapot",
        description="Glazed stoneware. Pours without dripping. Colour: teal.",
        price=36.5,
        image=directory / HELD_OUT,
        category=shelf.id,
        path=shelf.path,
    )
    return question, picture


def make_catalogue(directory: Path, products: int = 600, seed: int = 7) -> Catalogue:
    """Writes `labelled.manifest`, `taxonomy.json`, `images/` and `held-out.jpg` into `directory`.

    The same arguments give the same bytes. The folder appears whole or not at all; one that a
    former call made is replaced.

    Args:
        directory: a folder that does not exist, is empty, or holds a catalogue.
        products: number of sound products, at least one for each shelf; `breakage.FAULTS` broken
            lines are added.
        seed: what all chance is drawn from.

    Raises:
        InputError: if the folder holds anything else.
        ValueError: if there are fewer products than shelves.
    """
    if products < len(SHELVES):
        raise ValueError(f"products is {products}: at least {len(SHELVES)}, one for each shelf")
    rng = Random(f"{seed}/order")
    maker = _Maker(seed)
    entries = _sound_entries(maker, products, rng)
    broken = _broken_lines(maker, entries[0].product.id)
    lines = _mixed(entries, broken, rng)
    question, question_picture = held_out(directory, seed)
    files = {e.product.source: e.picture for e in entries if e.product.source is not None}
    for fault in broken:
        files.update(fault.files)
    files[HELD_OUT] = question_picture
    files[TAXONOMY] = json.dumps(taxonomy_nodes(), indent=1, ensure_ascii=False).encode()
    files[MANIFEST] = "".join(f"{text}\n" for text in lines).encode()
    publish_folder(directory, files, ours={MANIFEST, TAXONOMY, IMAGES, HELD_OUT})
    return _counted(directory, entries, broken, question)


def _counted(
    directory: Path, entries: list[Entry], broken: list[BrokenLine], question: HeldOut
) -> Catalogue:
    rejects = Counter(fault.reason for fault in broken)
    accepted = []
    wrong = 0
    for entry in entries:
        label, share = majority(entry.product.answers)
        if share * len(entry.product.answers) < _CONSENSUS:
            rejects["no_consensus"] += 1
            continue
        accepted.append(entry.product)
        wrong += label != entry.shelf.path
    titles = Counter(product.words.title for product in accepted if product.words)
    return Catalogue(
        directory=directory,
        manifest=directory / MANIFEST,
        taxonomy=directory / TAXONOMY,
        images=directory / IMAGES,
        lines=len(entries) + len(broken),
        products=len(accepted),
        rejects=dict(sorted(rejects.items())),
        without_picture=sum(product.source is None for product in accepted),
        without_words=sum(product.words is None for product in accepted),
        wrong_labels=wrong,
        variants=sum(count for count in titles.values() if count > 1),
        held_out=question,
    )
