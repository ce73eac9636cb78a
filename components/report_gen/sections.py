"""The typed values of the page's sections.

Rates and scores are in [0, 1]; None stands for "not known" or "not defined", never for zero.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from components.check import Check
from components.drift_check.artifact import DriftFindings, ShareChange
from components.evaluator.artifact import CategoryFigures
from components.manifest_example_gen.artifact import Ingestion
from components.report_gen.changes import CategoryChange, Changes
from components.report_gen.confident_errors import ModelError
from components.report_gen.confusion import Pair, SiblingMatrix
from components.report_gen.curve import Curve
from components.report_gen.modes import ModeRow
from components.report_gen.parent_categories import ParentRow
from components.report_gen.searched import ShownSearch
from components.serving_check.artifact import ServingCost
from components.trainer.artifact import FailedProof
from shelfsort.contract.figures import coverage
from shelfsort.contract.learning_curve import ModalityCurve
from shelfsort.contract.modalities import COMBINED
from shelfsort.contract.unknown import Rates, Withheld
from shelfsort.labeling.label_issues import Suspect, Trial
from shelfsort.products.manifest.rejects import REASONS, Reject

_ENOUGH_GOLDS = 10


@dataclass(frozen=True)
class ShownVerdict:
    """Whether the model may go live, and why.

    `overruled` holds the checks that failed and that `approved_by`, a person, let pass.
    """

    blessed: bool
    failed: list[Check]
    overruled: list[Check]
    passed: list[Check]
    approved_by: str | None = None


@dataclass(frozen=True)
class LiveComparison:
    """The candidate against the live model, on the eval products both answered.

    `problem` says why the two could not be compared. `target` is that of the decisions compared;
    None where the models have none in common. `p_worse` is the chance of so many newly
    wrong products if the candidate were no worse, `p_decides_less` the same of decisions (exact
    one-sided paired tests of the gate). `redrawn` is where the change of what is decided lies in
    the middle 95 % of redraws of the calibration products, as shares. `left_out` products belong
    to categories that the live model does not know: the gate left them out.
    """

    version: str
    problem: str
    candidate: ModeRow | None
    live: ModeRow | None
    target: float | None
    changes: Changes | None
    categories: list[CategoryChange]
    p_worse: float | None
    p_decides_less: float | None
    redrawn: tuple[float, float] | None
    left_out: int


@dataclass(frozen=True)
class Anomaly:
    """What data validation found in one feature of one split."""

    split: str
    feature: str
    summary: str
    detail: str
    severity: str


@dataclass(frozen=True)
class DriftSection:
    """What DriftCheck found, and of the categories the changes worth a line."""

    findings: DriftFindings
    changes: list[ShareChange]


@dataclass(frozen=True)
class RejectReason:
    """Lines of the manifest refused for one reason, with the first few of them."""

    reason: str
    count: int
    examples: list[Reject]

    @property
    def explanation(self) -> str:
        """What the reason means, in a sentence; the reason itself where it is not known."""
        return REASONS.get(self.reason, self.reason.replace("_", " "))


@dataclass(frozen=True)
class Rejects:
    """What became of the manifest's lines, and why some were left out, most frequent first."""

    ingestion: Ingestion
    reasons: list[RejectReason]


@dataclass(frozen=True)
class Labelling:
    """The crowd's work. Prices are in the currency of the price that was configured."""

    workers: int
    answers: int
    products: int
    price_per_answer: float | None

    @property
    def answers_per_product(self) -> float | None:
        return self.answers / self.products if self.products else None

    @property
    def cost(self) -> float | None:
        return None if self.price_per_answer is None else self.answers * self.price_per_answer

    @property
    def cost_per_label(self) -> float | None:
        return None if self.cost is None or not self.products else self.cost / self.products


@dataclass(frozen=True)
class SuspectQuality:
    """How good the list of label issues is.

    `trial` is a search for labels changed on purpose, None where there was none. Of the suspects,
    `golds` have a gold label, and `wrong` of those differ from it.
    """

    trial: Trial | None
    golds: int
    wrong: int

    @property
    def weak(self) -> bool:
        """Whether a listed label is more likely right than wrong, as far as that is known."""
        if self.golds >= _ENOUGH_GOLDS:
            return self.wrong < self.golds / 2
        precision = self.trial.precision if self.trial else None
        return precision is not None and precision < 1 / 2


@dataclass(frozen=True)
class ReportContent:
    """What `page.render` draws.

    `targets` are the model's, rising. `learning` is the learning curve of the modality that answers
    most products. `proofs` says why targets are not certified, and `outlook` what would certify
    them. `unknown` has the rates at which unknown products are noticed, by modality, and `withheld`
    says what the check for them did on `eval`. `cost` is that of serving the model, None where it
    was not measured. `search` has the trials of a search of settings, None where there was none.
    `paths` has the path of each category, leaf or not, by id. `settings` differ from the
    defaults.
    """

    model_name: str
    title: str
    targets: tuple[float, ...]
    verdict: ShownVerdict
    modes: list[ModeRow]
    curves: dict[str, dict[str, Curve]]
    live: LiveComparison | None
    categories: Sequence[CategoryFigures]
    parents: list[ParentRow]
    pairs: list[Pair]
    siblings: list[SiblingMatrix]
    errors: list[ModelError]
    error_total: int
    suspects: Sequence[Suspect]
    suspect_total: int
    suspect_quality: SuspectQuality
    rejects: Rejects
    anomalies: list[Anomaly] | None
    drift: DriftSection | None
    labelling: Labelling
    lineage: Mapping[str, Any]
    settings: Mapping[str, Any]
    learning: ModalityCurve | None
    outlook: Sequence[str]
    proofs: Sequence[FailedProof]
    unknown: Rates
    withheld: Withheld | None
    cost: ServingCost | None
    search: ShownSearch | None
    paths: dict[str, str]

    def headline(self) -> ModeRow | None:
        """The combined model on eval: what the verdict is about."""
        return next((r for r in self.modes if (r.mode, r.split) == (COMBINED, "eval")), None)

    @property
    def decides_nothing(self) -> bool:
        """Whether the combined model accepts no eval product at any target."""
        row = self.headline()
        return row is not None and not any(row.number(coverage(each)) for each in self.targets)

    @cached_property
    def errors_by_category(self) -> Counter[str]:
        """How many of `errors` belong to a category or were put into it."""
        return Counter(
            category for error in self.errors for category in {error.category, error.predicted}
        )
