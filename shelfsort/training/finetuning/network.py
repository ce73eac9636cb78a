"""The network in tuning: a copy of the backbone with a classifier, and its last blocks alone."""

import dataclasses
import math
from collections.abc import Callable, Mapping

import keras
import numpy as np

from shelfsort.core.errors import InputError
from shelfsort.training.backbones import Backbone, load_backbone
from shelfsort.training.finetuning.devices import compiled_steps, in_precision
from shelfsort.training.settings import ImageConfig

CLASSIFIER = "tuning_classifier"
DROPOUT = 0.2
_SETTING = "training.image.fine_tuning.from_layer"


@dataclasses.dataclass(frozen=True)
class TuningNetwork:
    """A copy of the backbone, cut in two, with a classifier on top.

    Attributes:
        backbone: (n, size, size, 3) float32 pixels → (n, embedding).
        front: the same pixels → (n, ...) feature maps where the last blocks begin.
        last: feature maps → (n, K) logits.
        whole: pixels → (n, K) logits, of the same layers.
    """

    backbone: keras.Model
    front: keras.Model
    last: keras.Model
    whole: keras.Model

    @classmethod
    def of(
        cls,
        backbone: Backbone,
        from_layer: str,
        classifier: tuple[np.ndarray, np.ndarray],
        precision: str = "float32",
        seed: int = 0,
    ) -> "TuningNetwork":
        """Copies the backbone; batch norms keep their statistics, and are not trained.

        Args:
            backbone: to be tuned; it stays as it is.
            from_layer: name of the layer after which the last blocks begin; "" for its own.
            classifier: (embedding, K) kernel and (K,) bias to start from.
            precision: that layers compute in.
            seed: of dropout.

        Raises:
            InputError: it has no such layer, or something passes the layer by.
        """
        copy = in_precision(backbone.model, precision)
        for layer in copy.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.trainable = False
        front, rest = _cut(copy, from_layer or backbone.last_blocks_after, backbone)
        kernel, bias = classifier
        dropout = keras.layers.Dropout(DROPOUT, seed=seed, name="tuning_dropout")
        dense = keras.layers.Dense(kernel.shape[1], dtype="float32", name=CLASSIFIER)
        maps = keras.Input(front.outputs[0].shape[1:], name="feature_maps", dtype="float32")
        last = keras.Model(maps, dense(dropout(rest(maps))), name="last_blocks")
        dense.set_weights([kernel, bias])
        whole = keras.Model(copy.inputs[0], dense(dropout(copy.outputs[0])), name="all_layers")
        return cls(copy, front, last, whole)


def require_layer(config: ImageConfig) -> None:
    """Refuses a backbone that cannot be cut where the settings say.

    Raises:
        InputError: the backbone is to be tuned, and has no such layer, or no weights.
    """
    name = config.fine_tuning.from_layer
    if config.fine_tuning.layers != "none" and name:
        backbone = load_backbone(config.backbone, config.backbone_weights, config.image_size)
        _cut(backbone.model, name, backbone)


def _cut(model: keras.Model, name: str, backbone: Backbone) -> tuple[keras.Model, keras.Model]:
    try:
        border = model.get_layer(name).output
        return keras.Model(model.inputs[0], border), keras.Model(border, model.outputs[0])
    except (ValueError, KeyError, AttributeError):
        names = [layer.name for layer in model.layers]
        if name == names[-1]:
            why = "no layer comes after it"
        else:
            why = "other layers pass it by" if name in names else "there is no such layer"
        raise InputError(
            f"{_SETTING}: {backbone.name} cannot be cut after {name!r}: {why}. Leave it empty, or "
            f"name the last layer of a block, such as {backbone.last_blocks_after!r}."
        ) from None


def forward(model: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    """Returns batch → outputs of a model in inference, under any backend; compiles the model."""
    model.compile(jit_compile=compiled_steps())
    return model.predict_on_batch


def rate_shares(model: keras.Model, first: float) -> Mapping[str, float]:
    """By path of a trained variable, the share of the learning rate that it has.

    Layers have rates of their own, the later the higher: Howard & Ruder, "Universal language model
    fine-tuning for text classification", ACL 2018. Between the first and the last layer with
    weights the shares rise geometrically with the layer's place.

    Args:
        model: a functional model, or one around others.
        first: share of the first layer, in (0, 1]; the last one's is 1.
    """
    layers = [layer for layer in flat_layers(model) if layer.trainable_variables]
    steps = max(len(layers) - 1, 1)
    return {
        variable.path: math.exp(math.log(first) * (1 - place / steps))
        for place, layer in enumerate(layers)
        for variable in layer.trainable_variables
    }


def flat_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """The layers of a model, those of models within it in their place."""
    found: list[keras.layers.Layer] = []
    for layer in model.layers:
        found += flat_layers(layer) if isinstance(layer, keras.Model) else [layer]
    return found
