"""Tuner: TFX's channels, with the category tree as one more input."""

import json
from typing import Any

from tfx.dsl.components.base import base_component, executor_spec
from tfx.proto import trainer_pb2
from tfx.types import channel, standard_artifacts
from tfx.types.component_spec import ChannelParameter
from tfx.types.standard_component_specs import TunerSpec as TfxTunerSpec

from components.artifacts import Taxonomy
from components.tuner.executor import Executor


class TunerSpec(TfxTunerSpec):
    """TFX's specification and the tree that categories are rolled up on."""

    INPUTS = {  # noqa: RUF012 - TFX's form
        **TfxTunerSpec.INPUTS,
        "taxonomy": ChannelParameter(type=Taxonomy),
    }


class Tuner(base_component.BaseComponent):
    """Searches settings on a part of the training groups, by cross-fitted coverage.

    Component `outputs` contains:
      - `best_hyperparameters`: Channel of type `HyperParameters`, which the Trainer takes.
      - `tuner_results`: Channel of type `TunerResults`: all trials, `search.json`.
    """

    SPEC_CLASS = TunerSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        examples: channel.BaseChannel,
        transform_graph: channel.BaseChannel,
        taxonomy: channel.BaseChannel,
        custom_config: dict[str, Any],
    ):
        """Wires the component.

        Args:
            examples: as ingested.
            transform_graph: Transform's graph.
            taxonomy: the category tree.
            custom_config: `training` and `tuning` (fields of TrainingConfig and TuningConfig),
                `targets`, and `code_digest`.
        """
        super().__init__(
            TunerSpec(
                examples=examples,
                transform_graph=transform_graph,
                taxonomy=taxonomy,
                train_args=trainer_pb2.TrainArgs(splits=["train"]),  # type: ignore[attr-defined]
                # TFX wants a split here. The search reads no other one than `train`.
                eval_args=trainer_pb2.EvalArgs(splits=["train"]),  # type: ignore[attr-defined]
                custom_config=json.dumps(custom_config, sort_keys=True),
                best_hyperparameters=channel.Channel(type=standard_artifacts.HyperParameters),
                tuner_results=channel.Channel(type=standard_artifacts.TunerResults),
            )
        )
