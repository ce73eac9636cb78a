"""Closes the gap between what Kubeflow's launcher hands a step and what TFX's entrypoint expects.

Open-source Kubeflow Pipelines names an input artifact's type by an empty schema, KFP's local runner
by a title of its own. Kubeflow Pipelines also keeps
artifacts in `minio://` and `s3://` stores, which its launcher copies to and from local folders.
TFX reads the type from the schema and opens the addresses themselves, and fails at both:
https://github.com/tensorflow/tfx/issues/7768
"""

import dataclasses
import posixpath
from collections.abc import Iterable

from kfp.pipeline_spec import pipeline_spec_pb2

from pipeline.locations import STAGED_SCHEMES
from shelfsort.core.storage import scheme

ExecutorInput = pipeline_spec_pb2.ExecutorInput
ExecutorOutput = pipeline_spec_pb2.ExecutorOutput
ComponentInputsSpec = pipeline_spec_pb2.ComponentInputsSpec
RuntimeArtifact = pipeline_spec_pb2.RuntimeArtifact


def fill_types(executor_input: ExecutorInput, inputs_spec: ComponentInputsSpec) -> None:
    """Gives input artifacts that came without a type the one that their component declares."""
    for key, given in executor_input.inputs.artifacts.items():
        declared = (
            inputs_spec.artifacts[key].artifact_type if key in inputs_spec.artifacts else None
        )
        for artifact in given.artifacts:
            if declared is not None and not _is_typed(artifact):
                artifact.type.CopyFrom(declared)


@dataclasses.dataclass(frozen=True)
class StagedStores:
    """Addresses in stores that the launcher copies, and the local paths that it copies them to.

    Attributes:
        root: folder beneath which the launcher's `minio` and `s3` folders lie.
    """

    root: str = "/"

    def local(self, uri: str) -> str:
        """The local path of an address; paths and other addresses stay as they are."""
        store = scheme(uri)
        if store not in STAGED_SCHEMES:
            return uri
        return posixpath.join(self.root, store, uri[len(store) + len("://") :])

    def localize(self, executor_input: ExecutorInput) -> dict[str, str]:
        """Puts local paths in place of staged addresses.

        Returns:
            Local path to address, of the output artifacts that had one.
        """
        for artifact in _artifacts(executor_input.inputs.artifacts.values()):
            artifact.uri = self.local(artifact.uri)
        addresses = {}
        for artifact in _artifacts(executor_input.outputs.artifacts.values()):
            local = self.local(artifact.uri)
            if local != artifact.uri:
                addresses[local] = artifact.uri
                artifact.uri = local
        output_file = executor_input.outputs.output_file
        executor_input.outputs.output_file = self.local(output_file)
        return addresses


def local_outputs(executor_input: ExecutorInput) -> list[str]:
    """Paths of the output artifacts that lie in the local file system."""
    uris = [artifact.uri for artifact in _artifacts(executor_input.outputs.artifacts.values())]
    return [uri for uri in uris if uri.startswith("/")]


def restore_addresses(output: ExecutorOutput, addresses: dict[str, str]) -> None:
    """Gives output artifacts back the addresses that `StagedStores.localize` took."""
    for artifact in _artifacts(output.artifacts.values()):
        artifact.uri = addresses.get(artifact.uri, artifact.uri)


def _is_typed(artifact: RuntimeArtifact) -> bool:
    """Whether an artifact names a type of TFX's; `system.Artifact` and the like are KFP's own."""
    kind = artifact.type.WhichOneof("kind")
    name = getattr(artifact.type, kind).strip() if kind is not None else ""
    return bool(name) and not (kind == "schema_title" and name.startswith("system."))


def _artifacts(
    lists: Iterable[pipeline_spec_pb2.ArtifactList],
) -> Iterable[RuntimeArtifact]:
    return (artifact for each in lists for artifact in each.artifacts)
