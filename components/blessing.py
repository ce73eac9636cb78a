"""The empty files by which TFX's components say whether a model may go live.

The files count, not the artifacts' properties: these do not come through every orchestrator.
"""

from dataclasses import dataclass

from shelfsort.core.files import write_bytes
from shelfsort.core.storage import exists, join


@dataclass(frozen=True)
class Blessing:
    """One kind of blessing, by the names of its two files."""

    yes: str
    no: str

    def write(self, folder: str, blessed: bool) -> None:
        """Leaves the verdict in the artifact's folder."""
        write_bytes(join(folder, self.yes if blessed else self.no), b"")

    def given(self, folder: str) -> bool:
        """Whether the folder holds a blessing, and no refusal beside it."""
        return exists(join(folder, self.yes)) and not exists(join(folder, self.no))


# The names that TFX's Evaluator and InfraValidator write, and that its Pusher reads.
MODEL_BLESSING = Blessing("BLESSED", "NOT_BLESSED")
INFRA_BLESSING = Blessing("INFRA_BLESSED", "INFRA_NOT_BLESSED")
