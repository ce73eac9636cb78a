"""ManifestExampleGen: a labelled manifest becomes split tf.Examples."""

from typing import ClassVar

from pydantic import TypeAdapter
from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.artifacts import Rejects, Taxonomy
from components.manifest_example_gen.executor import Executor
from components.manifest_example_gen.settings import DataConfig
from components.parameters import TextParameter


class ManifestExampleGenSpec(ComponentSpec):
    """Channels and execution properties of ManifestExampleGen."""

    PARAMETERS: ClassVar = {
        "manifest": ExecutionParameter(type=str),
        "taxonomy_file": ExecutionParameter(type=str),
        "data": ExecutionParameter(type=str),
        "content_digest": ExecutionParameter(type=str),
        "spans": ExecutionParameter(type=str),
        "code_digest": ExecutionParameter(type=str, optional=True),
    }
    INPUTS: ClassVar = {}
    OUTPUTS: ClassVar = {
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "rejects": ChannelParameter(type=Rejects),
        "taxonomy": ChannelParameter(type=Taxonomy),
    }


class ManifestExampleGen(base_beam_component.BaseBeamComponent):
    """Reads a labelled manifest and its images; leaves out, with a reason, what is unusable.

    Outputs: `examples` (splits of gzipped TFRecords, and `origin.json`), `rejects`
    (`rejects.jsonl` and `summary.json`) and `taxonomy` (`taxonomy.json`, after reduction).
    """

    SPEC_CLASS = ManifestExampleGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self,
        manifest: TextParameter,
        taxonomy: TextParameter,
        data: DataConfig,
        content_digest: TextParameter,
        spans: TextParameter = "{}",
        code_digest: str | None = None,
    ):
        """Wires the component.

        Args:
            manifest, taxonomy: paths or addresses of the files; the manifest may be a folder or a
                pattern, see `files.find_manifest_files`, or data in another form. Without a
                taxonomy ("") the tree is built from the labels.
            data: how the manifest is read.
            content_digest: `preflight.check(...).digest`: part of the cache key, so a file that
                changes under the same name is read again.
            spans: JSON object: the manifest's files that the digest is of, and how many lines each
                has; where it is empty, those found when it runs.
            code_digest: changes with the code, so that results of older code are not reused.
        """
        super().__init__(
            ManifestExampleGenSpec(
                manifest=manifest,
                taxonomy_file=taxonomy,
                data=TypeAdapter(DataConfig).dump_json(data).decode(),
                content_digest=content_digest,
                spans=spans,
                code_digest=code_digest,
                examples=types.Channel(type=standard_artifacts.Examples),
                rejects=types.Channel(type=Rejects),
                taxonomy=types.Channel(type=Taxonomy),
            )
        )
