"""Where tuning runs: the CPU, one GPU, or several GPUs that share each batch.

Networks are Keras 3 and tune under TensorFlow, as in the pipeline, or under JAX, which is chosen by
KERAS_BACKEND before Keras is imported. Inputs come from tf.data in both.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from shelfsort.core.errors import InputError
from shelfsort.training.settings import FineTuning, FineTuningConfig

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


def compiled_steps() -> bool:
    """Whether XLA compiles the steps of a network.

    JAX has nothing else that is fast. Under TensorFlow, XLA takes 25 times as long on a CPU for
    depthwise convolutions.
    """
    return not _under_tensorflow()


def require_gpus(config: FineTuning) -> Sequence[Any]:
    """The GPUs that tuning would use: so many as the settings ask for, or all that there are.

    Under JAX that is one at most.

    Raises:
        InputError: something is to be tuned, and there are fewer.
    """
    if config.layers == "none":
        return []
    name, gpus = "TensorFlow", tf.config.list_physical_devices("GPU")
    if not _under_tensorflow():
        found = keras.distribution.list_devices()
        name, gpus = "JAX, which uses one at most,", [d for d in found if "cpu" not in d][:1]
    if len(gpus) < config.gpus:
        of = "image" if isinstance(config, FineTuningConfig) else "text"
        raise InputError(
            f"training.{of}.fine_tuning.gpus: {config.gpus} wanted, and {name} sees "
            f"{len(gpus) or 'none'}. Install it with CUDA on a machine with GPUs, or set it to 0 "
            "for the CPU."
        )
    return gpus[: config.gpus or len(gpus)]


def find_devices(config: FineTuning) -> Devices:
    """What tuning runs on: the CPU where the backend sees no GPU. Raises as `require_gpus`."""
    used = require_gpus(config)
    if not _under_tensorflow():
        # A strategy of one device in TensorFlow's view, which JAX takes no notice of.
        return Devices(tf.distribute.get_strategy(), "mixed_bfloat16" if used else "float32")
    if not used:
        return Devices(tf.distribute.get_strategy())
    names = [f"/gpu:{number}" for number in range(len(used))]
    one = tf.distribute.OneDeviceStrategy(names[0])
    strategy = tf.distribute.MirroredStrategy(names) if len(names) > 1 else one
    return Devices(strategy, min((_precision(each) for each in used), key=_PRECISIONS.index))


def _under_tensorflow() -> bool:
    return keras.backend.backend() == "tensorflow"


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
