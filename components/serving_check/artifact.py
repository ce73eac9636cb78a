"""What ServingCheck leaves behind: its checks, as JSON in the blessing's folder."""

from dataclasses import dataclass
from typing import Any, ClassVar

from components.check import Check
from components.documents import Document


@dataclass(frozen=True)
class ServingReport(Document):
    """What a replay found.

    Attributes:
        checks: in the order they were made.
        products: how many were asked about.
        seconds: that it took.
    """

    FILE: ClassVar[str] = "report.json"

    checks: tuple[Check, ...]
    products: int = 0
    seconds: float = 0.0

    @property
    def blessed(self) -> bool:
        """True when there were checks and all passed."""
        return bool(self.checks) and all(check.passed for check in self.checks)

    def _content(self) -> dict[str, Any]:
        # `blessed` is for whoever looks into the file.
        return {"blessed": self.blessed, **super()._content()}
