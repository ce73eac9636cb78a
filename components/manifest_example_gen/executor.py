"""Runs the ingestion and writes its three artifacts."""

import json
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
import tensorflow as tf
from absl import logging
from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions, StandardOptions
from pydantic import TypeAdapter
from tfx import types
from tfx.components.example_gen.write_split import to_file_format_str
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils

from components.manifest_example_gen import beam_steps
from components.manifest_example_gen.artifact import (
    Ingestion,
    read_rejects,
    write_origin,
    write_rejects,
    write_taxonomy,
)
from components.manifest_example_gen.input_validation import (
    RejectTally,
    refuse_empty_splits,
    refuse_unusable,
)
from components.manifest_example_gen.preflight import (
    find_label_attribute,
    load_resolver,
    manifest_lines,
)
from components.manifest_example_gen.settings import DataConfig
from components.manifest_example_gen.sharding import shard_count
from components.manifest_example_gen.summary import count_reject, summarise
from shelfsort.core.progress import note
from shelfsort.products.manifest.annotations import LeafResolver
from shelfsort.products.manifest.files import find_spans
from shelfsort.products.manifest.parsing import ParseRules
from shelfsort.products.manifest.provenance import Origin
from shelfsort.products.reduction import load_reduction
from shelfsort.products.splits import Splits
from shelfsort.products.taxonomy import Taxonomy

EXAMPLES = "examples"
REJECTS = "rejects"
TAXONOMY = "taxonomy"
_LOGGED_REJECTS = 100


@dataclass(frozen=True)
class _Input:
    """What the exec properties name, loaded."""

    manifest: str
    spans: tuple[str, ...]
    data: DataConfig
    rules: ParseRules
    full: Taxonomy
    reduction: dict[str, str]
    reduced: Taxonomy
    lines: int


class Executor(base_beam_executor.BaseBeamExecutor):
    """Manifest in; examples, rejects and taxonomy out."""

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Ingests the manifest that `exec_properties` names; see ManifestExampleGen.

        Raises:
          InputError: the input cannot be used; the message is one line with the remedy.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        given = _load(exec_properties)
        examples = artifact_utils.get_single_instance(output_dict[EXAMPLES])
        rejects = artifact_utils.get_single_instance(output_dict[REJECTS])
        taxonomy = artifact_utils.get_single_instance(output_dict[TAXONOMY])
        write_taxonomy(taxonomy.uri, given.reduced)
        self._ingest(given, examples.uri, rejects.uri)
        origin = Origin(exec_properties["content_digest"], given.spans, given.data.splits)
        write_origin(examples.uri, origin)
        ingestion = _check_result(rejects.uri, given)
        _describe(examples, list(given.data.splits))
        note(_one_line(ingestion))

    def _ingest(self, given: _Input, examples_uri: str, rejects_uri: str) -> None:
        shards = shard_count(given.lines)
        parse = beam_steps.ParseLines(given.rules, given.full.to_nodes(), given.reduction, shards)
        alone = self._runs_in_this_process()
        expected = given.lines if alone else None
        write = beam_steps.WriteShards(given.data, shards, examples_uri, expected)
        with self._make_beam_pipeline() as pipeline:
            lines = (
                pipeline
                | "Manifest" >> beam.Create(given.spans)
                | "ReadLines" >> beam.ParDo(beam_steps.ReadLines())
            )
            # Workers share the parsing; a single one would only hold all lines in memory.
            spread = lines if alone else lines | "SpreadLines" >> beam.Reshuffle()
            parsed = spread | "ParseLines" >> beam.ParDo(parse).with_outputs(
                beam_steps.REJECTS, main="products"
            )
            written = (
                parsed.products
                | "GroupByShard" >> beam.GroupByKey()
                | "WriteShards" >> beam.ParDo(write).with_outputs(beam_steps.REJECTS, main="counts")
            )
            rejects = (
                parsed[beam_steps.REJECTS],
                written[beam_steps.REJECTS],
            ) | "AllRejects" >> beam.Flatten()
            _write_rejects(rejects, written.counts, given.reduction, rejects_uri)
        partial = f"{examples_uri}/{beam_steps.PARTIAL_FOLDER}"
        if tf.io.gfile.exists(partial):
            tf.io.gfile.rmtree(partial)

    def _runs_in_this_process(self) -> bool:
        options = PipelineOptions(self._beam_pipeline_args)
        runner = options.view_as(StandardOptions).runner or "DirectRunner"
        direct = options.view_as(DirectOptions)
        return runner in ("DirectRunner", "FnApiRunner") and direct.direct_num_workers == 1


