"""Rules as they are applied: the first that matches decides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shelfsort.decisions.rules.boxes import HIGHEST, LOWEST, Cut
from shelfsort.products.taxonomy import Taxonomy

NOT_ACCEPTED = "no"
"""The acceptance level of an answer that the model does not vouch for."""

REVIEW = "review"
"""The outcome that leaves a product to a person."""


class UndecidableError(Exception):
    """Facts that the rules do not know, or that no rule matches; the message says which."""


@dataclass(frozen=True)
class Facts:
    """What is known of a product when it is decided about.

    Attributes:
        category: id of the predicted leaf.
        accepted: strictest target at which the model vouches for it, such as "98"; `NOT_ACCEPTED`.
        score: calibrated probability of the category, 0 to 1.
        fields: values of the fields that the rules declare.
    """

    category: str
    accepted: str
    score: float
    fields: Mapping[str, str]


@dataclass(frozen=True)
class Then:
    """What is decided.

    Attributes:
        outcome: such as "grant" or "review".
        reason: for the customer; "" for none.
        rule: that decided, "default" where none matched.
    """

    outcome: str
    reason: str
    rule: str


@dataclass(frozen=True)
class Rule:
    """Conditions, all of which have to hold, and what follows.

    Attributes:
        line: in the file of the rules.
        then: what is decided.
        categories: ids of leaves; None for any.
        accepted: acceptance levels; None for any.
        low: scores begin here,
        high: and end here.
        fields: permitted values by the name of the field; other fields may have any.
    """

    line: int
    then: Then
    categories: frozenset[str] | None = None
    accepted: frozenset[str] | None = None
    low: Cut = LOWEST
    high: Cut = HIGHEST
    fields: Mapping[str, frozenset[str]] | None = None

    def matches(self, facts: Facts) -> bool:
        """Whether all conditions hold."""
        return (
            (self.categories is None or facts.category in self.categories)
            and (self.accepted is None or facts.accepted in self.accepted)
            and self.low < (facts.score, True)
            and (facts.score, False) < self.high
            and all(facts.fields[name] in values for name, values in (self.fields or {}).items())
        )


@dataclass(frozen=True)
class Rules:
    """The rules of one file.

    Attributes:
        file: that holds them.
        content: of the file.
        digest: of its content and of the category tree, 16 hex digits.
        tree: of the categories that a product may have.
        levels: acceptance levels, from `NOT_ACCEPTED` to the strictest target.
        fields: values that each declared field may have.
        rules: in the order in which they are tried.
        default: what is decided where none matches; None where that must not happen.
        default_line: of the default in the file, 0 without one.
    """

    file: str
    content: str
    digest: str
    tree: Taxonomy
    levels: Sequence[str]
    fields: Mapping[str, Sequence[str]]
    rules: Sequence[Rule]
    default: Then | None = None
    default_line: int = 0

    def decide(self, facts: Facts) -> Then:
        """The decision about a product.

        Raises:
            UndecidableError: a value is none of those that the rules know, or nothing matches.
        """
        self._refuse_unknown(facts)
        decided = next((rule.then for rule in self.rules if rule.matches(facts)), self.default)
        if decided is None:
            raise UndecidableError("no rule matches, and there is no default")
        return decided

    def _refuse_unknown(self, facts: Facts) -> None:
        if facts.category not in self.tree or not self.tree.is_leaf(facts.category):
            raise UndecidableError(f"category {facts.category!r} is not in the rules' tree")
        if facts.accepted not in self.levels:
            raise UndecidableError(f"the rules know no acceptance level {facts.accepted!r}")
        if not 0 <= facts.score <= 1:
            raise UndecidableError(f"score {facts.score} is not from 0 to 1")
        for name, values in self.fields.items():
            if facts.fields.get(name) not in values:
                raise UndecidableError(
                    f"{name} is {facts.fields.get(name)!r}, none of {', '.join(values)}"
                )
