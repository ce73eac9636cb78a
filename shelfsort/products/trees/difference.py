"""What differs between two versions of a tree."""

import difflib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from shelfsort.products.taxonomy import Taxonomy
from shelfsort.products.trees.findings import plain

ADDED, DELETED, MERGED, MOVED, RENAMED = "added", "deleted", "merged", "moved", "renamed"
KINDS = (MERGED, MOVED, RENAMED, DELETED, ADDED)
"""Kinds of change, those that a mapping carries labels over first."""

_SIMILAR = 0.6
_COMPARED = 200


@dataclass(frozen=True)
class Change:
    """One change.

    Attributes:
        kind: of `KINDS`. A category that was moved and renamed has two changes.
        old: id in the old tree, "" for an added category.
        new: id in the new tree, "" for a deleted category.
        likely: whether it was inferred from names, where neither ids nor a mapping say so.
    """

    kind: str
    old: str = ""
    new: str = ""
    likely: bool = False


@dataclass
class _Matches:
    """Which old category is which new one, so far."""

    old: Taxonomy
    new: Taxonomy
    into: dict[str, str] = field(default_factory=dict)
    likely: set[str] = field(default_factory=set)

    def add(self, pairs: Iterable[tuple[str, str]], likely: bool = False) -> None:
        """Keeps pairs of which neither side has one yet."""
        taken = set(self.into.values())
        for old, new in pairs:
            if old not in self.into and new not in taken:
                self.into[old] = new
                taken.add(new)
                if likely:
                    self.likely.add(old)

    def left(self) -> tuple[list[str], list[str]]:
        """The categories without a match, old and new ones."""
        taken = set(self.into.values())
        return (
            [each for each in self.old.descending() if each not in self.into],
            [each for each in self.new.descending() if each not in taken],
        )


def difference(old: Taxonomy, new: Taxonomy, mapping: Mapping[str, str]) -> list[Change]:
    """All changes, by kind and then in the trees' order.

    Categories are the same that the mapping names, that have the same id, or the same path. Of the
    others a leaf, or an inner category, with a name that one other has is likely to have moved; the
    only one left below the same parent is likely to have a new name; and a leaf whose parent
    category is a leaf now is likely to have been merged into it.

    Args:
        old: the earlier tree.
        new: the later tree.
        mapping: what categories of `old` have become, by id; {} where nothing says so.
    """
    matches = _matched(old, new, mapping)
    changes = [*_of_matches(matches, mapping)]
    gone, come = matches.left()
    for id_ in gone:
        into = _merged_into(matches, id_)
        changes.append(Change(MERGED, id_, into, likely=True) if into else Change(DELETED, id_))
    changes += [Change(ADDED, new=id_) for id_ in come]
    return sorted(changes, key=lambda each: KINDS.index(each.kind))


def _matched(old: Taxonomy, new: Taxonomy, mapping: Mapping[str, str]) -> _Matches:
    matches = _Matches(old, new, {old.root: new.root, **mapping})
    # Also where the mapping merges another category into one that stays.
    for id_ in old.descending():
        if id_ in new:
            matches.into.setdefault(id_, id_)
    for by_guess, key in ((False, _path), (True, _name)):
        gone, come = matches.left()
        matches.add(_unique_pairs(old, gone, new, come, key), by_guess)
    matches.add(_alone_below(matches), likely=True)
    return matches


def _path(tree: Taxonomy, id_: str) -> str:
    return tree.path(id_)


def _name(tree: Taxonomy, id_: str) -> str:
    return f"{tree.is_leaf(id_)} {plain(tree.name(id_))}"


def _unique_pairs(
    old: Taxonomy,
    gone: Iterable[str],
    new: Taxonomy,
    come: Iterable[str],
    key: Callable[[Taxonomy, str], str],
) -> list[tuple[str, str]]:
    """Pairs of the same key, which no other category on either side has."""
    there, here = defaultdict(list), defaultdict(list)
    for id_ in gone:
        there[key(old, id_)].append(id_)
    for id_ in come:
        here[key(new, id_)].append(id_)
    return [
        (ids[0], here[text][0])
        for text, ids in there.items()
        if len(ids) == 1 and len(here.get(text, ())) == 1
    ]


def _alone_below(matches: _Matches) -> list[tuple[str, str]]:
    """Pairs of the only category without a match below the same parent, with similar names."""
    gone, come = map(set, matches.left())
    pairs = []
    for parent, into in matches.into.items():
        before = [each for each in matches.old.subcategories(parent) if each in gone]
        after = [each for each in matches.new.subcategories(into) if each in come]
        if len(before) == len(after) == 1 and _similar(matches, before[0], after[0]):
            pairs.append((before[0], after[0]))
    return pairs


def _similar(matches: _Matches, old: str, new: str) -> bool:
    # Comparing takes the product of the lengths.
    before = plain(matches.old.name(old))[:_COMPARED]
    after = plain(matches.new.name(new))[:_COMPARED]
    same_kind = matches.old.is_leaf(old) == matches.new.is_leaf(new)
    return same_kind and difflib.SequenceMatcher(None, before, after).ratio() >= _SIMILAR


def _of_matches(matches: _Matches, mapping: Mapping[str, str]) -> Iterable[Change]:
    old, new = matches.old, matches.new
    mapped = Counter(mapping.values())
    for id_ in old.descending():
        into = matches.into.get(id_)
        if into is None or id_ == old.root:
            continue
        likely = id_ in matches.likely
        if id_ in mapping and (mapped[into] > 1 or (into != id_ and into in old)):
            yield Change(MERGED, id_, into)
            continue
        if matches.into.get(old.parent(id_)) != new.parent(into):
            yield Change(MOVED, id_, into, likely)
        if old.name(id_) != new.name(into):
            yield Change(RENAMED, id_, into, likely)


def _merged_into(matches: _Matches, id_: str) -> str:
    """The new leaf that an ancestor of an old leaf has become, "" where there is none."""
    if not matches.old.is_leaf(id_):
        return ""
    for above in reversed(matches.old.ancestors(id_)):
        into = matches.into.get(above)
        if into is not None:
            return into if matches.new.is_leaf(into) else ""
    return ""
