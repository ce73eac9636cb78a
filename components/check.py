"""One question about a model, and its answer: what the Evaluator and ServingCheck leave behind."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One question that was asked.

    Attributes:
        name: stable snake_case name.
        passed: the answer.
        reason: one sentence with the numbers.
        value: what was measured; None where that is not one number.
        floor: what it had to reach; None where that is not one number.
        n: products it was measured on.
    """

    name: str
    passed: bool
    reason: str
    value: float | None = None
    floor: float | None = None
    n: int | None = None

    def __str__(self) -> str:
        """The name and the reason, for a list of reasons."""
        return f"{self.name}: {self.reason}"


def failed(checks: Iterable[Check]) -> list[Check]:
    """Those that did not pass."""
    return [check for check in checks if not check.passed]
