"""From the parsed artifacts of one run to everything the page says: no files, no HTML."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import pandas as pd

from components.check import Check
from components.drift_check.artifact import DriftFindings
from components.evaluator.summary import main_modality
from components.report_gen.changes import category_changes, changes
from components.report_gen.confident_errors import confident_errors
from components.report_gen.confusion import frequent_pairs, sibling_matrices
from components.report_gen.curve import Curve, coverage_curve
from components.report_gen.sections import (
    Anomaly,
    DriftSection,
    Labelling,
    LiveComparison,
    ModeRow,
    Rate,
    RejectReason,
    Rejects,
    ReportContent,
    Verdict,
)
from components.report_gen.shelves import shelf_rows
from shelfsort.contract.calibration import Calibration, ModalityCalibration
from shelfsort.contract.modalities import MODALITIES
from shelfsort.contract.targets import TARGETS, accepted, parent_accepted
from shelfsort.stats.binomial import interval

REJECT_EXAMPLES = 20
MAX_SHARE_CHANGES = 12
MAX_SUSPECTS = 300


class Tree(Protocol):
    """What the page needs of shelfsort.products.taxonomy.Taxonomy."""

    root: str
    leaves: list[str]
    version: str

    def path(self, node: str) -> str: ...

    def ancestors(self, node: str) -> list[str]: ...


@dataclass(frozen=True)
class ReportInputs:
    """The parsed artifacts, as section "Evaluator output" of the contracts describes them.

    `predictions` holds the split "eval" only. `anomalies` is None when data validation did not
    report, `serving_check` None when the model was not tried in a server; `serving_problems` says
    by check what the server did wrong.
    """

    verdict: dict[str, Any]
    metrics: dict[str, Any]
    categories: list[dict[str, Any]]
    predictions: pd.DataFrame
    taxonomy: Tree
    rejects_summary: dict[str, Any]
    rejects: list[dict[str, Any]]
    model_name: str
    title: str = ""
    lineage: dict[str, Any] = field(default_factory=dict)
    anomalies: list[Anomaly] | None = None
    drift: DriftFindings | None = None
    serving_check: bool | None = None
    serving_problems: dict[str, str] = field(default_factory=dict)
    model_blessing: bool | None = None
    suspects: list[dict[str, Any]] = field(default_factory=list)
    max_errors: int = 500
    price_per_answer: float | None = None


def assemble(inputs: ReportInputs) -> ReportContent:
    """Draws up the page's content from the parsed artifacts of one run."""
    tree = inputs.taxonomy
    parents = {leaf: (tree.ancestors(leaf) or [tree.root])[-1] for leaf in tree.leaves}
    candidate = inputs.predictions[inputs.predictions.model == "candidate"]
    combined = candidate[candidate["mode"] == "combined"]
    return ReportContent(
        model_name=inputs.model_name,
        title=inputs.title,
        verdict=_verdict(inputs),
        modes=list(_mode_rows(inputs.metrics)),
        curves={
            mode: _curves(candidate[candidate["mode"] == mode])
            for mode in MODALITIES
            if (candidate["mode"] == mode).any()
        },
        live=_live(inputs, combined),
        categories=inputs.categories,
        shelves=shelf_rows(combined, _calibration(inputs.metrics), tree),
        pairs=frequent_pairs(combined, parents),
        siblings=sibling_matrices(combined, parents, tree.leaves),
        errors=confident_errors(combined, inputs.max_errors),
        error_total=int((combined.category != combined.predicted).sum()),
        suspects=inputs.suspects[:MAX_SUSPECTS],
        suspect_total=len(inputs.suspects),
        rejects=_rejects(inputs.rejects_summary, inputs.rejects),
        anomalies=inputs.anomalies,
        drift=inputs.drift and _drift(inputs.drift),
        labelling=_labelling(inputs.rejects_summary.get("labels") or {}, inputs.price_per_answer),
        lineage=inputs.lineage,
        paths=_paths(tree),
    )


