"""What TFMA is asked to measure, on which slices, over rows of scored products."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence

import apache_beam as beam
import pyarrow as pa
import pyarrow.compute as pc
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2, metrics_for_slice_pb2

from components.evaluator.label_uncertainty import mean_siblings
from shelfsort.contract.targets import DEFAULT_TARGETS, accepted, parent_accepted

BASE_SLICE = ("model", "mode", "split")
_BUCKETS = (0.0, 0.5, 0.7, 0.9, 1.0)
_COLUMNS = (
    *BASE_SLICE,
    "group",
    "category",
    "predicted",
    "parent",
    "predicted_parent",
    "score",
    "label_confidence",
    "label_confidence_bucket",
    "worker_count",
    "has_text",
    "has_image",
)
_METRICS_PACKAGE = "components.evaluator.metrics"


def eval_config(
    parents: Mapping[str, str],
    features: Sequence[str] = (),
    targets: Sequence[float] = DEFAULT_TARGETS,
) -> config_pb2.EvalConfig:
    """TFMA's configuration: all metrics, over every slice a reviewer asks about.

    Args:
        parents: parent category of every leaf.
        features: further string columns of the rows to slice by.
        targets: target accuracies to measure coverage and accepted accuracy at.
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
    """Tables of rows (see `prediction_rows`) to TFMA's result files."""

    def __init__(
        self,
        parents: Mapping[str, str],
        features: Sequence[str],
        output_path: str,
        targets: Sequence[float] = DEFAULT_TARGETS,
    ):
        """Sets up the analysis.

        Args:
            parents: parent category of every leaf.
            features: further columns to slice by.
            output_path: folder of the result.
            targets: of the new model.
        """
        super().__init__()
        self._parents = dict(parents)
        columns = (*_COLUMNS, *map(accepted, targets), *map(parent_accepted, targets))
        self._columns = (*columns, *(name for name in features if name not in columns))
        self._config = eval_config(self._parents, features, targets)
        self._output_path = output_path

    def expand(self, rows: beam.PCollection) -> beam.pvalue.PDone:
        return (
            rows
            | "AddGold" >> beam.FlatMap(with_gold, self._parents)
            | "ToArrow" >> beam.Map(record_batch, self._columns)
            | "Analyse"
            >> tfma.ExtractEvaluateAndWriteResults(
                eval_config=self._config, output_path=self._output_path
            )
        )


def with_gold(rows: pa.Table, parents: dict[str, str]) -> Iterator[pa.Table]:
    """The rows, and those whose gold label is known the same once more as split `eval_gold`."""
    yield rows
    asked = pc.and_(pc.equal(rows["split"], "eval"), pc.equal(rows["model"], "candidate"))
    known = rows.filter(
        pc.and_(asked, pc.is_in(rows["gold"], pa.array(list(parents), pa.string())))
    )
    if not known:
        return
    certain = {
        "split": ["eval_gold"] * len(known),
        "category": known["gold"],
        "parent": [parents[gold] for gold in known["gold"].to_pylist()],
        # The confidence is that of the label, which gold takes the place of.
        "label_confidence": [math.nan] * len(known),
    }
    for name, values in certain.items():
        place = known.schema.get_field_index(name)
        known = known.set_column(place, known.field(name), _typed(values, known.field(name).type))
    yield known


def confidence_bucket(confidence: float) -> str:
    """The slice of a label's confidence, 0 to 1; "unknown" for NaN."""
    if math.isnan(confidence):
        return "unknown"
    if confidence >= 1:
        return "1"
    low = max(low for low in _BUCKETS if confidence >= low)
    return f"{low:g} to {_BUCKETS[_BUCKETS.index(low) + 1]:g}"


def record_batch(rows: pa.Table, columns: tuple[str, ...]) -> pa.RecordBatch:
    """Rows as TFMA reads them: each column a list of one value, flags as 0 and 1, -1 for null."""
    buckets = map(confidence_bucket, rows["label_confidence"].to_pylist())
    rows = rows.append_column("label_confidence_bucket", pa.array(buckets, pa.string()))
    arrays = [_one_each(rows[name].combine_chunks()) for name in columns]
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


def _typed(values: Sequence | pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray | pa.Array:
    return values if isinstance(values, pa.ChunkedArray) else pa.array(values, kind)


def _one_each(values: pa.Array) -> pa.ListArray:
    kind = {pa.string(): pa.binary(), pa.bool_(): pa.int8()}.get(values.type, values.type)
    places = pa.array(range(len(values) + 1), pa.int32())
    cast = values.cast(kind)
    return pa.ListArray.from_arrays(places, cast.fill_null(-1) if kind == pa.int8() else cast)


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
