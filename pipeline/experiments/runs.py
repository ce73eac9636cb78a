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

from components.pusher.artifact import Push
from pipeline.output_folder import OutputFolder
from pipeline.renamed_keys import RENAMED
from shelfsort.core.errors import InputError
from shelfsort.core.keys import current_key, flat, nested

_INGESTION = "ManifestExampleGen"
_RUN_CONTEXT = "pipeline_run"
# Where the configuration stands among a component's properties, and the name it has in the file
# of settings. The other properties are paths.
_SETTINGS = {
    _INGESTION: {
        "content_digest": "data.content_digest",
        "data": "data",
        # Runs of releases before 0.2 have a property for each setting.
        "label_attribute": "data.label_attribute",
        "reduction_file": "data.reduction",
        "splits": "data.splits",
        "min_confidence": "data.min_confidence",
        "max_reject_share": "data.max_reject_share",
        "max_image_bytes": "data.max_image_bytes",
        "max_image_pixels": "data.max_image_pixels",
        "max_text_chars": "data.max_text_chars",
        "image_roots": "data.image_roots",
        "allow_http": "data.allow_http",
    },
    "DriftCheck": {"settings": "drift", "validation": "validation"},
    "Transform": {"transform": "transform"},
    "Trainer": {"custom_config": ""},
    "Evaluator": {"gate": "gate", "slices": "slices"},
}
_CODE = "code_digest"
# What a comparison or a review reads: the component that writes it and the output's name.
_ARTIFACTS = {
    "examples": ("ManifestExampleGen", "examples"),
    "rejects": ("ManifestExampleGen", "rejects"),
    "taxonomy": ("ManifestExampleGen", "taxonomy"),
    "anomalies": ("ExampleValidator", "anomalies"),
    "drift": ("DriftCheck", "drift"),
    "model": ("Trainer", "model"),
    "model_run": ("Trainer", "model_run"),
    "evaluation": ("Evaluator", "evaluation"),
    "model_blessing": ("Evaluator", "blessing"),
    "infra_blessing": ("ServingCheck", "blessing"),
}


@dataclasses.dataclass(frozen=True)
class Run:
    """One run.

    Attributes:
        id: as metrics.json has it.
        started: UTC.
        outcome: `pushed`, `not blessed`, `failed` or `unfinished` (killed, or under way).
        version: that was pushed, else "".
        metrics: the evaluation's figures; empty where the run did not get there.
        settings: by the dotted name of the configuration, what the run was made from and with;
            `code.<component>` is a digest of the code.
        artifacts: folders by the name that the report's component gives them, e.g. `evaluation`;
            as far as the run has them.
        content_digest: of what the run was made from; "" where it did not get that far.
        spans: the manifest's files, in order; empty where the run did not get to them.
    """

    id: str
    started: datetime
    outcome: str
    version: str
    metrics: dict[str, Any]
    settings: dict[str, Any]
    artifacts: dict[str, Path] = dataclasses.field(default_factory=dict)
    content_digest: str = ""
    spans: tuple[str, ...] = ()

    @property
    def ended(self) -> bool:
        """Whether the run came to a verdict."""
        return self.outcome in ("pushed", "not blessed")


def list_runs(folder: OutputFolder) -> list[Run]:
    """Every run of the folder, the latest first.

    Raises:
        InputError: the folder has no metadata store.
    """
    if not folder.metadata.exists():
        raise InputError(f"{folder.path}: no run was made here yet. Start with `shelfsort run`.")
    config = metadata_store_pb2.ConnectionConfig()
    config.sqlite.filename_uri = str(folder.metadata)
    config.sqlite.connection_mode = metadata_store_pb2.SqliteMetadataSourceConfig.READONLY
    store = ml_metadata.MetadataStore(config)
    try:
        contexts = store.get_contexts_by_type(_RUN_CONTEXT)
    except errors.NotFoundError:
        return []
    runs = [_run(store, context) for context in contexts]
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


def _run(store: ml_metadata.MetadataStore, context: metadata_store_pb2.Context) -> Run:
    executions = {
        _node(execution, store): execution
        for execution in store.get_executions_by_context(context.id)
    }
    outputs = {node: _outputs(store, execution) for node, execution in executions.items()}
    artifacts = {
        name: outputs[node][output]
        for name, (node, output) in _ARTIFACTS.items()
        if output in outputs.get(node, {})
    }
    pushed_model = outputs.get("Pusher", {}).get("pushed_model")
    push = Push.find(pushed_model) if pushed_model else None
    return Run(
        id=context.name,
        started=datetime.fromtimestamp(context.create_time_since_epoch / 1000, timezone.utc),
        outcome=_outcome(push, executions.values()),
        version=str(push.version or "") if push else "",
        metrics=_json(artifacts.get("evaluation"), "metrics.json"),
        settings=dict(_settings(executions)),
        artifacts=artifacts,
        content_digest=_ingested(executions, "content_digest"),
        spans=tuple(json.loads(_ingested(executions, "spans") or "[]")),
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


def _outputs(
    store: ml_metadata.MetadataStore, execution: metadata_store_pb2.Execution
) -> dict[str, Path]:
    """The folder of each output of an execution, by the output's name."""
    events = {
        event.artifact_id: event.path.steps[0].key
        for event in store.get_events_by_execution_ids([execution.id])
        if event.type == metadata_store_pb2.Event.OUTPUT and event.path.steps
    }
    return {
        events[artifact.id]: Path(artifact.uri)
        for artifact in store.get_artifacts_by_id(list(events))
    }


def _json(folder: Path | None, name: str) -> dict[str, Any]:
    """The JSON file `name` in a folder; {} where there is none."""
    path = folder / name if folder else None
    return json.loads(path.read_text("utf-8")) if path and path.is_file() else {}


def _settings(
    executions: dict[str, metadata_store_pb2.Execution],
) -> Iterator[tuple[str, Any]]:
    for node, execution in executions.items():
        properties = execution.custom_properties
        if _CODE in properties:
            yield f"code.{node}", _value(properties[_CODE])
        for name, setting in _SETTINGS.get(node, {}).items():
            if name in properties:
                value = _value(properties[name])
                if isinstance(value, dict) and _CODE in value:
                    yield f"code.{node}", value.pop(_CODE)
                tree = nested(setting, value) if setting else value
                yield from ((current_key(key, RENAMED), each) for key, each in flat(tree))


def _value(value: metadata_store_pb2.Value) -> Any:
    raw = getattr(value, value.WhichOneof("value"))
    try:
        return json.loads(raw)
    except (TypeError, ValueError):
        return raw
