"""ManifestExampleGen: a labelled manifest becomes split tf.Examples."""

import json
from collections.abc import Mapping, Sequence

from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.artifacts import Rejects, Taxonomy
from components.manifest_example_gen.executor import Executor
from components.parameters import TextParameter

DEFAULT_SPLITS: Mapping[str, int] = {"train": 80, "calibration": 10, "eval": 10}


class ManifestExampleGenSpec(ComponentSpec):
    """Parameters and channels of ManifestExampleGen; lists and mappings are JSON."""

    PARAMETERS = {  # noqa: RUF012 - TFX's form
        "manifest": ExecutionParameter(type=str),
        "taxonomy_file": ExecutionParameter(type=str),
        "reduction_file": ExecutionParameter(type=str, optional=True),
        "label_attribute": ExecutionParameter(type=str, optional=True),
        "splits": ExecutionParameter(type=str),
        "max_reject_share": ExecutionParameter(type=float),
        "min_confidence": ExecutionParameter(type=float),
        "max_image_pixels": ExecutionParameter(type=int),
        "max_image_bytes": ExecutionParameter(type=int),
        "max_text_chars": ExecutionParameter(type=int),
        "image_roots": ExecutionParameter(type=str),
        "allow_http": ExecutionParameter(type=int),
        "content_digest": ExecutionParameter(type=str),
        "spans": ExecutionParameter(type=str),
        "code_digest": ExecutionParameter(type=str, optional=True),
    }
    INPUTS = {}  # noqa: RUF012 - TFX's form
    OUTPUTS = {  # noqa: RUF012 - TFX's form
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "rejects": ChannelParameter(type=Rejects),
        "taxonomy": ChannelParameter(type=Taxonomy),
    }


class ManifestExampleGen(base_beam_component.BaseBeamComponent):
    """Reads a labelled manifest and its pictures; leaves out, with a reason, what is unusable.

    Outputs: `examples` (splits of gzipped TFRecords, and `origin.json`), `rejects`
    (`rejects.jsonl` and `summary.json`) and `taxonomy` (`taxonomy.json`, after reduction).
    """

    SPEC_CLASS = ManifestExampleGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self,
        manifest: TextParameter,
        taxonomy: TextParameter,
        content_digest: TextParameter,
        *,
        spans: TextParameter = "[]",
        code_digest: str | None = None,
        reduction: str | None = None,
        label_attribute: str | None = None,
        splits: Mapping[str, int] = DEFAULT_SPLITS,
        max_reject_share: float = 0.2,
        min_confidence: float = 0.5,
        max_image_pixels: int = 50_000_000,
        max_image_bytes: int = 20_000_000,
        max_text_chars: int = 20_000,
        image_roots: Sequence[str] = (),
        allow_http: bool = False,
    ):
        """Wires the component.

        Args:
          manifest, taxonomy, reduction: paths or addresses of the files; the manifest may be a
            folder or a pattern, see `spans.find_spans`.
          content_digest: `preflight.check(...).digest`: the cache goes by it, and stays right
            when a file changes under the same name.
          spans: JSON list of the manifest's files that the digest is of; of none: those found when
            it runs.
          code_digest: changes with the code, so that results of older code are not reused.
          label_attribute: needed where the manifest has several.
          splits: name to share; a product's group decides its split by a hash.
          max_reject_share: the run stops above it; in [0, 1].
          min_confidence: products labelled with less are rejected as `no_consensus`; in [0, 1].
          max_image_pixels, max_image_bytes: larger pictures are rejected.
          max_text_chars: longer titles and descriptions are cut.
          image_roots: folders besides the manifest's that pictures may lie in.
          allow_http: whether pictures are fetched from public http(s) addresses.
        """
        spec = ManifestExampleGenSpec(
            manifest=manifest,
            taxonomy_file=taxonomy,
            reduction_file=reduction,
            label_attribute=label_attribute,
            splits=json.dumps(dict(splits)),
            max_reject_share=float(max_reject_share),
            min_confidence=float(min_confidence),
            max_image_pixels=max_image_pixels,
            max_image_bytes=max_image_bytes,
            max_text_chars=max_text_chars,
            image_roots=json.dumps(list(image_roots)),
            allow_http=int(allow_http),
            content_digest=content_digest,
            spans=spans,
            code_digest=code_digest,
            examples=types.Channel(type=standard_artifacts.Examples),
            rejects=types.Channel(type=Rejects),
            taxonomy=types.Channel(type=Taxonomy),
        )
        super().__init__(spec=spec)
