"""What can be set about runners and clusters; the configuration embeds this."""

import dataclasses
from typing import Annotated, Literal

from pydantic import Field

Amount = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]
MountPath = Annotated[str, Field(pattern=r"^/[^:]+$")]
BeamComponent = Literal[
    "ManifestExampleGen", "StatisticsGen", "Transform", "DriftCheck", "Tuner", "Evaluator"
]


@dataclasses.dataclass(frozen=True)
class BeamConfig:
    """Apache Beam: where the components that read all products run, and the trials of a search.

    Attributes:
        args: Beam's pipeline options, e.g. `--runner=FlinkRunner`.
        components: Pipeline options of single components, in place of `args`.
    """

    args: tuple[str, ...] = ("--runner=DirectRunner", "--direct_num_workers=1")
    components: dict[BeamComponent, tuple[str, ...]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Resources:
    """Resources of the training step, and of a Tuner's trials; other steps have the defaults.

    0 and empty leave a resource to the cluster.

    Attributes:
        cpu_request: Requested virtual CPUs.
        cpu_limit: Maximum virtual CPUs.
        memory_request_gb: Requested memory in GB.
        memory_limit_gb: Maximum memory in GB.
        gpus: Number of accelerators.
        gpu_type: Kind of accelerator: a resource name on Kubernetes (`nvidia.com/gpu`), a machine's
            name on Vertex AI (`NVIDIA_TESLA_T4`).
        node_selector: Labels of the nodes that may run the step. Kubernetes only.
        image: Container image of the step by digest, e.g. one with CUDA. Empty for the image of all
            steps.
    """

    cpu_request: Amount = 0
    cpu_limit: Amount = 0
    memory_request_gb: Amount = 0
    memory_limit_gb: Amount = 0
    gpus: Count = 0
    gpu_type: str = "nvidia.com/gpu"
    node_selector: dict[str, str] = dataclasses.field(default_factory=dict)
    image: str = ""


@dataclasses.dataclass(frozen=True)
class KubeflowConfig:
    """Kubeflow Pipelines and Vertex AI: how the compiled pipeline runs.

    Attributes:
        volumes: Persistent volume claims that every step mounts: folder by claim name. Kubernetes
            only.
        retries: Number of times that a failed step is tried again.
        retry_wait_s: Seconds before the first retry. Each further wait is twice as long.
    """

    trainer: Resources = Resources()
    volumes: dict[str, MountPath] = dataclasses.field(default_factory=dict)
    retries: Count = 2
    retry_wait_s: Count = 30
