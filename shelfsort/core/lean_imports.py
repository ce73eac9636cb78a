"""Imports TensorFlow without what Keras imports for notebooks and for scikit-learn's users."""

import contextlib
import sys
from collections.abc import Iterator

_KERAS_CAN_DO_WITHOUT = ("IPython", "matplotlib", "pandas", "sklearn")


@contextlib.contextmanager
def lean_keras() -> Iterator[None]:
    """Within it, what is imported finds none of these packages, unless they are imported already.

    They take a third of TensorFlow's import. Once Keras is imported without them, its plots and its
    wrappers for scikit-learn refuse to work, and its models take no data frame: for processes that
    answer from a model, and nothing else. Not for several threads.
    """
    spared = [name for name in _KERAS_CAN_DO_WITHOUT if name not in sys.modules]
    # What Python takes for a package that is not installed.
    sys.modules.update(dict.fromkeys(spared))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in spared:
            sys.modules.pop(name, None)
