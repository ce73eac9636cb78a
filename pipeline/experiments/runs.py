"""Past runs of an output folder, read from the metadata store, and what set two of them apart."""

import dataclasses
import json
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import ml_metadata
from ml_metadata import errors
from ml_metadata.proto import metadata_store_pb2

from components.evaluator.artifact import Metrics
from components.manifest_example_gen.settings import DataConfig
from components.pusher.artifact import Push
from components.serving_check.artifact import ServingCost, ServingReport
from pipeline.metadata_store import output_uris, recover
from pipeline.output_folder import OutputFolder
from pipeline.renamed_keys import RENAMED
from pipeline.run_settings import read_settings
from shelfsort.core.errors import InputError
from shelfsort.core.keys import current_key, flat, nested

_INGESTION = "ManifestExampleGen"
_RUN_CONTEXT = "pipeline_run"
_CODE = "code_digest"
_CUSTOM_CONFIG = "custom_config"
_CONTENT_DIGEST = "content_digest"
# Runs of earlier versions kept their configuration among the components' properties only: its key
# by node and property. Goes with `pipeline.renamed_keys`.
_EARLIER_SETTINGS = {
    _INGESTION: {
        "data": "data",
        "reduction_file": "data.reduction",
        **{field.name: f"data.{field.name}" for field in dataclasses.fields(DataConfig)},
    },
    "DriftCheck": {"settings": "drift", "validation": "drift"},
    "Transform": {"transform": "transform"},
    "Trainer": {_CUSTOM_CONFIG: ""},
    "Evaluator": {"gate": "gate", "slices": "slices"},
}
# What a comparison or a review reads: the component that writes it and the output's name.
_ARTIFACTS = {
    "examples": ("ManifestExampleGen", "examples"),
    "rejects": ("ManifestExampleGen", "rejects"),
    "taxonomy": ("ManifestExampleGen", "taxonomy"),
    "anomalies": ("ExampleValidator", "anomalies"),
    "drift": ("DriftCheck", "drift"),
    "best_hyperparameters": ("Tuner", "best_hyperparameters"),
    "tuner_results": ("Tuner", "tuner_results"),
    "model": ("Trainer", "model"),
    "model_run": ("Trainer", "model_run"),
    "evaluation": ("Evaluator", "evaluation"),
    "model_blessing": ("Evaluator", "blessing"),
    "infra_blessing": ("ServingCheck", "blessing"),
    "report": ("ReportGen", "report"),
}


