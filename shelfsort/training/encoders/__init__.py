"""Pretrained text encoders by name: networks that turn a title into one embedding."""

from shelfsort.core.errors import InputError
from shelfsort.training.encoders import e5, minilm
from shelfsort.training.encoders.encoder import TextEncoder
from shelfsort.training.encoders.text_ops import tensorflow_text
from shelfsort.training.weights import read_weights

__all__ = ["NAMES", "TextEncoder", "load_encoder"]

_LOADERS = {"minilm": minilm.load, "e5_multilingual": e5.load}
NAMES = tuple(_LOADERS)


def load_encoder(name: str, weights: str = "") -> TextEncoder:
    """Builds an encoder with its pretrained weights.

    Args:
        name: one of NAMES.
        weights: path of a site's own weights in the format of the packaged ones; "" for those.
            Nothing is downloaded.

    Raises:
        InputError: the name is unknown, weights are missing or are not what they should be, or
            tensorflow-text is not installed.
    """
    if name not in _LOADERS:
        raise InputError(f"training.text.encoder: {name!r} is none of {', '.join(NAMES)}.")
    tensorflow_text()
    read = read_weights(name, weights, setting="training.text.encoder_weights")
    try:
        return _LOADERS[name](read)
    except InputError as error:
        raise InputError(f"{read.place}: {error}") from None
