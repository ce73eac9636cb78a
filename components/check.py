"""One check of a model and its result, as the Evaluator and ServingCheck write them."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One check of a model.

    Attributes:
        name: stable snake_case name.
        passed: whether the model passes.
        reason: one or more sentences with the numbers.
        value: the measured number; None if there is not exactly one.
        floor: the minimum of `value`; None if there is not exactly one.
        limit: the maximum of `value`; None if there is not exactly one.
        n: number of products that the check is based on.
        setting: dotted key of the setting that decides it; "" where none does.
        remedy: what to do where it failed; "" where it passed.
        categories: ids of the categories that failed it.
    """

    name: str
    passed: bool
    reason: str
    value: float | None = None
    floor: float | None = None
    n: int | None = None
    setting: str = ""
    remedy: str = ""
    categories: tuple[str, ...] = ()
    limit: float | None = None

    def __str__(self) -> str:
        """The name, the reason and the remedy, for a list of reasons."""
        return f"{self.name}: {self.reason} {self.remedy}".rstrip()


def failed(checks: Iterable[Check]) -> list[Check]:
    """The checks that did not pass."""
    return [check for check in checks if not check.passed]
