"""Runs the ingestion and writes its three artifacts."""

import dataclasses
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
import tensorflow as tf
from absl import logging
from apache_beam import pvalue
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
    Read,
    write_origin,
    write_rejects,
    write_taxonomy,
)
from components.manifest_example_gen.category_tree import load_resolver
from components.manifest_example_gen.crowd import crowd_verdicts, files_beside
from components.manifest_example_gen.input_validation import (
    RejectTally,
    refuse_empty_splits,
    refuse_lost_images,
    refuse_unusable,
)
from components.manifest_example_gen.settings import DataConfig
from components.manifest_example_gen.sharding import shard_count
from components.manifest_example_gen.summary import Counts, image_digests, summarise
from shelfsort.core.errors import InputError
from shelfsort.core.progress import note
from shelfsort.products.leaves import LeafResolver
from shelfsort.products.manifest.digest import (
    ContentDigest,
    file_digest,
    files_digest,
    sum_of_images,
)
from shelfsort.products.manifest.files import find_manifest_files
from shelfsort.products.manifest.label_attributes import find_label_attribute
from shelfsort.products.manifest.provenance import Origin
from shelfsort.products.manifest.rejects import IGNORED, IMAGE_REASONS, REASONS, Reject
from shelfsort.products.splits import Splits
from shelfsort.products.tables.lines import all_product_lines

EXAMPLES = "examples"
REJECTS = "rejects"
TAXONOMY = "taxonomy"
_LOGGED_REJECTS = 100
_SHOWN_REASONS = 4


@dataclass(frozen=True)
class _Input:
    """What the exec properties name, loaded.

    Attributes:
        manifest: as it was named.
        files: of the manifest.
        lines: of all files.
        data: settings, with the label attribute in them.
        resolver: the taxonomy with its reduction.
    """

    manifest: str
    files: tuple[str, ...]
    lines: int
    data: DataConfig
    resolver: LeafResolver


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
        write_taxonomy(taxonomy.uri, given.resolver.taxonomy)
        self._ingest(given, examples.uri, rejects.uri)
        _refuse_changed(Read.read(rejects.uri), given, exec_properties)
        origin = Origin(exec_properties["content_digest"], given.files, given.data.splits)
        write_origin(examples.uri, origin)
        ingestion = _check_result(rejects.uri, given)
        _describe(examples, list(given.data.splits))
        note(_one_line(ingestion))

    def _ingest(self, given: _Input, examples_uri: str, rejects_uri: str) -> None:
        shards = shard_count(given.lines)
        reduction = given.resolver.reduction
        verdicts = crowd_verdicts(given.files, given.data, given.resolver)
        label = beam_steps.LabelProducts(given.data, given.resolver, shards, verdicts)
        alone = self._runs_in_this_process()
        expected = given.lines if alone else None
        write = beam_steps.WriteShards(given.data, shards, examples_uri, expected)
        with self._make_beam_pipeline() as pipeline:
            read_lines = (
                pipeline
                | "Manifest" >> beam.Create(given.files)
                | "ReadLines"
                >> beam.ParDo(beam_steps.ReadLines(given.data.reading)).with_outputs(
                    beam_steps.READ, main="lines"
                )
            )
            lines, read = read_lines.lines, read_lines[beam_steps.READ]
            # Workers share the reading; a single one would only hold all lines in memory.
            spread = lines if alone else lines | "SpreadLines" >> beam.Reshuffle()
            labelled = spread | "LabelProducts" >> beam.ParDo(label).with_outputs(
                beam_steps.REJECTS, main="products"
            )
            written = (
                labelled.products
                | "GroupByShard" >> beam.GroupByKey()
                | "WriteShards" >> beam.ParDo(write).with_outputs(beam_steps.REJECTS, main="counts")
            )
            rejects = (
                labelled[beam_steps.REJECTS],
                written[beam_steps.REJECTS],
            ) | "AllRejects" >> beam.Flatten()
            (
                written.counts
                | "AddCounts" >> beam.CombineGlobally(beam_steps.MergeCounts())
                | "WriteOutcome"
                >> beam.Map(
                    lambda counts, found, read: _write_outcome(
                        counts, found, read, reduction, rejects_uri
                    ),
                    pvalue.AsList(rejects),
                    pvalue.AsList(read),
                )
            )
        partial = f"{examples_uri}/{beam_steps.PARTIAL_FOLDER}"
        if tf.io.gfile.exists(partial):
            tf.io.gfile.rmtree(partial)

    def _runs_in_this_process(self) -> bool:
        options = PipelineOptions(self._beam_pipeline_args)
        runner = options.view_as(StandardOptions).runner or "DirectRunner"
        direct = options.view_as(DirectOptions)
        return runner in ("DirectRunner", "FnApiRunner") and direct.direct_num_workers == 1


