"""A made-up labelled set: titles, images' embeddings, variants, and labels as people give them."""

import json
from pathlib import Path

import numpy as np
from labelled_sets import LabelledSet, Terms

CATEGORIES, TITLES, COMMON_WORDS, OWN_WORDS, TITLE_WORDS = 40, 4000, 3000, 15, 6
# Chance that a word of a title belongs to its category, and to the next one; else to any.
OWN, NEIGHBOUR = 0.5, 0.1
# Share of wrong labels, each of them a sibling of the right one.
WRONG, SIBLINGS = 0.012, 5
IMAGE_NUMBERS, NOISE = 16, 1.0


def made_set(tree: Path, *, width: int, seed: int = 0) -> LabelledSet:
    """About 6,000 products of 4,000 titles; a third of the titles have variants.

    A variant has the title and, nearly, the image of another. Labels are those of a majority: 1.2 %
    are wrong. Some titles say little, so that a model can know what it does not know.

    Args:
        tree: JSON file that is written: eight parents of five categories each.
        width: numbers of an embedding.
        seed: of all chance.
    """
    rng = np.random.default_rng(seed)
    variants = np.where(rng.random(TITLES) < 0.33, 1 + rng.geometric(0.5, TITLES), 1)
    groups = np.repeat(np.arange(TITLES), variants)
    of_title = rng.integers(CATEGORIES, size=TITLES)
    gold, n = of_title[groups], len(groups)
    wrong = rng.random(n) < WRONG
    sibling = gold // SIBLINGS * SIBLINGS + (gold + rng.integers(1, SIBLINGS, n)) % SIBLINGS
    names = np.array([f"leaf {number:02}" for number in range(CATEGORIES)])
    _write_tree(tree, names.tolist())
    return LabelledSet(
        words=_titles(rng, of_title, groups),
        pieces=Terms(np.zeros(n + 1, int), np.zeros(0, int)),
        embeddings=_images(rng, of_title, groups, width),
        labels=names[np.where(wrong, sibling, gold)],
        gold=names[gold],
        confidence=np.ones(n, np.float32),
        groups=groups,
        taxonomy=str(tree),
    )


def _titles(rng: np.random.Generator, of_title: np.ndarray, groups: np.ndarray) -> Terms:
    own = rng.integers(COMMON_WORDS, size=(CATEGORIES, OWN_WORDS))
    shape = (len(of_title), TITLE_WORDS)
    chance = rng.random(shape)
    whose = np.where(chance < OWN, of_title[:, None], (of_title[:, None] + 1) % CATEGORIES)
    from_category = own[whose, rng.integers(OWN_WORDS, size=shape)]
    words = np.where(
        chance < OWN + NEIGHBOUR, from_category, rng.integers(COMMON_WORDS, size=shape)
    )
    starts = np.arange(len(groups) + 1) * TITLE_WORDS
    return Terms(starts, words[groups].ravel())


def _images(
    rng: np.random.Generator, of_title: np.ndarray, groups: np.ndarray, width: int
) -> np.ndarray:
    centres = rng.normal(size=(CATEGORIES, IMAGE_NUMBERS))
    # Products of a parent look alike.
    centres = 0.8 * centres + 0.6 * centres[np.arange(CATEGORIES) // SIBLINGS * SIBLINGS]
    seen = centres[of_title] + NOISE * rng.normal(size=(len(of_title), IMAGE_NUMBERS))
    seen = seen[groups] + 0.2 * rng.normal(size=(len(groups), IMAGE_NUMBERS))
    return (seen @ rng.normal(size=(IMAGE_NUMBERS, width))).astype(np.float32)


def _write_tree(path: Path, leaves: list[str]) -> None:
    starts = range(0, len(leaves), SIBLINGS)
    parents = {f"parent {k // SIBLINGS}": leaves[k : k + SIBLINGS] for k in starts}
    nodes = [{"id": "all", "name": "All", "subcategories": list(parents)}]
    for parent, own in parents.items():
        nodes.append({"id": parent, "name": parent, "subcategories": own, "parent": "all"})
        nodes += [{"id": k, "name": k, "subcategories": [], "parent": parent} for k in own]
    path.write_text(json.dumps(nodes))