@dataclasses.dataclass(frozen=True)
class Run:
    """One run.

    Attributes:
        id: as metrics.json has it.
        started: UTC.
        outcome: `pushed`, `not blessed`, `failed` or `unfinished` (killed, or under way).
        version: that was pushed, else "".
        metrics: the evaluation's figures; without any where the run did not get there.
        settings: by the dotted name of the configuration, what the run was made from and with;
            `code.<component>` is a digest of the code.
        artifacts: folders by the name that the report's component gives them, e.g. `evaluation`;
            as far as the run has them.
        content_digest: of what the run was made from; "" where it did not get that far.
        spans: the manifest's files, in order; empty where the run did not get to them.
        rows: how many lines each of them had; empty where the record does not say.
        cost: of serving the model, as ServingCheck measured it; None where it did not.
    """

    id: str
    started: datetime
    outcome: str
    version: str
    metrics: Metrics
    settings: dict[str, Any]
    artifacts: dict[str, Path] = dataclasses.field(default_factory=dict)
    content_digest: str = ""
    spans: tuple[str, ...] = ()
    rows: dict[str, int] = dataclasses.field(default_factory=dict)
    cost: ServingCost | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, apart from dates and paths; metrics as in `metrics.json`."""
        return {**dataclasses.asdict(self), "metrics": self.metrics.to_dict()}

    @property
    def ended(self) -> bool:
        """Whether the run came to a verdict."""
        return self.outcome in ("pushed", "not blessed")


def list_runs(folder: OutputFolder) -> list[Run]:
    """Every run of the folder, the latest first.

    Raises:
        InputError: the folder has no metadata store, or it is damaged.
    """
    if not recover(folder.metadata):
        raise InputError(f"{folder.path}: no run was made here yet. Start with `shelfsort run`.")
    config = metadata_store_pb2.ConnectionConfig()
    config.sqlite.filename_uri = str(folder.metadata)
    config.sqlite.connection_mode = metadata_store_pb2.SqliteMetadataSourceConfig.READONLY
    try:
        store = ml_metadata.MetadataStore(config)
        contexts = store.get_contexts_by_type(_RUN_CONTEXT)
        runs = [_run(folder, store, context) for context in contexts]
    except errors.NotFoundError:
        return []
    # MLMD raises RuntimeError where it cannot open the file.
    except (errors.StatusError, RuntimeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"{folder.metadata}: the record of earlier runs cannot be read ({reason[:200]}). "
            "Restore the file, or name another output folder."
        ) from error
    return sorted(runs, key=lambda run: run.started, reverse=True)


def find_run(runs: list[Run], name: str) -> Run:
    """The run whose id is or begins with `name`; `latest` is the newest.

    Raises:
        InputError: none or several match.
    """
    matches = runs[:1] if name == "latest" else [run for run in runs if run.id.startswith(name)]
    if len(matches) != 1:
        known = ", ".join(run.id for run in runs[:5]) or "none"
        what = "no run" if not matches else f"{len(matches)} runs"
        raise InputError(f"{name}: {what} of that name. The latest are: {known}.")
    return matches[0]


def differences(a: Run, b: Run) -> list[tuple[str, Any, Any]]:
    """(setting, value in a, value in b) where the two differ, in order of name."""
    names = sorted(a.settings.keys() | b.settings.keys())
    pairs = ((name, a.settings.get(name), b.settings.get(name)) for name in names)
    return [(name, one, other) for name, one, other in pairs if one != other]


def _run(
    folder: OutputFolder, store: ml_metadata.MetadataStore, context: metadata_store_pb2.Context
) -> Run:
    executions = {
        _node(execution, store): execution
        for execution in store.get_executions_by_context(context.id)
    }
    outputs = {
        node: {key: folder.artifact(uri) for key, uri in output_uris(execution.id, store).items()}
        for node, execution in executions.items()
    }
    artifacts = {
        name: outputs[node][output]
        for name, (node, output) in _ARTIFACTS.items()
        if output in outputs.get(node, {})
    }
    pushed_model = outputs.get("Pusher", {}).get("pushed_model")
    push = Push.find(pushed_model) if pushed_model else None
    spans = json.loads(_ingested(executions, "spans") or "[]")
    return Run(
        id=context.name,
        started=datetime.fromtimestamp(context.create_time_since_epoch / 1000, timezone.utc),
        outcome=_outcome(push, executions.values()),
        version=str(push.version or "") if push else "",
        metrics=_metrics(artifacts.get("evaluation")),
        settings={
            **(read_settings(folder, context.name) or dict(_earlier_settings(executions))),
            **dict(_made_from(executions)),
        },
        artifacts=artifacts,
        content_digest=_ingested(executions, _CONTENT_DIGEST),
        spans=tuple(spans),
        rows=dict(spans) if isinstance(spans, dict) else {},
        cost=_cost(artifacts.get("infra_blessing")),
    )


def _ingested(executions: dict[str, metadata_store_pb2.Execution], name: str) -> str:
    """A property of ingestion as it was written, "" where there is none."""
    execution = executions.get(_INGESTION)
    return execution.custom_properties[name].string_value if execution else ""


def _node(execution: metadata_store_pb2.Execution, store: ml_metadata.MetadataStore) -> str:
    (kind,) = store.get_execution_types_by_id([execution.type_id])
    return kind.name.rsplit(".", 1)[-1]


def _outcome(push: Push | None, executions: Iterable[metadata_store_pb2.Execution]) -> str:
    if push:
        return "pushed" if push.pushed else "not blessed"
    failed = any(e.last_known_state == metadata_store_pb2.Execution.FAILED for e in executions)
    return "failed" if failed else "unfinished"


def _metrics(evaluation: Path | None) -> Metrics:
    return (Metrics.find(evaluation) if evaluation else None) or Metrics()


def _cost(blessing: Path | None) -> ServingCost | None:
    report = ServingReport.find(blessing) if blessing else None
    return report.cost if report else None


def _made_from(
    executions: dict[str, metadata_store_pb2.Execution],
) -> Iterator[tuple[str, str]]:
    """What a run was made from and with, besides its settings: digests of products and code."""
    if digest := _ingested(executions, _CONTENT_DIGEST):
        yield f"data.{_CONTENT_DIGEST}", digest
    for node, execution in executions.items():
        properties = execution.custom_properties
        if _CODE in properties:
            yield f"code.{node}", properties[_CODE].string_value
        elif _CUSTOM_CONFIG in properties:
            yield f"code.{node}", _value(properties[_CUSTOM_CONFIG]).get(_CODE)


def _earlier_settings(
    executions: dict[str, metadata_store_pb2.Execution],
) -> Iterator[tuple[str, Any]]:
    for node, names in _EARLIER_SETTINGS.items():
        properties = executions[node].custom_properties if node in executions else {}
        for name, setting in names.items():
            if name in properties:
                value = _value(properties[name])
                tree = nested(setting, value) if setting else {"training": value["training"]}
                yield from ((current_key(key, RENAMED), each) for key, each in flat(tree))


def _value(value: metadata_store_pb2.Value) -> Any:
    raw = getattr(value, value.WhichOneof("value"))
    try:
        return json.loads(raw)
    except (TypeError, ValueError):
        return raw
