"""Reads one run's artifacts, and writes its report."""

import io
import itertools
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
import pyarrow.parquet
import tensorflow as tf
from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils

from components.progress import progress
from components.report_gen import page
from components.report_gen.content import ReportInputs, assemble
from components.report_gen.sections import Anomaly, ReportContent
from components.report_gen.thumbnails import thumbnail
from labeling.label_errors import relabelling_lines
from labeling.taxonomy import Taxonomy

MODEL_RECORD = os.path.join("Format-Serving", "assets.extra", "shelfsort.json")  # noqa: PTH118
SERVING_REPORT = "report.json"
SUSPECTS = "label_suspects.jsonl"
RELABELLING = "relabel.manifest"
PICTURE_BUDGET = 20_000_000
# Words of suspects are looked for in so many training products; beyond, their ids must do. Half a
# minute at the most, where reading millions of pictures for a few titles would take hours.
WORDS_SCANNED = 100_000

Artifacts = dict[str, list[types.Artifact]]


class Executor(base_executor.BaseExecutor):
    """Executor of ReportGen."""

    def Do(  # noqa: N802 - TFX's name
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Writes `index.html`, the figures that it shows, and what to label again.

        Args:
            input_dict: see ReportGenSpec.
            output_dict: `report`.
            exec_properties: `model_name`, `title`, `max_errors`, `price_per_answer` or None.
        """
        uris = {name: artifacts[0].uri for name, artifacts in input_dict.items() if artifacts}
        train_uri, eval_uri = (
            artifact_utils.get_split_uri(input_dict["examples"], split)
            for split in ("train", "eval")
        )
        inputs = _inputs(uris, train_uri, exec_properties)
        content = assemble(inputs)
        pictures = _pictures(eval_uri, [error.product_id for error in content.errors])
        report_uri = artifact_utils.get_single_uri(output_dict["report"])
        if inputs.suspects:
            lines = relabelling_lines(inputs.suspects, inputs.taxonomy)
            _write(_join(report_uri, RELABELLING), "".join(f"{x}\n" for x in lines).encode())
        _write_report(report_uri, uris, content, pictures)


def _inputs(uris: dict[str, str], train_uri: str, exec_properties: dict[str, Any]) -> ReportInputs:
    evaluation, rejects = uris["evaluation"], uris["rejects"]
    return ReportInputs(
        verdict=_json(_join(evaluation, "verdict.json")),
        metrics=_json(_join(evaluation, "metrics.json")),
        categories=_json(_join(evaluation, "categories.json")),
        predictions=_predictions(_join(evaluation, "predictions.parquet")),
        taxonomy=Taxonomy.load(_join(uris["taxonomy"], "taxonomy.json")),
        rejects_summary=_json(_join(rejects, "summary.json")),
        rejects=list(_json_lines(_join(rejects, "rejects.jsonl"))),
        suspects=_suspects(uris["model_run"], train_uri) if "model_run" in uris else [],
        lineage=_lineage(uris.get("model")),
        anomalies=_anomalies(uris["anomalies"]) if "anomalies" in uris else None,
        model_blessing=fileio.exists(_join(uris["model_blessing"], "BLESSED")),
        **(_serving(uris["infra_blessing"]) if "infra_blessing" in uris else {}),
        model_name=exec_properties["model_name"],
        title=exec_properties.get("title") or "",
        max_errors=exec_properties["max_errors"],
        price_per_answer=exec_properties.get("price_per_answer"),
    )


def _join(folder: str, name: str) -> str:
    return os.path.join(folder, name)  # noqa: PTH118 - a URI, not a path of this machine


def _read(path: str) -> bytes:
    with fileio.open(path, "rb") as file:
        return file.read()


def _json(path: str) -> Any:
    return json.loads(_read(path))


def _json_lines(path: str) -> Iterator[dict[str, Any]]:
    """The records of a file that is left out where there are none."""
    if fileio.exists(path):
        yield from (json.loads(line) for line in _read(path).splitlines() if line.strip())


def _predictions(path: str) -> pd.DataFrame:
    """The rows of the split "eval", without the columns the page does not show."""
    source = io.BytesIO(_read(path))
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
    blessed = fileio.exists(_join(infra_blessing, "INFRA_BLESSED"))
    report = _join(infra_blessing, SERVING_REPORT)
    checks = _json(report)["checks"] if fileio.exists(report) else []
    problems = {check["name"]: check["reason"] for check in checks if not check["passed"]}
    return {"serving_check": blessed, "serving_problems": problems}


def _lineage(model_uri: str | None) -> dict[str, Any]:
    path = _join(model_uri, MODEL_RECORD) if model_uri else ""
    return _json(path) if path and fileio.exists(path) else {}


def _anomalies(uri: str) -> list[Anomaly]:
    """Every anomaly of every split, errors first."""
    found = []
    for path in sorted(fileio.glob(_join(uri, "Split-*/SchemaDiff.pb"))):
        split = path.split("/")[-2].removeprefix("Split-")
        diff = anomalies_pb2.Anomalies.FromString(_read(path))
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


def _suspects(model_run: str, train_uri: str) -> list[dict[str, Any]]:
    """The Trainer's suspects, with title and description where they are soon found."""
    suspects = list(_json_lines(_join(model_run, SUSPECTS)))
    words = _words(train_uri, {suspect["product_id"] for suspect in suspects})
    none = {"title": "", "description": ""}
    return [{**suspect, **words.get(suspect["product_id"], none)} for suspect in suspects]


def _words(train_uri: str, wanted: set[str]) -> dict[str, dict[str, str]]:
    """Title and description by product id, of those of the first WORDS_SCANNED products."""
    found: dict[str, dict[str, str]] = {}
    for features in itertools.islice(_products(train_uri), WORDS_SCANNED if wanted else 0):
        product_id = _text(features, "product_id")
        if product_id in wanted:
            found[product_id] = {name: _text(features, name) for name in ("title", "description")}
            if len(found) == len(wanted):
                break
    return found


def _pictures(eval_uri: str, product_ids: list[str]) -> dict[str, str]:
    """Data URIs by product id, the first ones of `product_ids` first, up to PICTURE_BUDGET."""
    wanted = set(product_ids)
    found: dict[str, str] = {}
    for features in _products(eval_uri):
        product_id, encoded = _text(features, "product_id"), _bytes(features, "image")
        if product_id in wanted and product_id not in found and encoded:
            small = thumbnail(encoded)
            if small:
                found[product_id] = small
                progress(len(found), None, "pictures")
    return within_budget(found, product_ids)


def within_budget(
    pictures: dict[str, str], order: list[str], budget: int = PICTURE_BUDGET
) -> dict[str, str]:
    """The pictures that fit into `budget` bytes of page, taken in `order`."""
    kept: dict[str, str] = {}
    for product_id in order:
        picture = pictures.get(product_id)
        if picture is None:
            continue
        budget -= len(picture)
        if budget < 0:
            break
        kept[product_id] = picture
    return kept


def _products(split_uri: str) -> Iterator[Mapping[str, tf.train.Feature]]:
    """The features of every product of a split."""
    files = fileio.glob(_join(split_uri, "*"))
    for record in tf.data.TFRecordDataset(files, compression_type="GZIP").as_numpy_iterator():
        yield tf.train.Example.FromString(record).features.feature


def _bytes(features: Mapping[str, tf.train.Feature], name: str) -> bytes:
    values = features[name].bytes_list.value
    return values[0] if values else b""


def _text(features: Mapping[str, tf.train.Feature], name: str) -> str:
    return _bytes(features, name).decode("utf-8", "replace")


def _write_report(
    report_uri: str, uris: dict[str, str], content: ReportContent, pictures: dict[str, str]
) -> None:
    # The page comes last: where it is, the report is whole.
    _write(_join(report_uri, "metrics.json"), _read(_join(uris["evaluation"], "metrics.json")))
    _write(_join(report_uri, "index.html"), page.render(content, pictures))


def _write(path: str, data: bytes) -> None:
    fileio.makedirs(os.path.dirname(path))  # noqa: PTH120 - a URI
    with fileio.open(path + ".part", "wb") as file:
        file.write(data)
    fileio.rename(path + ".part", path, overwrite=True)
