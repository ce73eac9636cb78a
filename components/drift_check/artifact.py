"""What DriftCheck leaves behind: its findings, and the statistics that they come from."""

from dataclasses import dataclass
from typing import ClassVar

from components.documents import Document

STATISTICS_FILE = "training_statistics.pb"


@dataclass(frozen=True)
class Shift:
    """How far one property of the products has moved.

    Attributes:
        feature: the property, see `profile.SOURCES`.
        distance: Jensen-Shannon divergence in bits, 0 to 1.
        threshold: what was allowed: the tolerance, and on top what chance explains.
        n_before, n_now: values compared; for words, all words of all products.
        drifted: the distance is above the threshold.
    """

    feature: str
    distance: float
    threshold: float
    n_before: int
    n_now: int
    drifted: bool


@dataclass(frozen=True)
class ShareChange:
    """How one category's share of the products has changed.

    Attributes:
        category: its id.
        before, now: products, variants under one title counted once.
        share_before, share_now: of the products of all categories compared.
        p_value: chance of so large a change if the share had changed by the allowed factor only.
        drifted: that chance is ruled out, corrected for the number of categories.
    """

    category: str
    before: int
    now: int
    share_before: float
    share_now: float
    p_value: float
    drifted: bool


@dataclass(frozen=True)
class CategoryChanges:
    """The categories' shares before and now.

    Attributes:
        max_ratio: factor by which a share may change; None: any.
        compared: every category compared, the largest change of share first.
        new: ids of categories without a product before; left out of the comparison.
        removed: ids of categories that the taxonomy has no more; left out likewise.
    """

    max_ratio: float | None
    compared: list[ShareChange]
    new: list[str]
    removed: list[str]

    @property
    def drifted(self) -> list[ShareChange]:
        """The categories whose share has drifted."""
        return [change for change in self.compared if change.drifted]


@dataclass(frozen=True)
class Drift:
    """This run's training products against those of the live model.

    Attributes:
        n_before, n_now: training products, variants under one title counted once.
        shifts: by property, the farthest beyond its threshold first.
        categories: their shares.
    """

    n_before: int
    n_now: int
    shifts: list[Shift]
    categories: CategoryChanges


@dataclass(frozen=True)
class Skew:
    """What the servers are asked about against this run's training products.

    Attributes:
        n_served, n_trained: products, variants under one title counted once.
        unreadable: records of the logs that are no request about products.
        shifts: by property, the farthest beyond its threshold first; `before` is training and
            `now` is serving.
    """

    n_served: int
    n_trained: int
    unreadable: int
    shifts: list[Shift]


@dataclass(frozen=True)
class DriftFindings(Document):
    """How far this run's products are from the live model's, and the requests from both.

    Attributes:
        live_version: of the live model; "" where none is live.
        drift: None where there is nothing to compare with.
        problem: why a live model cannot be compared with; "" where it can.
        skew: None where no serving logs were named.
    """

    FILE: ClassVar[str] = "drift.json"

    live_version: str
    drift: Drift | None
    problem: str = ""
    skew: Skew | None = None
