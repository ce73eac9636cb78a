"""What differs between the two supported stacks, TFX 1.16 (protobuf 3) and TFX 1.21 (protobuf 6).

Where a name differs, the newer one is tried first. No other module looks at a version.
"""

import importlib
from contextlib import suppress
from typing import Any

from google.protobuf import json_format, message_factory
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message


def message_class(pool: DescriptorPool, name: str) -> type[Message]:
    """The class of the message `name` (with its package) in a descriptor pool of our own."""
    descriptor = pool.FindMessageTypeByName(name)
    made: type[Message]
    if hasattr(message_factory, "GetMessageClass"):
        made = message_factory.GetMessageClass(descriptor)
    else:
        made = message_factory.MessageFactory(pool).GetPrototype(descriptor)
    return made


def describe_services(module: str) -> None:
    """Puts the file of a generated module with services into the default descriptor pool.

    TF Serving's are of protobuf 3's time: under protobuf 6 they add their file and then fail, where
    they write options into it.
    """
    with suppress(AttributeError):
        importlib.import_module(module)


def message_to_dict(message: Message) -> dict[str, Any]:
    """A message as plain JSON types, by its fields' own names, unset scalar fields included."""
    names = json_format.MessageToDict.__code__.co_varnames
    unset = "always_print_fields_with_no_presence"
    option = unset if unset in names else "including_default_value_fields"
    options: dict[str, Any] = {"preserving_proto_field_name": True, option: True}
    return json_format.MessageToDict(message, **options)


def ask_for_health(api: Any) -> Any:
    """Calls the health check of a `kfp_server_api.HealthzServiceApi`."""
    for name in ("healthz_service_get_healthz", "get_healthz"):
        if hasattr(api, name):
            return getattr(api, name)()
    raise AttributeError("this kfp_server_api has no health check that Shelfsort knows")


def safe_parquet() -> Any:
    """`pyarrow.parquet`, with which no extension type in a hostile file runs code.

    Raises:
        ImportError: pyarrow is missing, or pyarrow-hotfix where pyarrow is older than 14.
    """
    import pyarrow
    from pyarrow import parquet

    if int(pyarrow.__version__.split(".")[0]) < 14:
        import pyarrow_hotfix  # noqa: F401
    return parquet
