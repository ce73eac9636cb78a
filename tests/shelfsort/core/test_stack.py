"""What differs between the stacks: each function works with the libraries of the one installed."""

import sys
from types import SimpleNamespace

import pyarrow
import pytest
from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool

from shelfsort.core.stack import (
    ask_for_health,
    describe_services,
    message_class,
    message_to_dict,
    safe_parquet,
)


@pytest.fixture
def shelf():
    """A message class of a descriptor pool of its own: two scalar fields and a repeated one."""
    file = FileDescriptorProto(name="shelf.proto", package="shop", syntax="proto3")
    message = file.message_type.add(name="Shelf")
    message.field.add(name="shelf_name", number=1, label=1, type=9)
    message.field.add(name="product_count", number=2, label=1, type=5)
    message.field.add(name="tags", number=3, label=3, type=9)
    pool = DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return message_class(pool, "shop.Shelf")


def test_a_message_of_a_pool_of_our_own_is_written_and_read(shelf):
    sent = shelf(shelf_name="mugs", product_count=3)
    assert shelf.FromString(sent.SerializeToString()) == sent
    assert shelf.DESCRIPTOR.full_name == "shop.Shelf"


def test_unset_fields_are_shown_under_their_own_names(shelf):
    found = message_to_dict(shelf(shelf_name="mugs"))
    assert found == {"shelf_name": "mugs", "product_count": 0, "tags": []}


@pytest.mark.parametrize("name", ["healthz_service_get_healthz", "get_healthz"])
def test_the_health_check_has_a_name_on_each_stack(name):
    assert ask_for_health(SimpleNamespace(**{name: lambda: "fine"})) == "fine"


def test_an_api_without_a_health_check_is_an_error():
    with pytest.raises(AttributeError):
        ask_for_health(SimpleNamespace())


@pytest.mark.slow
def test_tf_servings_services_are_described_in_the_default_pool():
    describe_services("tensorflow_serving.apis.prediction_service_pb2")
    service = descriptor_pool.Default().FindServiceByName("tensorflow.serving.PredictionService")
    assert "Predict" in {method.name for method in service.methods}


def test_parquet_is_read_with_the_fix_that_an_old_pyarrow_needs():
    assert safe_parquet().__name__ == "pyarrow.parquet"
    assert "pyarrow_hotfix" in sys.modules or int(pyarrow.__version__.split(".")[0]) >= 14
