"""What a replay found: named checks, each with a sentence, as JSON in the blessing's folder."""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass

_HEADINGS = ("Graph execution error", "Detected at node", "Detected unsupported", "<stack traces")


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    passed: bool
    reason: str


@dataclass(frozen=True)
class Report:
    """The checks in the order they were made, the number of products asked about, the time."""

    checks: tuple[Check, ...]
    products: int
    seconds: float

    @property
    def blessed(self) -> bool:
        """True when there were checks and all passed."""
        return bool(self.checks) and all(check.passed for check in self.checks)

    def to_json(self) -> str:
        """The report as a JSON object with `blessed`, `checks`, `products` and `seconds`."""
        return json.dumps({"blessed": self.blessed, **dataclasses.asdict(self)}, indent=2)

    @classmethod
    def from_json(cls, text: str) -> "Report":
        """Reads `to_json`'s form. Raises ValueError, KeyError or TypeError for any other."""
        fields = json.loads(text)
        checks = tuple(Check(**check) for check in fields["checks"])
        return cls(checks, fields["products"], fields["seconds"])


def check_of(name: str, problems: Sequence[str], otherwise: str) -> Check:
    """A check that fails with its first problems, or passes with `otherwise`."""
    if not problems:
        return Check(name, True, otherwise)
    more = f" (and {len(problems) - 3} more)" if len(problems) > 3 else ""
    return Check(name, False, "; ".join(problems[:3]) + more)


def error_line(error: Exception) -> str:
    """An exception as one line of at most 300 characters, TensorFlow's stack headings left out."""
    lines = (line.strip() for line in str(error).splitlines())
    telling = [line for line in lines if line and not line.startswith(_HEADINGS)]
    text = " ".join(telling) or "no message"
    return f"{type(error).__name__}: {text}"[:300]
