"""Tuner: TFX's channels, with the category tree as one more input."""

from typing import Any

from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import channel, standard_artifacts
from tfx.types.standard_component_specs import TunerSpec as TfxTunerSpec

from components import training_channels
from components.parameters import TextParameter
from components.tuner.executor import Executor


class TunerSpec(TfxTunerSpec):
    """TFX's specification and the tree that categories are rolled up on."""

    INPUTS = {**TfxTunerSpec.INPUTS, **training_channels.INPUTS}  # noqa: RUF012 - TFX's form
    PARAMETERS = {**TfxTunerSpec.PARAMETERS, **training_channels.PARAMETERS}  # noqa: RUF012


class Tuner(base_beam_component.BaseBeamComponent):
    """Searches settings on a part of the training groups, by cross-fitted coverage.

    Component `outputs` contains:
      - `best_hyperparameters`: Channel of type `HyperParameters`, which the Trainer takes.
      - `tuner_results`: Channel of type `TunerResults`: all trials, `search.json`.
    """

    SPEC_CLASS = TunerSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self,
        examples: channel.BaseChannel,
        transform_graph: channel.BaseChannel,
        taxonomy: channel.BaseChannel,
        custom_config: dict[str, Any],
        weights_digest: TextParameter = "",
    ):
        """Wires the component. The search reads no other split than `train`.

        Args:
            examples: as ingested.
            transform_graph: Transform's graph.
            taxonomy: the category tree.
            custom_config: `training` and `tuning` (fields of TrainingConfig and TuningConfig),
                `targets`, and `code_digest`.
            weights_digest: of the weights files that `training` names; "" for none.
        """
        super().__init__(
            TunerSpec(
                **training_channels.learning_from(
                    examples, transform_graph, taxonomy, custom_config, weights_digest
                ),
                best_hyperparameters=channel.Channel(type=standard_artifacts.HyperParameters),
                tuner_results=channel.Channel(type=standard_artifacts.TunerResults),
            )
        )
