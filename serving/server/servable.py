"""One loaded version of a model: a TF1-style session and the signatures it answers."""

import functools
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import config_pb2, meta_graph_pb2

from serving.server.batching import MicroBatcher
from serving.server.calls import ANYBODY, Caller
from serving.server.config import ServerOptions
from serving.status import (
    caller_gone,
    failed_precondition,
    from_exception,
    invalid_argument,
    not_found,
)
from serving.tensors import decode, type_name
from shelfsort.core.errors import InputError
from shelfsort.core.storage import scheme
from shelfsort.training.text_ops import load_text_ops

DEFAULT_SIGNATURE = "serving_default"


@dataclass(frozen=True)
class TensorSpec:
    """An input or output of a signature: the graph's tensor, its type, and its shape if known."""

    tensor: str
    dtype: int
    shape: tuple[int, ...] | None

    @property
    def rowwise(self) -> bool:
        """True when the first dimension is left open, which is where products are counted."""
        return self.shape is None or (len(self.shape) > 0 and self.shape[0] == -1)


@dataclass(frozen=True)
class Signature:
    """A signature with its aliases in alphabetical order, which is the order of messages."""

    name: str
    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]
    defaults: Mapping[str, np.ndarray]
    definition: meta_graph_pb2.SignatureDef

    @functools.cached_property
    def rowwise(self) -> bool:
        """True when all shapes leave the first dimension open: a row in makes a row out."""
        return all(spec.rowwise for spec in (*self.inputs.values(), *self.outputs.values()))

    @functools.cached_property
    def feeds(self) -> Mapping[str, str]:
        """An alias for each tensor that is fed, in the tensors' order."""
        return dict(sorted((spec.tensor, alias) for alias, spec in self.inputs.items()))

    @functools.cached_property
    def fetches(self) -> Sequence[str]:
        """The tensors of all outputs, each once."""
        return sorted({spec.tensor for spec in self.outputs.values()})


def load(path: str, options: ServerOptions) -> "Servable":
    """Loads the SavedModel in a folder with the loader that TF Serving uses.

    Raises:
        ServingError: the folder is no SavedModel, its graph or variables do not load, or it has a
            text encoder and tensorflow-text is not installed.
    """
    if not scheme(path) and not any(
        (Path(path) / name).exists() for name in ("saved_model.pb", "saved_model.pbtxt")
    ):
        raise not_found(
            f"Could not find SavedModel .pb or .pbtxt at supplied export directory path: {path}. "
            "Check that the directory exists and that you have the right permissions for "
            "accessing it."
        )
    try:
        load_text_ops(path)
    except InputError as error:
        raise failed_precondition(str(error)) from error
    graph = tf.Graph()
    session = tf.compat.v1.Session(
        graph=graph,
        config=config_pb2.ConfigProto(
            intra_op_parallelism_threads=options.intra_op_threads,
            inter_op_parallelism_threads=options.inter_op_threads,
        ),
    )
    try:
        with graph.as_default():
            meta_graph = tf.compat.v1.saved_model.load(session, ["serve"], path)
        return Servable(path, session, meta_graph, options)
    # TensorFlow's loader raises nearly anything on a broken model.
    except Exception as error:
        session.close()
        raise from_exception(error) from error


class Servable:
    """A loaded version. `run` is safe to call from many threads until `close`."""

    def __init__(
        self,
        path: str,
        session: tf.compat.v1.Session,
        meta_graph: meta_graph_pb2.MetaGraphDef,
        options: ServerOptions,
    ):
        self.path = path
        self.signatures = {
            name: _read_signature(name, definition)
            for name, definition in meta_graph.signature_def.items()
        }
        self._session = session
        self._options = options
        self._runners = {
            name: _Runner(session, each, options) for name, each in self.signatures.items()
        }

    def run(
        self,
        signature: Signature,
        inputs: Mapping[str, np.ndarray],
        caller: Caller = ANYBODY,
        large: bool = False,
    ) -> dict[str, np.ndarray]:
        """Runs a signature of this version.

        All outputs are computed, whichever are wanted: each other choice would be compiled, for a
        second, and strangers choose.

        Args:
            inputs: an array for every input alias, of the signature's types.
            caller: who wants the answer; `ran` gets the seconds that the model took.
            large: leaves a place to small calls, whatever its number of rows.

        Returns:
            An array for every output alias.

        Raises:
            ServingError: with the code and message that the runtime gave; CANCELLED when the
                caller has gone.
        """
        arrays = [inputs[alias] for alias in signature.feeds.values()]
        joined = signature.rowwise and self._options.batching and _same_rows(arrays)
        started = time.perf_counter()
        try:
            results = self._runners[signature.name](arrays, caller.alive, joined, large)
        except Exception as error:
            raise from_exception(error) from error
        caller.ran(time.perf_counter() - started)
        by_tensor = dict(zip(signature.fetches, map(_array, results), strict=True))
        return {alias: by_tensor[spec.tensor] for alias, spec in signature.outputs.items()}

    def close(self) -> None:
        """Frees the session, here and now. Nobody may be in `run`, or ever come again."""
        self._runners.clear()
        self._session.close()
        del self._session


