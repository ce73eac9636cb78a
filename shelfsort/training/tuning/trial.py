"""One trial: a cross-fit with the proposed settings, judged as thresholds are fitted."""

import dataclasses
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from shelfsort.contract.calibration import ModalityCalibration
from shelfsort.contract.modalities import MODALITIES
from shelfsort.core.cost import Clock
from shelfsort.core.progress import without_progress
from shelfsort.training.calibration import Calibrated, Rules, calibrate
from shelfsort.training.dataset import Products
from shelfsort.training.evidence import Predictions, Scored
from shelfsort.training.fitting import CrossFit, VocabularySizes, cross_fit
from shelfsort.training.label_space import LabelSpace
from shelfsort.training.pooling import Pool, towers_in
from shelfsort.training.rows import Rows, chunks
from shelfsort.training.settings import TrainingConfig
from shelfsort.training.tuning.space import Settings, with_settings

# A trial that accepts nothing is still told from others by its accuracy.
_ACCURACY_WEIGHT = 1e-3

GoOn = Callable[[int, float], bool]
"""Takes the number of a fold, from 0, and what the folds so far are worth; False ends the trial."""


@dataclasses.dataclass(frozen=True)
class Problem:
    """What every trial of a search is about.

    Attributes:
        products: that the search reads, by name of the encoder whose vectors they have.
        sizes: of the vocabularies.
        labels: the categories.
        base: settings as configured, with the folds of the search.
        target: accuracy that coverage is measured at.
    """

    products: Mapping[str, Products]
    sizes: VocabularySizes
    labels: LabelSpace
    base: TrainingConfig
    target: float


@dataclasses.dataclass(frozen=True)
class Answers:
    """The cross-fitted answers of a trial, arrays of shape (n,) over the evidence of the search.

    Attributes:
        groups: int64, equal for variants of one product.
        scores: float32 in [0, 1].
        correct: bool, whether the predicted category is the label.
        accepted: bool, whether the score reaches the threshold that these answers prove.
    """

    groups: np.ndarray
    scores: np.ndarray
    correct: np.ndarray
    accepted: np.ndarray

    @property
    def coverage(self) -> float:
        """Share of the products that are accepted; 0 without products."""
        return float(self.accepted.mean()) if len(self.accepted) else 0.0

    @property
    def accuracy(self) -> float:
        """Share of right answers; 0 without products."""
        return float(self.correct.mean()) if len(self.correct) else 0.0

    @property
    def value(self) -> float:
        """What the search maximises: coverage, and among equal coverages accuracy."""
        return self.coverage + _ACCURACY_WEIGHT * self.accuracy

    def to_bytes(self) -> bytes:
        """In NumPy's compressed form."""
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **dataclasses.asdict(self))
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> "Answers":
        """Reads what `to_bytes` wrote."""
        with np.load(io.BytesIO(content), allow_pickle=False) as found:
            return cls(**{field.name: found[field.name] for field in dataclasses.fields(cls)})


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of a trial.

    Attributes:
        answers: None where it was ended early or failed.
        cpu_seconds: of processors.
        error: why it failed; "" where it did not.
    """

    answers: Answers | None
    cpu_seconds: float
    error: str = ""


class _Pruned(Exception):  # noqa: N818 - an outcome, not a fault
    pass


def run_trial(problem: Problem, settings: Settings, go_on: GoOn) -> Outcome:
    """Cross-fits with the settings and fits thresholds, unless `go_on` ends the trial before.

    A fit that breaks, for example because its numbers overflow, is a failed trial, not an error.
    """
    clock = Clock()
    try:
        with without_progress():
            answers = _answers(problem, settings, go_on)
    except _Pruned:
        return Outcome(None, clock.lap().cpu_seconds)
    except (ArithmeticError, ValueError) as error:
        return Outcome(None, clock.lap().cpu_seconds, f"{type(error).__name__}: {error}")
    return Outcome(answers, clock.lap().cpu_seconds)


def _answers(problem: Problem, settings: Settings, go_on: GoOn) -> Answers:
    config = with_settings(problem.base, settings)
    products = problem.products[config.text.encoder]
    shares: list[float] = []

    def after_fold(logits: Mapping[str, Rows], rows: np.ndarray) -> None:
        judged = rows[products.has_leaf[rows]]
        shares.append(share_at(products, logits, judged, problem.target))
        if not go_on(len(shares) - 1, float(np.mean(shares))):
            raise _Pruned

    crossed = cross_fit(
        products,
        problem.sizes,
        config,
        np.ones(len(products), np.float32),
        after_fold=after_fold,
    )
    return judge(products, crossed, problem.labels, config, problem.target)


def judge(
    products: Products,
    crossed: CrossFit,
    labels: LabelSpace,
    config: TrainingConfig,
    target: float,
) -> Answers:
    """Fits temperature, floors and thresholds as for a model, and says what they accept.

    The check for unknown products is left out: it withholds the same share with any settings.
    """
    scored = Scored(products, crossed.held_out, crossed.folds, crossed.fusions)
    found = calibrate(
        scored,
        labels,
        Rules(
            config.calibration.confidence,
            config.calibration.threshold_scope,
            config.calibration.marginal_accuracy,
            (target,),
        ),
    )
    return _served(found, products, labels, target)


def _served(found: Calibrated, products: Products, labels: LabelSpace, target: float) -> Answers:
    """Each product's answer in the modality that it is answered in: the one with all it has."""
    both = products.has_text & products.has_image
    parts = []
    for modality in MODALITIES:
        answers = found.answers[modality]
        own = (modality == "combined") | ~both[answers.rows]
        accepted = _accepted(answers, found.calibration.of(modality), labels.categories, target)
        parts.append((answers.leaves.rows(own), accepted[own]))
    return Answers(
        groups=np.concatenate([leaves.groups for leaves, _ in parts]),
        scores=np.concatenate([leaves.scores for leaves, _ in parts]).astype(np.float32),
        correct=np.concatenate([leaves.correct for leaves, _ in parts]),
        accepted=np.concatenate([accepted for _, accepted in parts]),
    )


