"""Reads examples and models, has them scored, measured and judged, and writes what was found."""

import dataclasses
import json
import logging
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from apache_beam.io import WriteToParquetBatched
from pydantic import TypeAdapter
from tfx import types
from tfx.dsl.components.base import base_beam_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import io_utils, path_utils

from components.baseline_model.artifact import LIVE_VERSION, model_path
from components.blessing import MODEL_BLESSING
from components.check import failed
from components.drift_check.artifact import DriftFindings
from components.evaluator import analysis, gate, summary
from components.evaluator.artifact import (
    CANDIDATE,
    LIVE,
    Comparison,
    UnloadableLive,
    Verdict,
    predictions_file,
    read_predictions,
)
from components.evaluator.comparison import Scored, columns_at, common_target, compare_with_live
from components.evaluator.cost_checks import cost_checks
from components.evaluator.drift_checks import drift_checks
from components.evaluator.held_out_rows import held_out_tables
from components.evaluator.prediction_rows import row_schema
from components.evaluator.scoring import ScoreSplits
from components.evaluator.served_model import LoadedModel, ServedModel, UnloadableModel
from components.evaluator.settings import GateConfig
from components.example_validator.artifact import describe_anomalies
from components.manifest_example_gen.artifact import read_taxonomy
from components.serving_check.artifact import ServingReport
from shelfsort.contract.calibration import CALIBRATION_SPLIT, Calibration
from shelfsort.contract.learning_curve import LearningCurve
from shelfsort.contract.modalities import COMBINED
from shelfsort.contract.model_files import (
    HELD_OUT,
    LEARNING_CURVE,
    LINEAGE,
    UNKNOWN,
    read_lineage,
)
from shelfsort.contract.signatures import UNKNOWN_SCORE
from shelfsort.contract.unknown import Withheld, rates_from_json
from shelfsort.core.progress import note
from shelfsort.core.storage import exists, join, read_bytes
from shelfsort.products.taxonomy import Taxonomy
from shelfsort.training.held_out import HeldOut

SPLITS = (CALIBRATION_SPLIT, "eval")
_PARTS = "parts"
_logger = logging.getLogger(__name__)


