"""TensorFlow Text's ops, for whoever loads a SavedModel: TF Serving links them, Python does not."""

import os

from shelfsort.contract.model_files import SAVED_MODEL
from shelfsort.core.errors import InputError
from shelfsort.core.storage import exists, join, read_bytes

_NAMED = 3


def load_text_ops(model_dir: str | os.PathLike) -> None:
    """Imports tensorflow_text where a SavedModel has ops that TensorFlow does not know by itself.

    Only models with a text encoder have such ops, and only they need the package.

    Args:
        model_dir: folder of `saved_model.pb`. Where there is none, or one that cannot be read, its
            loader will say so.

    Raises:
        InputError: the package is needed and not installed.
    """
    unknown = _unknown_ops(model_dir)
    if not unknown:
        return
    try:
        import tensorflow_text  # noqa: F401 - its import registers the ops
    except ImportError as error:
        raise InputError(
            f"{os.fspath(model_dir)}: the model has ops of a text encoder "
            f"({', '.join(unknown[:_NAMED])}), which need tensorflow-text ({error}). Run "
            "pip install 'shelfsort[encoders]'."
        ) from None


def _unknown_ops(model_dir: str | os.PathLike) -> list[str]:
    """Names of the model's ops that are not registered in this process."""
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2
    from tensorflow.python.framework import op_def_registry

    path = join(os.fspath(model_dir), SAVED_MODEL)
    if not exists(path):
        return []
    try:
        graphs = saved_model_pb2.SavedModel.FromString(read_bytes(path)).meta_graphs
    except DecodeError:
        return []
    # Not the model's own list of ops: it leaves out those in the branches of a condition.
    used: set[str] = set()
    functions: set[str] = set()
    for graph in graphs:
        library = graph.graph_def.library.function
        functions |= {function.signature.name for function in library}
        used |= {node.op for node in graph.graph_def.node}
        used |= {node.op for function in library for node in function.node_def}
    return sorted(name for name in used - functions if op_def_registry.get(name) is None)
