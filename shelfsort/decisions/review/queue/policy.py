"""How decisions are handed to people."""

from dataclasses import dataclass
from datetime import datetime, timedelta

REVIEW, SECOND, DISPUTE, AUDIT, GOLD, APPEAL = (
    "review",
    "second",
    "dispute",
    "audit",
    "gold",
    "appeal",
)
"""Kinds of tasks: left to people; a second opinion; people disagree, and a lead decides; the random
sample of automatic decisions; a product whose category is known; a customer objects."""
REFUSE = "refuse"
DOUBLE = "double"
"""Part of the second of two audits of one decision."""


@dataclass(frozen=True)
class Person:
    """Somebody who answers.

    Attributes:
        name: as in the table of reviews.
        leads: whether disputes go to them.
    """

    name: str
    leads: bool = False


@dataclass(frozen=True)
class Policy:
    """How tasks are ordered and what they need.

    Attributes:
        lease: after which a task without an answer goes to somebody else.
        within: in which even the task of the least value is due.
        full_price: price from which a product counts fully; None: all products count the same.
        second_opinion: outcomes that a second person has to confirm.
        gold_share: chance that a task is accompanied by one whose category is known, in [0, 1).
        double_share: share of the audits that two people look at.
        undo_within: in which an answer can be taken back.
    """

    lease: timedelta = timedelta(minutes=10)
    within: timedelta = timedelta(hours=24)
    full_price: float | None = None
    second_opinion: frozenset[str] = frozenset({REFUSE})
    gold_share: float = 0.05
    double_share: float = 0.0
    undo_within: timedelta = timedelta(minutes=15)

    def value(self, score: float, price: float | None) -> float:
        """Expected value of an answer: chance that the model is wrong, times what is at stake.

        Args:
            score: calibrated probability of the model's category.
            price: of the product; None where it is not known, which counts fully.

        Returns:
            From 0 to 1.
        """
        doubt = 1 - min(max(score, 0.0), 1.0)
        if self.full_price is None or price is None:
            return doubt
        return doubt * min(max(price / self.full_price, 0.0), 1.0)

    def due(self, since: datetime, value: float) -> datetime:
        """When a task is due. Nothing that arrives after that moment is handed out before it."""
        return since + self.within * (1 - value)
