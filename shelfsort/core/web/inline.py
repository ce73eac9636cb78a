"""Scripts and their data inside a page that is one file."""

import base64
import hashlib
import json
from importlib.resources import files
from typing import Any

from shelfsort.core.terminal import visible

_ESCAPES = {ord(mark): f"\\u{ord(mark):04x}" for mark in "<>&\u2028\u2029"}


def script_json(value: Any) -> str:
    """JSON that may stand inside a <script> element, whatever the strings in it hold.

    Raises:
        ValueError: a number is infinite or none.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.translate(_ESCAPES)


def shown_json(value: Any) -> str:
    """As `script_json`, with texts as people may see them: for data that is shown and not sent.

    Raises:
        ValueError: a number is infinite or none.
    """
    return script_json(_visible(value))


def page_bytes(page: str) -> bytes:
    """A page as it is written: no text of strangers turns its line round or controls a terminal.

    Such characters become escapes, as `core.terminal.visible` writes them.
    """
    return visible(page).encode("utf-8")


def page_script(own: str) -> str:
    """The script of a page: what all pages share, then its own."""
    return (files(__package__) / "page.js").read_text("utf-8") + own


def script_digest(script: str) -> str:
    """What a content security policy calls a script: the SHA-256 in base64."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")


def _visible(value: Any) -> Any:
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {_visible(name): _visible(each) for name, each in value.items()}
    return [_visible(each) for each in value] if isinstance(value, list | tuple) else value
