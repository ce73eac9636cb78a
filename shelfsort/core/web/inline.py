"""Scripts and their data inside a page that is one file."""

import base64
import hashlib
import json
from importlib.resources import files
from typing import Any

_ESCAPES = {ord(mark): f"\\u{ord(mark):04x}" for mark in "<>&\u2028\u2029"}


def script_json(value: Any) -> str:
    """JSON that may stand inside a <script> element, whatever the strings in it hold.

    Raises:
        ValueError: a number is infinite or none.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.translate(_ESCAPES)


def page_script(own: str) -> str:
    """The script of a page: what all pages share, then its own."""
    return (files(__package__) / "page.js").read_text("utf-8") + own


def script_digest(script: str) -> str:
    """What a content security policy calls a script: the SHA-256 in base64."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
