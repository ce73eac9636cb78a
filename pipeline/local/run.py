"""One run on this machine: from a labelled manifest to a pushed model, or reasons against it."""

import dataclasses
import json
import time
import uuid
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from components.evaluator.artifact import Metrics, Verdict
from components.evaluator.settings import CostLimits
from components.manifest_example_gen import preflight
from components.manifest_example_gen.artifact import Ingestion
from components.pusher.artifact import Push
from components.trainer.artifact import FailedProof, FailedProofs
from pipeline.config import Config, idle_settings
from pipeline.local.console import Console
from pipeline.local.findings import warnings
from pipeline.output_folder import OutputFolder
from pipeline.run_settings import write_settings
from shelfsort.core import files
from shelfsort.core.errors import InputError, RunFailed
from shelfsort.core.progress import note
from shelfsort.training.weights import own_weights_digest


@dataclasses.dataclass(frozen=True)
class RunResult:
    """What came of a run.

    Attributes:
        pushed: whether the model is live now.
        version: of the live model, when pushed.
        reasons: why it is not, when it isn't.
        metrics: the content of metrics.json.
        outlook: what would certify the targets that are not, in sentences.
        failed_proofs: why they are not, of the modality that answers most products.
        ingested: what became of the manifest's lines.
        seconds: of the whole run.
    """

    pushed: bool
    version: str
    reasons: list[str]
    metrics: dict[str, Any]
    ingested: Ingestion
    seconds: float
    outlook: tuple[str, ...] = ()
    failed_proofs: tuple[FailedProof, ...] = ()


def run(
    manifest: str,
    taxonomy: str,
    folder: OutputFolder,
    config: Config,
    console: Console,
    checked: preflight.Preflight | None = None,
) -> RunResult:
    """Checks the input, runs every component, and puts report and metrics.json into the folder.

    Args:
        manifest, taxonomy: the input; "" for a tree that is built from the labels.
        folder: takes all that comes of it.
        config: all settings.
        console: shows how it goes.
        checked: what `preflight.check` found, where it was asked before.

    Raises:
        InputError: the input is unusable; one line says where and what to do.
        RunFailed: a pushed version is not the live one.
    """
    started = time.monotonic()
    console.started("Checking the input", 0, 0)
    checked = checked or preflight.check(manifest, taxonomy, config.data)
    several = f" of {len(checked.files):,} files" if len(checked.files) > 1 else ""
    console.say(
        f"{checked.lines:,} lines{several} in {len(checked.categories):,} categories; "
        f"{_inner(checked.inner)}label attribute {checked.label_attribute!r}"
    )
    products = sum(checked.categories.values())
    expected = warnings(products, checked.categories, config.data.splits, config.targets)
    for warning in (*expected, *idle_settings(config)):
        console.say(f"  {warning}")
    outcome = _run_components(manifest, taxonomy, checked, folder, config, console)
    ingested = Ingestion.read(outcome.uri("ManifestExampleGen", "rejects"))
    figures = Metrics.read(outcome.uri("Evaluator", "evaluation"))
    proofs = FailedProofs.find(outcome.uri("Trainer", "model_run")) or FailedProofs()
    metrics = _metrics(outcome, ingested, figures, proofs)
    files.write_json(folder.metrics, metrics)
    _publish_report(Path(outcome.uri("ReportGen", "report")), folder.report.parent)
    push = Push.read(outcome.uri("Pusher", "pushed_model"))
    check_live(push, folder.serving / config.name)
    return RunResult(
        pushed=push.pushed,
        version=str(push.version or ""),
        reasons=list(push.reasons),
        metrics=metrics,
        ingested=ingested,
        seconds=time.monotonic() - started,
        outlook=Verdict.read(outcome.uri("Evaluator", "evaluation")).outlook,
        failed_proofs=proofs.of(figures.main_modality),
    )


def _inner(products: Mapping[str, int]) -> str:
    n = sum(products.values())
    return f"{n:,} have an inner category as their label and only train; " if n else ""


def check_live(push: Push, base: Path) -> None:
    """Looks whether a server would answer with what was pushed. Raises RunFailed."""
    from serving.versions import live_version

    live = live_version(base)
    if push.pushed and (live is None or live.number != push.version):
        now = f"version {live.number} is" if live else "no version is"
        raise RunFailed(
            f"{base}: version {push.version} was pushed, but {now} live. Find who else writes"
        )


