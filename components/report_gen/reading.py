"""A run's artifacts, read from where its components left them, as what its report shows."""

import dataclasses
import io
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
import pyarrow.parquet
import tensorflow as tf
from tensorflow_metadata.proto.v0 import anomalies_pb2

from components.drift_check.artifact import DriftFindings
from components.report_gen.content import MAX_SUSPECTS, ReportInputs, assemble
from components.report_gen.products import find_products, within_budget
from components.report_gen.sections import Anomaly, ReportContent
from shelfsort.products.taxonomy import Taxonomy

MODEL_RECORD = os.path.join("Format-Serving", "assets.extra", "shelfsort.json")  # noqa: PTH118
SERVING_REPORT = "report.json"
SUSPECTS = "label_suspects.jsonl"


# Suspects are looked for in so many training products; beyond, their ids must do. Half a minute at
# the most, where reading millions of pictures for a few titles would take hours.
SUSPECTS_SCANNED = 100_000


@dataclasses.dataclass(frozen=True)
class ReadRun:
    """One run, read.

    Attributes:
        inputs: its parsed artifacts; suspects with `title` and `description`, "" where not found.
        content: what its report says.
        pictures: data URIs by product id, of errors first and then of suspects.
    """

    inputs: ReportInputs
    content: ReportContent
    pictures: dict[str, str]


def read_run(uris: Mapping[str, str], train_uri: str, eval_uri: str, **settings: Any) -> ReadRun:
    """Reads a run.

    Args:
        uris: of `evaluation`, `model_blessing`, `rejects` and `taxonomy`; where there are any also
            of `infra_blessing`, `anomalies`, `drift`, `model` and `model_run`.
        train_uri, eval_uri: folders of these splits' examples.
        settings: the fields of `ReportInputs` that no artifact holds, such as `model_name`.
    """
    inputs = _inputs(uris, settings)
    ids = [suspect["product_id"] for suspect in inputs.suspects]
    suspects = find_products(train_uri, ids, ids[:MAX_SUSPECTS], SUSPECTS_SCANNED)
    inputs = dataclasses.replace(
        inputs, suspects=[_with_words(each, suspects.words) for each in inputs.suspects]
    )
    content = assemble(inputs)
    wrong = [error.product_id for error in content.errors]
    pictures = find_products(eval_uri, wrong, wrong).pictures | suspects.pictures
    return ReadRun(inputs, content, within_budget(pictures, [*wrong, *ids]))


def _inputs(uris: Mapping[str, str], settings: Mapping[str, Any]) -> ReportInputs:
    evaluation, rejects = uris["evaluation"], uris["rejects"]
    return ReportInputs(
        verdict=_json(join(evaluation, "verdict.json")),
        metrics=_json(join(evaluation, "metrics.json")),
        categories=_json(join(evaluation, "categories.json")),
        predictions=_predictions(join(evaluation, "predictions.parquet")),
        taxonomy=Taxonomy.load(join(uris["taxonomy"], "taxonomy.json")),
        rejects_summary=_json(join(rejects, "summary.json")),
        rejects=list(_json_lines(join(rejects, "rejects.jsonl"))),
        suspects=list(_json_lines(join(uris["model_run"], SUSPECTS)))
        if "model_run" in uris
        else [],
        lineage=_lineage(uris.get("model")),
        anomalies=_anomalies(uris["anomalies"]) if "anomalies" in uris else None,
        drift=DriftFindings.read(uris["drift"]) if "drift" in uris else None,
        model_blessing=tf.io.gfile.exists(join(uris["model_blessing"], "BLESSED")),
        **(_serving(uris["infra_blessing"]) if "infra_blessing" in uris else {}),
        **settings,
    )


def _with_words(suspect: dict[str, Any], words: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    title, description = words.get(suspect["product_id"], ("", ""))
    return {**suspect, "title": title, "description": description}


def join(folder: str, name: str) -> str:
    """The address of `name` in a folder that may lie in an object store."""
    return os.path.join(folder, name)  # noqa: PTH118 - a URI, not a path of this machine


def read(path: str) -> bytes:
    """A whole file."""
    with tf.io.gfile.GFile(path, "rb") as file:
        return file.read()


def _json(path: str) -> Any:
    return json.loads(read(path))


def _json_lines(path: str) -> Iterator[dict[str, Any]]:
    """The records of a file that is left out where there are none."""
    if tf.io.gfile.exists(path):
        yield from (json.loads(line) for line in read(path).splitlines() if line.strip())


def _predictions(path: str) -> pd.DataFrame:
    """The rows of the split "eval", without the columns the page does not show."""
    source = io.BytesIO(read(path))
    unused = {"split", "top_categories", "top_scores", "answer_level", "has_text", "has_image"}
    names = pyarrow.parquet.read_schema(source).names
    table = pyarrow.parquet.read_table(
        source,
        columns=[name for name in names if name not in unused],
        filters=[("split", "=", "eval")],
    )
    return table.to_pandas()


def _serving(infra_blessing: str) -> dict[str, Any]:
    """ServingCheck's blessing, and why not where it refused and said so."""
    blessed = tf.io.gfile.exists(join(infra_blessing, "INFRA_BLESSED"))
    report = join(infra_blessing, SERVING_REPORT)
    checks = _json(report)["checks"] if tf.io.gfile.exists(report) else []
    problems = {check["name"]: check["reason"] for check in checks if not check["passed"]}
    return {"serving_check": blessed, "serving_problems": problems}


def _lineage(model_uri: str | None) -> dict[str, Any]:
    path = join(model_uri, MODEL_RECORD) if model_uri else ""
    return _json(path) if path and tf.io.gfile.exists(path) else {}


def _anomalies(uri: str) -> list[Anomaly]:
    """Every anomaly of every split, errors first."""
    found = []
    for path in sorted(tf.io.gfile.glob(join(uri, "Split-*/SchemaDiff.pb"))):
        split = path.split("/")[-2].removeprefix("Split-")
        diff = anomalies_pb2.Anomalies.FromString(read(path))
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
