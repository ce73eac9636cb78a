"""Progress of long work, as log records that the command line draws and a cluster logs."""

import contextlib
import logging
import time
from collections.abc import Iterator

LOGGER_NAME = "shelfsort.progress"
_INTERVAL_S = 0.5

_logger = logging.getLogger(LOGGER_NAME)
_logger.setLevel(logging.INFO)
_last_report = 0.0
_reports = True


def progress(done: int, total: int | None, unit: str) -> None:
    """Reports `done` of `total` `unit`s (total None: not known); at most two records a second.

    The last record of a counted run (`done == total`) is always written.
    """
    global _last_report
    if not _reports:
        return
    now = time.monotonic()
    if done != total and now - _last_report < _INTERVAL_S:
        return
    _last_report = now
    of_total = f"{done:,}" if total is None else f"{done:,} of {total:,}"
    _logger.info("%s %s", of_total, unit, extra={"done": done, "total": total, "unit": unit})


@contextlib.contextmanager
def without_progress() -> Iterator[None]:
    """Reports no progress of the block, which is itself one step of a longer work."""
    global _reports
    before, _reports = _reports, False
    try:
        yield
    finally:
        _reports = before


def note(text: str) -> None:
    """Reports one fact worth a line on the screen."""
    _logger.info("%s", text, extra={"note": True})
