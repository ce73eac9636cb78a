"""What a model makes of a product before it answers: vectors, close for similar products."""

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from shelfsort.training.towers import ENCODER, IMAGE, unit_roots

HIDDEN_WORDS = "hidden_words"
TEXT = "text"


def with_hidden_words(towers: keras.Model) -> keras.Model:
    """The towers with one more output, `HIDDEN_WORDS`: (n, units) of the text tower."""
    hidden = towers.get_layer("text_relu").output
    return keras.Model(towers.input, {**towers.output, HIDDEN_WORDS: hidden})


def representation(hidden_words: Any, has_text: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The vectors of n products, by what they are of; zeros where a product lacks that.

    Args:
        hidden_words: (n, units) see `with_hidden_words`.
        has_text: (n,) bool.
        inputs: of the towers.

    Returns:
        `image`: (n, embedding) of unit length. `text`: (n, units), at least 0. With an encoder
        `encoder`: (n, width) of unit length.
    """
    found = {
        IMAGE.name: unit_roots(inputs[IMAGE.feature]),
        TEXT: ops.where(ops.expand_dims(has_text, 1), hidden_words, 0.0),
    }
    if ENCODER.feature in inputs:
        found[ENCODER.name] = inputs[ENCODER.feature]
    return found
