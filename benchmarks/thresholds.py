"""How often does a threshold break its guarantee, and how much does it let the model accept?

Draws many calibration samples from populations whose true accuracy above any score is known, fits
the threshold in several ways on each, and prints, side by side: the mean coverage, its ratio to
the best possible, and the share of samples in which the accepted accuracy falls short of target.

    python benchmarks/thresholds.py
    python benchmarks/thresholds.py --run OUTPUT_FOLDER

The second takes the cross-fitted answers of a run's training split as the population, and draws
from it product by product and title by title, all variants of a title together.
"""

import argparse
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from shelfsort.stats.binomial import proof_p_value
from shelfsort.stats.design_effect import correlation_near
from shelfsort.stats.temperature import fit_temperature, softmax
from shelfsort.stats.thresholds import fit_threshold


@dataclass(frozen=True)
class Sample:
    """Drawn products, and the correlation within groups that their population shows at a target."""

    scores: np.ndarray
    right: np.ndarray
    groups: np.ndarray
    correlation: float = 0.0


Fit = Callable[[Sample, float], float | None]


@dataclass(frozen=True)
class Population:
    """Every product there is: scores in falling order, whether the answer is right, and its group.

    `Population.of` sorts; without groups every product is one of its own.
    """

    scores: np.ndarray
    right: np.ndarray
    groups: np.ndarray

    @classmethod
    def of(
        cls, scores: np.ndarray, right: np.ndarray, groups: np.ndarray | None = None
    ) -> "Population":
        order = np.argsort(-scores, kind="stable")
        groups = np.arange(len(scores)) if groups is None else groups
        return cls(scores[order], right[order], groups[order])

    def above(self, threshold: float | None) -> tuple[float, float]:
        """Coverage and accepted accuracy of a threshold; (0, 1) for one that abstains."""
        n = 0
        if threshold is not None:
            n = int(np.searchsorted(-self.scores, -threshold, side="right"))
        return (n / len(self.scores), float(self.right[:n].mean())) if n else (0.0, 1.0)

    def best(self, target: float) -> float:
        """The most that can be accepted with `target` of it right."""
        ranks = np.arange(1, len(self.scores) + 1)
        good = np.cumsum(self.right) >= target * ranks
        return float(ranks[good].max(initial=0) / len(ranks))

    def correlation(self, target: float) -> float:
        """Of right and wrong within a group, about where `target` is reached."""
        return correlation_near(self.scores, self.right, self.groups, target)

    def draw(self, n: int, rng: np.random.Generator) -> Sample:
        """`n` products, each by itself."""
        rows = rng.integers(0, len(self.scores), n)
        return Sample(self.scores[rows], self.right[rows], np.arange(n))

    def draw_groups(self, n: int, rng: np.random.Generator, correlation: float) -> Sample:
        """About `n` products in whole groups: a group drawn twice is two groups."""
        members = self._members
        picked = rng.integers(0, len(members), round(n * len(members) / len(self.scores)))
        rows = np.concatenate([members[group] for group in picked])
        groups = np.repeat(np.arange(len(picked)), [len(members[group]) for group in picked])
        return Sample(self.scores[rows], self.right[rows], groups, correlation)

    @cached_property
    def _members(self) -> list[np.ndarray]:
        order = np.argsort(self.groups, kind="stable")
        return np.split(order, np.flatnonzero(np.diff(self.groups[order])) + 1)


@dataclass(frozen=True)
class Outcome:
    """What a way of fitting did over many samples: mean coverage, share of broken guarantees."""

    coverage: float
    broken: float


def naive(sample: Sample, target: float) -> float | None:
    """The usual way: the lowest threshold at which the sample itself reaches the target."""
    order = np.argsort(-sample.scores, kind="stable")
    ranked, ranks = sample.scores[order], np.arange(1, len(order) + 1)
    last_of_tie = np.append(ranked[1:] != ranked[:-1], True)
    good = np.flatnonzero((np.cumsum(sample.right[order]) >= target * ranks) & last_of_tie)
    return float(ranked[good[-1]]) if len(good) else None


def fixed_sequence(sample: Sample, target: float) -> float | None:
    """Shelfsort's default."""
    return fit_threshold(
        sample.scores,
        sample.right,
        target,
        groups=sample.groups,
        correlation=sample.correlation,
    )


