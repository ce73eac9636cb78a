"""How the model does in each modality, on each split."""

from collections.abc import Iterator
from dataclasses import dataclass

from components.evaluator.artifact import Figures, Metrics
from shelfsort.contract.modalities import MODALITIES
from shelfsort.stats.binomial import interval

_SPLITS = ("eval", "eval_gold", "held_out", "calibration")


@dataclass(frozen=True)
class Rate:
    """A proportion of `n` products with its two-sided 95 % Clopper-Pearson interval."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class ModeRow:
    """One modality of the model on one split, with at least one product."""

    mode: str
    split: str
    figures: Figures

    @property
    def n(self) -> int:
        """Products."""
        return int(self.figures["n"] or 0)

    def number(self, name: str) -> float | None:
        """A figure by its name in `metrics.json`; None where there is none."""
        return self.figures.get(name)

    def rate(self, name: str) -> Rate | None:
        """A share with the interval of as many products as these are worth."""
        return rate(self.number(name), self.n, self.number(f"{name}_effective"))

    @property
    def expected_accuracy(self) -> Rate | None:
        """Accuracy if labels are right as often as their votes say, with its interval."""
        value, low, high = (
            self.number(f"accuracy_expected{part}") for part in ("", "_lower", "_upper")
        )
        if value is None or low is None or high is None:
            return None
        return Rate(value, low, high, self.n)


def mode_rows(metrics: Metrics) -> Iterator[ModeRow]:
    """The modalities and splits in which anything was scored."""
    for modality in MODALITIES:
        for split in _SPLITS:
            figures = metrics.figures(modality, split)
            if figures.get("n"):
                yield ModeRow(modality, split, figures)


def rate(share: float | None, n: int, effective: float | None = None) -> Rate | None:
    """A share of `n` products, with the interval of as many as these are worth, `n` by default."""
    size = effective or n
    return None if share is None or not n else Rate(share, *interval(share * size, size), n)
