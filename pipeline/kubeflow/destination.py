"""Where and from what a compiled pipeline runs, checked before anything is compiled."""

import dataclasses
import re
from collections.abc import Iterator

from pipeline.config import Config
from pipeline.locations import check_location, check_root
from pipeline.settings import KubeflowConfig
from shelfsort.core.errors import InputError
from shelfsort.core.storage import scheme

_BY_DIGEST = re.compile(r"[^\s@]+@sha256:[0-9a-f]{64}")


@dataclasses.dataclass(frozen=True)
class Destination:
    """Where and from what the compiled pipeline runs.

    Attributes:
        target: `kubeflow` or `vertex`.
        image: of every step, by digest: the cache goes by it.
        root: folder or address beneath which artifacts are written; may be replaced at a run.
        manifest, taxonomy: defaults of the run's parameters; "" for a tree that is built from the
            labels.
        serving_dir: default of the parameter: the model's base path `…/serving/<name>`.
        content_digest: of the input; "" where it is not known, and the run then looks for itself.
        spans: JSON object: the manifest's files that the digest is of, and the lines of each.
    """

    target: str
    image: str
    root: str
    manifest: str
    taxonomy: str
    serving_dir: str
    content_digest: str = ""
    spans: str = "[]"


def check_destination(destination: Destination, config: Config) -> None:
    """Refuses what the target cannot run.

    Raises:
        InputError: an image is not named by digest, a location is none that steps can open, or a
            setting is none that the target has.
    """
    kubeflow, target = config.kubeflow, destination.target
    for what, image in (
        ("--image", destination.image),
        ("kubeflow.trainer.image", kubeflow.trainer.image),
    ):
        if image:
            check_image(what, image)
    mounts = kubeflow.volumes.values()
    check_root("--root", destination.root, target, mounts)
    for what, location in (*_given_places(destination), *_configured_places(config)):
        check_location(what, location, target, mounts)
    _check_gpu_type(kubeflow, target)
    _check_tuning_gpus(config)
    if target == "vertex":
        _refuse_kubernetes_only(kubeflow)


def check_image(what: str, image: str) -> None:
    """Refuses an image that is not named by digest. Raises InputError with `what` in front."""
    if not _BY_DIGEST.fullmatch(image):
        raise InputError(
            f"{what}: {image!r} is not named by digest, so a cache could answer for another "
            "image. Give NAME@sha256:<64 hex digits>."
        )


def _given_places(destination: Destination) -> Iterator[tuple[str, str]]:
    yield "--manifest", destination.manifest
    if destination.taxonomy:
        yield "--taxonomy", destination.taxonomy
    yield "--serving", destination.serving_dir


def _configured_places(config: Config) -> Iterator[tuple[str, str]]:
    """Files and folders that settings name: the steps will look for them in their container."""
    cache = config.training.image.embedding_cache
    if scheme(cache):
        raise InputError(
            f"training.image.embedding_cache: {cache!r} is no folder. Give one on a volume, or "
            "leave it out."
        )
    named = {
        "data.reduction": config.data.reduction,
        "data.scores": config.data.scores,
        "drift.serving_logs": config.drift.serving_logs,
        "training.image.embedding_cache": cache,
        "training.image.backbone_weights": config.training.image.backbone_weights,
        "training.text.encoder_weights": config.training.text.encoder_weights,
    }
    yield from ((key, place) for key, place in named.items() if place)
    yield from (("data.image_roots", root) for root in config.data.image_roots)


def _check_gpu_type(kubeflow: KubeflowConfig, target: str) -> None:
    trainer = kubeflow.trainer
    if trainer.gpus and ("/" in trainer.gpu_type) != (target == "kubeflow"):
        example = "nvidia.com/gpu" if target == "kubeflow" else "NVIDIA_TESLA_T4"
        raise InputError(
            f"kubeflow.trainer.gpu_type: {target} has no {trainer.gpu_type!r}. "
            f"Give one such as {example}."
        )


def _check_tuning_gpus(config: Config) -> None:
    given = config.kubeflow.trainer.gpus
    for name in ("image", "text"):
        tuning = getattr(config.training, name).fine_tuning
        if tuning.layers != "none" and tuning.gpus > given:
            raise InputError(
                f"training.{name}.fine_tuning.gpus: {tuning.gpus} wanted, and "
                f"kubeflow.trainer.gpus is {given}. Give the training step as many."
            )


def _refuse_kubernetes_only(kubeflow: KubeflowConfig) -> None:
    for key, value in (
        ("volumes", kubeflow.volumes),
        ("trainer.node_selector", kubeflow.trainer.node_selector),
    ):
        if value:
            raise InputError(f"kubeflow.{key}: Vertex AI has none. Remove the setting.")
