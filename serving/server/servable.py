"""One loaded version of a model: a TF1-style session and the signatures it answers."""

import functools
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import config_pb2, meta_graph_pb2

from serving.server.batching import MicroBatcher
from serving.server.calls import ANYBODY, Caller
from serving.server.config import ServerOptions
from serving.status import from_exception, invalid_argument, not_found
from serving.tensors import decode, type_name
from shelfsort.core.storage import scheme

DEFAULT_SIGNATURE = "serving_default"

# Different output filters make different session calls, and each holds memory in the runtime:
# strangers choose the filters, so the number kept is bounded.
_MAX_RUNNERS = 64


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


def load(path: str, options: ServerOptions) -> "Servable":
    """Loads the SavedModel in a folder with the loader that TF Serving uses.

    Raises:
        ServingError: the folder is no SavedModel, or its graph or variables do not load.
    """
    if not scheme(path) and not any(
        (Path(path) / name).exists() for name in ("saved_model.pb", "saved_model.pbtxt")
    ):
        raise not_found(
            f"Could not find SavedModel .pb or .pbtxt at supplied export directory path: {path}. "
            "Check that the directory exists and that you have the right permissions for "
            "accessing it."
        )
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
        self._runners: OrderedDict[tuple, Callable] = OrderedDict()
        self._lock = threading.Lock()

    def run(
        self,
        feeds: Mapping[str, np.ndarray],
        fetches: Sequence[TensorSpec],
        rowwise: bool,
        caller: Caller = ANYBODY,
    ) -> list[np.ndarray]:
        """Runs the graph.

        Args:
            feeds: arrays by tensor name.
            fetches: what is wanted; a tensor may be named twice.
            rowwise: whether each row of the inputs makes one row of every output, so that calls
                may be joined.
            caller: who wants the answer; `ran` gets the seconds that the model took.

        Returns:
            An array for each of `fetches`.

        Raises:
            ServingError: with the code and message that the runtime gave.
        """
        names = tuple(sorted(feeds))
        wanted = tuple(sorted({spec.tensor for spec in fetches}))
        arrays = [feeds[name] for name in names]
        joinable = rowwise and self._options.batching and _same_rows(arrays)
        call = self._runner(names, wanted, joinable)
        started = time.perf_counter()
        try:
            results = call(arrays, caller.alive) if joinable else call(arrays)
        except Exception as error:
            raise from_exception(error) from error
        caller.ran(time.perf_counter() - started)
        by_name = dict(zip(wanted, results, strict=True))
        return [by_name[spec.tensor] for spec in fetches]

    def _runner(self, feeds: tuple[str, ...], fetches: tuple[str, ...], joined: bool) -> Callable:
        key = (feeds, fetches, joined)
        with self._lock:
            runner = self._runners.get(key)
            if runner is None:
                runner = self._make_runner(feeds, fetches, joined)
                self._runners[key] = runner
                while len(self._runners) > _MAX_RUNNERS:
                    self._runners.popitem(last=False)
            else:
                self._runners.move_to_end(key)
            return runner

    def _make_runner(self, feeds: tuple, fetches: tuple, joined: bool) -> Callable:
        # `Session.run` takes 95 µs in Python for each call, checks static shapes that TF Serving
        # leaves to the graph, and rewrites messages. The runtime's callable takes 25 µs and does
        # neither, and this is the only name it has.
        handle = self._session._make_callable_from_options(
            config_pb2.CallableOptions(feed=feeds, fetch=fetches)
        )

        def run(arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
            return handle(*arrays)

        if not joined:
            return run
        return MicroBatcher(
            run,
            self._options.parallel_batches or os.cpu_count() or 1,
            self._options.join_rows,
            self._options.max_batch_size,
            self._options.max_queued,
        )

    def close(self) -> None:
        """Frees the session, here and now. Nobody may be in `run`, or ever come again."""
        with self._lock:
            self._runners.clear()
        self._session.close()
        del self._session


def rowwise(inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> bool:
    """True when all shapes leave the first dimension open."""
    return all(spec.rowwise for spec in (*inputs, *outputs))


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


def check_types(signature: Signature, inputs: Mapping[str, np.ndarray]) -> None:
    """Compares the inputs' types with the signature, in the order of the graph's tensor names.

    Raises:
        ServingError: INVALID_ARGUMENT at the first that differs.
    """
    specs = sorted((signature.inputs[alias].tensor, alias) for alias in inputs)
    for position, (_, alias) in enumerate(specs):
        expected = signature.inputs[alias].dtype
        given = _dtype_of(inputs[alias])
        if given != expected:
            raise invalid_argument(
                f"Expects arg[{position}] to be {type_name(expected)} "
                f"but {type_name(given)} is provided"
            )


def _dtype_of(array: np.ndarray) -> int:
    return types_pb2.DT_STRING if array.dtype == object else _enum_of(array.dtype)


@functools.lru_cache
def _enum_of(dtype: np.dtype) -> int:
    return tf.as_dtype(dtype).as_datatype_enum
