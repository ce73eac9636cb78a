"""The checkpoint reader: right numbers, and no code from the file."""

import collections
import io
import os
import pickle
import sys
import types

import numpy as np
import pytest

from shelfsort.training.torch_weights import read_state_dict
from shelfsort.training.weights import read_weights


class _Storage:
    def __init__(self, key: str):
        self.key = key


class _Tensor:
    """Pickles as PyTorch's tensors do."""

    def __init__(self, key, offset, shape, strides):
        self.arguments = (_Storage(key), offset, shape, strides, False, collections.OrderedDict())

    def __reduce__(self):
        return sys.modules["torch._utils"]._rebuild_tensor_v2, self.arguments


class _Pickler(pickle.Pickler):
    def persistent_id(self, obj):
        if isinstance(obj, _Storage):
            return ("storage", sys.modules["torch"].FloatStorage, obj.key, "cpu", 6)
        return None


@pytest.fixture
def torch_names(monkeypatch):
    """The two names that a checkpoint mentions, so that a test can write one without PyTorch."""
    torch, rebuild = types.ModuleType("torch"), types.ModuleType("torch._utils")
    torch.FloatStorage = type("FloatStorage", (), {"__module__": "torch"})

    def _rebuild_tensor_v2():
        raise AssertionError

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = (
        "torch._utils",
        "_rebuild_tensor_v2",
    )
    rebuild._rebuild_tensor_v2 = _rebuild_tensor_v2
    torch._utils = rebuild
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", rebuild)


def _checkpoint(state) -> bytes:
    file = io.BytesIO()
    for header in (0x1950A86A20F9469CFC6C, 1001, {}):
        pickle.dump(header, file, protocol=2)
    _Pickler(file, protocol=2).dump(state)
    pickle.dump(["k"], file, protocol=2)
    file.write(np.int64(6).tobytes() + np.arange(6, dtype="<f4").tobytes())
    return file.getvalue()


def test_views_are_read_with_offset_and_strides(tmp_path, torch_names):
    state = collections.OrderedDict(
        whole=_Tensor("k", 0, (2, 3), (3, 1)),
        transposed=_Tensor("k", 0, (3, 2), (1, 3)),
        tail=_Tensor("k", 4, (2,), (1,)),
    )
    content = _checkpoint(state)
    read = read_state_dict(content)
    np.testing.assert_array_equal(read["whole"], [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(read["transposed"], [[0, 3], [1, 4], [2, 5]])
    np.testing.assert_array_equal(read["tail"], [4, 5])


@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [(0, (7,), (1,)), (6, (1,), (1,)), (0, (2,), (6,)), (0, (2, 3), (4, 1)), (-1, (1,), (1,)),
     (0, (2,), (-1,)), (0, (10**9,), (0,)), (0, (-1,), (1,)), (0, (2,), ()), (0, ("2",), (1,))],
)  # fmt: skip
def test_a_tensor_beyond_its_storage_is_refused(tmp_path, torch_names, offset, shape, strides):
    content = _checkpoint({"weight": _Tensor("k", offset, shape, strides)})
    with pytest.raises(pickle.UnpicklingError, match=r"beyond its storage|no valid shape"):
        read_state_dict(content)


@pytest.mark.parametrize("count", [7, -1, 2**61])
def test_a_checkpoint_that_is_cut_off_is_refused(tmp_path, torch_names, count):
    whole = _checkpoint({"weight": _Tensor("k", 0, (6,), (1,))})
    content = whole[:-32] + np.int64(count).tobytes() + whole[-24:]
    with pytest.raises(pickle.UnpicklingError, match="cut off"):
        read_state_dict(content)


class _Attack:
    def __reduce__(self):
        return os.system, ("touch attacked",)


def test_a_checkpoint_that_names_anything_else_is_refused(tmp_path, torch_names, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content = _checkpoint({"weight": _Attack()})
    with pytest.raises(pickle.UnpicklingError, match="no place in a state dict"):
        read_state_dict(content)
    assert not (tmp_path / "attacked").exists()


def test_another_file_is_refused(tmp_path):
    content = pickle.dumps(7)
    with pytest.raises(pickle.UnpicklingError, match="not a legacy PyTorch checkpoint"):
        read_state_dict(content)


def test_the_packaged_checkpoint_holds_the_network():
    (content,) = read_weights("efficientnet_lite0").contents.values()
    state = read_state_dict(content)
    assert state["_conv_stem.weight"].shape == (32, 3, 3, 3)
    assert state["_fc.weight"].shape == (1000, 1280)