class _Runner:
    """Runs one signature, compiled at its first call."""

    def __init__(self, session: tf.compat.v1.Session, signature: Signature, options: ServerOptions):
        self._session = session
        self._signature = signature
        self._lock = threading.Lock()
        self._callable: Callable[..., list[np.ndarray]] | None = None
        self._batcher = MicroBatcher(
            self._run,
            options.parallel_batches or os.cpu_count() or 1,
            options.join_rows,
            options.max_queued,
        )

    def __call__(
        self, arrays: Sequence[np.ndarray], alive: Callable[[], bool], joined: bool, large: bool
    ) -> Sequence[np.ndarray]:
        if joined:
            return self._batcher(arrays, alive, large)
        if not alive():
            raise caller_gone()
        return self._run(arrays)

    def _run(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        with self._lock:
            if self._callable is None:
                # `Session.run` takes 95 µs in Python for each call, checks static shapes that TF
                # Serving leaves to the graph, and rewrites messages. The runtime's callable takes
                # 25 µs and does neither, and this is the only name it has.
                self._callable = self._session._make_callable_from_options(
                    config_pb2.CallableOptions(
                        feed=list(self._signature.feeds), fetch=self._signature.fetches
                    )
                )
        return self._callable(*arrays)


def _array(value: Any) -> np.ndarray:
    """An output as an array; a scalar string is an array of objects, as other strings are.

    NumPy's own type for bytes would drop zeros at the end.
    """
    return np.array(value, object) if isinstance(value, bytes) else np.asarray(value)


def _same_rows(arrays: Sequence[np.ndarray]) -> bool:
    """True when all arrays have a first dimension, and the same one."""
    return all(array.ndim for array in arrays) and len({array.shape[0] for array in arrays}) == 1


def _read_signature(name: str, definition: meta_graph_pb2.SignatureDef) -> Signature:
    return Signature(
        name,
        {alias: _spec(definition.inputs[alias]) for alias in sorted(definition.inputs)},
        {alias: _spec(definition.outputs[alias]) for alias in sorted(definition.outputs)},
        {alias: decode(value, alias) for alias, value in definition.defaults.items()},
        definition,
    )


def _spec(info: meta_graph_pb2.TensorInfo) -> TensorSpec:
    shape = info.tensor_shape
    dims = None if shape.unknown_rank else tuple(dim.size for dim in shape.dim)
    return TensorSpec(info.name, info.dtype, dims)


def check_types(signature: Signature, given: Mapping[str, int]) -> None:
    """Compares types with the signature, in the order of the graph's tensor names.

    Args:
        given: `DataType` numbers by alias.

    Raises:
        ServingError: INVALID_ARGUMENT at the first that differs.
    """
    for position, alias in enumerate(signature.feeds.values()):
        expected = signature.inputs[alias].dtype
        if given.get(alias, expected) != expected:
            raise invalid_argument(
                f"Expects arg[{position}] to be {type_name(expected)} "
                f"but {type_name(given[alias])} is provided"
            )


def types_of(inputs: Mapping[str, np.ndarray]) -> dict[str, int]:
    """The `DataType` numbers of arrays, by alias."""
    return {alias: _dtype_of(array) for alias, array in inputs.items()}


def _dtype_of(array: np.ndarray) -> int:
    return types_pb2.DT_STRING if array.dtype == object else _enum_of(array.dtype)


@functools.lru_cache
def _enum_of(dtype: np.dtype) -> int:
    return tf.as_dtype(dtype).as_datatype_enum
