"""Whether a model goes live, and what its lineage says when it does."""

from collections.abc import Mapping
from typing import Any

from shelfsort.contract.modalities import MODALITIES

_SPLITS = ("eval", "eval_gold")


def refusals(
    *,
    model_blessed: bool,
    infra_blessed: bool,
    verdict: Mapping[str, Any],
    serving_report: Mapping[str, Any],
) -> list[str]:
    """Why the model must not go live, a sentence each; [] when it may.

    Args:
        model_blessed: the Evaluator's blessing.
        infra_blessed: ServingCheck's blessing.
        verdict: `verdict.json` of the evaluation, {} where it is missing.
        serving_report: `report.json` of the infra blessing, {} where it is missing.
    """
    reasons = []
    if not model_blessed:
        reasons += failed_checks(verdict) or ["The Evaluator did not bless the model."]
    if not infra_blessed:
        reasons += failed_checks(serving_report) or ["ServingCheck did not bless the model."]
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


def failed_checks(document: Mapping[str, Any]) -> list[str]:
    """The reasons of the checks that did not pass, in a verdict or a serving report."""
    return [
        f"{check['name']}: {check['reason']}"
        for check in document.get("checks", [])
        if not check["passed"]
    ]


def completed_lineage(
    lineage: Mapping[str, Any],
    *,
    model_name: str,
    metrics: Mapping[str, Any],
    verdict: Mapping[str, Any],
    approved_by: str,
    git_commit: str,
    now: str,
) -> dict[str, Any]:
    """What the Pusher adds to the Trainer's `shelfsort.json`.

    Args:
        lineage: what the Trainer wrote; its `git_commit` and `created` stand if it has them.
        model_name: the name that the model is served under.
        metrics: `metrics.json` of the evaluation; figures on held-out products are kept.
        verdict: `verdict.json`; checks that an approval overrode are kept by name.
        approved_by: the name of who approved the push; "" for nobody.
        git_commit: the commit of the running code.
        now: ISO 8601 time of the push.
    """
    kept = {
        mode: {split: metrics[mode][split] for split in _SPLITS if split in metrics[mode]}
        for mode in MODALITIES
        if mode in metrics
    }
    added: dict[str, Any] = {
        "name": model_name,
        "metrics": kept,
        "git_commit": lineage.get("git_commit") or git_commit,
        "created": lineage.get("created") or now,
        "pushed": now,
    }
    approver = approved_by or verdict.get("approved_by")
    if approver:
        added["approved_by"] = approver
        added["approved_despite"] = failed_checks(verdict)
    return added
