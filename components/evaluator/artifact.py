"""What the Evaluator leaves behind: figures, figures by category, predictions and the verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from components.check import Check
from components.documents import Document
from shelfsort.contract.calibration import Calibration, ModalityCalibration
from shelfsort.contract.figures import accepted_accuracy, coverage
from shelfsort.contract.learning_curve import LearningCurve
from shelfsort.contract.modalities import ALONE, COMBINED, MODALITIES
from shelfsort.contract.model_files import LEARNING_CURVE, UNKNOWN
from shelfsort.contract.targets import DEFAULT_TARGETS, accepted, target_key
from shelfsort.contract.unknown import (
    Rates,
    Withheld,
    rates_from_json,
    rates_to_json,
    withheld_from_json,
)
from shelfsort.core.errors import InputError
from shelfsort.core.storage import Place, exists, join, open_binary

if TYPE_CHECKING:
    import pyarrow

Figures = Mapping[str, int | float | None]
"""Numbers by their names in `shelfsort.contract.figures`; None where there is none."""

CANDIDATE, LIVE = "candidate", "live"
"""The new model and the live one, in the column `model` of the predictions."""

HELD_OUT_SPLIT = "held_out"
"""The cross-fitted predictions of `train` that thresholds were fitted on, in the column `split`."""

_PREDICTIONS = "predictions.parquet"
_LIVE_SPLIT = "eval"
_THRESHOLDS = "thresholds"
_WITHHELD = "withheld"


@dataclass(frozen=True)
class Metrics(Document):
    """The figures of an evaluation: `metrics.json`.

    The file has the form `{modality: {split: {name: number}}, "live": …, "thresholds": …}`.

    Attributes:
        modalities: the new model's figures by modality and split.
        live: the live model's, of all that a product has, on `eval`; None where none is live.
        calibration: of the new model.
        learning_curve: what more labelled products would bring; None where every target is
            certified, and in runs of earlier versions.
        unknown: how well products that belong nowhere in the tree are noticed, by modality; {} in
            runs of earlier versions.
        withheld: products of `eval` that the check for those withheld; None likewise.
    """

    FILE: ClassVar[str] = "metrics.json"

    modalities: Mapping[str, Mapping[str, Figures]] = field(default_factory=dict)
    live: Figures | None = None
    calibration: Calibration = Calibration({})
    learning_curve: LearningCurve | None = None
    unknown: Rates = field(default_factory=dict)
    withheld: Withheld | None = None

    @property
    def targets(self) -> tuple[float, ...]:
        """The targets of the new model, rising."""
        return self.calibration.targets

    def figures(self, modality: str = COMBINED, split: str = "eval") -> Figures:
        """The figures of a modality on a split; {} where it was not scored."""
        return self.modalities.get(modality, {}).get(split, {})

    def answered_by(self) -> dict[str, int]:
        """How many `eval` products each modality answers when served, most first.

        A product with words and image is answered by `combined`, one with only words by `text`,
        one with only an image by `image`; modalities that answer nothing are left out.
        """
        n = {modality: int(self.figures(modality).get("n") or 0) for modality in MODALITIES}
        text, image = ALONE
        products = {
            COMBINED: n[text] + n[image] - n[COMBINED],
            text: n[COMBINED] - n[image],
            image: n[COMBINED] - n[text],
        }
        ranked = sorted(products.items(), key=lambda item: -item[1])
        return {modality: count for modality, count in ranked if count > 0}

    @property
    def main_modality(self) -> str:
        """The modality that answers most `eval` products when served."""
        return next(iter(self.answered_by()), COMBINED)

    @property
    def main_calibration(self) -> ModalityCalibration:
        """The calibration of that modality."""
        return self.calibration.of(self.main_modality)

    def _content(self) -> dict[str, Any]:
        live = {} if self.live is None else {LIVE: {_LIVE_SPLIT: dict(self.live)}}
        by_modality = {
            modality: {split: dict(figures) for split, figures in by_split.items()}
            for modality, by_split in self.modalities.items()
        }
        curve = {LEARNING_CURVE: self.learning_curve.to_json()} if self.learning_curve else {}
        unknown: dict[str, Any] = {UNKNOWN: rates_to_json(self.unknown)} if self.unknown else {}
        if self.withheld:
            unknown[_WITHHELD] = asdict(self.withheld)
        return {**by_modality, **live, _THRESHOLDS: self.calibration.to_json(), **curve, **unknown}

    @classmethod
    def _fields(cls, content: Any, version: int) -> Any:
        return {
            "modalities": {name: content[name] for name in MODALITIES if name in content},
            "live": content.get(LIVE, {}).get(_LIVE_SPLIT),
            "calibration": Calibration.from_json(content.get(_THRESHOLDS)),
            "learning_curve": LearningCurve.from_json(content.get(LEARNING_CURVE)),
            "unknown": rates_from_json(content.get(UNKNOWN)),
            "withheld": withheld_from_json(content[_WITHHELD]) if _WITHHELD in content else None,
        }


def false_accepts(target: float) -> str:
    """Products accepted for a category at the target that belong elsewhere."""
    return f"false_accepts_{target_key(target)}"


def false_accept_rate(target: float) -> str:
    """The same as a share of all products of other categories."""
    return f"false_accept_rate_{target_key(target)}"


def threshold(target: float) -> str:
    """The category's threshold; None where it abstains."""
    return f"threshold_{target_key(target)}"