def _write_rejects(
    rejects: beam.PCollection,
    counts: beam.PCollection,
    reduction: dict[str, str],
    rejects_uri: str,
) -> None:
    (
        rejects
        | "CollectRejects" >> beam.combiners.ToList()
        | "WriteRejects" >> beam.Map(lambda found: write_rejects(rejects_uri, found))
    )
    (
        (counts, rejects | "CountRejects" >> beam.Map(count_reject))
        | "AllCounts" >> beam.Flatten()
        | "AddCounts" >> beam.CombineGlobally(beam_steps.MergeCounts())
        | "WriteSummary"
        >> beam.Map(lambda counted: summarise(counted, reduction).write(rejects_uri))
    )


def _load(properties: dict[str, Any]) -> _Input:
    data = TypeAdapter(DataConfig).validate_json(properties["data"])
    manifest = properties["manifest"]
    spans = tuple(json.loads(properties["spans"])) or find_spans(manifest)
    attribute = data.label_attribute or find_label_attribute(spans)
    full = Taxonomy.load(properties["taxonomy_file"])
    resolver: LeafResolver = load_resolver(properties["taxonomy_file"], data.reduction)
    Splits(data.splits)
    return _Input(
        manifest=manifest,
        spans=spans,
        data=data,
        rules=ParseRules(attribute, data.min_confidence, data.max_text_chars),
        full=full,
        reduction=load_reduction(data.reduction, full) if data.reduction else {},
        reduced=resolver.taxonomy,
        lines=sum(1 for _ in manifest_lines(spans)),
    )


def _check_result(rejects_uri: str, given: _Input) -> Ingestion:
    """What was ingested, where the run may go on; InputError where it may not."""
    ingestion = Ingestion.read(rejects_uri)
    tally = RejectTally(ingestion.lines)
    for number, reject in enumerate(read_rejects(rejects_uri)):
        tally.add(reject)
        if number < _LOGGED_REJECTS:
            # TFX deletes the artifacts of an execution that fails: the log is what is left.
            logging.info("%s:%d rejected: %s, %s", *reject.place, reject.reason, reject.detail)
    most = given.data.max_reject_share
    refuse_unusable(given.manifest, tally, list(ingestion.categories), most)
    refuse_empty_splits(given.manifest, list(given.data.splits), ingestion.splits)
    return ingestion


def _describe(examples: types.Artifact, split_names: list[str]) -> None:
    """Sets the properties by which stock components read the examples."""
    examples.split_names = artifact_utils.encode_split_names(split_names)
    examples.span = 0
    examples.version = 0
    examples_utils.set_payload_format(examples, example_gen_pb2.PayloadFormat.FORMAT_TF_EXAMPLE)
    examples_utils.set_file_format(
        examples, to_file_format_str(example_gen_pb2.FileFormat.FORMAT_TFRECORDS_GZIP)
    )


def _one_line(ingestion: Ingestion) -> str:
    reasons = ", ".join(f"{reason} {n:,}" for reason, n in ingestion.by_reason.items())
    return (
        f"{ingestion.accepted:,} products in {len(ingestion.categories):,} categories; "
        f"{_superseded(ingestion.superseded)}{ingestion.rejected:,} lines rejected"
        + (f" ({reasons})" if reasons else "")
    )


def _superseded(lines: int) -> str:
    return f"{lines:,} lines superseded; " if lines else ""
