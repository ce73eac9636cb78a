"""What can be set about a cluster; the pipeline's configuration embeds this as `kubeflow`."""

import dataclasses
from typing import Annotated

from pydantic import Field

Amount = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]
MountPath = Annotated[str, Field(pattern=r"^/[^:]+$")]


@dataclasses.dataclass(frozen=True)
class Resources:
    """What a step asks of the cluster; 0 and empty leave it to the cluster.

    Attributes:
        cpu_request, cpu_limit: virtual CPUs.
        memory_request_gb, memory_limit_gb: in GB.
        gpus: how many accelerators.
        gpu_type: resource name on Kubernetes (`nvidia.com/gpu`), machine's on Vertex AI
            (`NVIDIA_TESLA_T4`).
        node_selector: labels of the nodes that may run it; Kubernetes only.
        image: another image for this step, by digest, e.g. one with CUDA; empty for the common one.
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
    """How the compiled pipeline runs.

    Attributes:
        trainer: what training asks of the cluster, a Tuner's trials among it; every other step
            takes the cluster's defaults.
        volumes: persistent volume claims that every step mounts, claim name to folder.
        retries: how often a failed step is tried again.
        retry_wait_s: seconds before the first retry; doubled for each further one.
    """

    trainer: Resources = Resources()
    volumes: dict[str, MountPath] = dataclasses.field(default_factory=dict)
    retries: Count = 2
    retry_wait_s: Count = 30