def _write_outcome(
    accepted: Counts,
    rejects: Iterable[Reject],
    read: Iterable[tuple[str, str]],
    reduction: Mapping[str, str],
    rejects_uri: str,
) -> None:
    """Writes the rejects, the summary of all lines, and the digests of what was read."""
    Read(dict(read), sum_of_images(image_digests(accepted))).write(rejects_uri)
    ordered = sorted(rejects, key=lambda reject: reject.place)
    write_rejects(rejects_uri, ordered)
    for reject in ordered[:_LOGGED_REJECTS]:
        # TFX deletes the artifacts of an execution that fails: the log is what is left.
        logging.info("%s:%d rejected: %s, %s", *reject.place, reject.reason, reject.detail)
    summarise(accepted, ordered, reduction).write(rejects_uri)


def _refuse_changed(read: Read, given: _Input, properties: Mapping[str, Any]) -> None:
    """Refuses to store under a digest what is not the content that it is of. Raises InputError."""
    checked = ContentDigest.parse(properties["content_digest"])
    if checked is None:
        return
    files = [bytes.fromhex(read.files[file]) for file in given.files]
    others = files_beside(given.data, properties["taxonomy_file"])
    if files_digest([*files, *map(file_digest, others)]) != checked.files:
        what = "the manifest, the taxonomy, the reduction or the scores"
    elif read.local_images != checked.local_images:
        what = "an image"
    else:
        return
    raise InputError(f"{given.manifest}: {what} changed during the run. Start it again.")


def _load(properties: dict[str, Any]) -> _Input:
    data = TypeAdapter(DataConfig).validate_json(properties["data"])
    Splits(data.splits)
    manifest = properties["manifest"]
    # Runs that an older release pinned to their content give a list.
    known = json.loads(properties["spans"])
    files = tuple(known) or find_manifest_files(manifest)
    attribute = data.label_attribute or find_label_attribute(files, data.reading)
    data = dataclasses.replace(data, label_attribute=attribute)
    return _Input(
        manifest=manifest,
        files=files,
        lines=_count(known, files, data),
        data=data,
        resolver=load_resolver(files, properties["taxonomy_file"], data),
    )


def _count(known: Any, files: tuple[str, ...], data: DataConfig) -> int:
    if known and isinstance(known, dict):
        return sum(known.values())
    return sum(1 for _ in all_product_lines(files, data.reading))


def _check_result(rejects_uri: str, given: _Input) -> Ingestion:
    """What was ingested, where the run may go on; InputError where it may not."""
    ingestion = Ingestion.read(rejects_uri)
    tally = RejectTally(
        ingestion.lines, Counter(ingestion.by_reason), dict(ingestion.first_rejects)
    )
    most = given.data.max_reject_share
    inner = sum(ingestion.inner.values())
    refuse_unusable(given.manifest, tally, list(ingestion.categories), most, inner)
    lost = sum(ingestion.ignored.get(reason, 0) for reason in IMAGE_REASONS)
    refuse_lost_images(given.manifest, lost, ingestion.accepted, most)
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
    ranked = list(ingestion.by_reason.items())
    reasons = [f"{n:,}: {REASONS.get(reason, reason)}" for reason, n in ranked[:_SHOWN_REASONS]]
    if rest := sum(n for _, n in ranked[_SHOWN_REASONS:]):
        reasons.append(f"{rest:,} for other reasons")
    return (
        f"{ingestion.accepted:,} products in {len(ingestion.categories):,} categories; "
        f"{_inner(ingestion.inner)}"
        f"{_superseded(ingestion.superseded)}{ingestion.rejected:,} "
        f"{'line' if ingestion.rejected == 1 else 'lines'} rejected"
        + (f" ({'; '.join(reasons)})" if reasons else "")
        + "".join(f"; {n:,} x {IGNORED.get(name, name)}" for name, n in ingestion.ignored.items())
    )


def _inner(products: Mapping[str, int]) -> str:
    n = sum(products.values())
    return f"{n:,} of them only train: their label is an inner category; " if n else ""


def _superseded(lines: int) -> str:
    return f"{lines:,} lines superseded; " if lines else ""
