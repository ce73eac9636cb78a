"""How often does a threshold break its promise, and how much does it let the model decide?

Draws many calibration samples from populations whose true accuracy above any score is known, fits
the threshold in several ways on each, and prints, side by side: the mean coverage, its ratio to
the best possible, and the share of samples in which the accepted accuracy falls short of target.

    python benchmarks/thresholds.py
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from components.trainer.calibration import fit_temperature, softmax
from components.trainer.thresholds import fit_threshold

Fit = Callable[[np.ndarray, np.ndarray, float], float | None]


@dataclass(frozen=True)
class Population:
    """Every product there is: scores in falling order, and whether the prediction is right."""

    scores: np.ndarray
    right: np.ndarray

    @classmethod
    def of(cls, scores: np.ndarray, right: np.ndarray) -> "Population":
        order = np.argsort(-scores, kind="stable")
        return cls(scores[order], right[order])

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


@dataclass(frozen=True)
class Outcome:
    """What a way of fitting did over many samples: mean coverage and share of broken promises."""

    coverage: float
    broken: float


def naive(scores: np.ndarray, correct: np.ndarray, target: float) -> float | None:
    """The usual way: the lowest threshold at which the sample itself reaches the target."""
    order = np.argsort(-scores, kind="stable")
    ranks = np.arange(1, len(scores) + 1)
    good = np.flatnonzero(np.cumsum(correct[order]) >= target * ranks)
    return float(scores[order][good[-1]]) if len(good) else None


def fixed_sequence(scores: np.ndarray, correct: np.ndarray, target: float) -> float | None:
    """Shelfsort's default."""
    return fit_threshold(scores, correct, target).value


def guaranteed_risk(scores: np.ndarray, correct: np.ndarray, target: float) -> float | None:
    """Selection with guaranteed risk as published."""
    return fit_threshold(scores, correct, target, method="sgr").value


FITS: dict[str, Fit] = {"naive": naive, "sgr": guaranteed_risk, "fixed sequence": fixed_sequence}


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


def repeat(
    whole: Population, fits: dict[str, Fit], target: float, n: int, samples: int, seed: int = 0
) -> dict[str, Outcome]:
    """Fits on `samples` draws of `n` products and looks each threshold up in the population."""
    rng = np.random.default_rng(seed)
    coverage = {name: [] for name in fits}
    broken = {name: [] for name in fits}
    for _ in range(samples):
        drawn = rng.integers(0, len(whole.scores), n)
        for name, fit in fits.items():
            share, accuracy = whole.above(fit(whole.scores[drawn], whole.right[drawn], target))
            coverage[name].append(share)
            broken[name].append(accuracy < target)
    return {name: Outcome(np.mean(coverage[name]), np.mean(broken[name])) for name in fits}


def repeat_with_temperature(
    target: float, n: int, samples: int, seed: int = 0, whole_n: int = 20_000
) -> dict[str, Outcome]:
    """As `repeat`, from over-confident logits whose temperature is fitted on the same sample."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, 8, (whole_n, 8))
    noise = rng.gumbel(size=truth.shape)
    labels, logits = (truth + noise).argmax(axis=1), truth * 2.5
    right = truth.argmax(axis=1) == labels
    outcomes: dict[str, list] = {name: [] for name in FITS}
    for _ in range(samples):
        drawn = rng.integers(0, whole_n, n)
        temperature = fit_temperature(logits[drawn], labels[drawn])
        scores = softmax(logits, temperature).max(axis=1)
        whole = Population.of(scores, right)
        for name, fit in FITS.items():
            outcomes[name].append(whole.above(fit(scores[drawn], right[drawn], target)))
    return {
        name: Outcome(
            np.mean([share for share, _ in each]), np.mean([acc < target for _, acc in each])
        )
        for name, each in outcomes.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=500, help="calibration samples a line")
    samples = parser.parse_args().samples
    print(f"coverage (of the best possible) / broken promises, {samples} samples, promised: 5.0 %")
    print(f"{'population':>10} {'target':>6} {'n':>5} " + " ".join(f"{x:>24}" for x in FITS))
    for kind in ("sure", "noisy", "hard", "flat"):
        whole = population(kind)
        for target in (0.95, 0.98):
            best = whole.best(target)
            for n in (200, 800, 3000):
                outcomes = repeat(whole, FITS, target, n, samples)
                print(f"{kind:>10} {target:>6} {n:>5} " + _cells(outcomes, best))


def _cells(outcomes: dict[str, Outcome], best: float) -> str:
    def cell(outcome: Outcome) -> str:
        # Where next to nothing may be accepted, a ratio to it says nothing.
        ratio = f"{outcome.coverage / best:.2f}" if best > 0.02 else "-"
        return f"{outcome.coverage:.3f} ({ratio}) / {100 * outcome.broken:4.1f} %"

    return " ".join(f"{cell(outcome):>24}" for outcome in outcomes.values())


if __name__ == "__main__":
    main()
