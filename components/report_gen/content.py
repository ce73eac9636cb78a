"""From the parsed artifacts of one run to everything the page says: no files, no HTML."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from components.check import Check, failed
from components.drift_check.artifact import DriftFindings
from components.evaluator.artifact import (
    CANDIDATE,
    LIVE,
    CategoryFigures,
    Comparison,
    Figures,
    Metrics,
    UnloadableLive,
    Verdict,
)
from components.manifest_example_gen.artifact import Ingestion, Labels
from components.remedies import advised, serving_advised
from components.report_gen.changes import Changes, category_changes, changes
from components.report_gen.confident_errors import ModelError, confident_errors
from components.report_gen.confusion import frequent_pairs, sibling_matrices
from components.report_gen.curve import Curve, coverage_curve
from components.report_gen.modes import ModeRow, mode_rows
from components.report_gen.parent_categories import parent_rows
from components.report_gen.searched import shown_search
from components.report_gen.sections import (
    Anomaly,
    DriftSection,
    Labelling,
    LiveComparison,
    RejectReason,
    Rejects,
    ReportContent,
    ShownVerdict,
    SuspectQuality,
)
from components.serving_check.artifact import ServingCost
from components.trainer.artifact import FailedProofs
from components.tuner.artifact import Search
from shelfsort.contract.modalities import COMBINED, MODALITIES
from shelfsort.contract.signatures import UNKNOWN_SCORE
from shelfsort.contract.targets import accepted, parent_accepted, percent_of
from shelfsort.labeling.label_issues import Suspect, Trial
from shelfsort.products.manifest.rejects import Reject
from shelfsort.products.taxonomy import Taxonomy

REJECT_EXAMPLES = 20
MAX_SHARE_CHANGES = 12
MAX_SUSPECTS = 300


@dataclass(frozen=True)
class ReportInputs:
    """What the components of a run left behind.

    Attributes:
        predictions: of the split "eval".
        anomalies: None where data validation did not report.
        drift: None where DriftCheck did not report.
        serving_check: whether the model was served as it should be; None where nobody tried.
        serving_problems: checks of that which failed.
        serving_cost: what it measured; None where it did not get there.
        model_blessing: the Evaluator's; None where there is none to read.
        search: of settings; None where there was none.
        suspects: labels to look at again, the most suspect first.
        failed_proofs: why targets could not be certified.
        label_search: a trial of the search for label issues; None where there was none.
        suspect_golds: gold category by product id, of suspects that have one.
        max_errors: how many confident errors to show.
        title: the manifest.
        run_id: of the run that drew the report.
        git_commit: of the running code.
        settings: those that differ from the defaults, by dotted key.
        price_per_answer: what one worker's answer cost.
    """

    verdict: Verdict
    metrics: Metrics
    categories: Sequence[CategoryFigures]
    predictions: pd.DataFrame
    taxonomy: Taxonomy
    ingestion: Ingestion
    rejects: Sequence[Reject]
    model_name: str
    title: str = ""
    run_id: str = ""
    git_commit: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    lineage: Mapping[str, Any] = field(default_factory=dict)
    anomalies: list[Anomaly] | None = None
    drift: DriftFindings | None = None
    serving_check: bool | None = None
    serving_problems: Sequence[Check] = ()
    serving_cost: ServingCost | None = None
    model_blessing: bool | None = None
    search: Search | None = None
    suspects: Sequence[Suspect] = ()
    failed_proofs: FailedProofs = FailedProofs()
    label_search: Trial | None = None
    suspect_golds: Mapping[str, str] = field(default_factory=dict)
    max_errors: int = 500
    price_per_answer: float | None = None


def shown_errors(inputs: ReportInputs) -> list[ModelError]:
    """The errors that the page shows, most confident first."""
    decided_by = accepted(inputs.metrics.targets[0])
    return confident_errors(_combined(inputs), inputs.max_errors, decided_by)


def _combined(inputs: ReportInputs) -> pd.DataFrame:
    predictions = inputs.predictions
    return predictions[(predictions.model == CANDIDATE) & (predictions["mode"] == COMBINED)]


def assemble(inputs: ReportInputs) -> ReportContent:
    """Draws up the page's content from the parsed artifacts of one run."""
    tree = inputs.taxonomy
    parents = {leaf: (tree.ancestors(leaf) or [tree.root])[-1] for leaf in tree.leaves}
    candidate = inputs.predictions[inputs.predictions.model == CANDIDATE]
    combined = _combined(inputs)
    targets = inputs.metrics.targets
    decided_by, curve = accepted(targets[0]), inputs.metrics.learning_curve
    limits = {mode: inputs.metrics.calibration.of(mode).unknown_above for mode in MODALITIES}
    return ReportContent(
        model_name=inputs.model_name,
        title=inputs.title,
        targets=targets,
        verdict=_verdict(inputs),
        modes=list(mode_rows(inputs.metrics)),
        curves={
            mode: _curves(candidate[candidate["mode"] == mode], targets, limits[mode])
            for mode in MODALITIES
            if (candidate["mode"] == mode).any()
        },
        live=_live(inputs, combined),
        categories=inputs.categories,
        parents=parent_rows(combined, inputs.metrics.main_calibration, tree, targets),
        pairs=frequent_pairs(combined, parents, decided_by),
        siblings=sibling_matrices(combined, parents, tree.leaves),
        errors=shown_errors(inputs),
        error_total=int((combined.category != combined.predicted).sum()),
        suspects=sure_first(inputs.suspects)[:MAX_SUSPECTS],
        suspect_total=len(inputs.suspects),
        suspect_quality=_suspect_quality(inputs),
        rejects=_rejects(inputs.ingestion, inputs.rejects),
        anomalies=inputs.anomalies,
        drift=inputs.drift and _drift(inputs.drift),
        labelling=_labelling(inputs.ingestion.labels, inputs.price_per_answer),
        lineage={
            "manifest": inputs.title,
            "run_id": inputs.run_id,
            "git_commit": inputs.git_commit,
            **inputs.lineage,
        },
        settings=inputs.settings,
        learning=curve.modalities.get(inputs.metrics.main_modality) if curve else None,
        outlook=inputs.verdict.outlook,
        proofs=inputs.failed_proofs.of(inputs.metrics.main_modality),
        unknown=inputs.metrics.unknown,
        withheld=inputs.metrics.withheld,
        cost=inputs.serving_cost,
        search=inputs.search and shown_search(inputs.search),
        paths=_paths(tree),
    )


