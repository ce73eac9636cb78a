"""A digest of our own code, so that no cache answers for code that has changed since."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_SOURCES = ("*.py", "*.html", "*.css", "*.js", "*.pbtxt")


def code_digest(*rooms: str) -> str:
    """16 hex digits over the sources below the named rooms, e.g. `components/trainer`.

    Paths count relative to the installed package, so the same code gives the same digest wherever
    it is installed.
    """
    digest = hashlib.blake2b(digest_size=8)
    for path in _sources(rooms):
        digest.update(str(path.relative_to(_ROOT)).encode() + b"\0")
        digest.update(hashlib.blake2b(path.read_bytes()).digest())
    return digest.hexdigest()


def _sources(rooms: Sequence[str]) -> list[Path]:
    found = {
        path for room in rooms for pattern in _SOURCES for path in (_ROOT / room).rglob(pattern)
    }
    return sorted(found)
