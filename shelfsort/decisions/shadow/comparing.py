"""A candidate against the live model, product by product."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from shelfsort.core.database.engine import reader
from shelfsort.decisions.database.standing import is_standing
from shelfsort.decisions.database.tables import decision, prediction, review, shadow
from shelfsort.decisions.review.queue.policy import AUDIT, DISPUTE, SECOND
from shelfsort.decisions.rules.model import REVIEW
from shelfsort.stats.paired import Paired, difference_interval

GOLD = "gold"
"""Who said what is right: the data itself."""


@dataclass(frozen=True)
class Difference:
    """A yes-or-no outcome of the live model and of a candidate on the same products.

    Attributes:
        n: products compared.
        live, candidate: of these with a yes.
        only_live, only_candidate: with a yes of one only.
        interval: 95 % interval of the candidate's share of yes less that of the live model.
        p: chance of a difference this large if both were equally good (McNemar, exact).
    """

    n: int
    live: int
    candidate: int
    only_live: int
    only_candidate: int
    interval: tuple[float, float]
    p: float

    @classmethod
    def of(cls, pairs: Sequence[tuple[bool, bool]]) -> "Difference":
        """From the live model's and the candidate's outcome of each product."""
        live, candidate = [yes for yes, _ in pairs], [yes for _, yes in pairs]
        paired = Paired.of(live, candidate, range(len(pairs)))
        return cls(
            paired.n,
            paired.yes_a,
            paired.yes_b,
            paired.only_a,
            paired.only_b,
            difference_interval(paired.n, paired.only_a, paired.only_b),
            paired.p_products,
        )


@dataclass
class InCategory:
    """What the candidate does to one category of the live model.

    Attributes:
        n: products that the live model puts there.
        moves: those that the candidate puts elsewhere, by the id of that category.
        only_live, only_candidate: judged moves that only one of them names rightly.
    """

    n: int = 0
    moves: Counter[str] = field(default_factory=Counter)
    only_live: int = 0
    only_candidate: int = 0

    @property
    def moved(self) -> int:
        """Products that the candidate puts elsewhere."""
        return sum(self.moves.values())


@dataclass(frozen=True)
class Comparison:
    """A candidate against the live model.

    Attributes:
        candidate: its name.
        first, last: moments of its first and last decision.
        n: products that both decided about.
        categories: by the id that the live model named.
        outcomes: products by the live outcome and the candidate's, equal or not.
        automatic: whether no person is needed.
        right: whether the category is right, by who said so: `gold` for the data, `review` for
            people about decisions left to them, `audit` for people about the random sample of
            those that the live model made alone. Each is a sample of its own kind.
    """

    candidate: str
    first: datetime
    last: datetime
    n: int
    categories: Mapping[str, InCategory]
    outcomes: Mapping[tuple[str, str], int]
    automatic: Difference
    right: Mapping[str, Difference]

    @property
    def moved(self) -> int:
        """Products whose category differs."""
        return sum(each.moved for each in self.categories.values())

    @property
    def changed(self) -> int:
        """Products whose outcome differs."""
        return sum(n for (live, other), n in self.outcomes.items() if live != other)


def comparisons(engine: Engine, since: datetime | None = None) -> list[Comparison]:
    """Every candidate, the one that decided last first.

    Args:
        engine: of the results database.
        since: candidates that decided nothing since are left out; None for all.
    """
    with reader(engine) as connection:
        said = _said(connection)
        by_candidate: dict[str, list[sa.RowMapping]] = defaultdict(list)
        for row in connection.execute(_pairs(since)).mappings():
            by_candidate[row["candidate"]].append(row)
    found = [_compared(name, rows, said) for name, rows in by_candidate.items()]
    return sorted(found, key=lambda each: each.last, reverse=True)


def _pairs(since: datetime | None) -> sa.Select[Any]:
    chosen = (
        sa.select(
            shadow.c.candidate,
            shadow.c.at,
            shadow.c.category,
            shadow.c.outcome,
            shadow.c.gold,
            decision.c.id,
            decision.c.outcome.label("live_outcome"),
            prediction.c.category.label("live_category"),
        )
        .join(decision, decision.c.id == shadow.c.decision)
        .join(prediction, prediction.c.id == decision.c.prediction)
        .order_by(shadow.c.id)
    )
    if since is None:
        return chosen
    lately = sa.select(shadow.c.candidate).where(shadow.c.at >= since)
    return chosen.where(shadow.c.candidate.in_(lately))


def _said(connection: Connection) -> dict[int, tuple[str, str]]:
    """What most people said about a decision that a candidate decided about, too: kind, category.

    Left out are answers that were taken back, those of people who saw the live model's answer, and
    decisions on which people disagree.
    """
    chosen = sa.select(review.c.decision, review.c.kind, review.c.category).where(
        review.c.kind.in_([AUDIT, REVIEW, SECOND, DISPUTE]),
        review.c.category != "",
        review.c.assisted == 0,
        is_standing(),
        review.c.decision.in_(sa.select(shadow.c.decision)),
    )
    votes: dict[int, Counter[str]] = defaultdict(Counter)
    kinds: dict[int, str] = {}
    for id_, kind, category in connection.execute(chosen):
        votes[id_][category] += 1
        kinds[id_] = AUDIT if kind == AUDIT else kinds.get(id_, REVIEW)
    found = {}
    for id_, counted in votes.items():
        first, *others = counted.most_common(2)
        if not others or others[0][1] < first[1]:
            found[id_] = (kinds[id_], first[0])
    return found


def _compared(
    name: str, rows: Sequence[sa.RowMapping], said: Mapping[int, tuple[str, str]]
) -> Comparison:
    categories: dict[str, InCategory] = defaultdict(InCategory)
    outcomes: Counter[tuple[str, str]] = Counter()
    right: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for row in rows:
        live, other = row["live_category"], row["category"]
        own = categories[live]
        own.n += 1
        own.moves.update([other] if other != live else [])
        outcomes[row["live_outcome"], row["outcome"]] += 1
        kind, truth = (GOLD, row["gold"]) if row["gold"] else said.get(row["id"], ("", ""))
        if not truth:
            continue
        right[kind].append((live == truth, other == truth))
        own.only_live += live == truth != other
        own.only_candidate += other == truth != live
    alone = [(row["live_outcome"] != REVIEW, row["outcome"] != REVIEW) for row in rows]
    return Comparison(
        candidate=name,
        first=rows[0]["at"],
        last=rows[-1]["at"],
        n=len(rows),
        categories=dict(categories),
        outcomes=outcomes,
        automatic=Difference.of(alone),
        right={kind: Difference.of(pairs) for kind, pairs in sorted(right.items())},
    )