class Executor(base_beam_executor.BaseBeamExecutor):
    """Executor of the Evaluator; see `component.Evaluator`."""

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Scores, measures, compares and decides.

        Args:
            input_dict: `examples`, `taxonomy`, `model`; optionally `baseline_model` (a folder
                without a model: none is live), `anomalies`, `drift` and `infra_blessing`.
            output_dict: `evaluation` and `blessing`.
            exec_properties: `gate`, JSON of a `GateConfig`; `slices`, JSON list of string
                features to slice by.

        Raises:
            InputError: a setting of the gate is wrong.
            UnloadableModel: the new model cannot be loaded.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        config = TypeAdapter(GateConfig).validate_json(exec_properties["gate"])
        features = json.loads(exec_properties.get("slices") or "[]")
        taxonomy = read_taxonomy(artifact_utils.get_single_uri(input_dict["taxonomy"]))
        model = artifact_utils.get_single_instance(input_dict["model"])
        output = artifact_utils.get_single_uri(output_dict["evaluation"])

        path = path_utils.serving_model_path(model.uri)
        lineage = read_lineage(path)
        calibration = _calibration(path, lineage)
        curve = LearningCurve.from_json(lineage.get(LEARNING_CURVE), join(path, LINEAGE))
        candidate = ServedModel(CANDIDATE, path, targets=calibration.targets)
        # Held to the end, so that scoring within this process does not load them again.
        held = [candidate.load()]
        live, unloadable = _live_model(input_dict.get("baseline_model"), held)
        patterns = _patterns(input_dict["examples"])
        held_out = _held_out(candidate)
        self._measure(patterns, taxonomy, candidate, live, features, output, held_out, calibration)

        slices, has_live = analysis.read_slices(output), live is not None
        metrics = dataclasses.replace(
            summary.metrics(slices, calibration, has_live=has_live, learning_curve=curve),
            unknown=rates_from_json(lineage.get(UNKNOWN), join(path, LINEAGE)),
            withheld=_withheld(output, calibration),
        )
        categories = summary.categories(slices, taxonomy, metrics, has_live=has_live)
        compared: Comparison | UnloadableLive | None = unloadable
        if live is not None:
            live_lineage = read_lineage(live.path)
            live_calibration = _calibration(live.path, live_lineage)
            columns = columns_at(common_target(calibration, live_calibration))
            compared = compare_with_live(
                _scored(output, candidate, columns, calibration, metrics.main_modality),
                _scored(output, live, columns, live_calibration, metrics.main_modality),
                _version(input_dict["baseline_model"]),
                live_lineage.get("taxonomy_version", ""),
                taxonomy,
            )
        anomalies = _anomalies(input_dict.get("anomalies"))
        checks = [
            *drift_checks(_drift(input_dict.get("drift")), config, taxonomy.path),
            *cost_checks(_serving_report(input_dict.get("infra_blessing")), config.cost),
        ]
        verdict = gate.decide(metrics, categories.categories, config, compared, anomalies, checks)
        for floor in gate.floors_of_size(metrics, config):
            note(floor)
        for document in (metrics, categories, verdict):
            document.write(output)
        _bless(artifact_utils.get_single_instance(output_dict["blessing"]), verdict, model)

    def _measure(
        self,
        patterns: Sequence[tuple[str, str]],
        taxonomy: Taxonomy,
        candidate: ServedModel,
        live: ServedModel | None,
        features: Sequence[str],
        output: str,
        held_out: HeldOut | None,
        calibration: Calibration,
    ) -> None:
        parents = {leaf: taxonomy.parent_or_self(leaf) for leaf in taxonomy.leaves}
        with self._make_beam_pipeline() as pipeline:
            rows = pipeline | "Score" >> ScoreSplits(patterns, parents, candidate, live, features)
            if held_out is not None:
                tables = held_out_tables(held_out, calibration, parents, features)
                rows = [rows, pipeline | "HeldOut" >> beam.Create(tables)] | beam.Flatten()
            _ = rows | "Measure" >> analysis.WriteAnalysis(
                parents, features, output, candidate.targets
            )
            # As many files as Beam likes: a single one would be gathered in memory first.
            schema = row_schema(features, candidate.targets)
            _ = rows | "WriteRows" >> WriteToParquetBatched(
                join(output, _PARTS, "rows"), schema, file_name_suffix=".parquet"
            )
        _join_parts(join(output, _PARTS), predictions_file(output), schema)


def _join_parts(folder: str, path: str, schema: pa.Schema) -> None:
    """Writes the rows of all parts into one file, a group of rows at a time."""
    with tempfile.TemporaryDirectory() as scratch:
        part, whole = f"{scratch}/part", f"{scratch}/whole"
        with pq.ParquetWriter(whole, schema) as writer:
            for name in sorted(fileio.listdir(folder)):
                fileio.copy(join(folder, name), part, overwrite=True)
                with pq.ParquetFile(part) as rows:
                    for group in range(rows.num_row_groups):
                        writer.write_table(rows.read_row_group(group))
        fileio.copy(whole, path, overwrite=True)
    fileio.rmtree(folder)


def _patterns(examples: list[types.Artifact]) -> list[tuple[str, str]]:
    known = artifact_utils.decode_split_names(
        artifact_utils.get_single_instance(examples).split_names
    )
    return [
        (split, io_utils.all_files_pattern(uri))
        for split in SPLITS
        if split in known
        for uri in artifact_utils.get_split_uris(examples, split)
    ]