def _accepted(
    answers: Predictions, fitted: ModalityCalibration, categories: Sequence[str], target: float
) -> np.ndarray:
    """(n,) bools: whether each answer reaches the threshold of its category."""
    thresholds: Mapping[str, Any] = fitted.targets[target].categories
    lowest = np.array(
        [np.inf if (value := thresholds[leaf].value) is None else value for leaf in categories]
    )
    return answers.leaves.scores >= lowest[answers.predicted]


def share_at(
    products: Products, logits: Mapping[str, Rows], rows: np.ndarray, target: float
) -> float:
    """The largest share of the products at `rows` whose answers are right as often as `target`.

    A cheap view of one fold, for ending hopeless trials: towers are pooled evenly, and nothing is
    proven.
    """
    names = towers_in("combined", list(logits))
    scores, correct = np.zeros(len(rows)), np.zeros(len(rows), bool)
    for places in chunks(np.arange(len(rows))):
        some = rows[places]
        seen = {name: products.towers[name][some] for name in names}
        pooled = sum(
            Pool.even(logits[name][some].shape[1], [name]).logits({name: logits[name][some]})
            * seen[name][:, None]
            for name in names
        )
        probabilities = np.exp(pooled - np.logaddexp.reduce(pooled, axis=1, keepdims=True))
        scores[places] = probabilities.max(axis=1)
        correct[places] = probabilities.argmax(axis=1) == products.labels[some]
    return largest_share(scores, correct, target)


def largest_share(scores: np.ndarray, correct: np.ndarray, target: float) -> float:
    """The largest share of n answers, those with the highest scores, right as often as `target`."""
    if not len(scores):
        return 0.0
    right = np.cumsum(correct[np.argsort(-scores, kind="stable")])
    counts = np.arange(1, len(scores) + 1)
    enough = np.flatnonzero(right >= target * counts)
    return float(counts[enough[-1]] / len(scores)) if len(enough) else 0.0