def _run_components(
    manifest: str,
    taxonomy: str,
    checked: preflight.Preflight,
    folder: OutputFolder,
    config: Config,
    console: Console,
):
    # What training would refuse is refused before the products are read.
    weights_digest = own_weights_digest(config.training)
    note("loading TensorFlow and TFX")
    from shelfsort.training.finetuning.devices import require_gpus
    from shelfsort.training.finetuning.network import require_layer

    require_gpus(config.training.image.fine_tuning)
    require_layer(config.training.image)
    require_gpus(config.training.text.fine_tuning)
    if config.training.text.fine_tuning.layers != "none":
        # Imported here: without an encoder, nothing is needed that only encoders need.
        from shelfsort.training.finetuning.text_tuner import require_text_layer

        require_text_layer(config.training.text)
    from tfx.orchestration import metadata

    from components.baseline_model.selection import start_digest
    from components.drift_check.serving_logs import logs_digest
    from pipeline.local.runner import LocalRunner
    from pipeline.pipeline import Source, create_components, create_pipeline
    from serving.versions import live_version

    config = _resolved(config, folder, checked.label_attribute)
    serving_dir = folder.serving / config.name
    live, logs = live_version(serving_dir), config.drift.serving_logs
    components = create_components(
        Source(
            manifest,
            taxonomy,
            checked.label_attribute,
            checked.digest,
            json.dumps(checked.files),
        ),
        config,
        serving_dir=str(serving_dir),
        live_version=str(live.number) if live else "",
        start_digest=start_digest(live, checked.digest),
        title="/".join(PurePosixPath(manifest).parts[-2:]),
        serving_logs_digest=logs_digest(logs) if logs else "",
        weights_digest=weights_digest,
        measurement=measurement(config.gate.cost),
    )
    runner = LocalRunner(console)
    write_settings(folder, runner.outcome.run_id, config)
    try:
        runner.run(
            create_pipeline(
                components,
                config,
                root=str(folder.artifacts),
                metadata=metadata.sqlite_metadata_connection_config(str(folder.metadata)),
            )
        )
    # TFX wraps what a component raises in errors of several kinds.
    except Exception as error:
        if cause := _input_error(error):
            raise cause from error
        raise
    return runner.outcome


def measurement(limits: CostLimits) -> str:
    """Another text for each run where a time has a limit: those of a busy machine are not kept."""
    timed = limits.milliseconds_alone is not None or limits.cpu_milliseconds is not None
    return uuid.uuid4().hex if timed else ""


def _resolved(config: Config, folder: OutputFolder, label_attribute: str) -> Config:
    """The settings with what the run has found out by itself."""
    replace = dataclasses.replace
    image, training, tuning = config.training.image, config.training, config.tuning
    cache = image.embedding_cache or str(folder.embedding_cache)
    return replace(
        config,
        data=replace(config.data, label_attribute=label_attribute),
        training=replace(training, image=replace(image, embedding_cache=cache)),
        tuning=replace(tuning, study_folder=tuning.study_folder or str(folder.studies)),
    )


def _publish_report(artifact: Path, target: Path) -> None:
    """Makes `target` hold the report's files and none of an earlier run's."""
    for file in artifact.iterdir():
        files.write_bytes(target / file.name, file.read_bytes())
    for file in target.iterdir():
        if not (artifact / file.name).exists():
            file.unlink()


def _metrics(
    outcome, ingested: Ingestion, figures: Metrics, proofs: FailedProofs
) -> dict[str, Any]:
    """metrics.json: the evaluation's figures, rejects by reason, seconds and peak memory."""
    return {
        **figures.to_dict(),
        "failed_proofs": proofs.to_dict()["proofs"],
        "rejects": dict(ingested.by_reason),
        "seconds": outcome.seconds,
        "cpu_seconds": outcome.cpu_seconds,
        "reused": sorted(outcome.cached),
        "peak_rss_mb": max(outcome.peak_mb.values()),
        "peak_rss_mb_by_component": outcome.peak_mb,
        "run_id": outcome.run_id,
    }


def _input_error(error: BaseException | None) -> InputError | None:
    """The InputError that a component raised, wherever the orchestrator has wrapped it."""
    while error is not None:
        if isinstance(error, InputError):
            return error
        error = error.__cause__ or error.__context__
    return None
