"""When the next request may go out: at a rate, and after pauses."""

import email.utils
import random
import threading
import time
from datetime import datetime, timezone

_FIRST_S, _MOST_S = 1.0, 60.0


class Pacing:
    """Spaces requests evenly; may be shared by threads."""

    def __init__(self, requests_s: float):
        """`requests_s` is the most requests a second."""
        self._gap = 1 / requests_s
        self._next = 0.0
        self._lock = threading.Lock()
        self._closed = threading.Event()

    def wait(self) -> None:
        """Returns when the next request may go out."""
        while True:
            with self._lock:
                now = time.monotonic()
                if now >= self._next:
                    self._next = now + self._gap
                    return
                left = self._next - now
            self._sleep(left)

    def hold(self, seconds: float) -> None:
        """Lets no request go out for a while."""
        with self._lock:
            self._next = max(self._next, time.monotonic() + seconds)

    def close(self) -> None:
        """Ends all waiting at once."""
        self._closed.set()

    def _sleep(self, seconds: float) -> None:
        if self._closed.wait(seconds):
            raise RuntimeError("closed while waiting")


def backoff_s(failures: int) -> float:
    """Seconds to wait after this many failures in a row: random, of a range that doubles.

    Exponential backoff with equal jitter: between half of min(60, 2^(failures - 1)) and all of it.
    """
    most = min(_MOST_S, _FIRST_S * 2 ** (failures - 1))
    return random.uniform(most / 2, most)


def asked_pause_s(value: str, now: datetime) -> float | None:
    """The seconds that a `Retry-After` header asks for (RFC 9110, 10.2.3): a number or a moment.

    None where it is neither. A moment in the past is no pause.
    """
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text[:12])
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return max(0.0, (moment - now).total_seconds())
