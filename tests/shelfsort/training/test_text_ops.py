"""Models with ops that TensorFlow does not know by itself."""

import sys

import pytest
from tensorflow.core.protobuf import saved_model_pb2

from shelfsort.core.errors import InputError
from shelfsort.training.text_ops import load_text_ops


def model(folder, *ops):
    saved = saved_model_pb2.SavedModel()
    graph = saved.meta_graphs.add().graph_def
    branch = graph.library.function.add()
    branch.signature.name = "branch_of_a_condition"
    graph.node.add(name="called", op=branch.signature.name)
    for name in ops:
        branch.node_def.add(name=name, op=name)
    (folder / "saved_model.pb").write_bytes(saved.SerializeToString())
    return folder


@pytest.fixture(autouse=True)
def _without_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_text", None)


def test_a_model_of_tensorflows_own_ops_needs_nothing(tmp_path):
    load_text_ops(model(tmp_path, "MatMul", "Gather"))


def test_unknown_ops_are_named_with_the_extra_that_brings_them(tmp_path):
    with pytest.raises(InputError) as error:
        load_text_ops(model(tmp_path, "MatMul", "NeverHeardOfTokenize"))
    assert "NeverHeardOfTokenize" in str(error.value)
    assert "shelfsort[encoders]" in str(error.value)
    assert "MatMul" not in str(error.value)


def test_what_is_no_model_is_left_to_its_loader(tmp_path):
    load_text_ops(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"\xff\xff\xff")
    load_text_ops(tmp_path)


def test_a_server_reports_the_missing_package_as_the_state_of_the_version(tmp_path):
    import grpc

    from serving.server.config import ServerOptions
    from serving.server.servable import load
    from serving.status import ServingError

    with pytest.raises(ServingError, match="encoders") as error:
        load(str(model(tmp_path, "NeverHeardOfTokenize")), ServerOptions())
    assert error.value.code == grpc.StatusCode.FAILED_PRECONDITION
