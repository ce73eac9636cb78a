"""Finds categories that are probably another one's name, misspelt."""

import collections
from collections.abc import Iterator, Mapping

_RARE = 10
_TIMES = 10
"""A misspelling is rarer than this many products, and this many times rarer than the right name."""
_LEAST_LETTERS = 4
_LEAST_FOR_OTHER_LETTER = 6
"""Short names that differ in one letter, such as Tops and Toys, are often two categories."""


def misspelt(categories: Mapping[str, int]) -> list[tuple[str, str]]:
    """(rare category, common category) pairs whose names differ in one letter, case or blanks.

    A letter is missing, added, replaced or swapped with its neighbour. Digits never differ: sizes
    are categories.

    Args:
        categories: number of products by the path of a category.
    """
    common: dict[str, list[str]] = collections.defaultdict(list)
    rare = [path for path, n in categories.items() if n < _RARE]
    for path, n in categories.items():
        if n >= _TIMES:
            for shorter in _shorter(_plain(path)):
                common[shorter].append(path)
    found = []
    for path in rare:
        near = {other: None for shorter in _shorter(_plain(path)) for other in common[shorter]}
        likely = [
            other
            for other in near
            if categories[other] >= _TIMES * categories[path]
            and _alike(_plain(path), _plain(other))
        ]
        if likely:
            found.append((path, max(likely, key=lambda other: categories[other])))
    return found


def _plain(path: str) -> str:
    return " ".join(path.casefold().split())


def _shorter(name: str) -> Iterator[str]:
    """The name, and the name without each of its letters."""
    yield name
    for place, letter in enumerate(name):
        if not letter.isdigit():
            yield name[:place] + name[place + 1 :]


def _alike(one: str, other: str) -> bool:
    """Whether two paths that share a `_shorter` are alike enough."""
    levels = zip(one.split(">"), other.split(">"), strict=False)
    differing = next(((a.strip(), b.strip()) for a, b in levels if a != b), None)
    if differing is None:
        return True
    a, b = differing
    replaced = len(a) == len(b) and sorted(a) != sorted(b)
    return max(len(a), len(b)) >= (_LEAST_FOR_OTHER_LETTER if replaced else _LEAST_LETTERS)
