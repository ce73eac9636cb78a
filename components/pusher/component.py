"""Pusher: puts a model live that the Evaluator and ServingCheck have both blessed."""

from typing import ClassVar

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from components.artifacts import DataDrift
from components.parameters import TextParameter
from components.pusher import executor


class PusherSpec(component_spec.ComponentSpec):
    """Channels and execution properties of the Pusher."""

    PARAMETERS: ClassVar = {
        "serving_dir": component_spec.ExecutionParameter(type=str),
        "model_name": component_spec.ExecutionParameter(type=str),
        "approved_by": component_spec.ExecutionParameter(type=str),
        "code_digest": component_spec.ExecutionParameter(type=str, optional=True),
    }
    INPUTS: ClassVar = {
        "model": component_spec.ChannelParameter(type=standard_artifacts.Model),
        "model_blessing": component_spec.ChannelParameter(type=standard_artifacts.ModelBlessing),
        "infra_blessing": component_spec.ChannelParameter(type=standard_artifacts.InfraBlessing),
        "evaluation": component_spec.ChannelParameter(type=standard_artifacts.ModelEvaluation),
        "drift": component_spec.ChannelParameter(type=DataDrift),
    }
    OUTPUTS: ClassVar = {
        "pushed_model": component_spec.ChannelParameter(type=standard_artifacts.PushedModel),
    }


class Pusher(base_component.BaseComponent):
    """Publishes the model as the next version, with its lineage, or says why not.

    The `pushed_model` holds `push.json`: whether it was pushed, as which version and where, or the
    reasons against it. TFX's custom properties `pushed`, `pushed_version` and
    `pushed_destination` are set as well. A model that is live already is not pushed again.
    """

    SPEC_CLASS = PusherSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        model: types.BaseChannel,
        model_blessing: types.BaseChannel,
        infra_blessing: types.BaseChannel,
        evaluation: types.BaseChannel,
        drift: types.BaseChannel,
        serving_dir: TextParameter,
        model_name: str,
        approved_by: str = "",
        code_digest: str | None = None,
    ):
        """Wires the component.

        Args:
            model: the Trainer's model.
            model_blessing: the Evaluator's verdict.
            infra_blessing: ServingCheck's verdict.
            evaluation: where `metrics.json` and `verdict.json` are.
            drift: DriftCheck's, whose training statistics go with the model, so that the next
                run can be compared with this one.
            serving_dir: the model's base path `…/serving/<name>`, a folder or a URI.
            model_name: the name that the model is served under.
            approved_by: who approved the push, for the lineage; "" for nobody.
            code_digest: changes with the code, so that results of older code are not reused.
        """
        super().__init__(
            PusherSpec(
                model=model,
                model_blessing=model_blessing,
                infra_blessing=infra_blessing,
                evaluation=evaluation,
                drift=drift,
                serving_dir=serving_dir,
                model_name=model_name,
                approved_by=approved_by,
                code_digest=code_digest,
                pushed_model=types.Channel(type=standard_artifacts.PushedModel),
            )
        )
