"""An answer as it is kept, and the pseudonym under which it is."""

import hashlib
import hmac
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shelfsort.core.normal_form import normalised

IMAGE_PROBLEM = "image"
"""The problem of an answer that says: the image does not load."""
_PSEUDONYM_DIGITS = 12
_TASK_DIGITS = 20


@dataclass(frozen=True)
class Record:
    """An answer, or that the worker takes the last one back.

    Attributes:
        worker: pseudonym.
        task: id of the product.
        label: that was chosen, "" where a problem kept the worker from it.
        problem: `IMAGE_PROBLEM` or "".
        seconds: that the worker took, None where not known.
        at: Unix time in seconds.
        undo: whether the worker's answer to the task is taken back.
    """

    worker: str
    task: str
    label: str = ""
    problem: str = ""
    seconds: float | None = None
    at: float = 0.0
    undo: bool = False

    def fields(self) -> dict[str, Any]:
        """As JSON; what is a default is left out."""
        given = {
            "label": self.label,
            "problem": self.problem,
            "seconds": self.seconds,
            "undo": self.undo,
        }
        kept = {name: value for name, value in given.items() if value not in ("", None, False)}
        return {"at": self.at, "worker": self.worker, "task": self.task, **kept}


def read_fields(fields: Mapping[str, Any]) -> Record | None:
    """The record that JSON holds, None where it holds none."""
    texts = [fields.get(name, "") for name in ("worker", "task", "label", "problem")]
    if not all(isinstance(each, str) for each in texts):
        return None
    worker, task, label, problem = texts
    undo, seconds, at = fields.get("undo", False), fields.get("seconds"), fields.get("at")
    if not (worker and task) or not isinstance(undo, bool) or not (undo or label or problem):
        return None
    if at is None or not _is_number(at) or not (seconds is None or _is_number(seconds)):
        return None
    return Record(worker, task, label, problem, seconds, at, undo)


def pseudonym(key: bytes, name: str) -> str:
    """The worker id of a person: the same for a name and a key, and no way back without the key."""
    normal = normalised("NFC", name.strip()).encode()
    return "w-" + hmac.new(key, normal, hashlib.sha256).hexdigest()[:_PSEUDONYM_DIGITS]


def task_name(key: bytes, task: str) -> str:
    """What a page calls a task: always the same, and says nothing of the id."""
    content = b"task/" + task.encode("utf-8", "replace")
    return hmac.new(key, content, hashlib.sha256).hexdigest()[:_TASK_DIGITS]


def _is_number(value: Any) -> bool:
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return known and math.isfinite(value)
