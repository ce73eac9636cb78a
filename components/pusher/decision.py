"""Whether a model goes live, and what its lineage says when it does."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from components.check import Check, failed
from components.evaluator.artifact import Metrics, Verdict
from components.remedies import serving_advised
from components.serving_check.artifact import ServingCost

_SPLITS = ("eval", "eval_gold")


def refusals(
    *,
    model_blessed: bool,
    infra_blessed: bool,
    verdict: Verdict,
    serving_checks: Iterable[Check],
) -> list[str]:
    """Why the model must not go live, a sentence each; [] when it may.

    Args:
        model_blessed: the Evaluator's blessing.
        infra_blessed: ServingCheck's blessing.
        verdict: the gate's.
        serving_checks: ServingCheck's.
    """
    reasons = []
    if not model_blessed:
        reasons += _reasons(verdict.checks) or ["The Evaluator did not bless the model."]
    if not infra_blessed:
        reasons += _reasons(map(serving_advised, serving_checks)) or [
            "ServingCheck did not bless the model."
        ]
    return reasons


def withdrawal_refusals(withdrawn: Mapping[str, int], digest: str, approved_by: str) -> list[str]:
    """Refuses a model that somebody rolled back from, unless a person asks for it by name.

    Args:
        withdrawn: versions that were rolled back from, by their model's digest.
        digest: the digest of the model to push.
        approved_by: the name of who approved it; "" for nobody.
    """
    if digest not in withdrawn or approved_by:
        return []
    return [
        f"This model was live as version {withdrawn[digest]} and was rolled back."
        " It goes live again only if a named person approves it."
    ]


def completed_lineage(
    lineage: Mapping[str, Any],
    *,
    model_name: str,
    metrics: Metrics,
    verdict: Verdict,
    cost: ServingCost | None,
    approved_by: str,
    git_commit: str,
    now: str,
) -> dict[str, Any]:
    """What the Pusher adds to the Trainer's `shelfsort.json`.

    Args:
        lineage: what the Trainer wrote; its `git_commit` and `created` stand if it has them.
        model_name: the name that the model is served under.
        metrics: of the evaluation; figures on held-out products are kept.
        verdict: the gate's; checks that an approval overrode are kept by name.
        cost: of serving the model; None where it was not measured.
        approved_by: the name of who approved the push; "" for nobody.
        git_commit: the commit of the running code.
        now: ISO 8601 time of the push.
    """
    kept = {
        modality: {split: dict(by_split[split]) for split in _SPLITS if split in by_split}
        for modality, by_split in metrics.modalities.items()
    }
    added: dict[str, Any] = {
        "name": model_name,
        "metrics": kept,
        "git_commit": lineage.get("git_commit") or git_commit,
        "created": lineage.get("created") or now,
        "pushed": now,
    }
    if cost is not None:
        added["serving_cost"] = asdict(cost)
    approver = approved_by or verdict.approved_by
    if approver:
        added["approved_by"] = approver
        refused = failed(verdict.checks)
        added["approved_despite"] = [f"{check.name}: {check.reason}" for check in refused]
    return added


def _reasons(checks: Iterable[Check]) -> list[str]:
    return [str(check) for check in failed(checks)]
