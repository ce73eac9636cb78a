"""REST's JSON to arrays and back: row form ("instances") and column form ("inputs")."""

import base64
import enum
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from tensorflow.core.framework import types_pb2
from tensorflow.python.framework import dtypes

from serving.server import json_text
from serving.server.servable import TensorSpec
from serving.status import ServingError, invalid_argument, unimplemented
from serving.tensor_limits import MAX_RANK
from serving.tensors import type_name

_INTEGER_LIMITS = {
    types_pb2.DT_INT32: (-(2**31), 2**31 - 1),
    types_pb2.DT_INT16: (-(2**31), 2**31 - 1),
    types_pb2.DT_INT8: (-(2**31), 2**31 - 1),
    types_pb2.DT_UINT8: (-(2**31), 2**31 - 1),
    types_pb2.DT_INT64: (-(2**63), 2**63 - 1),
    types_pb2.DT_UINT32: (0, 2**32 - 1),
    types_pb2.DT_UINT64: (0, 2**64 - 1),
}
# Decimal digits are lost beyond these integers, and there is nothing beyond these magnitudes.
_FLOAT_LIMITS = {
    types_pb2.DT_FLOAT: (2**24 - 1, float(np.finfo(np.float32).max)),
    types_pb2.DT_DOUBLE: (2**53 - 1, float(np.finfo(np.float64).max)),
}


class Form(enum.Enum):
    """How a request lists its tensors, and how its answer will."""

    ROW = "instances"
    COLUMN = "inputs"


def read_predict(
    document: Mapping[str, Any], specs_of: Callable[[str], Mapping[str, TensorSpec]]
) -> tuple[str, Form, dict[str, np.ndarray]]:
    """The signature's name, the form, and the arrays by input alias, of a predict request.

    Args:
        document: the parsed body.
        specs_of: the inputs of a signature, by its name as given ("" when not given).

    Raises:
        ServingError: INVALID_ARGUMENT, saying which element does not fit and why.
    """
    name = signature_name(document)
    specs = specs_of(name)
    if not specs:
        raise invalid_argument(f"Failed to get input map for signature: {name or 'DEFAULT'}")
    forms = [form for form in Form if form.value in document]
    if not forms:
        raise invalid_argument("Missing 'inputs' or 'instances' key")
    if len(forms) > 1:
        raise invalid_argument("Give either 'inputs' or 'instances', not both")
    if forms[0] is Form.COLUMN:
        return name, Form.COLUMN, _from_columns(document["inputs"], specs)
    instances = document["instances"]
    if not isinstance(instances, list):
        raise invalid_argument("'instances' must be a list")
    if not instances:
        raise invalid_argument("'instances' is empty")
    return name, Form.ROW, _from_rows(instances, specs)


def count_rows(document: Mapping[str, Any]) -> int:
    """How many rows a predict request claims, before anything in them is read."""
    inputs = document.get(Form.COLUMN.value)
    columns = inputs.values() if isinstance(inputs, dict) else [inputs]
    listed = [document.get(Form.ROW.value), *columns]
    return max((len(rows) for rows in listed if isinstance(rows, list)), default=0)


def signature_name(document: Mapping[str, Any]) -> str:
    """The request's signature name, or "" where it gives none.

    Raises:
        ServingError: INVALID_ARGUMENT when it is no string of Unicode.
    """
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise invalid_argument("'signature_name' must be a string")
    return json_text.as_name(name)


def _from_columns(value: Any, specs: Mapping[str, TensorSpec]) -> dict[str, np.ndarray]:
    if not isinstance(value, dict) or json_text.is_base64(value):
        if len(specs) > 1:
            raise invalid_argument(
                "inputs is a plain value/list, but expecting an object as multiple "
                "input tensors required as per tensorinfo_map"
            )
        value = {next(iter(specs)): value}
    arrays = {}
    for name, spec in specs.items():
        if name not in value:
            raise invalid_argument(f"Missing named input: {name} in 'inputs' object.")
        column = _Column(spec.dtype)
        column.add(value[name])
        arrays[name] = column.array(column.shape)
    return arrays


def _from_rows(instances: Sequence[Any], specs: Mapping[str, TensorSpec]) -> dict[str, np.ndarray]:
    named = _is_named(instances[0])
    if not isinstance(instances[0], dict) and len(specs) > 1:
        raise invalid_argument(
            "instances is a plain list, but expecting list of objects as multiple "
            "input tensors required as per tensorinfo_map"
        )
    columns = {name: _Column(spec.dtype) for name, spec in specs.items()}
    for position, instance in enumerate(instances):
        if named:
            _add_named(columns, position, instance)
        else:
            _add_plain(columns, position, instance)
    return {
        name: column.array((len(instances), *column.shape))
        for name, column in columns.items()
        if column.shape is not None
    }