def sure_first(suspects: Sequence[Suspect]) -> list[Suspect]:
    """Those whose likely category has the highest probability come first."""
    return sorted(suspects, key=lambda each: (-each.likely_score, each.label_score))


def _suspect_quality(inputs: ReportInputs) -> SuspectQuality:
    """How often a listed label is wrong, as far as that is known."""
    golds = inputs.suspect_golds
    known = [each for each in inputs.suspects if each.product_id in golds]
    wrong = sum(golds[each.product_id] != each.label for each in known)
    return SuspectQuality(inputs.label_search, len(known), wrong)


def _verdict(inputs: ReportInputs) -> ShownVerdict:
    """The gate's verdict and the server's: fails closed when any of them is missing or says no."""
    verdict = inputs.verdict
    checks = list(verdict.checks)
    if inputs.serving_check is not None:
        checks += _serving_checks(inputs.serving_check, inputs.serving_problems)
    if inputs.model_blessing is not None and inputs.model_blessing != verdict.blessed:
        said = "The blessing artifact and the gate's verdict disagree."
        checks.append(advised(Check("blessing_agrees", False, said)))
    let_pass = set(verdict.overridden) if verdict.approved_by else set()
    refused = failed(checks)
    against = [check for check in refused if check.name not in let_pass]
    return ShownVerdict(
        blessed=verdict.blessed and not against,
        failed=against,
        overruled=[check for check in refused if check.name in let_pass],
        passed=[check for check in checks if check.passed],
        approved_by=verdict.approved_by,
    )


def _serving_checks(blessed: bool, problems: Sequence[Check]) -> list[Check]:
    if blessed:
        said = "A model server loaded the exported model and returned the recorded predictions."
        return [advised(Check("serving_check", True, said))]
    if not problems:
        said = "A model server could not load the exported model, or returned other predictions."
        return [advised(Check("serving_check", False, said))]
    return [serving_advised(each) for each in problems]


