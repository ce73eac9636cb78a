"""What the Pusher leaves behind."""

from dataclasses import dataclass
from typing import ClassVar

from components.documents import Document


@dataclass(frozen=True)
class Push(Document):
    """What came of a push.

    Attributes:
        pushed: whether the model is live.
        version: its number; None where it is not live.
        destination: the folder of that version; "" where it is not live.
        already_live: it was live before.
        reasons: why it was not pushed, a sentence each.
    """

    FILE: ClassVar[str] = "push.json"

    pushed: bool
    version: int | None = None
    destination: str = ""
    already_live: bool = False
    reasons: tuple[str, ...] = ()
