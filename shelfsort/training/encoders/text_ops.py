"""TF-Text, which only models with a text encoder need."""

import functools
import types

from shelfsort.core.errors import InputError


@functools.cache
def tensorflow_text() -> types.ModuleType:
    """The module, whose import registers the ops of the tokenisers.

    Raises:
        InputError: it is not installed.
    """
    try:
        import tensorflow_text
    except ImportError as error:
        raise InputError(
            f"A text encoder needs tensorflow-text ({error}). Install the extra `encoders`: "
            "pip install 'shelfsort[encoders]'."
        ) from None
    return tensorflow_text