def _calibration(metrics: Mapping[str, Any]) -> ModalityCalibration:
    """The thresholds of the modality that answers most products."""
    return Calibration.from_json(metrics.get("thresholds")).of(main_modality(metrics))


def _verdict(inputs: ReportInputs) -> Verdict:
    """The gate's verdict and the server's: fails closed when any of them is missing or says no."""
    checks = [Check(**_known(Check, check)) for check in inputs.verdict.get("checks") or []]
    if inputs.serving_check is not None:
        checks += _serving_checks(inputs.serving_check, inputs.serving_problems)
    blessed = inputs.verdict.get("blessed") is True
    if inputs.model_blessing is not None and inputs.model_blessing != blessed:
        said = "The blessing artifact and the gate's verdict disagree."
        checks.append(Check("blessing_agrees", False, said))
    approved_by = inputs.verdict.get("approved_by")
    let_pass = set(inputs.verdict.get("overridden") or []) if approved_by else set()
    failed = [check for check in checks if not check.passed and check.name not in let_pass]
    return Verdict(
        blessed=blessed and not failed,
        failed=failed,
        overruled=[check for check in checks if not check.passed and check.name in let_pass],
        passed=[check for check in checks if check.passed],
        approved_by=approved_by,
    )


def _serving_checks(blessed: bool, problems: Mapping[str, str]) -> list[Check]:
    if blessed:
        said = "A model server loaded the exported model and returned the recorded predictions."
        return [Check("serving_check", True, said)]
    if not problems:
        said = "A model server could not load the exported model, or returned other predictions."
        return [Check("serving_check", False, said)]
    return [Check(f"serving_check_{name}", False, said) for name, said in problems.items()]


def _known(kind: type, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in kind.__dataclass_fields__ if name in values}


def _mode_rows(metrics: Mapping[str, Any]) -> Iterable[ModeRow]:
    for mode in MODALITIES:
        for split in ("eval", "eval_gold", "calibration"):
            row = mode_row(mode, split, (metrics.get(mode) or {}).get(split))
            if row:
                yield row


def mode_row(mode: str, split: str, figures: Mapping[str, Any] | None) -> ModeRow | None:
    """Reads one mode's figures of one split; None where nothing was scored."""
    if not figures or not figures.get("n"):
        return None
    n = int(figures["n"])

    def share(name: str) -> Rate | None:
        return rate(figures.get(name), n, figures.get(f"{name}_effective"))

    return ModeRow(
        mode=mode,
        split=split,
        n=n,
        accuracy=share("accuracy"),
        parent_accuracy=share("parent_accuracy"),
        coverage_95=share("coverage_at_95"),
        coverage_98=share("coverage_at_98"),
        parent_coverage_95=share("parent_coverage_at_95"),
        parent_coverage_98=share("parent_coverage_at_98"),
        accepted_accuracy_95=number(figures.get("accepted_accuracy_95")),
        accepted_accuracy_98=number(figures.get("accepted_accuracy_98")),
        accepted_lower_95=number(figures.get("accepted_accuracy_95_lower")),
        accepted_lower_98=number(figures.get("accepted_accuracy_98_lower")),
        expected_accuracy=_expected(figures, n),
        macro_f1=number(figures.get("macro_f1")),
        ece=number(figures.get("ece")),
    )


def _expected(figures: Mapping[str, Any], n: int) -> Rate | None:
    """Accuracy if labels are right as often as their votes say, with its interval."""
    parts = [number(figures.get(f"accuracy_expected{part}")) for part in ("", "_lower", "_upper")]
    return None if None in parts else Rate(*parts, n)


