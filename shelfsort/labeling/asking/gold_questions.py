"""Questions whose answer is known, mixed among the others: who answers them well.

A gold question looks like any other, and nobody gets the same one twice. The questions that were
answered least often are next, so that they cannot be learned by heart.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from shelfsort.labeling.answers import Answer
from shelfsort.stats.binomial import interval, upper_bound

LEAST = 5
"""Gold questions below which nobody is banned."""


@dataclass(frozen=True)
class GoldWorker:
    """How a worker answered gold questions.

    Attributes:
        name: id.
        right, asked: numbers of gold questions.
        low, high: 95 % interval of the share of right answers (Clopper-Pearson).
        banned: whether that share is surely too low.
    """

    name: str
    right: int
    asked: int
    low: float
    high: float
    banned: bool


def gold_workers(
    answers: Iterable[Answer], gold: Mapping[str, str], ban_below: float, confidence: float = 0.95
) -> list[GoldWorker]:
    """The workers who answered gold questions, the worst first.

    Args:
        answers: of all workers; "cannot tell" is not right.
        gold: true labels by task.
        ban_below: banned is who is right less often than this with the given confidence, after
            `LEAST` questions; 0 bans nobody.
        confidence: of a ban, in (0, 1).
    """
    asked: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for each in answers:
        if each.worker and each.task in gold:
            asked[each.worker] += 1
            right[each.worker] += each.label == gold[each.task]
    found = []
    for name, n in asked.items():
        low, high = interval(right[name], n)
        surely = float(upper_bound(right[name], n, confidence))
        banned = n >= LEAST and surely < ban_below
        found.append(GoldWorker(name, right[name], n, float(low), float(high), banned))
    return sorted(found, key=lambda each: (each.high, each.name))


def next_gold(
    gold: Sequence[str], answers: Iterable[Answer], workers: Sequence[str], count: int
) -> list[tuple[str, str]]:
    """The gold questions to ask next: pairs of a product and a worker ("" where nobody is known).

    Args:
        gold: ids of the products.
        answers: so far.
        workers: to be asked, those with the fewest gold answers first.
        count: number of questions; fewer come back where every worker has seen every one.
    """
    seen: dict[str, set[str]] = defaultdict(set)
    for each in answers:
        seen[each.task].add(each.worker)
    times = Counter({id_: len(seen[id_]) for id_ in gold})
    known = sorted(workers, key=lambda name: sum(name in seen[id_] for id_ in gold)) or [""]
    pairs: list[tuple[str, str]] = []
    for place in range(count):
        worker = known[place % len(known)]
        free = [id_ for id_ in gold if worker == "" or worker not in seen[id_]]
        free = free if worker else [id_ for id_ in free if (id_, "") not in pairs]
        if not free:
            continue
        id_ = min(free, key=lambda each: (times[each], each))
        pairs.append((id_, worker))
        seen[id_].add(worker)
        times[id_] += 1
    return pairs
