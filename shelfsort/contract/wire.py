"""The messages of TF Serving's Predict call, without TensorFlow.

`tensorflow_serving.apis.predict_pb2` imports all of TensorFlow: seconds and hundreds of megabytes,
for a client that only sends strings. A message on the wire carries field numbers and no names, so
the few fields a client needs are declared here, with the numbers and types of tensorflow/core/
framework/{tensor,tensor_shape}.proto and tensorflow_serving/apis/{model,predict}.proto, in a
descriptor pool of their own: they do not collide with TensorFlow's where a process has both.
`predict.proto` beside this file declares the same for clients in other languages.
"""

from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.message import Message

from shelfsort.core.stack import message_class

PREDICT_METHOD = "/tensorflow.serving.PredictionService/Predict"
FAILED_ROWS = "shelfsort-failed-rows"
"""Trailing metadata, and REST's header, of an answer in which some rows have none.

`ROW: REASON; ...`, rows counted from 0.
"""

# DataType of tensorflow/core/framework/types.proto.
DT_FLOAT, DT_DOUBLE, DT_INT32, DT_STRING, DT_INT64, DT_BOOL = 1, 2, 3, 7, 9, 10

DTYPES = {
    "float32": DT_FLOAT,
    "float64": DT_DOUBLE,
    "int32": DT_INT32,
    "string": DT_STRING,
    "int64": DT_INT64,
    "bool": DT_BOOL,
}
"""Numbers of DataTypes by TensorFlow's names for them."""

_PACKAGE = "shelfsort.wire"
_Field = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "int32": _Field.TYPE_INT32,
    "int64": _Field.TYPE_INT64,
    "float": _Field.TYPE_FLOAT,
    "double": _Field.TYPE_DOUBLE,
    "bool": _Field.TYPE_BOOL,
    "string": _Field.TYPE_STRING,
    "bytes": _Field.TYPE_BYTES,
}

# message: (number, [repeated] type, name). An enum travels as an int32, and a map as repeated
# pairs of key 1 and value 2; both are declared as what they are on the wire, but for the maps,
# which are marked so that Python sees them as one.
_MESSAGES = {
    "Dim": ((1, "int64", "size"),),
    "TensorShape": ((2, "repeated Dim", "dim"), (3, "bool", "unknown_rank")),
    "Tensor": (
        (1, "int32", "dtype"),
        (2, "TensorShape", "tensor_shape"),
        (4, "bytes", "tensor_content"),
        (5, "repeated float", "float_val"),
        (6, "repeated double", "double_val"),
        (7, "repeated int32", "int_val"),
        (8, "repeated bytes", "string_val"),
        (10, "repeated int64", "int64_val"),
        (11, "repeated bool", "bool_val"),
    ),
    "Int64Value": ((1, "int64", "value"),),
    "ModelSpec": (
        (1, "string", "name"),
        (2, "Int64Value", "version"),
        (3, "string", "signature_name"),
        (4, "string", "version_label"),
    ),
    "PredictRequest": (
        (1, "ModelSpec", "model_spec"),
        (2, "map Tensor", "inputs"),
        (3, "repeated string", "output_filter"),
    ),
    "PredictResponse": ((1, "map Tensor", "outputs"), (2, "ModelSpec", "model_spec")),
}


def _add_field(
    message: descriptor_pb2.DescriptorProto, number: int, declared: str, name: str
) -> None:
    label, _, kind = declared.rpartition(" ")
    field = message.field.add(name=name, number=number)
    field.label = _Field.LABEL_REPEATED if label else _Field.LABEL_OPTIONAL
    if label == "map":
        entry = message.nested_type.add(name=f"{name.title()}Entry")
        entry.options.map_entry = True
        _add_field(entry, 1, "string", "key")
        _add_field(entry, 2, kind, "value")
        kind = f"{message.name}.{entry.name}"
    if kind in _SCALARS:
        field.type = _SCALARS[kind]
    else:
        field.type = _Field.TYPE_MESSAGE
        field.type_name = f".{_PACKAGE}.{kind}"


def _declare() -> dict[str, type[Message]]:
    file = descriptor_pb2.FileDescriptorProto(
        name="shelfsort/wire.proto", package=_PACKAGE, syntax="proto3"
    )
    for message_name, fields in _MESSAGES.items():
        message = file.message_type.add(name=message_name)
        for number, declared, name in fields:
            _add_field(message, number, declared, name)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_class(pool, f"{_PACKAGE}.{name}") for name in _MESSAGES}


_TYPES = _declare()
Tensor = _TYPES["Tensor"]
PredictRequest = _TYPES["PredictRequest"]
PredictResponse = _TYPES["PredictResponse"]