def number(value: Any) -> float | None:
    """A finite number, or None (JSON written by Python may hold NaN)."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(value)


def rate(value: Any, n: int, effective: Any = None) -> Rate | None:
    """A share of `n` products, with the interval of as many as these are worth, `n` by default."""
    share, size = number(value), number(effective) or n
    return None if share is None or not n else Rate(share, *interval(share * size, size), n)


def _curves(rows: pd.DataFrame) -> dict[str, Curve]:
    """The curves for answers at the category and at the shelf above it."""
    levels = {
        "category": ("score", rows.predicted == rows.category, accepted),
        "parent": ("parent_score", rows.predicted_parent == rows.parent, parent_accepted),
    }
    return {
        level: coverage_curve(
            rows[score].to_numpy(),
            correct.to_numpy(),
            rows.group.to_numpy(),
            {f"{100 * target:g}": rows[flag(target)].to_numpy() for target in TARGETS},
        )
        for level, (score, correct, flag) in levels.items()
    }


def _live(inputs: ReportInputs, combined: pd.DataFrame) -> LiveComparison | None:
    said = inputs.verdict.get("live") or {}
    compared = said.get("comparison") or {}
    coverage = compared.get("coverage") or {}
    low, high = (number(coverage.get(end)) for end in ("low", "high"))
    figures = (inputs.metrics.get("live") or {}).get("eval")
    rows = inputs.predictions[inputs.predictions.model == "live"]
    if not said and not figures:
        return None
    wanted = ["product_id", "category", "predicted", "accepted_95"]
    return LiveComparison(
        version=str(said.get("version", "")),
        problem=str(said.get("problem") or ""),
        candidate=mode_row("combined", "eval", (inputs.metrics.get("combined") or {}).get("eval")),
        live=mode_row("combined", "eval", figures),
        changes=changes(combined[wanted], rows[wanted]) if len(rows) else None,
        categories=category_changes(inputs.categories),
        p_worse=number((compared.get("accuracy") or {}).get("p_worse")),
        p_decides_less=number(coverage.get("p_worse")),
        redrawn=None if low is None or high is None else (low, high),
        left_out=int(compared.get("left_out") or 0),
    )


def _rejects(summary: Mapping[str, Any], rejects: Iterable[dict[str, Any]]) -> Rejects:
    examples: dict[str, list[dict[str, Any]]] = {}
    for reject in rejects:
        of_reason = examples.setdefault(str(reject.get("reason", "")), [])
        if len(of_reason) < REJECT_EXAMPLES:
            of_reason.append(reject)
    counts = sorted((summary.get("by_reason") or {}).items(), key=lambda item: -item[1])
    return Rejects(
        lines=int(summary.get("lines", 0)),
        files=len(summary.get("files") or {}),
        accepted=int(summary.get("accepted", 0)),
        superseded=int(summary.get("superseded", 0)),
        rejected=int(summary.get("rejected", 0)),
        reasons=[RejectReason(reason, count, examples.get(reason, [])) for reason, count in counts],
        reduction=dict(summary.get("reduction") or {}),
        ignored=dict(summary.get("ignored") or {}),
    )


def _drift(findings: DriftFindings) -> DriftSection:
    """Categories that drifted come first, then those that changed most."""
    compared = findings.drift.categories.compared if findings.drift else []
    changed = [change for change in compared if change.share_now != change.share_before]
    first = sorted(changed, key=lambda change: not change.drifted)
    return DriftSection(findings, first[:MAX_SHARE_CHANGES])


def _labelling(labels: Mapping[str, Any], price_per_answer: float | None) -> Labelling:
    return Labelling(
        workers=int(labels.get("workers", 0)),
        answers=int(labels.get("answers", 0)),
        products=int(labels.get("products_with_workers", 0)),
        price_per_answer=price_per_answer,
    )


def _paths(tree: Tree) -> dict[str, str]:
    nodes = {ancestor for leaf in tree.leaves for ancestor in tree.ancestors(leaf)}
    paths = {node: tree.path(node) for node in [*tree.leaves, *nodes]}
    return {**paths, tree.root: "All categories"}
