"""Text of strangers as every database takes it."""

import json
import math
from typing import Any


def storable(text: str) -> str:
    """The text without what a database refuses.

    PostgreSQL takes no NUL, which becomes U+FFFD. UTF-8 has no half of a surrogate pair, which
    becomes a question mark.
    """
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def storable_json(value: Any) -> str:
    """Plain values as JSON whose texts are `storable`; a number that is none becomes null."""
    return json.dumps(_plain(value), ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(str(name)): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
