"""The provenance of examples, in a file beside them: properties do not survive every backend."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

ORIGIN_FILE = "origin.json"


@dataclass(frozen=True)
class Origin:
    """Where examples come from.

    Attributes:
      content_digest: of manifest, taxonomy, reduction and images; see `digest.content_digest`.
      spans: the manifest's files, in order.
      splits: name to share, by which products were divided.
    """

    content_digest: str
    spans: tuple[str, ...]
    splits: Mapping[str, int]

    def to_json(self) -> str:
        """`origin.json`."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> "Origin":
        """Reads what `to_json` wrote."""
        values = json.loads(text)
        return cls(values["content_digest"], tuple(values["spans"]), values["splits"])
