"""The served model's inputs, outputs and signatures, in one table for each choice of targets.

Training builds the graph from it, ServingCheck compares an exported model with it, the Evaluator
and the client read outputs by it. Types go by TensorFlow's names for them.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shelfsort.contract.modalities import MODALITIES, output_name
from shelfsort.contract.targets import accepted, parent_accepted

STRING, FLOAT, INT64, BOOL = "string", "float32", "int64", "bool"

NO_PRICE = -1.0
"""The price of a product without one."""

UNKNOWN_SCORE = "unknown_score"

TOP = 5
"""Categories in a ranking; the places that a smaller tree leaves empty hold "" and 0."""


@dataclass(frozen=True)
class Input:
    """One input of `predict_raw`, and one feature of the tf.Examples that the others take.

    Attributes:
        name: of the input.
        dtype: of its values, one a product.
        absent: the value of a product without it.
        modality: `text` or `image`, which is answered from it.
    """

    name: str
    dtype: str
    absent: bytes | float
    modality: str

    def value_in(self, example: Any) -> bytes | float:
        """The value of a parsed tf.Example; `absent` where it has none."""
        feature = example.features.feature
        if self.name not in feature:
            return self.absent
        kind = "bytes_list" if self.dtype == STRING else "float_list"
        values = getattr(feature[self.name], kind).value
        return values[0] if values else self.absent


@dataclass(frozen=True)
class Output:
    """One output of `evaluate`, where every modality has it.

    Attributes:
        name: of the output in the modality `combined`.
        dtype: of its values.
        is_ranking: of shape (products, TOP); others are of shape (products,).
        for_clients: `serving_default` and `predict_raw` return it too.
        is_decision: depends on whether a score reaches a threshold.
        is_new: models of version 0.1 do not have it.
    """

    name: str
    dtype: str
    is_ranking: bool = False
    for_clients: bool = True
    is_decision: bool = False
    is_new: bool = False


@dataclass(frozen=True)
class Signature:
    """Inputs and outputs of a signature: types by name."""

    inputs: Mapping[str, str]
    outputs: Mapping[str, str]


INPUTS = (
    Input("title", STRING, b"", "text"),
    Input("description", STRING, b"", "text"),
    Input("image", STRING, b"", "image"),
    Input("price", FLOAT, NO_PRICE, "text"),
)
INPUT_NAMES = tuple(each.name for each in INPUTS)
WORDS = ("title", "description")
"""Inputs that hold words."""


@functools.cache
def outputs(targets: tuple[float, ...]) -> tuple[Output, ...]:
    """The outputs of a model with these targets."""
    return (
        Output("category", STRING),
        Output("category_path", STRING),
        Output("score", FLOAT),
        Output(UNKNOWN_SCORE, FLOAT, is_new=True),
        *(Output(accepted(target), BOOL, is_decision=True) for target in targets),
        Output("answer", STRING, is_decision=True),
        Output("answer_level", INT64, is_decision=True),
        Output("top_categories", STRING, is_ranking=True),
        Output("top_scores", FLOAT, is_ranking=True),
        Output("threshold_version", STRING),
        Output("parent", STRING, for_clients=False),
        Output("parent_score", FLOAT, for_clients=False),
        *(
            Output(parent_accepted(target), BOOL, for_clients=False, is_decision=True)
            for target in targets
        ),
    )


def client_outputs(targets: tuple[float, ...]) -> tuple[Output, ...]:
    """Those of `outputs` that a client gets."""
    return tuple(each for each in outputs(targets) if each.for_clients)


SERVING_DEFAULT = "serving_default"
PREDICT_RAW = "predict_raw"
CLASSIFY = "classify"
EVALUATE = "evaluate"
TRANSFORM_FEATURES = "transform_features"
"""Transform's features: its outputs are those of the tree and settings, so no contract."""

INPUTS_OF: Mapping[str, Mapping[str, str]] = {
    SERVING_DEFAULT: {"examples": STRING},
    PREDICT_RAW: {each.name: each.dtype for each in INPUTS},
    CLASSIFY: {"inputs": STRING},
    EVALUATE: {"examples": STRING},
}
"""The inputs of each signature: types by name."""


def signatures(targets: tuple[float, ...]) -> dict[str, Signature]:
    """The signatures of a model with these targets, by name."""
    prediction = {each.name: each.dtype for each in client_outputs(targets)}
    evaluation = {
        output_name(modality, each.name): each.dtype
        for modality in MODALITIES
        for each in outputs(targets)
    }
    returned: Mapping[str, Mapping[str, str]] = {
        SERVING_DEFAULT: prediction,
        PREDICT_RAW: prediction,
        CLASSIFY: {"classes": STRING, "scores": FLOAT},
        EVALUATE: evaluation,
    }
    return {name: Signature(inputs, returned[name]) for name, inputs in INPUTS_OF.items()}
