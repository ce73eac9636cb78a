"""Trainer: TFX's own, with the category tree as one more input."""

import json
from typing import Any

from tfx.dsl.components.base import base_component, executor_spec
from tfx.proto import trainer_pb2
from tfx.types import channel, standard_artifacts
from tfx.types.component_spec import ChannelParameter
from tfx.types.standard_component_specs import TrainerSpec as TfxTrainerSpec

from components.artifacts import Taxonomy
from components.trainer.executor import Executor
from shelfsort.contract.calibration import CALIBRATION_SPLIT

RUN_FN = "components.trainer.module.run_fn"


class TrainerSpec(TfxTrainerSpec):
    """TFX's specification and the tree that the served answers need."""

    INPUTS = {  # noqa: RUF012 - TFX's form
        **TfxTrainerSpec.INPUTS,
        "taxonomy": ChannelParameter(type=Taxonomy),
    }


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
            calibration_split: whether the examples have a split `calibration`.
        """
        super().__init__(
            TrainerSpec(
                examples=examples,
                transform_graph=transform_graph,
                taxonomy=taxonomy,
                base_model=base_model,
                hyperparameters=hyperparameters,
                run_fn=RUN_FN,
                train_args=trainer_pb2.TrainArgs(splits=["train"]),
                # TFX wants a split here. Without one of its own, thresholds need no further files.
                eval_args=trainer_pb2.EvalArgs(
                    splits=[CALIBRATION_SPLIT if calibration_split else "train"]
                ),
                custom_config=json.dumps(custom_config, sort_keys=True),
                model=channel.Channel(type=standard_artifacts.Model),
                model_run=channel.Channel(type=standard_artifacts.ModelRun),
            )
        )
