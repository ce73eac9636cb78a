"""Reads examples and models, has them scored, measured and judged, and writes what was found."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

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
from components.drift_check.artifact import DriftFindings
from components.evaluator import analysis, gate, summary
from components.evaluator.comparison import TARGET, Comparison, Judged, Outcomes, compare
from components.evaluator.drift_checks import drift_checks
from components.evaluator.prediction_rows import row_schema
from components.evaluator.scoring import ScoreSplits
from components.evaluator.served_model import LoadedModel, ServedModel, UnloadableModel
from components.evaluator.settings import GateConfig
from components.example_validator.artifact import describe_anomalies
from components.manifest_example_gen.artifact import read_taxonomy
from shelfsort.contract.calibration import Calibration, Target
from shelfsort.contract.modalities import COMBINED
from shelfsort.contract.model_files import read_lineage
from shelfsort.contract.targets import accepted
from shelfsort.core.progress import note
from shelfsort.core.storage import join
from shelfsort.products.taxonomy import Taxonomy
from shelfsort.stats.bootstrap import eligible_scores

SPLITS = ("calibration", "eval")
PREDICTIONS = "predictions"
_PARTS = "parts"


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
                without a model: none is live), `anomalies` and `drift`.
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

        candidate = ServedModel("candidate", path_utils.serving_model_path(model.uri))
        # Held to the end, so that scoring within this process does not load them again.
        held = [candidate.load()]
        live, unloadable = _live_model(input_dict.get("baseline_model"), held)
        patterns = _patterns(input_dict["examples"])
        self._measure(patterns, taxonomy, candidate, live, features, output)

        calibration = _calibration(read_lineage(candidate.path))
        slices, has_live = analysis.read_slices(output), live is not None
        metrics = summary.metrics(slices, calibration, has_live=has_live)
        categories = summary.categories(slices, taxonomy, metrics, has_live=has_live)
        version = _version(input_dict.get("baseline_model"))
        compared = unloadable
        if live is not None:
            compared = _comparison(
                output, candidate, live, summary.main_modality(metrics), version, taxonomy
            )
        anomalies = _anomalies(input_dict.get("anomalies"))
        checks = drift_checks(_drift(input_dict.get("drift")), config, taxonomy.path)
        verdict = gate.decide(metrics, categories, config, compared, anomalies, checks)
        _write_json(output, "metrics.json", metrics)
        _write_json(output, "categories.json", categories)
        _write_json(output, "verdict.json", verdict.to_dict())
        _bless(artifact_utils.get_single_instance(output_dict["blessing"]), verdict, model)

    def _measure(
        self,
        patterns: Sequence[tuple[str, str]],
        taxonomy: Taxonomy,
        candidate: ServedModel,
        live: ServedModel | None,
        features: Sequence[str],
        output: str,
    ) -> None:
        parents = {leaf: taxonomy.parent_or_self(leaf) for leaf in taxonomy.leaves}
        with self._make_beam_pipeline() as pipeline:
            rows = pipeline | "Score" >> ScoreSplits(patterns, parents, candidate, live, features)
            _ = rows | "Measure" >> analysis.WriteAnalysis(parents, features, output)
            # As many files as Beam likes: a single one would be gathered in memory first.
            _ = rows | "WriteRows" >> WriteToParquetBatched(
                join(output, _PARTS, PREDICTIONS), row_schema(features), file_name_suffix=".parquet"
            )
        _join_parts(join(output, _PARTS), join(output, f"{PREDICTIONS}.parquet"), features)


def _join_parts(folder: str, path: str, features: Sequence[str]) -> None:
    """Writes the rows of all parts into one file, a group of rows at a time."""
    with tempfile.TemporaryDirectory() as scratch:
        part, whole = f"{scratch}/part", f"{scratch}/whole"
        with pq.ParquetWriter(whole, row_schema(features)) as writer:
            for name in sorted(fileio.listdir(folder)):
                fileio.copy(join(folder, name), part, overwrite=True)
                with pq.ParquetFile(part) as rows:
                    for group in range(rows.num_row_groups):
                        writer.write_table(rows.read_row_group(group))
        fileio.copy(whole, path, overwrite=True)
    fileio.rmtree(folder)


def _patterns(examples: list[types.Artifact]) -> list[tuple[str, str]]:
    return [
        (split, io_utils.all_files_pattern(uri))
        for split in SPLITS
        for uri in artifact_utils.get_split_uris(examples, split)
    ]


def _live_model(
    baseline: list[types.Artifact] | None, held: list[LoadedModel]
) -> tuple[ServedModel | None, gate.UnloadableLive | None]:
    path = model_path(artifact_utils.get_single_uri(baseline)) if baseline else None
    if path is None:
        return None, None
    live = ServedModel("live", path, ("combined",))
    try:
        loaded = live.load()
        loaded.probe()
    except UnloadableModel as error:
        return None, gate.UnloadableLive(_version(baseline), str(error))
    held.append(loaded)
    return live, None


def _comparison(
    output: str,
    candidate: ServedModel,
    live: ServedModel,
    modality: str,
    version: str,
    taxonomy: Taxonomy,
) -> Comparison | gate.UnloadableLive:
    lineage = read_lineage(live.path)
    shared = None
    if lineage.get("taxonomy_version") != taxonomy.version:
        known = _calibration(lineage).of(COMBINED).n_by_category
        shared = sorted(known.keys() & set(taxonomy.leaves))
        if not shared:
            problem = "its taxonomy is another one and shares no category that it can name"
            return gate.UnloadableLive(version, problem)
    judged = (_judged(output, model, modality) for model in (candidate, live))
    return compare(*judged, version, shared)


def _calibration(lineage: Mapping[str, Any]) -> Calibration:
    return Calibration.from_json(lineage.get("thresholds"))


def _judged(output: str, model: ServedModel, modality: str) -> Judged:
    """`modality` answers most products: its floors and its correlation are taken for all."""
    fitted = _calibration(read_lineage(model.path)).of(modality).at(TARGET)
    outcomes = {split: _outcomes(output, model.name, split, fitted) for split in SPLITS}
    return Judged(**outcomes, correlation=fitted.correlation)


def _outcomes(output: str, model: str, split: str, fitted: Target) -> Outcomes:
    columns = ["product_id", "category", "predicted", accepted(TARGET), "group", "score"]
    rows = [("model", "=", model), ("mode", "=", "combined"), ("split", "=", split)]
    with fileio.open(join(output, f"{PREDICTIONS}.parquet"), "rb") as file:
        table = pq.read_table(pa.BufferReader(file.read()), columns=columns, filters=rows)
    values = {name: table[name].to_numpy() for name in columns}
    return Outcomes(
        values["product_id"],
        values["category"],
        values["category"] == values["predicted"],
        values[accepted(TARGET)].astype(bool),
        values["group"],
        eligible_scores(values["score"], values["predicted"], fitted.floors),
    )


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


def _write_json(folder: str, name: str, content: Mapping | Sequence) -> None:
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    io_utils.write_string_file(join(folder, name), text + "\n")


def _bless(blessing: types.Artifact, verdict: gate.Verdict, model: types.Artifact) -> None:
    MODEL_BLESSING.write(blessing.uri, verdict.blessed)
    # The properties that TFX's own Evaluator sets.
    blessing.set_int_custom_property("blessed", int(verdict.blessed))
    blessing.set_string_custom_property("current_model", model.uri)
    blessing.set_int_custom_property("current_model_id", model.id)
    if verdict.approved_by is not None:
        blessing.set_string_custom_property("approved_by", verdict.approved_by)
        note(f"approved by {verdict.approved_by} despite the failed checks")
    for check in verdict.checks:
        if not check.passed:
            note(f"{check.name}: {check.reason}")