def _live_model(
    baseline: list[types.Artifact] | None, held: list[LoadedModel]
) -> tuple[ServedModel | None, UnloadableLive | None]:
    path = model_path(artifact_utils.get_single_uri(baseline)) if baseline else None
    if path is None:
        return None, None
    calibration = _calibration(path, read_lineage(path))
    live = ServedModel(LIVE, path, (COMBINED,), calibration.targets)
    try:
        loaded = live.load()
        loaded.probe()
    except UnloadableModel as error:
        return None, UnloadableLive(_version(baseline), str(error))
    held.append(loaded)
    return live, None


def _calibration(path: str, lineage: Mapping[str, Any]) -> Calibration:
    where = f"{join(path, LINEAGE)}: thresholds"
    return Calibration.from_json(lineage.get("thresholds"), where)


def _held_out(model: ServedModel) -> HeldOut | None:
    """The answers that the model's thresholds were fitted on; None where it keeps none."""
    path = join(model.path, HELD_OUT)
    return HeldOut.from_bytes(read_bytes(path), path) if exists(path) else None


def _scored(
    output: str,
    model: ServedModel,
    columns: list[str],
    calibration: Calibration,
    main_modality: str,
) -> Scored:
    by_split = {}
    for split in SPLITS:
        table = read_predictions(output, columns, model=model.name, mode=COMBINED, split=split)
        if table is None:
            raise FileNotFoundError(predictions_file(output))
        by_split[split] = {name: table[name].to_numpy() for name in columns}
    return Scored(
        by_split["eval"],
        by_split[CALIBRATION_SPLIT],
        calibration,
        main_modality,
        held_out=_held_out(model),
    )


def _withheld(output: str, calibration: Calibration) -> Withheld | None:
    """What the check for unknown products did on `eval`; None for a model without it."""
    limit = calibration.of(COMBINED).unknown_above
    only = {"model": CANDIDATE, "mode": COMBINED, "split": "eval"}
    table = None if limit is None else read_predictions(output, [UNKNOWN_SCORE], **only)
    if table is None or limit is None:
        return None
    above = table[UNKNOWN_SCORE].to_numpy() > np.float32(limit)
    return Withheld(limit, len(above), int(above.sum()))


def _version(baseline: list[types.Artifact] | None) -> str:
    artifact = artifact_utils.get_single_instance(baseline) if baseline else None
    return artifact.get_string_custom_property(LIVE_VERSION) if artifact else ""


def _anomalies(artifacts: list[types.Artifact] | None) -> list[str] | None:
    if not artifacts:
        return None
    artifact = artifact_utils.get_single_instance(artifacts)
    splits = artifact_utils.decode_split_names(artifact.split_names)
    return describe_anomalies(artifact.uri, splits)


def _drift(artifacts: list[types.Artifact] | None) -> DriftFindings | None:
    return DriftFindings.read(artifact_utils.get_single_uri(artifacts)) if artifacts else None


def _serving_report(artifacts: list[types.Artifact] | None) -> ServingReport | None:
    if not artifacts:
        return None
    # A blessing without a report blesses nothing, and has no cost.
    return ServingReport.find(artifact_utils.get_single_uri(artifacts)) or ServingReport(())


def _bless(blessing: types.Artifact, verdict: Verdict, model: types.Artifact) -> None:
    MODEL_BLESSING.write(blessing.uri, verdict.blessed)
    # The properties that TFX's own Evaluator sets.
    blessing.set_int_custom_property("blessed", int(verdict.blessed))
    blessing.set_string_custom_property("current_model", model.uri)
    blessing.set_int_custom_property("current_model_id", model.id)
    if verdict.approved_by is not None:
        blessing.set_string_custom_property("approved_by", verdict.approved_by)
        note(f"approved by {verdict.approved_by} despite the failed checks")
    refused = failed(verdict.checks)
    for check in refused:
        _logger.info("%s", check)
    if refused:
        # The end of a run gives the reasons; they are said once.
        names = ", ".join(check.name for check in refused)
        note(f"{len(refused)} of {len(verdict.checks)} checks failed: {names}")
