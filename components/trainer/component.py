"""Trainer: TFX's own, with the category tree as one more input."""

from typing import Any

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import channel, standard_artifacts
from tfx.types.standard_component_specs import TrainerSpec as TfxTrainerSpec

from components import training_channels
from components.parameters import TextParameter
from components.trainer.executor import Executor
from shelfsort.contract.calibration import CALIBRATION_SPLIT

RUN_FN = "components.trainer.module.run_fn"


class TrainerSpec(TfxTrainerSpec):
    """TFX's specification and the tree that the served answers need."""

    INPUTS = {**TfxTrainerSpec.INPUTS, **training_channels.INPUTS}  # noqa: RUF012 - TFX's form
    PARAMETERS = {**TfxTrainerSpec.PARAMETERS, **training_channels.PARAMETERS}  # noqa: RUF012


class Trainer(base_component.BaseComponent):
    """Trains on `train`, fits thresholds, and exports the served model.

    Thresholds are fitted on the cross-fitted predictions of `train`, or on the split `calibration`.
    """

    SPEC_CLASS = TrainerSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        examples: channel.BaseChannel,
        transform_graph: channel.BaseChannel,
        taxonomy: channel.BaseChannel,
        custom_config: dict[str, Any],
        base_model: channel.BaseChannel | None = None,
        hyperparameters: channel.BaseChannel | None = None,
        weights_digest: TextParameter = "",
        *,
        calibration_split: bool = False,
    ):
        """Wires the component.

        Args:
            examples: as ingested: pictures are embedded from them, words put through Transform's
                graph, the first ones become warm-up requests, and what they were made from goes
                into the model's lineage.
            transform_graph: Transform's graph.
            taxonomy: the category tree.
            custom_config: see `components.trainer.module.run_fn`.
            base_model: the live model, for `training.fit.warm_start`.
            hyperparameters: settings that a search has found, in place of those configured.
            weights_digest: of the weights files that `training` names; "" for none.
            calibration_split: whether the examples have a split `calibration`.
        """
        super().__init__(
            TrainerSpec(
                # Without a split of their own, thresholds need the files of `train` only.
                **training_channels.learning_from(
                    examples,
                    transform_graph,
                    taxonomy,
                    custom_config,
                    weights_digest,
                    judged=CALIBRATION_SPLIT if calibration_split else "train",
                ),
                base_model=base_model,
                hyperparameters=hyperparameters,
                run_fn=RUN_FN,
                model=channel.Channel(type=standard_artifacts.Model),
                model_run=channel.Channel(type=standard_artifacts.ModelRun),
            )
        )