def apart(sample: Sample, target: float) -> float | None:
    """As `fixed_sequence`, every variant taken for a product of its own."""
    return fit_threshold(sample.scores, sample.right, target)


def a_title_once(sample: Sample, target: float) -> float | None:
    """As `fixed_sequence`, variants taken to be always right or wrong together."""
    return fit_threshold(sample.scores, sample.right, target, groups=sample.groups, correlation=1.0)


def guaranteed_risk(sample: Sample, target: float) -> float | None:
    """Selection with guaranteed risk (Geifman & El-Yaniv 2017, algorithm 1), 95 % confidence.

    Binary search over the ranks, each of the ceil(log2 N) steps at its share of the error budget.
    """
    order = np.argsort(-sample.scores, kind="stable")
    ranked, n = sample.scores[order], len(order)
    ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)) + 1
    right = np.cumsum(sample.right[order])[ends - 1]
    p_values = np.asarray(proof_p_value(right, ends, target))
    steps = max(1, math.ceil(math.log2(n)))
    low, high, best = 0, len(ends) - 1, None
    for _ in range(steps):
        if low > high:
            break
        middle = (low + high) // 2
        if p_values[middle] <= 0.05 / steps:
            best, low = float(ranked[ends[middle] - 1]), middle + 1
        else:
            high = middle - 1
    return best


FITS: dict[str, Fit] = {"naive": naive, "sgr": guaranteed_risk, "fixed sequence": fixed_sequence}
FITS_OF_GROUPS = {**FITS, "variants apart": apart, "each title once": a_title_once}


def population(kind: str, seed: int = 0, n: int = 400_000) -> Population:
    """A made-up population.

    Args:
        kind: "sure" (accuracy 0.91, scores mean what they say), "noisy" (likewise, but one label
            in forty is wrong however sure the model is), "hard" (accuracy 0.68) or "flat"
            (accuracy 0.945 at every score: hardly short of 95 %, so nothing may be accepted).
        seed: of the draw.
        n: products.
    """
    rng = np.random.default_rng(seed)
    location, spread = {"hard": (1.3, 2.2)}.get(kind, (4.2, 2.6))
    scores = 1 / (1 + np.exp(-rng.normal(location, spread, n)))
    chance = {"noisy": 0.975 * scores, "flat": np.full(n, 0.945)}.get(kind, scores)
    return Population.of(scores, rng.random(n) < chance)


def with_variants(seed: int = 0, titles: int = 100_000) -> Population:
    """A made-up population of titles, one in five with many variants that share score and fate."""
    rng = np.random.default_rng(seed)
    sizes = np.where(rng.random(titles) < 0.2, rng.geometric(0.25, titles), 1)
    scores = 1 / (1 + np.exp(-rng.normal(4.2, 2.6, titles)))
    right = rng.random(titles) < scores
    return Population.of(*(np.repeat(each, sizes) for each in (scores, right, np.arange(titles))))


def of_run(folder: Path, mode: str) -> Population:
    """The cross-fitted answers of a run's training split.

    Args:
        folder: output folder of the run; the newest training in it counts.
        mode: text, image or combined.

    Raises:
        FileNotFoundError: there is no training in it.
    """
    from shelfsort.training.pooling import Fusion

    found = sorted(
        folder.glob("pipeline/Trainer/model_run/*/held_out.npz"), key=lambda p: p.stat().st_mtime
    )
    if not found:
        raise FileNotFoundError(f"{folder}: no training of a run lies there")
    kept = np.load(found[-1])
    fusion = Fusion.from_lists(json.loads(str(kept["fusion"])))
    names = [name for name in ("text", "image", "encoder", "names") if name in kept]
    logits = fusion.logits_in(mode, {name: kept[name] for name in names})
    probabilities = softmax(logits, fit_temperature(logits, kept["labels"]))
    right = probabilities.argmax(axis=1) == kept["labels"]
    return Population.of(probabilities.max(axis=1), right, kept["groups"])


