"""How often drift is reported where there is none, and how fast where there is some.

Simulates years of a shop with a long-tailed mix of categories, watched every day by the test of
`shelfsort monitor`. Beside it the usual rule: the population stability index of a day above 0.1 or
0.2.

    python benchmarks/drift.py --years 120 --changes 8
"""

import argparse
from collections.abc import Callable, Iterator
from datetime import date, timedelta

import numpy as np

from shelfsort.decisions.monitoring.counts import SCORES, DayCounts
from shelfsort.decisions.monitoring.drift import judge_drift
from shelfsort.stats.binomial import interval
from shelfsort.stats.drift import overdispersion

_ALPHA = 0.05
_SHAPE = (12.0, 0.6)
_LOWER = (12.0, 0.8)
_BATCHES = 25

Draw = Callable[[np.random.Generator, int, np.ndarray], np.ndarray]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--years", type=int, default=120)
    parser.add_argument("--changes", type=int, default=8)
    parser.add_argument("--categories", type=int, default=90)
    parser.add_argument("--answers", type=int, default=500, help="a day")
    parser.add_argument("--days", type=int, default=250)
    given = parser.parse_args()
    mix = long_tail(given.categories)
    rng = np.random.default_rng(1)
    for name, draw in (("independent products", independent), ("suppliers' batches", batches)):
        years = [
            simulated(rng, draw, given.answers, mix, given.days, 14) for _ in range(given.years)
        ]
        alarms = sum(noticed(counts) is not None for counts in years)
        low, high = interval(alarms, given.years)
        print(
            f"{name}: false alarms in {alarms} of {given.years} years [{low:.2%}, {high:.2%}]",
            flush=True,
        )
        spread = np.mean([overdispersion(counts.answers[:14]) for counts in years])
        for rule in (0.1, 0.2):
            days = np.mean([(psi(counts) > rule).mean() for counts in years])
            print(f"  PSI above {rule}: {days:.1%} of the days (dispersion {spread:.2f})")
    print("| change | reference | from | days until noticed (median) | noticed within 40 days |")
    print("|---|---|---|---|---|")
    for name, other, low_scores in changes(mix):
        for reference in (14, 28):
            for at in (0, 60):
                waits = []
                for _ in range(given.changes):
                    counts = simulated(
                        rng,
                        independent,
                        given.answers,
                        mix,
                        at + 40,
                        reference,
                        other,
                        low_scores,
                        at,
                    )
                    waits.append(noticed(counts, reference, at))
                found = [wait for wait in waits if wait is not None]
                median = np.median([wait or 41 for wait in waits])
                print(
                    f"| {name} | {reference} days | day {at + 1} | {median:.0f} "
                    f"| {len(found)} of {len(waits)} |",
                    flush=True,
                )


def long_tail(categories: int) -> np.ndarray:
    """Shares of categories, the largest first."""
    shares = 1 / np.arange(1, categories + 1) ** 0.8
    return shares / shares.sum()


def changes(mix: np.ndarray) -> Iterator[tuple[str, np.ndarray, bool]]:
    """Name, shares after the change, and whether scores fall."""
    for place, factor in ((9, 2.0), (29, 3.0), (29, 2.0), (9, 0.0)):
        other = mix.copy()
        other[place] *= factor
        word = "vanishes" if not factor else f"times {factor:g}"
        yield f"a category of {mix[place]:.1%} {word}", other / other.sum(), False
    third = mix.copy()
    third[::3] *= 1.5
    yield "every third category times 1.5", third / third.sum(), False
    yield "scores of all from .952 to .938 on average", mix, True


def independent(rng: np.random.Generator, n: int, shares: np.ndarray) -> np.ndarray:
    return rng.multinomial(n, shares)


def batches(rng: np.random.Generator, n: int, shares: np.ndarray) -> np.ndarray:
    """Products come in batches, each with a mix of its own around the shares."""
    mixes = rng.dirichlet(shares * 10, _BATCHES)
    return np.sum([rng.multinomial(n // _BATCHES, own) for own in mixes], axis=0)


def simulated(
    rng: np.random.Generator,
    draw: Draw,
    answers: int,
    mix: np.ndarray,
    days: int,
    reference: int,
    other: np.ndarray | None = None,
    low_scores: bool = False,
    at: int = 0,
) -> DayCounts:
    """The reference, and days of which those from `at` on differ."""
    every, scores = [], []
    for day in range(reference + days):
        later = other is not None and day >= reference + at
        shape = _LOWER if later and low_scores else _SHAPE
        own = draw(rng, answers, other if later and other is not None else mix)
        reach = rng.beta(*shape, own.sum())[:, None] >= SCORES
        sums = np.concatenate([np.zeros((1, len(SCORES)), int), reach.cumsum(axis=0)])
        ends = np.cumsum(own)
        every.append(own)
        scores.append(sums[ends] - sums[ends - own])
    dates = [date(2026, 1, 1) + timedelta(n) for n in range(reference + days)]
    names = [f"{n:03d}" for n in range(len(mix))]
    return DayCounts("1", dates, names, np.array(every), np.array(scores))


def noticed(counts: DayCounts, reference: int = 14, at: int = 0) -> int | None:
    """Days from the change until the first alarm, looking every day; None without one."""
    for day in alarm_days(counts, reference):
        if day >= at:
            return day - at + 1
    return None


def alarm_days(counts: DayCounts, reference: int) -> list[int]:
    """Days with an alarm, looked at every day."""
    found = judge_drift(counts, _ALPHA, reference)
    return [n for n, drifted in enumerate(found.by_day) if drifted]


def psi(counts: DayCounts, reference: int = 14) -> np.ndarray:
    """The population stability index of each day, half a product added to every category."""
    old = counts.answers[:reference].sum(axis=0) + 0.5
    new = counts.answers[reference:] + 0.5
    p, q = old / old.sum(), new / new.sum(axis=1, keepdims=True)
    return ((q - p) * np.log(q / p)).sum(axis=1)


if __name__ == "__main__":
    main()
