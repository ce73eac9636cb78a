"""How far a queue is, and when it will be done."""

from collections import deque
from dataclasses import dataclass

_WINDOW_SECONDS = 15 * 60.0
_LEAST_ANSWERS = 5
_LEAST_SECONDS = 20.0


@dataclass(frozen=True)
class Progress:
    """What a person is shown.

    Attributes:
        tasks: number of tasks, those with a known answer left out.
        complete: number of tasks with all their answers.
        needed: number of answers that the tasks need in all.
        given: number of those that are given.
        own: number of the person's answers.
        seconds_left: at the pace of the last quarter of an hour, None where that is not known.
    """

    tasks: int
    complete: int
    needed: int
    given: int
    own: int
    seconds_left: float | None


class Pace:
    """Answers a second, over the last quarter of an hour."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()

    def note(self, now: float) -> None:
        """Counts an answer."""
        self._times.append(now)

    def seconds_for(self, answers: int, now: float) -> float | None:
        """How long so many answers take, None where too few were given lately to say."""
        while self._times and self._times[0] < now - _WINDOW_SECONDS:
            self._times.popleft()
        if len(self._times) < _LEAST_ANSWERS:
            return None
        # From the first answer on: the time before it is nobody's.
        spent = now - self._times[0]
        if spent < _LEAST_SECONDS:
            return None
        return answers * spent / (len(self._times) - 1)
