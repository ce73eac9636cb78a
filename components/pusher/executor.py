"""Executor of the Pusher: reads blessings and figures, publishes, writes what came of it."""

import logging
from datetime import datetime, timezone
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components.blessing import INFRA_BLESSING, MODEL_BLESSING
from components.code_version import code_commit
from components.drift_check.artifact import STATISTICS_FILE
from components.evaluator.artifact import Metrics, Verdict
from components.pusher.artifact import Push
from components.pusher.decision import completed_lineage, refusals, withdrawal_refusals
from components.serving_check.artifact import ServingReport
from serving.versions import Publication, publish, withdrawn_digests
from shelfsort.contract.model_files import TRAINING_STATISTICS, model_digest, read_lineage
from shelfsort.core.progress import note
from shelfsort.core.storage import join

_logger = logging.getLogger(__name__)


class Executor(base_executor.BaseExecutor):
    """Publishes a model that has both blessings."""

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """See Pusher for the channels and execution properties."""
        uris = {name: artifact_utils.get_single_uri(given) for name, given in input_dict.items()}
        pushed_model = artifact_utils.get_single_instance(output_dict["pushed_model"])
        model_dir = path_utils.serving_model_path(uris["model"])
        serving_dir = exec_properties["serving_dir"]
        approved_by = exec_properties.get("approved_by") or ""
        verdict = Verdict.read(uris["evaluation"])
        serving_report = ServingReport.find(uris["infra_blessing"])

        reasons = refusals(
            model_blessed=MODEL_BLESSING.given(uris["model_blessing"]),
            infra_blessed=INFRA_BLESSING.given(uris["infra_blessing"]),
            verdict=verdict,
            serving_checks=serving_report.checks if serving_report else (),
        ) or withdrawal_refusals(
            withdrawn_digests(serving_dir),
            model_digest(model_dir),
            approved_by or verdict.approved_by or "",
        )
        if reasons:
            _record_refusal(pushed_model, reasons)
            return
        lineage = completed_lineage(
            read_lineage(model_dir),
            model_name=exec_properties["model_name"],
            metrics=Metrics.read(uris["evaluation"]),
            verdict=verdict,
            cost=serving_report.cost if serving_report else None,
            approved_by=approved_by,
            git_commit=code_commit(),
            now=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        )
        publication = publish(
            model_dir,
            serving_dir,
            extra_lineage=lineage,
            extra_files={TRAINING_STATISTICS: join(uris["drift"], STATISTICS_FILE)},
        )
        _record_push(pushed_model, publication)


def _record_refusal(pushed_model: types.Artifact, reasons: list[str]) -> None:
    pushed_model.set_int_custom_property("pushed", 0)
    Push(pushed=False, reasons=tuple(reasons)).write(pushed_model.uri)
    for reason in reasons:
        _logger.info("not pushed: %s", reason)
    note("not pushed")


def _record_push(pushed_model: types.Artifact, publication: Publication) -> None:
    pushed_model.set_int_custom_property("pushed", 1)
    pushed_model.set_string_custom_property("pushed_version", str(publication.version))
    pushed_model.set_string_custom_property("pushed_destination", publication.path)
    Push(
        pushed=True,
        version=publication.version,
        destination=publication.path,
        already_live=publication.already_live,
    ).write(pushed_model.uri)
    how = "already live" if publication.already_live else "live"
    note(f"{how} as version {publication.version} in {publication.path}")
