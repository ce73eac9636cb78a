"""Reads tensors from PyTorch's legacy (pre-zip) checkpoint format without PyTorch.

The file is five pickles (magic number, protocol, system info, state dict, storage keys) followed,
for each key in order, by an int64 element count and the raw little-endian elements. Only the
handful of globals that a state dict needs can be unpickled, so a hostile file cannot run code.
"""

import collections
import dataclasses
import io
import math
import pickle
from typing import Any, BinaryIO

import numpy as np

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_STORAGE_DTYPES = {
    "FloatStorage": np.dtype("<f4"),
    "DoubleStorage": np.dtype("<f8"),
    "HalfStorage": np.dtype("<f2"),
    "LongStorage": np.dtype("<i8"),
}


@dataclasses.dataclass(frozen=True)
class _View:
    """A tensor's place in a storage; offsets and strides count elements."""

    storage: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _rebuild_tensor(storage, offset, shape, strides, *_unused) -> _View:
    return _View(storage, offset, tuple(shape), tuple(strides))


class _StateDictUnpickler(pickle.Unpickler):
    """Unpickles an ordered dict of tensor views; refuses every other global."""

    def __init__(self, file: BinaryIO):
        super().__init__(file)
        self.dtypes: dict[str, np.dtype] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild_tensor
        if module == "torch" and name in _STORAGE_DTYPES:
            return _STORAGE_DTYPES[name]
        raise pickle.UnpicklingError(f"{module}.{name} has no place in a state dict")

    def persistent_load(self, pid: tuple) -> str:
        kind, dtype, key, *_unused = pid
        if kind != "storage":
            raise pickle.UnpicklingError(f"unexpected persistent object {kind!r}")
        self.dtypes[key] = dtype
        return key


def read_state_dict(content: bytes) -> dict[str, np.ndarray]:
    """Returns every tensor of the checkpoint by name.

    Args:
        content: of the checkpoint's file.

    Raises:
        pickle.UnpicklingError: it is not a legacy checkpoint, or holds more than tensors.
    """
    file = io.BytesIO(content)
    if _StateDictUnpickler(file).load() != _MAGIC or _StateDictUnpickler(file).load() != _PROTOCOL:
        raise pickle.UnpicklingError("this is not a legacy PyTorch checkpoint")
    _StateDictUnpickler(file).load()
    unpickler = _StateDictUnpickler(file)
    views = unpickler.load()
    storages = {}
    for key in _StateDictUnpickler(file).load():
        dtype = unpickler.dtypes[key]
        count = int(np.frombuffer(file.read(8), "<i8")[0])
        if not 0 <= count * dtype.itemsize <= len(content) - file.tell():
            raise pickle.UnpicklingError("the checkpoint is cut off")
        storages[key] = np.frombuffer(file.read(count * dtype.itemsize), dtype)
    return {name: _materialise(view, storages[view.storage]) for name, view in views.items()}


def _materialise(view: _View, storage: np.ndarray) -> np.ndarray:
    """The elements that a view describes. Raises UnpicklingError where it leaves the storage."""
    if len(view.shape) != len(view.strides) or not all(
        isinstance(each, int) and each >= 0 for each in (view.offset, *view.shape, *view.strides)
    ):
        raise pickle.UnpicklingError("a tensor has no valid shape")
    furthest = sum((n - 1) * stride for n, stride in zip(view.shape, view.strides, strict=True))
    # Strides of 0 would repeat a few elements without end.
    if math.prod(view.shape) > storage.size or (
        0 not in view.shape and view.offset + furthest >= storage.size
    ):
        raise pickle.UnpicklingError("a tensor reaches beyond its storage")
    strides = tuple(stride * storage.itemsize for stride in view.strides)
    window = np.lib.stride_tricks.as_strided(storage[view.offset :], view.shape, strides)
    return window.copy()
