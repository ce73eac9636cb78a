"""What TFMA is asked to measure, on which slices, over rows of scored products."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence

import apache_beam as beam
import pyarrow as pa
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2, metrics_for_slice_pb2

from components.evaluator.label_uncertainty import mean_siblings

TARGETS = (0.95, 0.98)
BASE_SLICE = ("model", "mode", "split")
_BATCH_ROWS = 1024
_BUCKETS = (0.0, 0.5, 0.7, 0.9, 1.0)
_COLUMNS = (
    *BASE_SLICE,
    "group",
    "category",
    "predicted",
    "parent",
    "predicted_parent",
    "score",
    "accepted_95",
    "accepted_98",
    "parent_accepted_95",
    "parent_accepted_98",
    "label_confidence",
    "label_confidence_bucket",
    "worker_count",
    "has_text",
    "has_image",
)
_METRICS_PACKAGE = "components.evaluator.metrics"


def eval_config(
    parents: Mapping[str, str], features: Sequence[str] = (), targets: Sequence[float] = TARGETS
) -> config_pb2.EvalConfig:
    """TFMA's configuration: all metrics, over every slice a reviewer asks about.

    Args:
        parents: parent shelf of every leaf.
        features: further string columns of the rows to slice by.
        targets: promised accuracies to measure coverage and accepted accuracy at.
    """
    return config_pb2.EvalConfig(
        model_specs=[config_pb2.ModelSpec(label_key="category", prediction_key="predicted")],
        slicing_specs=_slicing_specs(features),
        metrics_specs=[
            config_pb2.MetricsSpec(metrics=_metric_configs(mean_siblings(parents), targets))
        ],
        options=config_pb2.Options(include_default_metrics={"value": False}),
    )


class WriteAnalysis(beam.PTransform):
    """Rows (see `scoring.row_schema`) to TFMA's result files."""

    def __init__(self, parents: Mapping[str, str], features: Sequence[str], output_path: str):
        """Takes every leaf's parent shelf, further columns to slice by, and a folder."""
        super().__init__()
        self._parents = dict(parents)
        self._columns = (*_COLUMNS, *(name for name in features if name not in _COLUMNS))
        self._config = eval_config(self._parents, features)
        self._output_path = output_path

    def expand(self, rows: beam.PCollection) -> beam.pvalue.PDone:
        return (
            rows
            | "AddGold" >> beam.FlatMap(with_gold, self._parents)
            | "BatchRows" >> beam.BatchElements(_BATCH_ROWS, _BATCH_ROWS)
            | "ToArrow" >> beam.Map(record_batch, self._columns)
            | "Analyse"
            >> tfma.ExtractEvaluateAndWriteResults(
                eval_config=self._config, output_path=self._output_path
            )
        )


def with_gold(row: dict, parents: dict[str, str]) -> Iterator[dict]:
    """The row, and where its gold label is known, the same once more as split `eval_gold`."""
    yield row
    if row["split"] == "eval" and row["model"] == "candidate" and row["gold"] in parents:
        certain = {"category": row["gold"], "parent": parents[row["gold"]]}
        # The confidence is that of the label, which gold takes the place of.
        yield {**row, "split": "eval_gold", **certain, "label_confidence": math.nan}


def confidence_bucket(confidence: float) -> str:
    """The slice of a label's confidence, 0 to 1; "unknown" for NaN."""
    if math.isnan(confidence):
        return "unknown"
    if confidence >= 1:
        return "1"
    low = max(low for low in _BUCKETS if confidence >= low)
    return f"{low:g} to {_BUCKETS[_BUCKETS.index(low) + 1]:g}"


def record_batch(rows: list[dict], columns: tuple[str, ...]) -> pa.RecordBatch:
    """Rows as TFMA reads them: each column a list of one value, flags as 0 and 1."""
    bucket = "label_confidence_bucket"
    rows = [{**row, bucket: confidence_bucket(row["label_confidence"])} for row in rows]
    arrays = [pa.array([[_plain(row[name])] for row in rows]) for name in columns]
    return pa.RecordBatch.from_arrays(arrays, names=list(columns))


def read_slices(output_path: str) -> dict[frozenset, dict[str, float]]:
    """TFMA's numbers by slice; a slice is a frozenset of (column, value) pairs."""
    return {
        frozenset((key.column, _slice_value(key)) for key in each.slice_key.single_slice_keys): {
            metric.key.name: metric.value.double_value.value
            for metric in each.metric_keys_and_values
        }
        for each in tfma.load_metrics(output_path)
    }


def _slice_value(key: metrics_for_slice_pb2.SingleSliceKey) -> str | int | float:
    value = getattr(key, key.WhichOneof("kind"))
    return value.decode() if isinstance(value, bytes) else value


def _plain(value: object) -> bytes | float | int:
    if isinstance(value, str):
        return value.encode()
    return int(value) if isinstance(value, bool) else value


def _slicing_specs(features: Sequence[str]) -> list[config_pb2.SlicingSpec]:
    spec = config_pb2.SlicingSpec
    # Finer slices only where a reviewer looks: the model as it is served, on `eval`.
    served = {"mode": "combined", "split": "eval"}
    finer = ("category", "predicted", "parent", "label_confidence_bucket", *features)
    return [
        spec(feature_keys=BASE_SLICE),
        *(spec(feature_keys=["model", name], feature_values=served) for name in finer),
        spec(feature_keys=["model", "has_text", "has_image"], feature_values=served),
    ]


def _metric_configs(confusable: float, targets: Sequence[float]) -> list[config_pb2.MetricConfig]:
    configs = [
        _metric("accuracy", "Accuracy"),
        _metric("parent_accuracy", "ParentAccuracy"),
        _metric("macro_f1", "MacroF1"),
        _metric("calibration_error", "CalibrationError"),
        _metric("expected_accuracy", "ExpectedAccuracy", confusable=confusable),
    ]
    for target in targets:
        configs += [
            _metric("coverage", "CoverageAtTarget", target=target),
            _metric("coverage", "CoverageAtTarget", target=target, level="parent"),
            _metric("accepted_accuracy", "AcceptedAccuracy", target=target),
            _metric("expected_accuracy", "ExpectedAccuracy", confusable=confusable, target=target),
            _metric("oracle_coverage", "OracleCoverage", target=target),
            _metric("false_accepts", "FalseAccepts", target=target),
        ]
    return configs


def _metric(module: str, class_name: str, **config: object) -> config_pb2.MetricConfig:
    return config_pb2.MetricConfig(
        class_name=class_name, module=f"{_METRICS_PACKAGE}.{module}", config=json.dumps(config)
    )
