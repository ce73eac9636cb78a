"""What ServingCheck leaves behind: checks and cost, as JSON in the blessing's folder."""

from dataclasses import dataclass
from typing import Any, ClassVar

from components.check import Check
from components.documents import Document


@dataclass(frozen=True)
class ServingCost:
    """What a product costs a server that has the model loaded, without the network.

    Attributes:
        milliseconds_alone, cpu_milliseconds_alone: for a product in a request of its own, by the
            clock and of all processors; medians.
        milliseconds_in_batch, cpu_milliseconds_in_batch: for one product of a full batch.
        batch: products in a batch.
        request_bytes, response_bytes: of gRPC messages about one product; means.
        model_bytes: of the model's folder.
        peak_memory_mb: greatest resident memory of the process that loaded the model and answered
            by every signature, in MB (2^20 bytes).
        products: how many products of `eval` the times are from.
    """

    milliseconds_alone: float
    cpu_milliseconds_alone: float
    milliseconds_in_batch: float
    cpu_milliseconds_in_batch: float
    batch: int
    request_bytes: int
    response_bytes: int
    model_bytes: int
    peak_memory_mb: int
    products: int

    @property
    def wire_bytes(self) -> int:
        """Bytes of request and response of one product."""
        return self.request_bytes + self.response_bytes

    @property
    def model_mb(self) -> float:
        """Size of the model on disk in MB (2^20 bytes)."""
        return self.model_bytes / 2**20

    def __str__(self) -> str:
        """One sentence with the figures."""
        return (
            f"A product takes {self.milliseconds_alone:.1f} ms alone "
            f"({self.cpu_milliseconds_alone:.1f} ms of CPU) and {self.milliseconds_in_batch:.1f} "
            f"ms in a batch of {self.batch} ({self.cpu_milliseconds_in_batch:.1f} ms of CPU), with "
            f"{self.wire_bytes:,} bytes on the wire. The model takes {self.model_mb:,.1f} MB on "
            f"disk and {self.peak_memory_mb:,} MB of memory."
        )


@dataclass(frozen=True)
class ServingReport(Document):
    """What a replay found.

    Attributes:
        checks: in the order they were made.
        products: how many were asked about.
        seconds: that it took.
        cost: of serving the model; None where the model could not be measured.
    """

    FILE: ClassVar[str] = "report.json"

    checks: tuple[Check, ...]
    products: int = 0
    seconds: float = 0.0
    cost: ServingCost | None = None

    @property
    def blessed(self) -> bool:
        """True when there were checks and all passed."""
        return bool(self.checks) and all(check.passed for check in self.checks)

    def _content(self) -> dict[str, Any]:
        # `blessed` is for whoever looks into the file.
        return {"blessed": self.blessed, **super()._content()}
