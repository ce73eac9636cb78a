"""The accumulator of metrics that need every score: pairs of score and outcome."""

from array import array
from dataclasses import dataclass, field

import numpy as np


@dataclass(slots=True)
class RankedRows:
    """Scores and outcomes in nine bytes a row: a million rows in 9 MB."""

    scores: array = field(default_factory=lambda: array("d"))
    right: array = field(default_factory=lambda: array("b"))

    def add(self, score: float, right: bool) -> None:
        self.scores.append(score)
        self.right.append(right)

    def __iadd__(self, other: "RankedRows") -> "RankedRows":
        self.scores.extend(other.scores)
        self.right.extend(other.right)
        return self

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """Scores (float64) and outcomes (bool), each of shape (N,)."""
        scores = np.frombuffer(self.scores, dtype=np.float64) if self.scores else np.empty(0)
        right = np.frombuffer(self.right, dtype=np.int8) if self.right else np.empty(0)
        return scores, right.astype(bool)
