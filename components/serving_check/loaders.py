"""Loads a SavedModel the two ways there are, and asks it."""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from shelfsort.contract.signatures import Signature
from shelfsort.training.text_ops import load_text_ops

# They call back into the process that exported the model, so no server can run them.
_PYTHON_OPS = frozenset({"PyFunc", "PyFuncStateless", "EagerPyFunc"})


class ServedModel:
    """A model loaded as TensorFlow Serving does: a graph, a session, the `serve` tag."""

    def __init__(self, model_dir: str):
        """Raises whatever TensorFlow raises for a model that it cannot load."""
        load_text_ops(model_dir)
        self._session = tf.compat.v1.Session(graph=tf.Graph())
        with self._session.graph.as_default():
            self._meta_graph = tf.compat.v1.saved_model.load(
                self._session, [tf.saved_model.SERVING], model_dir
            )

    def signatures(self) -> dict[str, Signature]:
        """The declared signatures, TensorFlow's own initialisation left out."""
        return {
            name: Signature(_types(declared.inputs), _types(declared.outputs))
            for name, declared in self._meta_graph.signature_def.items()
            if not name.startswith("__saved_model")
        }

    def ask(self, signature: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Runs a signature on a batch."""
        declared = self._meta_graph.signature_def[signature]
        fetches = {name: tensor.name for name, tensor in declared.outputs.items()}
        feeds = {declared.inputs[name].name: values for name, values in inputs.items()}
        answers = self._session.run(fetches, feeds)
        return {name: _as_array(values) for name, values in answers.items()}

    def python_ops(self) -> list[str]:
        """Names of ops in the graph that need the process that exported it."""
        graph = self._meta_graph.graph_def
        nodes = [graph.node, *(function.node_def for function in graph.library.function)]
        return sorted({node.op for group in nodes for node in group} & _PYTHON_OPS)


class EagerModel:
    """The same model loaded as TensorFlow 2 programs and TFMA do."""

    def __init__(self, model_dir: str):
        """Raises whatever TensorFlow raises for a model that it cannot load."""
        load_text_ops(model_dir)
        self._model = tf.saved_model.load(model_dir)

    def ask(self, signature: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Runs a signature on a batch."""
        tensors = {name: tf.constant(values) for name, values in inputs.items()}
        outputs = self._model.signatures[signature](**tensors)
        return {name: _as_array(values.numpy()) for name, values in outputs.items()}


def _as_array(values: np.ndarray | bytes) -> np.ndarray:
    # TensorFlow hands a single string over as bare bytes.
    return np.array(values, object) if isinstance(values, bytes) else np.asarray(values)


def _types(tensors: Mapping) -> dict[str, str]:
    return {name: tf.as_dtype(info.dtype).name for name, info in tensors.items()}
