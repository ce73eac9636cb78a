"""What went wrong, in one line."""

from collections.abc import Sequence

from components.check import Check

_HEADINGS = ("Graph execution error", "Detected at node", "Detected unsupported", "<stack traces")


def check_of(name: str, problems: Sequence[str], otherwise: str) -> Check:
    """A check that fails with its first problems, or passes with `otherwise`."""
    if not problems:
        return Check(name, True, otherwise)
    more = f" (and {len(problems) - 3} more)" if len(problems) > 3 else ""
    return Check(name, False, "; ".join(problems[:3]) + more)


def error_line(error: Exception) -> str:
    """An exception as one line of at most 300 characters, TensorFlow's stack headings left out."""
    lines = (line.strip() for line in str(error).splitlines())
    telling = [line for line in lines if line and not line.startswith(_HEADINGS)]
    text = " ".join(telling) or "no message"
    return f"{type(error).__name__}: {text}"[:300]