def _curves(
    rows: pd.DataFrame, targets: Sequence[float], unknown_above: float | None
) -> dict[str, Curve]:
    """The curves for answers with the category and with its parent."""
    withheld = None
    if unknown_above is not None:
        # As the served graph compares, in float32.
        withheld = rows[UNKNOWN_SCORE].to_numpy(np.float32) > np.float32(unknown_above)
    levels = {
        "category": ("score", rows.predicted == rows.category, accepted),
        "parent": ("parent_score", rows.predicted_parent == rows.parent, parent_accepted),
    }
    return {
        level: coverage_curve(
            rows[score].to_numpy(),
            correct.to_numpy(),
            rows.group.to_numpy(),
            {percent_of(target): rows[flag(target)].to_numpy() for target in targets},
            withheld,
        )
        for level, (score, correct, flag) in levels.items()
    }


def _live(inputs: ReportInputs, combined: pd.DataFrame) -> LiveComparison | None:
    said, figures = inputs.verdict.live, inputs.metrics.live
    if said is None and figures is None:
        return None
    compared = said if isinstance(said, Comparison) else None
    coverage = compared and compared.coverage
    redrawn = None
    if coverage and coverage.low is not None and coverage.high is not None:
        redrawn = (coverage.low, coverage.high)
    rows = inputs.predictions[inputs.predictions.model == LIVE]
    # A comparison that an earlier version wrote was at the lowest target.
    target = compared.target if compared else inputs.metrics.targets[0]
    return LiveComparison(
        version=said.version if said else "",
        problem=said.problem if isinstance(said, UnloadableLive) else "",
        candidate=_on_eval(inputs.metrics.figures()),
        live=_on_eval(figures or {}),
        target=target,
        changes=_changes(combined, rows, target),
        categories=category_changes(inputs.categories),
        p_worse=compared.accuracy.p_worse if compared else None,
        p_decides_less=coverage.p_worse if coverage else None,
        redrawn=redrawn,
        left_out=compared.left_out if compared else 0,
    )


def _changes(combined: pd.DataFrame, live: pd.DataFrame, target: float | None) -> Changes | None:
    """What changes product by product; None where there is nothing to compare."""
    if target is None or not len(live):
        return None
    wanted = ["product_id", "category", "predicted", accepted(target)]
    return changes(combined[wanted], live[wanted], accepted(target))


def _on_eval(figures: Figures) -> ModeRow | None:
    return ModeRow(COMBINED, "eval", figures) if figures.get("n") else None


def _rejects(ingestion: Ingestion, rejects: Iterable[Reject]) -> Rejects:
    examples: dict[str, list[Reject]] = {}
    for reject in rejects:
        of_reason = examples.setdefault(reject.reason, [])
        if len(of_reason) < REJECT_EXAMPLES:
            of_reason.append(reject)
    counts = sorted(ingestion.by_reason.items(), key=lambda item: -item[1])
    reasons = [RejectReason(reason, n, examples.get(reason, [])) for reason, n in counts]
    return Rejects(ingestion, reasons)


def _drift(findings: DriftFindings) -> DriftSection:
    """Categories that drifted come first, then those that changed most."""
    compared = findings.drift.categories.compared if findings.drift else []
    changed = [change for change in compared if change.share_now != change.share_before]
    first = sorted(changed, key=lambda change: not change.drifted)
    return DriftSection(findings, first[:MAX_SHARE_CHANGES])


def _labelling(labels: Labels, price_per_answer: float | None) -> Labelling:
    return Labelling(
        workers=labels.workers,
        answers=labels.answers,
        products=labels.products_with_workers,
        price_per_answer=price_per_answer,
    )


def _paths(tree: Taxonomy) -> dict[str, str]:
    nodes = {ancestor for leaf in tree.leaves for ancestor in tree.ancestors(leaf)}
    paths = {node: tree.path(node) for node in [*tree.leaves, *nodes]}
    return {**paths, tree.root: "All categories"}
