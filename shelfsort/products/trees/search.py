"""Finds categories by words of their path."""

from dataclasses import dataclass

from shelfsort.products.taxonomy import Taxonomy
from shelfsort.products.trees.findings import plain


@dataclass(frozen=True)
class Match:
    """A category that was found.

    Attributes:
        id: of the category.
        path: its names from below the root.
        leaf: whether products may be assigned to it.
        leaves: number of leaves at or below it.
    """

    id: str
    path: str
    leaf: bool
    leaves: int


def search(tree: Taxonomy, words: str, limit: int = 20) -> tuple[list[Match], int]:
    """Categories whose id is `words`, or whose path holds every word, whatever its case or accents.

    Args:
        tree: that is searched.
        words: divided by blanks.
        limit: most matches that are returned.

    Returns:
        The matches: an equal id or name first, then names that begin with the words, names that
        hold all of them, and paths; and how many there are in all.
    """
    wanted = plain(words)
    ranked = []
    for place, id_ in enumerate(tree.descending()):
        rank = None if id_ == tree.root else _rank(tree, id_, wanted)
        if rank is not None:
            ranked.append((rank, tree.depth(id_), place, id_))
    shown = [id_ for *_, id_ in sorted(ranked)[:limit]]
    return [_match(tree, id_) for id_ in shown], len(ranked)


def _rank(tree: Taxonomy, id_: str, wanted: str) -> int | None:
    """How well a category fits, 0 being best; None where it does not."""
    name = plain(tree.name(id_))
    if wanted in (name, plain(id_)):
        return 0
    words = wanted.split()
    if name.startswith(wanted):
        return 1
    if all(word in name for word in words):
        return 2
    path = plain(tree.path(id_))
    return 3 if all(word in path for word in words) else None


def _match(tree: Taxonomy, id_: str) -> Match:
    return Match(id_, tree.path(id_), tree.is_leaf(id_), len(tree.leaves_beneath(id_)))
