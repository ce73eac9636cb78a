"""Compiles the graph for open-source Kubeflow Pipelines (spec 2.1) and for Vertex AI."""

import dataclasses
import json
from typing import Any

import yaml
from kfp.pipeline_spec import pipeline_spec_pb2
from tfx.dsl.components.base.base_component import BaseComponent
from tfx.orchestration.data_types import RuntimeParameter
from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner
from tfx.orchestration.kubeflow.v2.pipeline_builder import DEFAULT_IMAGE_PATH_KEY

from pipeline.config import Config, to_dict
from pipeline.kubeflow.destination import Destination, check_destination
from pipeline.kubeflow.input_check_task import add_input_check
from pipeline.kubeflow.lint import NEVER_CACHED
from pipeline.pipeline import Source, create_components, create_pipeline
from pipeline.settings import KubeflowConfig, Resources

ENTRYPOINT = ("python", "-m", "pipeline.kubeflow.entrypoint")
TRAINING_STEPS = ("Trainer", "Tuner")
"""A Tuner trains as the Trainer does, trial by trial, and needs what that needs."""

_ResourceSpec = pipeline_spec_pb2.PipelineDeploymentConfig.PipelineContainerSpec.ResourceSpec


def compile_pipeline(destination: Destination, config: Config) -> str:
    """The pipeline spec as YAML: the same bytes for the same arguments and the same code.

    For Kubeflow a second document holds what only Kubernetes knows: volumes and node selectors.

    Raises:
        InputError: see `check_destination`.
    """
    check_destination(destination, config)
    spec = _compiled_by_tfx(destination, config)
    add_input_check(spec, destination.image, config.drift.serving_logs, _own_weights(config))
    _set_defaults(spec, destination)
    for name, task in spec["root"]["dag"]["tasks"].items():
        task["cachingOptions"] = {} if name in NEVER_CACHED else {"enableCache": True}
        if retry := _retry_policy(config.kubeflow):
            task["retryPolicy"] = retry
    spec["defaultPipelineRoot"] = destination.root
    documents = [spec]
    if platform := _platform_spec(spec, config.kubeflow):
        documents.append(platform)
    return _header(spec, destination) + yaml.safe_dump_all(
        documents, sort_keys=True, width=100, allow_unicode=True
    )


def _own_weights(config: Config) -> str:
    """The settings that name weights files, which only the steps can read; "" without any."""
    training = config.training
    if not (training.image.backbone_weights or training.text.encoder_weights):
        return ""
    return json.dumps(to_dict(training), sort_keys=True)


def pipeline_name(model_name: str) -> str:
    """A name as Kubeflow takes it: lower-case letters, digits and dashes."""
    return model_name.lower().replace("_", "-")


def _compiled_by_tfx(destination: Destination, config: Config) -> dict[str, Any]:
    def parameter(name: str) -> RuntimeParameter:
        return RuntimeParameter(name=name, ptype=str)

    components = create_components(
        Source(
            manifest=parameter("manifest"),
            taxonomy=parameter("taxonomy"),
            label_attribute=config.data.label_attribute,
            content_digest=parameter("content_digest"),
            spans=parameter("spans"),
        ),
        config,
        serving_dir=parameter("serving_dir"),
        live_version=parameter("live_version"),
        start_digest=parameter("start_digest"),
        serving_logs_digest=parameter("serving_logs_digest"),
        weights_digest=parameter("weights_digest"),
    )
    _request_resources(components, config.kubeflow.trainer)
    named = dataclasses.replace(config, name=pipeline_name(config.name))
    graph = create_pipeline(
        components, named, root=destination.root, worker_image=destination.image
    )
    runner = kubeflow_v2_dag_runner.KubeflowV2DagRunner(
        kubeflow_v2_dag_runner.KubeflowV2DagRunnerConfig(
            default_image=_images(destination.image, config.kubeflow.trainer.image),
            default_commands=list(ENTRYPOINT),
            use_pipeline_spec_2_1=True,
        )
    )
    return runner.run(graph, write_out=False)["pipelineSpec"]


def _images(common: str, trainer: str) -> str | dict[str, str]:
    if not trainer:
        return common
    return {DEFAULT_IMAGE_PATH_KEY: common, **dict.fromkeys(TRAINING_STEPS, trainer)}


def _request_resources(components: list[BaseComponent], resources: Resources) -> None:
    spec = _ResourceSpec(
        cpu_request=resources.cpu_request,
        cpu_limit=resources.cpu_limit,
        memory_request=resources.memory_request_gb,
        memory_limit=resources.memory_limit_gb,
    )
    if resources.gpus:
        spec.accelerator.type = resources.gpu_type
        spec.accelerator.count = resources.gpus
    if not spec.ByteSize():
        return
    for component in components:
        if component.id in TRAINING_STEPS:
            component.with_platform_config(spec)


def _set_defaults(spec: dict[str, Any], destination: Destination) -> None:
    """TFX leaves the defaults of runtime parameters out of the spec."""
    for name, definition in spec["root"]["inputDefinitions"]["parameters"].items():
        definition["defaultValue"] = getattr(destination, name)
        definition["isOptional"] = True


def _retry_policy(kubeflow: KubeflowConfig) -> dict[str, Any]:
    if not kubeflow.retries:
        return {}
    return {
        "maxRetryCount": kubeflow.retries,
        "backoffDuration": f"{kubeflow.retry_wait_s}s",
        "backoffFactor": 2.0,
        "backoffMaxDuration": "3600s",
    }


def _platform_spec(spec: dict[str, Any], kubeflow: KubeflowConfig) -> dict[str, Any]:
    """Kubernetes' own settings by executor, in the form of Kubeflow's platform spec."""
    settings: dict[str, dict[str, Any]] = {}
    for task in spec["root"]["dag"]["tasks"]:
        executor = spec["components"][task]["executorLabel"]
        if kubeflow.volumes:
            settings.setdefault(executor, {})["pvcMount"] = [
                {"constant": claim, "mountPath": folder}
                for claim, folder in sorted(kubeflow.volumes.items())
            ]
        if task in TRAINING_STEPS and kubeflow.trainer.node_selector:
            labels = dict(kubeflow.trainer.node_selector)
            settings.setdefault(executor, {})["nodeSelector"] = {"labels": labels}
    if not settings:
        return {}
    return {"platforms": {"kubernetes": {"deploymentSpec": {"executors": settings}}}}


def _header(spec: dict[str, Any], destination: Destination) -> str:
    where = "Vertex AI" if destination.target == "vertex" else "Kubeflow Pipelines"
    parameters = ", ".join(sorted(spec["root"]["inputDefinitions"]["parameters"]))
    return (
        f"# Shelfsort, compiled for {where} (pipeline spec {spec['schemaVersion']}).\n"
        f"# Parameters of a run: {parameters}; and the pipeline root.\n"
    )