def _is_named(instance: Any) -> bool:
    return isinstance(instance, dict) and not json_text.is_base64(instance)


def _add_named(columns: Mapping[str, "_Column"], position: int, instance: Any) -> None:
    if not _is_named(instance):
        raise invalid_argument(f"Expecting object but got list at item {position} of input list")
    for name, value in instance.items():
        try:
            if name not in columns:
                raise invalid_argument(f"JSON object: does not have named input: {name}")
            columns[name].add(value)
        except ServingError as error:
            raise invalid_argument(
                f"Failed to process element: {position} key: {name} of 'instances' list. "
                f"Error: {error}"
            ) from error
    if set(instance) != set(columns):
        raise invalid_argument(
            f"Failed to process element: {position} of 'instances' list. JSON object: "
            f"{json_text.show(instance)} keys must be equal to: {','.join(sorted(columns))}"
        )


def _add_plain(columns: Mapping[str, "_Column"], position: int, instance: Any) -> None:
    if _is_named(instance):
        raise invalid_argument(
            f"Expecting value/list but got object at item {position} of input list"
        )
    try:
        next(iter(columns.values())).add(instance)
    except ServingError as error:
        raise invalid_argument(
            f"Failed to process element: {position} of 'instances' list. Error: {error}"
        ) from error


class _Column:
    """The values of one input, gathered from one or many JSON values of one shape."""

    def __init__(self, dtype: int):
        self._dtype = dtype
        self._values: list[Any] = []
        self.shape: tuple[int, ...] | None = None

    def add(self, value: Any) -> None:
        """Appends the leaves of a nested list, which must be as the first one was."""
        shape = _dense_shape(value)
        leaves = [self._leaf(leaf) for leaf in _flatten(value, shape)]
        if self.shape is None:
            self.shape = shape
        elif int(np.prod(shape)) != int(np.prod(self.shape)):
            raise invalid_argument(
                f"Expecting tensor size: {int(np.prod(self.shape))} but got: {len(leaves)}"
            )
        elif shape != self.shape:
            raise invalid_argument(
                f"Expecting shape {_listed(self.shape)} but got: {_listed(shape)}"
            )
        self._values += leaves

    def array(self, shape: tuple[int, ...]) -> np.ndarray:
        """All values gathered, in that shape."""
        if self._dtype == types_pb2.DT_STRING:
            array = np.empty(len(self._values), dtype=object)
            array[:] = self._values
        else:
            target = dtypes.as_dtype(self._dtype).as_numpy_dtype
            # A 300 for a uint8 wraps around, as a C++ conversion does.
            wide = np.int64 if np.issubdtype(target, np.signedinteger) else None
            array = np.array(self._values, dtype=wide).astype(target)
        return array.reshape(shape)

    def _leaf(self, value: Any) -> Any:
        if self._dtype == types_pb2.DT_STRING:
            return _string(value)
        if self._dtype in _FLOAT_LIMITS:
            return _float(value, self._dtype)
        if self._dtype in _INTEGER_LIMITS:
            low, high = _INTEGER_LIMITS[self._dtype]
            if type(value) is not int or not low <= value <= high:
                raise _type_error(value, self._dtype)
            return value
        if self._dtype == types_pb2.DT_BOOL:
            if not isinstance(value, bool):
                raise _type_error(value, self._dtype)
            return value
        raise unimplemented(
            f"Conversion of JSON Value: {json_text.show(value)} to type: {type_name(self._dtype)}"
        )


def _string(value: Any) -> bytes:
    if isinstance(value, dict):
        return json_text.from_base64(value)
    if not isinstance(value, str):
        raise _type_error(value, types_pb2.DT_STRING)
    return json_text.to_bytes(value)


def _float(value: Any, dtype: int) -> float:
    if type(value) not in (int, float):
        raise _type_error(value, dtype)
    whole, magnitude = _FLOAT_LIMITS[dtype]
    lost = abs(value) > whole if type(value) is int else magnitude < abs(value) < float("inf")
    if lost:
        raise invalid_argument(
            f"Cannot convert JSON value: {json_text.show(value)} to {type_name(dtype)} "
            "without loss of precision."
        )
    return float(value)


def _type_error(value: Any, dtype: int) -> ServingError:
    return invalid_argument(
        f"{json_text.show(value)} is not of the expected type {type_name(dtype)}"
    )


def _dense_shape(value: Any) -> tuple[int, ...]:
    """The sizes met on the way down the first elements."""
    shape: list[int] = []
    while isinstance(value, list):
        if len(shape) == MAX_RANK:
            raise invalid_argument(f"Lists are nested more than {MAX_RANK} levels deep")
        shape.append(len(value))
        if not value:
            break
        value = value[0]
    return tuple(shape)


