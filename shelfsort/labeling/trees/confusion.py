"""Which categories workers or a model confuse, and what merging them would gain."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from shelfsort.labeling.consolidation import majority
from shelfsort.stats.binomial import interval
from shelfsort.stats.design_effect import effective_size


@dataclass(frozen=True)
class Pair:
    """Two categories that are confused.

    Attributes:
        source: the category with fewer products, which would be merged.
        target: the other one.
        confused: number of products that were taken for both: by two workers, or by label and
            model.
        n: number of products that were taken for either.
        low, high: exact 95 % interval of `confused` / `n`, for this pair alone. Variants of one
            product count once where the data names groups.
        gain: number of products that merging would settle: that get a majority of the workers, or
            that the model gets right.
    """

    source: str
    target: str
    confused: int
    n: int
    low: float
    high: float
    gain: int

    @property
    def share(self) -> float:
        """The share of confused products, in (0, 1]."""
        return self.confused / self.n


@dataclass(frozen=True)
class Confusion:
    """All pairs that were confused.

    Attributes:
        products: number of products compared: with two answers or more, or with a prediction.
        settled: how many have a majority of the workers, or are predicted right.
        pairs: those with the largest gain first.
    """

    products: int
    settled: int
    pairs: tuple[Pair, ...]


def confused_by_workers(answers: Iterable[Sequence[str]]) -> Confusion:
    """Pairs that two workers gave as the label of one product.

    Args:
        answers: category ids of each product's answers; products with one answer say nothing.
    """
    compared = [tuple(each) for each in answers if len(each) > 1]
    of = Counter(category for each in compared for category in set(each))
    together: Counter[tuple[str, str]] = Counter()
    gain: Counter[tuple[str, str]] = Counter()
    for each in compared:
        undecided = majority(each).label is None
        for pair in combinations(sorted(set(each)), 2):
            together[pair] += 1
            if undecided and _majority_if_merged(each, pair):
                gain[pair] += 1
    pairs = []
    for pair, confused in together.items():
        n = of[pair[0]] + of[pair[1]] - confused
        pairs.append(_pair(pair, of, confused, n, float(n), gain[pair]))
    settled = sum(majority(each).label is not None for each in compared)
    return Confusion(len(compared), settled, _ranked(pairs))


def confused_by_model(rows: Iterable[tuple[str, str, object]]) -> Confusion:
    """Pairs of a label and the category that a model predicted instead.

    Args:
        rows: label, predicted category and group of each product; variants share a group.
    """
    known = list(rows)
    of = Counter(label for label, _, _ in known)
    wrong = Counter((min(a, b), max(a, b)) for a, b, _ in known if a != b)
    by_label = defaultdict(list)
    for label, predicted, group in known:
        by_label[label].append((predicted, group))
    pairs = []
    for (a, b), confused in wrong.items():
        outcomes = [
            (predicted == other, group)
            for label, other in ((a, b), (b, a))
            for predicted, group in by_label[label]
        ]
        codes = {group: code for code, group in enumerate({group for _, group in outcomes})}
        effective = effective_size(
            np.array([wrongly for wrongly, _ in outcomes]),
            np.array([codes[group] for _, group in outcomes]),
        )
        pairs.append(_pair((a, b), of, confused, len(outcomes), effective, confused))
    return Confusion(len(known), len(known) - wrong.total(), _ranked(pairs))


def reduction_of(pairs: Iterable[Pair]) -> dict[str, str]:
    """The merges of pairs in their order, `{source: target}`; no category is in two of them."""
    merges: dict[str, str] = {}
    taken: set[str] = set()
    for pair in pairs:
        if not taken & {pair.source, pair.target}:
            merges[pair.source] = pair.target
            taken |= {pair.source, pair.target}
    return merges


def _majority_if_merged(answers: Sequence[str], pair: tuple[str, str]) -> bool:
    merged = [pair[1] if each == pair[0] else each for each in answers]
    return majority(merged).label == pair[1]


def _pair(
    pair: tuple[str, str],
    of: Mapping[str, int],
    confused: int,
    n: int,
    effective: float,
    gain: int,
) -> Pair:
    low, high = interval(confused / n * effective, effective)
    source, target = sorted(pair, key=lambda each: (of[each], each))
    return Pair(source, target, confused, n, low, high, gain)


def _ranked(pairs: Iterable[Pair]) -> tuple[Pair, ...]:
    return tuple(
        sorted(pairs, key=lambda each: (-each.gain, -each.confused, -each.share, each.source))
    )