def repeat(
    whole: Population,
    fits: dict[str, Fit],
    target: float,
    n: int,
    samples: int,
    seed: int = 0,
    by_group: bool = False,
) -> dict[str, Outcome]:
    """Fits on `samples` draws of `n` products and looks each threshold up in the population."""
    rng = np.random.default_rng(seed)
    correlation = whole.correlation(target) if by_group else 0.0
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in fits}
    for _ in range(samples):
        drawn = whole.draw_groups(n, rng, correlation) if by_group else whole.draw(n, rng)
        for name, fit in fits.items():
            found[name].append(whole.above(fit(drawn, target)))
    return {name: _outcome(each, target) for name, each in found.items()}


def repeat_with_temperature(
    target: float, n: int, samples: int, seed: int = 0, whole_n: int = 20_000
) -> dict[str, Outcome]:
    """As `repeat`, from over-confident logits whose temperature is fitted on the same sample."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, 8, (whole_n, 8))
    noise = rng.gumbel(size=truth.shape)
    labels, logits = (truth + noise).argmax(axis=1), truth * 2.5
    right = truth.argmax(axis=1) == labels
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in FITS}
    for _ in range(samples):
        drawn = rng.integers(0, whole_n, n)
        temperature = fit_temperature(logits[drawn], labels[drawn])
        scores = softmax(logits, temperature).max(axis=1)
        whole = Population.of(scores, right)
        sample = Sample(scores[drawn], right[drawn], np.arange(n))
        for name, fit in FITS.items():
            found[name].append(whole.above(fit(sample, target)))
    return {name: _outcome(each, target) for name, each in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=500, help="calibration samples a line")
    parser.add_argument("--run", type=Path, help="output folder of a run to draw from")
    parser.add_argument("--products", type=int, default=800, help="in each sample, with --run")
    arguments = parser.parse_args()
    print(
        "coverage (of the best possible) / broken guarantees, "
        f"{arguments.samples} samples, at most 5.0 % allowed"
    )
    if arguments.run:
        _of_a_run(arguments.run, arguments.products, arguments.samples)
    else:
        _made_up(arguments.samples)


def _made_up(samples: int) -> None:
    print(f"{'population':>10} {'target':>6} {'n':>5} " + _names(FITS))
    for kind in ("sure", "noisy", "hard", "flat"):
        whole = population(kind)
        for target in (0.95, 0.98):
            for n in (200, 800, 3000):
                outcomes = repeat(whole, FITS, target, n, samples)
                print(f"{kind:>10} {target:>6} {n:>5} " + _cells(outcomes, whole.best(target)))
    print(
        f"\nwhole titles drawn\n{'population':>10} {'target':>6} {'n':>5} " + _names(FITS_OF_GROUPS)
    )
    whole = with_variants()
    for target in (0.95, 0.98):
        for n in (800, 3000):
            outcomes = repeat(whole, FITS_OF_GROUPS, target, n, samples, by_group=True)
            print(f"{'variants':>10} {target:>6} {n:>5} " + _cells(outcomes, whole.best(target)))


def _of_a_run(folder: Path, n: int, samples: int) -> None:
    print(f"{'mode':>8} {'target':>6} {'drawn by':>8} {'corr.':>5} " + _names(FITS_OF_GROUPS))
    for mode in ("combined", "text", "image"):
        whole = of_run(folder, mode)
        for target in (0.95, 0.98):
            for by_group in (False, True):
                fits = FITS_OF_GROUPS if by_group else FITS
                outcomes = repeat(whole, fits, target, n, samples, by_group=by_group)
                drawn = "title" if by_group else "product"
                print(
                    f"{mode:>8} {target:>6} {drawn:>8} {whole.correlation(target):>5.2f} "
                    + _cells(outcomes, whole.best(target))
                )


def _outcome(found: list[tuple[float, float]], target: float) -> Outcome:
    coverage, accuracy = np.array(found).T
    return Outcome(float(coverage.mean()), float((accuracy < target).mean()))


def _names(fits: dict[str, Fit]) -> str:
    return " ".join(f"{name:>24}" for name in fits)


def _cells(outcomes: dict[str, Outcome], best: float) -> str:
    def cell(outcome: Outcome) -> str:
        # Where next to nothing may be accepted, a ratio to it says nothing.
        ratio = f"{outcome.coverage / best:.2f}" if best > 0.02 else "-"
        return f"{outcome.coverage:.3f} ({ratio}) / {100 * outcome.broken:4.1f} %"

    return " ".join(f"{cell(outcome):>24}" for outcome in outcomes.values())


if __name__ == "__main__":
    main()
