"""What is likely to confuse people or readers of labels in a well-formed tree."""

import itertools
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from shelfsort.core.normal_form import normalised
from shelfsort.core.terminal import one_line
from shelfsort.products.taxonomy import Taxonomy
from shelfsort.products.taxonomy_forms import PATH_SEPARATOR

REMEDIES = {
    "same_path": "Two categories have one path. Rename one of them.",
    "similar_siblings": "Siblings differ in case or blanks only. Merge them, or rename one.",
    "mistyped_parent": "Siblings differ in one letter. If one of them is mistyped, correct it.",
    "separator_in_name": "The name holds ' > ', which divides paths. Rename it.",
    "blanks_around_name": "The name begins or ends with a blank. Remove it.",
    "unseen_characters": "The name holds characters that cannot be seen. Remove them.",
    "id_is_another_name": "The id is another category's name. Label with paths or ids.",
    "leaf_named_like_inner": "A leaf has the name of an inner category. Label with paths or ids.",
    "repeated_leaf_name": "Several leaves have this name. Label with paths or ids.",
    "only_child": "The category has one subcategory. Remove one of the two levels.",
}
"""What to do about each kind of finding, by the name of the kind; the gravest first."""


_MISTYPED_LENGTHS = range(4, 61)
_SERIES = 3


@dataclass(frozen=True)
class Finding:
    """One thing to look at.

    Attributes:
        kind: a key of `REMEDIES`.
        category: id of the category.
        other: id of another category that it is confused with, "" for none.
    """

    kind: str
    category: str
    other: str = ""


@dataclass(frozen=True)
class Shape:
    """The size of a tree.

    Attributes:
        categories: below the root.
        leaves: categories that products may be assigned to.
        levels: number of levels below the root.
        leaves_by_level: number of leaves on each level, the topmost first.
        widest: id of the category with most subcategories.
        widest_children: how many it has.
    """

    categories: int
    leaves: int
    levels: int
    leaves_by_level: tuple[int, ...]
    widest: str
    widest_children: int


def shape(tree: Taxonomy) -> Shape:
    """The size of a tree, in one pass."""
    depths = {tree.root: 0}
    for id_ in tree.descending():
        for child in tree.subcategories(id_):
            depths[child] = depths[id_] + 1
    by_level = Counter(depths[leaf] for leaf in tree.leaves)
    levels = max(depths.values())
    widest = max(depths, key=lambda id_: len(tree.subcategories(id_)))
    return Shape(
        categories=len(tree) - 1,
        leaves=len(tree.leaves),
        levels=levels,
        leaves_by_level=tuple(by_level[level] for level in range(1, levels + 1)),
        widest=widest,
        widest_children=len(tree.subcategories(widest)),
    )


def findings(tree: Taxonomy) -> list[Finding]:
    """All findings, the gravest kind first, each kind in the order of the file."""
    found = [
        *_of_single_categories(tree),
        *_of_siblings(tree),
        *_of_misspellings(tree),
        *_of_names(tree),
    ]
    rank = {kind: place for place, kind in enumerate(REMEDIES)}
    return sorted(found, key=lambda each: rank[each.kind])


def _of_single_categories(tree: Taxonomy) -> Iterator[Finding]:
    for id_ in tree.descending():
        if id_ == tree.root:
            continue
        name = tree.name(id_)
        if PATH_SEPARATOR in name:
            yield Finding("separator_in_name", id_)
        if name != name.strip():
            yield Finding("blanks_around_name", id_)
        if one_line(name) != name:
            yield Finding("unseen_characters", id_)
        if len(tree.subcategories(id_)) == 1:
            yield Finding("only_child", id_, tree.subcategories(id_)[0])


def _of_siblings(tree: Taxonomy) -> Iterator[Finding]:
    for parent in tree.descending():
        seen: dict[str, str] = {}
        for child in tree.subcategories(parent):
            first = seen.setdefault(plain(tree.name(child)), child)
            if first != child:
                same = tree.name(first).strip() == tree.name(child).strip()
                yield Finding("same_path" if same else "similar_siblings", child, first)


def _of_misspellings(tree: Taxonomy) -> Iterator[Finding]:
    """Siblings one letter apart, at the smaller one; leaves alone may well be named alike."""
    for parent in tree.descending():
        children = tree.subcategories(parent)
        if all(map(tree.is_leaf, children)):
            continue
        names = {child: plain(tree.name(child)) for child in children}
        for one, other in _alike(names):
            inner = not (tree.is_leaf(one) and tree.is_leaf(other))
            if inner and _one_letter_apart(names[one], names[other]):
                small, large = sorted((one, other), key=lambda id_: len(tree.subcategories(id_)))
                yield Finding("mistyped_parent", small, large)


def _alike(names: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    """Pairs of ids whose names are the same without a letter of each; of a series there is none."""
    holders: dict[str, list[str]] = defaultdict(list)
    for id_, name in names.items():
        if len(name) in _MISTYPED_LENGTHS:
            for each in {name, *(name[:at] + name[at + 1 :] for at in range(len(name)))}:
                holders[each].append(id_)
    few = (ids for ids in holders.values() if len(ids) <= _SERIES)
    return dict.fromkeys(pair for ids in few for pair in itertools.combinations(ids, 2))


def _one_letter_apart(one: str, other: str) -> bool:
    """Whether a letter was left out, added, replaced or exchanged with the next one."""
    start = _shared(one, other)
    one, other = one[start:], other[start:]
    end = _shared(one[::-1], other[::-1])
    one, other = one[: len(one) - end], other[: len(other) - end]
    letters = not any(each.isdigit() for each in one + other)
    exchanged = len(one) == 2 and one == other[::-1]
    return letters and one != other and (exchanged or max(len(one), len(other)) == 1)


def _shared(one: str, other: str) -> int:
    """Length of what both begin with."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))


def _of_names(tree: Taxonomy) -> Iterator[Finding]:
    leaves: dict[str, list[str]] = defaultdict(list)
    inner: dict[str, str] = {}
    for id_ in tree.descending():
        name = tree.name(id_).strip()
        if tree.is_leaf(id_):
            leaves[name].append(id_)
        elif id_ != tree.root:
            inner.setdefault(name, id_)
    for id_ in tree.leaves:
        name = tree.name(id_).strip()
        if leaves[name][0] != id_:
            yield Finding("repeated_leaf_name", id_, leaves[name][0])
        if name in inner:
            yield Finding("leaf_named_like_inner", id_, inner[name])
    for id_ in tree.descending():
        other = inner.get(id_) or next(iter(leaves.get(id_, ())), id_)
        if id_ not in (other, tree.root) and tree.path(id_) != id_:
            yield Finding("id_is_another_name", id_, other)


def plain(text: str) -> str:
    """A text without case, accents and repeated blanks, in Unicode's form NFKD: for comparing."""
    decomposed = normalised("NFKD", text.casefold())
    letters = "".join(each for each in decomposed if not unicodedata.combining(each))
    return " ".join(letters.split())
