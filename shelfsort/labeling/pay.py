"""Time and pay: what an hour of a worker costs, and how long a job takes."""

import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import pairwise

_LONGEST_GAP = 600.0
"""Seconds after which a worker has paused."""


@dataclass(frozen=True)
class TimedAnswer:
    """When an answer was given.

    Attributes:
        worker: id.
        seconds: that the worker took, None where not known.
        submitted: when, None where not known.
    """

    worker: str
    seconds: float | None = None
    submitted: datetime | None = None


@dataclass(frozen=True)
class Pay:
    """What a worker earns.

    Attributes:
        worker: id.
        answers: number of answers.
        paid: for all of them.
        seconds: median time for an answer, None where not known.
        per_hour: pay for an hour of such answers, None where not known.
    """

    worker: str
    answers: int
    paid: float
    seconds: float | None
    per_hour: float | None


def pays(answers: Iterable[TimedAnswer], price: float) -> list[Pay]:
    """What each worker earns, the most active first.

    Where the time for an answer is not known, it is taken as the time since the worker's answer
    before, if that was at most ten minutes ago.
    """
    of: dict[str, list[TimedAnswer]] = defaultdict(list)
    for each in answers:
        of[each.worker].append(each)
    found = []
    for worker, given in of.items():
        times = [each.seconds for each in given if each.seconds is not None] or _gaps(given)
        seconds = statistics.median(times) if times else None
        hour = None if seconds is None else price * 3600 / seconds
        found.append(Pay(worker, len(given), len(given) * price, seconds, hour))
    return sorted(found, key=lambda each: (-each.answers, each.worker))


def per_hour(found: Sequence[Pay]) -> float | None:
    """Pay for an hour, all workers together; None where no time is known."""
    known = [each for each in found if each.seconds is not None]
    hours = sum(each.answers * (each.seconds or 0) for each in known) / 3600
    return sum(each.paid for each in known) / hours if hours else None


def hours_taken(answers: Iterable[TimedAnswer]) -> float | None:
    """Hours from the first answer to the last; None where fewer than two times are known."""
    times = [each.submitted for each in answers if each.submitted is not None]
    return (max(times) - min(times)).total_seconds() / 3600 if len(times) > 1 else None


def read_time(value: object) -> datetime | None:
    """A time in ISO 8601, in UTC where it names no zone; None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        time = datetime.fromisoformat(value.strip().replace("Z", "+00:00"))
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=timezone.utc)


def _gaps(given: Sequence[TimedAnswer]) -> list[float]:
    times = sorted(each.submitted for each in given if each.submitted is not None)
    gaps = [(b - a).total_seconds() for a, b in pairwise(times)]
    return [gap for gap in gaps if 0 < gap <= _LONGEST_GAP]
