"""Suggests leaves for the categories of sources, as lines of a crosswalk that a person edits."""

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shelfsort.catalog.category_counts import At, Sorted
from shelfsort.catalog.crosswalk import FROM, IGNORE, SOURCE, TO, Crosswalk, key
from shelfsort.core.files import write_text
from shelfsort.products.taxonomy import Taxonomy
from shelfsort.products.trees.findings import plain

MOST_CATEGORIES = 5_000
"""For which leaves are suggested, those of most products first."""
LIKELY_NAME, AHEAD = 0.75, 0.1
"""Similarity from which a leaf is filled in, and its distance from the next."""
LIKELY_SHARE, LEAST_TOGETHER = 0.8, 10
"""Share, and number, of products with a known leaf from which that leaf is filled in."""
_SHOWN = 3
_LEVELS = re.compile(r"\s*[>|›»→]+\s*")
_WORD = re.compile(r"\w+")
_SMALL_WORDS = frozenset({"and", "or", "of", "for", "the", "with", "in", "und", "et", "de"})


@dataclass(frozen=True)
class Suggestion:
    """A line of a crosswalk.

    Attributes:
        source: name of the source, "" for all.
        category: as the source writes it.
        to: leaf, `ignore`, or "" where a person has to decide.
        products: number of products of the category.
        by: "given" by the present crosswalk, "tree" where the category names a leaf itself, "name"
            and "products" for what is likely, "" for what is not.
        others: paths of further candidates, the best first.
    """

    source: str
    category: str
    to: str
    products: int
    by: str
    others: tuple[str, ...] = ()


def suggestions(
    products: Iterable[Sorted],
    given: Sequence[tuple[str, str, str]],
    crosswalk: Crosswalk,
    tree: Taxonomy,
) -> list[Suggestion]:
    """Lines for all categories: those of the present crosswalk as they are, then the others.

    A leaf is likely where its path is similar, or where most of the products of the category have
    it by another category of theirs.

    Args:
        products: by source and categories.
        given: lines of the present crosswalk: source, category, leaf.
        crosswalk: of these lines.
        tree: that has the leaves.
    """
    counts: Counter[At] = Counter()
    together: dict[At, Counter[str]] = {}
    for each in products:
        meant = {name: crosswalk.of(each.source, name) for name in each.categories}
        for name in dict.fromkeys(each.categories):
            at = (each.source, name)
            counts[at] += each.products
            known = {leaf for other, leaf in meant.items() if other != name} - {"", IGNORE}
            if len(known) == 1:
                together.setdefault(at, Counter())[known.pop()] += each.products
    by_key: Counter[At] = Counter()
    for (source, name), count in counts.items():
        by_key[source, key(name)] += count
        by_key["", key(name)] += count
    lines = [
        Suggestion(source, name, to, by_key[source, key(name)], "given")
        for source, name, to in given
    ]
    decided = {(line.source, key(line.category)) for line in lines}
    names = NameSimilarity(tree)
    for (source, name), count in counts.most_common(MOST_CATEGORIES):
        if (source, key(name)) in decided or ("", key(name)) in decided:
            continue
        decided.add((source, key(name)))
        leaf = crosswalk.of(source, name)
        if leaf:
            lines.append(Suggestion(source, name, tree.path(leaf), count, "tree"))
        else:
            seen = together.get((source, name), Counter())
            lines.append(_suggestion(source, name, count, seen, names, tree))
    return lines


def write_suggestions(file: str, lines: Iterable[Suggestion]) -> None:
    """Writes a crosswalk with three further columns, which are for people. Raises OSError."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([SOURCE, FROM, TO, "products", "by", "others"])
    for line in lines:
        others = " | ".join(line.others)
        writer.writerow([line.source, line.category, line.to, line.products, line.by, others])
    write_text(file, out.getvalue())


class NameSimilarity:
    """How similar the path of a category is to those of the leaves of a tree.

    A path is a set of words. A word weighs log(1 + leaves / leaves with the word), and twice as
    much in the last name. The similarity is the weight of the common words by that of all, 0 to 1.
    """

    def __init__(self, tree: Taxonomy):
        """Cuts the paths of the leaves into words."""
        cut = {
            leaf: [_words(tree.name(id_)) for id_ in (*tree.ancestors(leaf), leaf)]
            for leaf in tree.leaves
        }
        self._leaves = len(cut)
        self._with: Counter[str] = Counter()
        for words in cut.values():
            self._with.update(set().union(*words))
        self._weights = {leaf: self._weighed(words) for leaf, words in cut.items()}
        self._totals = {leaf: sum(weights.values()) for leaf, weights in self._weights.items()}
        self._of_word: dict[str, list[str]] = {}
        for leaf, weights in self._weights.items():
            for word in weights:
                self._of_word.setdefault(word, []).append(leaf)

    def nearest(self, category: str, most: int) -> list[tuple[str, float]]:
        """Ids of the most similar leaves with a word in common, and their similarity, falling."""
        mine = self._weighed([_words(name) for name in _LEVELS.split(category)])
        common: dict[str, float] = {}
        for word, weight in mine.items():
            for leaf in self._of_word.get(word, ()):
                both = weight + self._weights[leaf][word]
                common[leaf] = common.get(leaf, 0.0) + both
        total = sum(mine.values())
        scores = [(leaf, both / (total + self._totals[leaf])) for leaf, both in common.items()]
        return sorted(scores, key=lambda each: (-each[1], each[0]))[:most]

    def _weighed(self, path: Sequence[frozenset[str]]) -> dict[str, float]:
        last = path[-1] if path else frozenset[str]()
        return {
            word: (2 if word in last else 1) * math.log(1 + self._leaves / (self._with[word] or 1))
            for words in path
            for word in words
        }


def _suggestion(
    source: str,
    name: str,
    count: int,
    together: Counter[str],
    names: NameSimilarity,
    tree: Taxonomy,
) -> Suggestion:
    similar = names.nearest(name, _SHOWN)
    known = together.most_common(_SHOWN)
    paths = dict.fromkeys(tree.path(leaf) for leaf, _ in (*known, *similar))
    others = tuple(paths)[: 2 * _SHOWN]
    share = known[0][1] / together.total() if known else 0.0
    if share >= LIKELY_SHARE and known[0][1] >= LEAST_TOGETHER:
        chosen, by = tree.path(known[0][0]), "products"
    elif similar and similar[0][1] >= LIKELY_NAME and _ahead(similar):
        chosen, by = tree.path(similar[0][0]), "name"
    else:
        return Suggestion(source, name, "", count, "", others)
    return Suggestion(source, name, chosen, count, by, tuple(p for p in others if p != chosen))


def _ahead(similar: Sequence[tuple[str, float]]) -> bool:
    return len(similar) < 2 or similar[0][1] - similar[1][1] >= AHEAD


def _words(name: str) -> frozenset[str]:
    return frozenset(map(_singular, _WORD.findall(plain(name)))) - _SMALL_WORDS


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("sses", "ches", "shes", "xes")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
