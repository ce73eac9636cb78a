"""A run's artifacts, read from where its components left them, as what its report shows."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import pandas as pd
from tensorflow_metadata.proto.v0 import anomalies_pb2

from components.blessing import INFRA_BLESSING, MODEL_BLESSING
from components.check import failed
from components.drift_check.artifact import DriftFindings
from components.evaluator.artifact import Categories, Metrics, Verdict, read_predictions
from components.example_validator.artifact import read_anomalies
from components.manifest_example_gen.artifact import Ingestion, read_rejects, read_taxonomy
from components.report_gen.content import (
    MAX_SUSPECTS,
    ReportInputs,
    assemble,
    shown_errors,
    sure_first,
)
from components.report_gen.explaining import Asked, Explainer
from components.report_gen.explanations import Explained
from components.report_gen.products import Found, find_products, within_budget
from components.report_gen.sections import Anomaly, ReportContent
from components.serving_check.artifact import ServingReport
from components.trainer.artifact import FailedProofs, ModelRun, read_suspects
from components.tuner.artifact import Search
from shelfsort.contract.model_files import read_lineage
from shelfsort.contract.signatures import UNKNOWN_SCORE
from shelfsort.contract.targets import accepted, parent_accepted
from shelfsort.core.errors import InputError
from shelfsort.core.storage import join
from shelfsort.labeling.label_issues import Suspect, Trial

_SERVED_MODEL = "Format-Serving"
"""TFX's folder of a model's SavedModel."""

_COLUMNS = (
    *("model", "mode", "product_id", "title", "group", "category", "gold", "parent"),
    *("predicted", "score", "answer", "predicted_parent", "parent_score", "label_confidence"),
)

# Suspects and neighbours are looked for in so many training products; beyond, their ids must do.
# Half a minute at the most, where reading millions of pictures for a few titles would take hours.
TRAINING_SCANNED = 100_000


@dataclasses.dataclass(frozen=True)
class ReadRun:
    """One run, read.

    Attributes:
        inputs: its parsed artifacts; suspects with `title` and `description`, "" where not found.
        content: what its report says.
        pictures: data URIs by product id: of what stood against a proof, of errors, of suspects.
        details: description and price of the same products, where they have either.
        explained: the first errors and suspects, with `titles` of the products they name.
    """

    inputs: ReportInputs
    content: ReportContent
    pictures: dict[str, str]
    details: dict[str, tuple[str, float | None]] = dataclasses.field(default_factory=dict)
    explained: Explained = Explained()


def read_run(
    uris: Mapping[str, str],
    train_uri: str,
    eval_uri: str,
    explained_errors: int = 0,
    **settings: Any,
) -> ReadRun:
    """Reads a run.

    Args:
        uris: of `evaluation`, `model_blessing`, `rejects` and `taxonomy`; where there are any also
            of `infra_blessing`, `anomalies`, `drift`, `model`, `model_run` and `tuner_results`.
        train_uri, eval_uri: folders of these splits' examples.
        explained_errors: explains so many errors and suspects, where `model` and `model_run` allow.
        settings: the fields of `ReportInputs` that no artifact holds, such as `model_name`.
    """
    inputs = _inputs(uris, settings)
    wrong = [error.product_id for error in shown_errors(inputs)]
    errors = find_products(eval_uri, wrong, wrong, recorded=wrong[:explained_errors])
    explained = _explained(uris, inputs, errors, explained_errors)
    ids = [suspect.product_id for suspect in inputs.suspects]
    against = [each.product_id for proof in inputs.failed_proofs.proofs for each in proof.wrong]
    near = explained.neighbour_ids()
    pictured = [*against, *ids[:MAX_SUSPECTS], *near]
    trained = find_products(train_uri, [*ids, *against, *near], pictured, TRAINING_SCANNED)
    titles = {product_id: title for product_id, (title, _) in trained.words.items()}
    inputs = dataclasses.replace(
        inputs,
        suspects=[_described(each, trained) for each in inputs.suspects],
        suspect_golds=trained.golds,
        failed_proofs=inputs.failed_proofs.titled(titles),
    )
    return ReadRun(
        inputs,
        assemble(inputs),
        within_budget(errors.pictures | trained.pictures, [*against, *near, *wrong, *ids]),
        errors.details() | trained.details(),
        explained.titled(titles),
    )


def _explained(
    uris: Mapping[str, str], inputs: ReportInputs, errors: Found, most: int
) -> Explained:
    """The first errors that have a record, and the first suspects."""
    asked = [
        Asked(each.product_id, errors.records[each.product_id], each.category, each.predicted)
        for each in shown_errors(inputs)
        if each.product_id in errors.records
    ]
    suspects = [each.product_id for each in sure_first(inputs.suspects)[:most]]
    if not (asked or suspects) or not {"model", "model_run"} <= set(uris):
        return Explained()
    explainer = Explainer.load(join(uris["model"], _SERVED_MODEL), uris["model_run"])
    if explainer is None:
        return Explained()
    return Explained(explainer.explain(asked), explainer.neighbours_of(suspects))


def _inputs(uris: Mapping[str, str], settings: Mapping[str, Any]) -> ReportInputs:
    evaluation, rejects = uris["evaluation"], uris["rejects"]
    metrics = Metrics.read(evaluation)
    return ReportInputs(
        verdict=Verdict.read(evaluation),
        metrics=metrics,
        categories=Categories.read(evaluation).categories,
        predictions=_predictions(evaluation, metrics),
        taxonomy=read_taxonomy(uris["taxonomy"]),
        ingestion=Ingestion.read(rejects),
        rejects=list(read_rejects(rejects)),
        suspects=list(read_suspects(uris["model_run"])) if "model_run" in uris else [],
        failed_proofs=_failed_proofs(uris.get("model_run", "")),
        label_search=_label_search(uris.get("model_run", "")),
        lineage=read_lineage(join(uris["model"], _SERVED_MODEL)) if "model" in uris else {},
        anomalies=_anomalies(uris["anomalies"]) if "anomalies" in uris else None,
        drift=DriftFindings.read(uris["drift"]) if "drift" in uris else None,
        search=Search.read(uris["tuner_results"]) if "tuner_results" in uris else None,
        model_blessing=MODEL_BLESSING.given(uris["model_blessing"]),
        **(_serving(uris["infra_blessing"]) if "infra_blessing" in uris else {}),
        **settings,
    )


def _failed_proofs(model_run: str) -> FailedProofs:
    found = FailedProofs.find(model_run) if model_run else None
    return found or FailedProofs()


def _label_search(model_run: str) -> Trial | None:
    found = ModelRun.find(model_run) if model_run else None
    return found.label_search if found else None


def _described(suspect: Suspect, found: Found) -> Suspect:
    title, description = found.words.get(suspect.product_id, ("", ""))
    image = found.sources.get(suspect.product_id, "")
    return dataclasses.replace(suspect, title=title, description=description, image=image)


def _predictions(evaluation: str, metrics: Metrics) -> pd.DataFrame:
    """The rows of the split "eval"; InputError where there are none to read."""
    targets, fitted = metrics.targets, metrics.calibration.modalities.values()
    columns = [*_COLUMNS, *map(accepted, targets), *map(parent_accepted, targets)]
    if any(each.unknown_above is not None for each in fitted):
        columns.append(UNKNOWN_SCORE)
    rows = read_predictions(evaluation, columns, split="eval")
    if rows is None:
        raise InputError(f"{evaluation}: holds no predictions. Repeat the run.")
    return rows.to_pandas()


def _serving(infra_blessing: str) -> dict[str, Any]:
    """ServingCheck's blessing, why not where it refused and said so, and the cost to serve."""
    report = ServingReport.find(infra_blessing)
    return {
        "serving_check": INFRA_BLESSING.given(infra_blessing),
        "serving_problems": failed(report.checks) if report else [],
        "serving_cost": report.cost if report else None,
    }


def _anomalies(uri: str) -> list[Anomaly]:
    """Every anomaly of every split, errors first."""
    found = []
    for split, diff in read_anomalies(uri).items():
        named = list(diff.anomaly_info.items())
        if diff.HasField("dataset_anomaly_info"):
            named.append(("the data set", diff.dataset_anomaly_info))
        found += [_anomaly(split, feature, info) for feature, info in sorted(named)]
    return sorted(found, key=lambda anomaly: anomaly.severity != "error")


def _anomaly(split: str, feature: str, info: anomalies_pb2.AnomalyInfo) -> Anomaly:
    return Anomaly(
        split=split,
        feature=feature,
        summary=info.short_description,
        detail=info.description,
        severity=anomalies_pb2.AnomalyInfo.Severity.Name(info.severity).lower(),
    )
