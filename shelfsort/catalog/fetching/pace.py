"""How many requests a host gets at a time, and when it gets none."""

from dataclasses import dataclass, field

_SLOWER = 3.0
_SLOWER_S = 0.2
_SMOOTHING = 0.2
_LESS = 0.7


@dataclass(frozen=True)
class Rules:
    """What all hosts share.

    Attributes:
        per_host: most requests to one host at a time.
        new_failures: failures in a row after which a host that never answered is left alone.
        known_failures: the same for a host that has answered.
        probes_s: seconds until each probe of a host that is left alone; after the last one fails,
            the run gives the host up. One that never answered gets the first probe only.
        sample: links of a probe, spread over all of the host's; one that is answered is enough.
        back_off_s: first pause after status 429 or 503 without Retry-After; it doubles.
        longest_pause_s: a host that asks for a longer one is given up for the run.
        longest_delay_s: of the pauses between requests that robots.txt asks for, the most.
    """

    per_host: int = 8
    new_failures: int = 2
    known_failures: int = 5
    probes_s: tuple[float, ...] = (10.0, 30.0)
    sample: int = 3
    back_off_s: float = 1.0
    longest_pause_s: float = 120.0
    longest_delay_s: float = 60.0


@dataclass
class Pace:
    """The pace of one host.

    It begins with one request at a time, gets one more for each answer, and fewer when the host
    answers three times as slowly as at its best, or says that it has too much to do.

    Attributes:
        rules: of all hosts.
        limit: requests at a time, a fraction for slow growth.
        known: whether it has answered.
        failures: in a row.
        delay_s: between two requests, from robots.txt.
        left_alone: whether it gets nothing but probes until it answers.
    """

    rules: Rules
    limit: float = 1.0
    known: bool = False
    failures: int = 0
    delay_s: float = 0.0
    left_alone: bool = False
    _probes: int = 0
    _probed: int = 0
    _pauses: int = 0
    _best_s: float = field(default=float("inf"))
    _smooth_s: float = 0.0
    _steady: bool = False
    _answers: int = 0

    @property
    def trusted(self) -> bool:
        """Whether its last request was answered."""
        return self.known and not self.failures and not self.left_alone

    @property
    def at_once(self) -> int:
        """Requests that it may have at a time."""
        if self.delay_s:
            return 1
        # The links of a probe are asked for together: waiting for each in turn tells no more.
        if self.left_alone:
            return max(1, min(self.rules.sample - self._probed, self.rules.per_host))
        return max(1, int(self.limit))

    def answered(self, latency_s: float) -> None:
        """Takes note of an answer, whatever its status, and of the time to its head."""
        self.known, self.failures, self.left_alone = True, 0, False
        self._probes = self._pauses = 0
        self._best_s = min(self._best_s, latency_s)
        last = self._smooth_s or latency_s
        self._smooth_s = last + _SMOOTHING * (latency_s - last)
        self._answers += 1
        if self._smooth_s > _SLOWER * self._best_s + _SLOWER_S:
            # Once for each round of requests: the answers of a round tell the same.
            if self._answers >= self.limit:
                self._lower(_LESS)
        else:
            self.limit += 1 / self.limit if self._steady else 1.0
            self.limit = min(self.limit, float(self.rules.per_host))

    def failed(self, *, probe: bool = False) -> float | None:
        """Takes note of a failure.

        Args:
            probe: whether the request was made while the host was left alone.

        Returns:
            Seconds to leave the host alone, 0.0 for not at all, None for giving it up.
        """
        self.failures += 1
        self._lower(0.5)
        probes = self.rules.probes_s if self.known else self.rules.probes_s[:1]
        if self.left_alone and not probe:
            # It was under way when the host was left alone, and tells nothing new.
            return 0.0
        if self.left_alone:
            self._probed += 1
            if self._probed < self.rules.sample:
                return 0.0
            if self._probes >= len(probes):
                return None
        elif self.failures < (self.rules.known_failures if self.known else self.rules.new_failures):
            return 0.0
        if not probes:
            return None
        self.left_alone, self._probed = True, 0
        pause = probes[self._probes]
        self._probes += 1
        return pause

    def pressed(self, retry_after_s: float | None) -> float | None:
        """Takes note of status 429 or 503. Returns the pause; None for giving the host up."""
        self.known = True
        self._lower(0.5)
        pause = retry_after_s
        if pause is None:
            pause = self.rules.back_off_s * 2**self._pauses
        self._pauses += 1
        return pause if pause <= self.rules.longest_pause_s else None

    def _lower(self, factor: float) -> None:
        self.limit = max(1.0, self.limit * factor)
        self._steady = True
        self._answers = 0
