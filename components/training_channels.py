"""What the Trainer and the Tuner both take."""

import json
from collections.abc import Mapping
from typing import Any

from tfx.proto import trainer_pb2
from tfx.types.channel import BaseChannel
from tfx.types.component_spec import ChannelParameter, ExecutionParameter

from components.artifacts import Taxonomy
from components.parameters import TextParameter

INPUTS = {"taxonomy": ChannelParameter(type=Taxonomy)}
"""Beside those of TFX's specifications."""
PARAMETERS = {"weights_digest": ExecutionParameter(type=str, optional=True)}
"""Beside those of TFX's specifications."""


def learning_from(
    examples: BaseChannel,
    transform_graph: BaseChannel,
    taxonomy: BaseChannel,
    custom_config: Mapping[str, Any],
    weights_digest: TextParameter,
    judged: str = "train",
) -> dict[str, Any]:
    """Arguments of both specifications.

    Args:
        examples: as ingested.
        transform_graph: Transform's graph.
        taxonomy: the category tree.
        custom_config: values that JSON can hold.
        weights_digest: of the weights files that settings name; "" for none.
        judged: split beside `train`. TFX wants one.
    """
    return {
        "examples": examples,
        "transform_graph": transform_graph,
        "taxonomy": taxonomy,
        "train_args": trainer_pb2.TrainArgs(splits=["train"]),  # type: ignore[attr-defined]
        "eval_args": trainer_pb2.EvalArgs(splits=[judged]),  # type: ignore[attr-defined]
        "custom_config": json.dumps(custom_config, sort_keys=True),
        "weights_digest": weights_digest,
    }
