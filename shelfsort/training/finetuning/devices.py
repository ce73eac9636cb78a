"""Where tuning runs: the CPU, one GPU, or several GPUs that share each batch."""

import dataclasses
from collections.abc import Sequence

import keras
import tensorflow as tf

from shelfsort.core.errors import InputError
from shelfsort.training.settings import FineTuningConfig

# Compute capabilities from which NVIDIA's tensor cores multiply these types.
_BFLOAT16_FROM, _FLOAT16_FROM = 8, 7


@dataclasses.dataclass(frozen=True)
class Devices:
    """What tuning runs on.

    Attributes:
        strategy: creates variables, and spreads a batch over the devices.
        precision: Keras' name of the types that layers compute in; weights are float32 in any.
    """

    strategy: tf.distribute.Strategy
    precision: str = "float32"


def require_gpus(config: FineTuningConfig) -> Sequence[tf.config.PhysicalDevice]:
    """The GPUs that tuning would use: so many as the settings ask for, or all that there are.

    Raises:
        InputError: the backbone is to be tuned, and there are fewer.
    """
    if config.layers == "none":
        return []
    gpus = tf.config.list_physical_devices("GPU")
    if len(gpus) < config.gpus:
        raise InputError(
            f"training.image.fine_tuning.gpus: {config.gpus} wanted, and TensorFlow sees "
            f"{len(gpus) or 'none'}. Install TensorFlow with CUDA on a machine with GPUs, or set "
            "it to 0 for the CPU."
        )
    return gpus[: config.gpus or len(gpus)]


def find_devices(config: FineTuningConfig) -> Devices:
    """What tuning runs on: the CPU where TensorFlow sees no GPU. Raises as `require_gpus`."""
    used = require_gpus(config)
    if not used:
        return Devices(tf.distribute.get_strategy())
    names = [f"/gpu:{number}" for number in range(len(used))]
    one = tf.distribute.OneDeviceStrategy(names[0])
    strategy = tf.distribute.MirroredStrategy(names) if len(names) > 1 else one
    return Devices(strategy, min((_precision(each) for each in used), key=_PRECISIONS.index))


_PRECISIONS = ("float32", "mixed_float16", "mixed_bfloat16")


def _precision(gpu: tf.config.PhysicalDevice) -> str:
    capability = tf.config.experimental.get_device_details(gpu).get("compute_capability")
    major = capability[0] if capability else 0
    if major >= _BFLOAT16_FROM:
        return "mixed_bfloat16"
    return "mixed_float16" if major >= _FLOAT16_FROM else "float32"


def in_precision(model: keras.Model, precision: str) -> keras.Model:
    """A copy of a functional model, with its weights, whose layers compute in a precision."""

    def copied(layer: keras.Operation) -> keras.Operation:
        if not isinstance(layer, keras.layers.Layer):
            return layer
        return type(layer).from_config({**layer.get_config(), "dtype": precision})

    copy = keras.models.clone_model(model, clone_function=copied)
    copy.set_weights(model.get_weights())
    return copy
