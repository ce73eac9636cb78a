"""Executor of DriftCheck: counts this run's products, reads the live model's, compares them."""

import dataclasses
from typing import Any

import apache_beam as beam
import tensorflow_data_validation as tfdv
from pydantic import TypeAdapter
from tfx import types
from tfx.dsl.components.base import base_beam_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import io_utils

import schema
from components.baseline_model.artifact import LIVE_VERSION, model_path
from components.drift_check import comparison
from components.drift_check.artifact import STATISTICS_FILE, DriftFindings, Skew
from components.drift_check.labelled_products import ReadLabelledProducts
from components.drift_check.serving_logs import ReadServedProducts
from components.drift_check.settings import DriftConfig
from components.drift_check.statistics import (
    ProfileStatistics,
    Statistics,
    StatisticsError,
    parse,
)
from components.manifest_example_gen.artifact import read_taxonomy
from shelfsort.contract.model_files import TRAINING_STATISTICS
from shelfsort.core.progress import note
from shelfsort.core.storage import join, read_bytes
from shelfsort.products.taxonomy import Taxonomy

_SERVED_FILE = "served_statistics.pb"
_UNREADABLE_FILE = "unreadable_records"


class Executor(base_beam_executor.BaseBeamExecutor):
    """Writes this run's training statistics, and how far they are from the live model's."""

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """See DriftCheck for the channels and execution properties."""
        self._log_startup(input_dict, output_dict, exec_properties)
        config = TypeAdapter(DriftConfig).validate_json(exec_properties["settings"])
        output = artifact_utils.get_single_uri(output_dict["drift"])
        train = artifact_utils.get_split_uris(input_dict["examples"], "train")
        now = self._statistics(train, join(output, STATISTICS_FILE))
        taxonomy = read_taxonomy(artifact_utils.get_single_uri(input_dict["taxonomy"]))
        live = artifact_utils.get_single_instance(input_dict["baseline_model"])
        findings = _findings(live, now, taxonomy, config)
        if config.serving_logs:
            skew = self._skew(now, output, config)
            findings = dataclasses.replace(findings, skew=skew)
        findings.write(output)
        _note(findings)

    def _statistics(self, split_uris: list[str], path: str) -> Statistics:
        with self._make_beam_pipeline() as pipeline:
            parts = [
                pipeline
                | f"Read[{number}]" >> ReadLabelledProducts(io_utils.all_files_pattern(uri))
                for number, uri in enumerate(split_uris)
            ]
            _ = (
                parts
                | beam.Flatten()
                | ProfileStatistics()
                | "Write" >> tfdv.WriteStatisticsToBinaryFile(path)
            )
        return parse(read_bytes(path))

    def _skew(self, trained: Statistics, output: str, config: DriftConfig) -> Skew:
        path, unreadable_path = join(output, _SERVED_FILE), join(output, _UNREADABLE_FILE)
        with self._make_beam_pipeline() as pipeline:
            products, unreadable = pipeline | ReadServedProducts(config.serving_logs)
            _ = products | ProfileStatistics() | "Write" >> tfdv.WriteStatisticsToBinaryFile(path)
            _ = unreadable | "WriteUnreadable" >> beam.io.WriteToText(
                unreadable_path, num_shards=1, shard_name_template=""
            )
        served = parse(read_bytes(path))
        return comparison.skew(
            trained, served, int(read_bytes(unreadable_path)), schema.served_features(), config
        )


def _findings(
    live: types.Artifact, now: Statistics, taxonomy: Taxonomy, config: DriftConfig
) -> DriftFindings:
    model = model_path(live.uri)
    if model is None:
        return DriftFindings(live_version="", drift=None)
    version = live.get_string_custom_property(LIVE_VERSION)
    path = join(model, TRAINING_STATISTICS)
    if not fileio.exists(path):
        return DriftFindings(version, None, "it was pushed without its training statistics")
    try:
        drift = comparison.drift(parse(read_bytes(path)), now, taxonomy.leaves, config)
    except StatisticsError as problem:
        return DriftFindings(version, None, str(problem))
    return DriftFindings(version, drift)


def _note(findings: DriftFindings) -> None:
    if findings.problem:
        note(f"drift from live version {findings.live_version} cannot be measured")
    elif findings.drift is not None:
        drifted = [shift.feature for shift in findings.drift.shifts if shift.drifted]
        drifted += [f"share of {each.category}" for each in findings.drift.categories.drifted]
        found = f"{len(drifted)} properties or categories" if drifted else "none"
        note(f"drift from the training data of live version {findings.live_version}: {found}")
    if (skew := findings.skew) is not None:
        drifted = [shift.feature for shift in skew.shifts if shift.drifted]
        note(
            f"serving logs: {skew.n_served:,} products, {skew.unreadable:,} unreadable records, "
            f"skew of {', '.join(drifted) or 'no property'}"
        )
