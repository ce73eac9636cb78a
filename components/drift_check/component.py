"""DriftCheck: how far are this run's products from those that the live model was trained on?"""

from typing import ClassVar

from pydantic import TypeAdapter
from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from components.artifacts import DataDrift, Taxonomy
from components.drift_check.executor import Executor
from components.drift_check.settings import DriftConfig
from components.parameters import TextParameter


class DriftCheckSpec(component_spec.ComponentSpec):
    """Channels and execution properties of DriftCheck."""

    PARAMETERS: ClassVar = {
        "settings": component_spec.ExecutionParameter(type=str),
        "serving_logs_digest": component_spec.ExecutionParameter(type=str),
        "code_digest": component_spec.ExecutionParameter(type=str, optional=True),
    }
    INPUTS: ClassVar = {
        "examples": component_spec.ChannelParameter(type=standard_artifacts.Examples),
        "taxonomy": component_spec.ChannelParameter(type=Taxonomy),
        "baseline_model": component_spec.ChannelParameter(type=standard_artifacts.Model),
    }
    OUTPUTS: ClassVar = {"drift": component_spec.ChannelParameter(type=DataDrift)}


class DriftCheck(base_beam_component.BaseBeamComponent):
    """Writes `drift.json` and `training_statistics.pb` into its `drift` output.

    What has drifted stops nothing here: the Evaluator's gate refuses the model, and the Pusher
    ships the statistics with the next one. Kubeflow cannot run the Resolver that would hand an
    earlier run's statistics to TFDV, so they come with the live model.
    """

    SPEC_CLASS = DriftCheckSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        taxonomy: types.BaseChannel,
        baseline_model: types.BaseChannel,
        settings: DriftConfig,
        serving_logs_digest: TextParameter = "",
        code_digest: str | None = None,
    ):
        """Wires the component.

        Args:
            examples: with the split `train`.
            taxonomy: the tree that the examples are labelled with.
            baseline_model: BaselineModel's: the live model, or word that there is none.
            settings: what counts as drift, and where serving logs lie.
            serving_logs_digest: of those logs as they are when the run begins, so that a cached
                comparison is not used once there are others; "" for none.
            code_digest: changes with the code, so that results of older code are not reused.
        """
        super().__init__(
            DriftCheckSpec(
                examples=examples,
                taxonomy=taxonomy,
                baseline_model=baseline_model,
                settings=TypeAdapter(DriftConfig).dump_json(settings).decode(),
                serving_logs_digest=serving_logs_digest,
                code_digest=code_digest,
                drift=types.Channel(type=DataDrift),
            )
        )
