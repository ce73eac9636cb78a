"""EfficientNet-Lite in Keras 3, for inference and fine-tuning, with batch norms folded away.

Architecture and weight names: EfficientNet-Lite (squeeze-and-excite removed, ReLU6, fixed stem
and head), https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite.
"""

import dataclasses
import math
import pickle

import keras
import numpy as np

from shelfsort.core.errors import InputError
from shelfsort.training.torch_weights import read_state_dict
from shelfsort.training.weights import Weights

EMBEDDING_SIZE = 1280
_BATCH_NORM_EPSILON = 1e-3
# (repeats, kernel, stride, expansion, filters out) of each group of blocks.
_GROUPS = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


@dataclasses.dataclass(frozen=True)
class Scale:
    """How much larger a network of the family is than Lite0.

    Attributes:
        width: factor of the number of filters.
        depth: factor of the number of blocks in a group. The first and the last group keep theirs.
        image_size: side of the square input, in pixels.
    """

    width: float
    depth: float
    image_size: int

    def filters(self, filters: int) -> int:
        """Filters of a block, a multiple of 8 that is not below 90 % of what the factor gives."""
        wanted = filters * self.width
        rounded = max(8, int(wanted + 4) // 8 * 8)
        return rounded if rounded >= 0.9 * wanted else rounded + 8

    def repeats(self, group: int) -> int:
        repeats = _GROUPS[group][0]
        return repeats if group in (0, len(_GROUPS) - 1) else math.ceil(repeats * self.depth)


SCALES = {
    "efficientnet_lite0": Scale(1.0, 1.0, 224),
    "efficientnet_lite1": Scale(1.0, 1.1, 240),
    "efficientnet_lite2": Scale(1.1, 1.2, 260),
}


def last_blocks_after(name: str) -> str:
    """Name of the layer before the last two groups of blocks, which have the lowest resolution."""
    scale = SCALES[name]
    return f"block{sum(map(scale.repeats, range(len(_GROUPS) - 2))) - 1}_add"


def build(name: str = "efficientnet_lite0") -> keras.Model:
    """Returns (n, image_size, image_size, 3) pixels in 0..255 → (n, 1280) embeddings, untrained."""
    scale = SCALES[name]
    pixels = keras.Input((scale.image_size, scale.image_size, 3), name="pixels")
    x = keras.layers.Rescaling(1 / 128, offset=-127 / 128, name="normalise")(pixels)
    x = _relu6(_conv(x, 32, 3, 2, "stem"), "stem")
    index = 0
    for group, (_, kernel, stride, expansion, filters) in enumerate(_GROUPS):
        for repeat in range(scale.repeats(group)):
            first = repeat == 0
            x = _block(x, index, kernel, stride if first else 1, expansion, scale.filters(filters))
            index += 1
    x = _relu6(_conv(x, EMBEDDING_SIZE, 1, 1, "head"), "head")
    x = keras.layers.GlobalAveragePooling2D(name="embedding")(x)
    return keras.Model(pixels, x, name=name)


def load_pretrained(name: str, weights: Weights) -> keras.Model:
    """Returns `build()` with ImageNet weights, batch norms folded into the kernels.

    Raises:
        InputError: the weights are not a checkpoint of this network.
    """
    model = build(name)
    state = _state(name, weights)
    for layer in model.layers:
        if isinstance(layer, (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)):
            try:
                layer.set_weights(_folded(state, layer))
            except (KeyError, ValueError):
                raise InputError(
                    f"{weights.place}: its weights do not fit {layer.name} of {name}."
                ) from None
    return model


def classifier_weights(name: str, weights: Weights) -> tuple[np.ndarray, np.ndarray]:
    """Kernel (1280, 1000) and bias (1000,) of the ImageNet classifier on top of the embedding."""
    state = _state(name, weights)
    return state["_fc.weight"].T, state["_fc.bias"]


def _state(name: str, weights: Weights) -> dict[str, np.ndarray]:
    (content,) = weights.contents.values()
    try:
        return read_state_dict(content)
    except (pickle.UnpicklingError, EOFError, IndexError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{weights.place}: holds no weights of {name} ({error}).") from None


def _conv(x, filters: int, kernel: int, stride: int, name: str):
    return keras.layers.Conv2D(filters, kernel, stride, padding="same", name=f"{name}_conv")(x)


def _relu6(x, name: str):
    return keras.layers.ReLU(max_value=6.0, name=f"{name}_relu6")(x)


def _block(x, index: int, kernel: int, stride: int, expansion: int, filters: int):
    """Inverted residual block; the residual stands where shape allows."""
    name, shortcut, channels = f"block{index}", x, x.shape[-1]
    if expansion != 1:
        x = _relu6(_conv(x, channels * expansion, 1, 1, f"{name}_expand"), f"{name}_expand")
    x = keras.layers.DepthwiseConv2D(kernel, stride, padding="same", name=f"{name}_depthwise_conv")(
        x
    )
    x = _relu6(x, f"{name}_depthwise")
    x = _conv(x, filters, 1, 1, f"{name}_project")
    if stride == 1 and channels == filters:
        x = keras.layers.Add(name=f"{name}_add")([shortcut, x])
    return x


def _folded(state: dict[str, np.ndarray], layer: keras.layers.Layer) -> list[np.ndarray]:
    """Kernel and bias of the convolution and the batch norm that follows it, as one."""
    conv, norm = _checkpoint_names(layer.name)
    gamma, beta, mean, variance = (
        state[f"{norm}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")
    )
    scale = gamma / np.sqrt(variance + _BATCH_NORM_EPSILON)
    depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    kernel = state[f"{conv}.weight"].transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0))
    return [kernel * (scale[:, None] if depthwise else scale), beta - mean * scale]


def _checkpoint_names(layer_name: str) -> tuple[str, str]:
    """Names of the convolution and of its batch norm in the checkpoint."""
    if layer_name == "stem_conv":
        return "_conv_stem", "_bn0"
    if layer_name == "head_conv":
        return "_conv_head", "_bn1"
    block, part, _ = layer_name.split("_")
    norm = {"expand": "_bn0", "depthwise": "_bn1", "project": "_bn2"}[part]
    prefix = f"_blocks.{block.removeprefix('block')}"
    return f"{prefix}._{part}_conv", f"{prefix}.{norm}"
