"""What a batch is about, and what came of it."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shelfsort.decisions.promise.sampling import Sampling
from shelfsort.decisions.rules.model import REVIEW, Rules
from shelfsort.products.images.source import ImageSources
from shelfsort.products.tables.rows import Reading

_NOWHERE = (-1, -1)


@dataclass(frozen=True)
class Job:
    """What is decided about.

    Attributes:
        data: as it was named, for the table of runs.
        files: of the products.
        how: tables are read; its `also` names the fields of the rules.
        rules: that decide.
        sources: of images.
        patience_s: seconds that the model's server or the database may be away.
        sampling: which automatic decisions people look at.
    """

    data: str
    files: Sequence[str]
    how: Reading
    rules: Rules
    sources: ImageSources
    patience_s: float
    sampling: Sampling = Sampling()


@dataclass
class Summary:
    """What came of a job, or of a part of it.

    Attributes:
        rows: of the data.
        new: decisions that were not there before.
        outcomes: number of products by outcome, decided now or before.
        rejects: rows that could not be sent or decided about, by reason.
        failures: products that the model refuses.
        judged: products decided without a person whose true category is known.
        right: of these, how many the model names rightly.
        first_fault: place and reason of the first row without a decision, "" for none.
        fault_at: number of the file of that row, and its line.
        words_alone: rows that are sent without their image, because it cannot be read.
        first_words_alone: place and reason of the first of them, "" for none.
        words_alone_at: number of the file of that row, and its line.
        model: newest version that answered, "" for none.
    """

    rows: int = 0
    new: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    rejects: Counter[str] = field(default_factory=Counter)
    failures: int = 0
    judged: int = 0
    right: int = 0
    first_fault: str = ""
    fault_at: tuple[int, int] = _NOWHERE
    words_alone: int = 0
    first_words_alone: str = ""
    words_alone_at: tuple[int, int] = _NOWHERE
    model: str = ""

    @property
    def decided(self) -> int:
        """Products with a decision."""
        return sum(self.outcomes.values())

    @property
    def automatic(self) -> int:
        """Products decided without a person."""
        return self.decided - self.outcomes[REVIEW]

    def add(self, part: "Summary") -> None:
        """Adds what came of another part; the order of parts makes no difference."""
        self.rows += part.rows
        self.outcomes.update(part.outcomes)
        self.rejects.update(part.rejects)
        self.failures += part.failures
        self.judged += part.judged
        self.right += part.right
        self.words_alone += part.words_alone
        # Versions are numbers.
        self.model = max(self.model, part.model, key=lambda version: (len(version), version))
        if part.first_fault:
            self.fault(part.first_fault, part.fault_at)
        if part.first_words_alone:
            self.without_image(part.first_words_alone, part.words_alone_at)

    def fault(self, text: str, at: tuple[int, int]) -> None:
        """Notes a row without a decision; the first one is kept."""
        if not self.first_fault or at < self.fault_at:
            self.first_fault, self.fault_at = text, at

    def without_image(self, text: str, at: tuple[int, int]) -> None:
        """Notes a row whose image cannot be read; the first one is kept."""
        if not self.first_words_alone or at < self.words_alone_at:
            self.first_words_alone, self.words_alone_at = text, at

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "rows": self.rows,
            "decided": self.decided,
            "automatic": self.automatic,
            "new": self.new,
            "outcomes": dict(self.outcomes),
            "rejects": dict(self.rejects),
            "failures": self.failures,
            "judged": self.judged,
            "right": self.right,
            "first_fault": self.first_fault,
            "words_alone": self.words_alone,
            "first_words_alone": self.first_words_alone,
        }

    @classmethod
    def read(cls, text: str) -> "Summary":
        """What a run has kept, as JSON."""
        values: Mapping[str, Any] = json.loads(text)
        counts = {name: values[name] for name in ("rows", "new", "failures", "judged", "right")}
        outcomes, rejects = Counter(values["outcomes"]), Counter(values["rejects"])
        found = cls(outcomes=outcomes, rejects=rejects, first_fault=values["first_fault"], **counts)
        # Older versions counted none.
        found.words_alone = values.get("words_alone", 0)
        found.first_words_alone = values.get("first_words_alone", "")
        return found
