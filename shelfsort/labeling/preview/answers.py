"""Answers of a preview, as raw worker responses of Ground Truth, one on each line."""

import json
import os
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

_WORKER = "preview"


class AnswerFile:
    """A file of JSON Lines that `labels import` reads. Each answer is on the disk when it returns.

    Attributes:
        place: path of the file, which is made with the first answer.
    """

    def __init__(self, place: str):
        self.place = place

    def add(self, task: int, content: Mapping[str, Any]) -> None:
        """Appends an answer.

        Args:
            task: line of the manifest, from 0.
            content: of the answer.
        """
        answer = {
            "answerContent": content,
            "submissionTime": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "workerId": _WORKER,
        }
        line = json.dumps({"datasetObjectId": str(task), "answers": [answer]})
        path = Path(self.place)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as stream:
            stream.write(f"{line}\n")
            stream.flush()
            os.fsync(stream.fileno())