def category_names(targets: Sequence[float]) -> tuple[str, ...]:
    """All names of a category's figures, of a model with these targets."""
    return (
        *("n", "accuracy", "accuracy_lower", "accuracy_effective", "precision", "f1"),
        "calibration_n",
        *(
            name
            for target in targets
            for name in (
                coverage(target),
                accepted(target),
                *(
                    f"{accepted_accuracy(target)}{part}"
                    for part in ("", "_lower", "_upper", "_effective")
                ),
                false_accepts(target),
                false_accept_rate(target),
                threshold(target),
            )
        ),
    )


# Format 0 had names of its own, and two targets.
_OLD_NAMES = {
    "coverage_95": "coverage_at_95",
    "accepted": "accepted_95",
    "accepted_lower_95": "accepted_accuracy_95_lower",
    "accepted_upper_95": "accepted_accuracy_95_upper",
    "accepted_effective_95": "accepted_accuracy_95_effective",
    "accepted_effective_98": "accepted_accuracy_98_effective",
    "false_accepts": "false_accepts_95",
    "false_accept_rate": "false_accept_rate_95",
}
_NAMES_OF_OLD = category_names(DEFAULT_TARGETS)


@dataclass(frozen=True)
class CategoryFigures:
    """One category, of all that a product has, on `eval`.

    Attributes:
        category: its id.
        path: its path.
        parent: id of its parent; itself directly below the root.
        figures: by `category_names`. `n`, `accuracy` (which is the recall) and coverage are of the
            products labelled with the category; all that is accepted, and `precision`, of those
            predicted to belong to it.
        live: of the live model; None where none is live.
    """

    category: str
    path: str
    parent: str
    figures: Figures
    live: Figures | None = None


@dataclass(frozen=True)
class Categories(Document):
    """Figures by category, in the taxonomy's order: `categories.json`."""

    FILE: ClassVar[str] = "categories.json"

    categories: tuple[CategoryFigures, ...]

    @classmethod
    def _fields(cls, content: Any, version: int) -> Any:
        return content if version else {"categories": [_category_of_old(each) for each in content]}


def _category_of_old(entry: Mapping[str, Any]) -> dict[str, Any]:
    live = entry.get("live")
    return {
        **{name: entry[name] for name in ("category", "path", "parent")},
        "figures": dict.fromkeys(_NAMES_OF_OLD) | _renamed(entry),
        "live": None if live is None else _renamed(live),
    }


def _renamed(figures: Mapping[str, Any]) -> dict[str, Any]:
    renamed = {_OLD_NAMES.get(name, name): value for name, value in figures.items()}
    return {name: value for name, value in renamed.items() if name in _NAMES_OF_OLD}