def _flatten(value: Any, shape: tuple[int, ...]) -> list[Any]:
    """The leaves, after a check that every branch has the shape of the first."""
    nodes = [value]
    for level, size in enumerate(shape):
        for node in nodes:
            if not isinstance(node, list):
                raise invalid_argument(
                    f"JSON Value: {json_text.show(node)} found at incorrect level: {level + 1} "
                    f"in the JSON DOM. Expected at level: {len(shape)}"
                )
            if len(node) != size:
                raise invalid_argument(
                    f"Encountered list at unexpected size: {len(node)} at level: {level} "
                    f"expected size: {size}"
                )
        nodes = list(chain.from_iterable(nodes))
    if any(isinstance(node, list) for node in nodes):
        raise invalid_argument(
            f"Encountered list at unexpected level: {len(shape)} expected < {len(shape)}"
        )
    return nodes


def _listed(shape: Sequence[int]) -> str:
    return f"[{','.join(map(str, shape))}]"


def write_predict(
    outputs: Mapping[str, np.ndarray], specs: Mapping[str, TensorSpec], form: Form
) -> bytes:
    """The body of an answer, in the form of its request.

    Args:
        outputs: arrays by output alias.
        specs: the outputs of the signature.
        form: rows need outputs with the same first dimension.

    Raises:
        ServingError: INVALID_ARGUMENT: outputs that make no rows, or a type JSON has no form for.
    """
    if not outputs:
        raise invalid_argument("Cannot convert empty tensor map to JSON")
    texts = {name: _texts(name, array, specs[name].dtype) for name, array in outputs.items()}
    if form is Form.COLUMN:
        return json_text.encode(_columns_text(texts))
    _check_rows(outputs)
    return json_text.encode(_rows_text(texts))


def _check_rows(outputs: Mapping[str, np.ndarray]) -> None:
    rows = None
    for name, array in outputs.items():
        if array.ndim == 0:
            raise invalid_argument(f"Tensor name: {name} has no shape information ")
        if rows is not None and array.shape[0] != rows:
            raise invalid_argument(
                f"Tensor name: {name} has inconsistent batch size: {array.shape[0]} "
                f"expecting: {rows}"
            )
        rows = array.shape[0]


def _rows_text(texts: Mapping[str, Any]) -> str:
    if len(texts) == 1:
        rows = ", ".join(json_text.on_one_line(row) for row in next(iter(texts.values())))
        return f'{{\n    "predictions": [{rows}\n    ]\n}}'
    objects = []
    for row in zip(*texts.values(), strict=True):
        members = ",".join(
            f"\n            {json_text.quoted(name.encode())}: {json_text.on_one_line(value)}"
            for name, value in zip(texts, row, strict=True)
        )
        objects.append(f"\n        {{{members}\n        }}")
    return f'{{\n    "predictions": [{",".join(objects)}\n    ]\n}}'


def _columns_text(texts: Mapping[str, Any]) -> str:
    if len(texts) == 1:
        return f'{{\n    "outputs": {json_text.indented(next(iter(texts.values())), 1)}\n}}'
    members = ",".join(
        f"\n        {json_text.quoted(name.encode())}: {json_text.indented(value, 2)}"
        for name, value in texts.items()
    )
    return f'{{\n    "outputs": {{{members}\n    }}\n}}'


def _texts(name: str, array: np.ndarray, dtype: int) -> Any:
    """Nested lists, shaped as the array, of its values as JSON texts."""
    if dtype == types_pb2.DT_STRING:
        write = _base64_text if name.endswith("_bytes") else json_text.quoted
    elif dtype in (types_pb2.DT_FLOAT, types_pb2.DT_HALF):
        write = _single_text
    elif dtype == types_pb2.DT_DOUBLE:
        write = _double_text
    elif dtype == types_pb2.DT_BOOL:
        write = _bool_text
    elif dtype in _INTEGER_LIMITS:
        write = str
    else:
        raise invalid_argument(f"Failed to write JSON value for tensor type: {type_name(dtype)}")
    return _mapped(array.tolist(), write)


def _mapped(values: Any, write: Callable[[Any], str]) -> Any:
    if isinstance(values, list):
        return [_mapped(value, write) for value in values]
    return write(values)


def _single_text(value: float) -> str:
    return json_text.decimal(value, single=True)


def _double_text(value: float) -> str:
    return json_text.decimal(value, single=False)


def _bool_text(value: bool) -> str:
    return "true" if value else "false"


def _base64_text(value: bytes) -> str:
    return f'{{"b64": "{base64.b64encode(value).decode()}"}}'