@dataclass(frozen=True)
class Outcome:
    """A yes-or-no outcome of two models on the same `n` products.

    Attributes:
        n: products compared.
        candidate: share of yes by the new model; None for n = 0.
        live: share of yes by the live model; None for n = 0.
        only_candidate: products where only the new model has a yes.
        only_live: products where only the live model has one.
        p_worse: chance of so many `only_live` if the new model were no worse; exact, the variants
            of one product counted once (see `shelfsort.stats.paired`).
    """

    n: int
    candidate: float | None
    live: float | None
    only_candidate: int
    only_live: int
    p_worse: float

    @property
    def change(self) -> float:
        """The new model's share less the live one's, for n > 0."""
        return (self.only_candidate - self.only_live) / self.n


@dataclass(frozen=True)
class CoverageOutcome(Outcome):
    """What two models decide, with the sampling error of their thresholds.

    Attributes:
        low, high: where the new model's share less the live one's lies in the middle 95 % of
            redraws of the calibration products, both thresholds fitted again on the same ones;
            None where there are no products to fit on or to decide.
    """

    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Comparison:
    """The new model beside the live one.

    Attributes:
        shared_categories: categories that both know; None where they know the same.
        left_out: products of categories that the live model does not know.
        accuracy: the predicted leaf is right.
        target: the lowest that both models have; None where they have none in common.
        coverage: accepted at that target; of no products where there is none.
        by_category: accuracy by label.
        version: the live model's version.
    """

    shared_categories: int | None
    left_out: int
    accuracy: Outcome
    coverage: CoverageOutcome
    by_category: Mapping[str, Outcome]
    version: str = ""
    target: float | None = DEFAULT_TARGETS[0]


@dataclass(frozen=True)
class UnloadableLive:
    """There is a live model, and it cannot be compared with: why."""

    version: str
    problem: str


@dataclass(frozen=True)
class Verdict(Document):
    """Whether the model may go live: `verdict.json`.

    Attributes:
        blessed: every check passed, or a named person approved it all the same.
        checks: all of them, passed or not.
        live: what it was compared with, if anything.
        approved_by: who approved; None where no approval was needed.
        overridden: names of the checks that failed and were approved.
        outlook: what would certify the targets that are not, in sentences.
    """

    FILE: ClassVar[str] = "verdict.json"

    blessed: bool
    checks: tuple[Check, ...] = ()
    live: Comparison | UnloadableLive | None = None
    approved_by: str | None = None
    overridden: tuple[str, ...] = ()
    outlook: tuple[str, ...] = ()

    @classmethod
    def _fields(cls, content: Any, version: int) -> Any:
        live = content.get("live")
        if version or not live:
            return content
        # Format 0 wrapped the comparison, or the problem, in the live model's version.
        return {**content, "live": live["comparison"] or live}


def predictions_file(folder: Place) -> str:
    """Where the artifact holds a row for each product, split, model and modality."""
    return join(folder, _PREDICTIONS)


def read_predictions(
    folder: Place, columns: Sequence[str] | None = None, **only: str
) -> "pyarrow.Table | None":
    """Reads predictions, or None where there are none.

    Args:
        folder: the artifact.
        columns: all where they are None.
        only: values of columns, such as `split="eval"`: other rows are left out.

    Raises:
        InputError: a column is missing, as in an artifact of an earlier version.
    """
    import pyarrow.parquet as pq

    path = predictions_file(folder)
    if not exists(path):
        return None
    with open_binary(path) as file:
        whole = pq.ParquetFile(file)
        if missing := set(columns or ()) - set(whole.schema_arrow.names):
            raise InputError(
                f"{path}: has no column {min(missing)}, as an earlier version wrote it. Repeat "
                "the run."
            )
    with open_binary(path) as file:
        filters = [(name, "=", value) for name, value in only.items()] or None
        return pq.read_table(file, columns=list(columns) if columns else None, filters=filters)
