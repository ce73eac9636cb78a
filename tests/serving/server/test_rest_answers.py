"""TF Serving's behaviour, line by line: what REST answers to a request."""

import base64
import gzip
from dataclasses import dataclass, field

import pytest

PREDICT = "/v1/models/tiny/versions/1:predict"
CAFE = base64.b64encode("café".encode()).decode()


@dataclass(frozen=True)
class Asked:
    """A request and the answer that TF Serving gives."""

    behaviour: str
    path: str
    body: dict | bytes
    status: int
    answer: dict
    headers: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Refused:
    """A request that TF Serving refuses, and what the message names."""

    behaviour: str
    path: str
    body: dict | bytes
    status: int
    names: str = ""


ANSWERED = [
    Asked("row form", PREDICT, {"instances": [1.0, 2.5]}, 200, {"predictions": [2.0, 5.0]}),
    Asked(
        "row form with named tensors; one output drops its name",
        PREDICT,
        {"instances": [{"x": 1.0}, {"x": 2.0}]},
        200,
        {"predictions": [2.0, 4.0]},
    ),
    Asked(
        "row form with several outputs",
        PREDICT,
        {"signature_name": "pair", "instances": [{"a": 1, "b": 2}, {"a": 3, "b": 4}]},
        200,
        {"predictions": [{"sum": 3.0, "product": 2.0}, {"sum": 7.0, "product": 12.0}]},
    ),
    Asked("column form", PREDICT, {"inputs": [1.0, 2.0]}, 200, {"outputs": [2.0, 4.0]}),
    Asked("column form, named", PREDICT, {"inputs": {"x": [1.0]}}, 200, {"outputs": [2.0]}),
    Asked(
        "column form with several outputs",
        PREDICT,
        {"signature_name": "pair", "inputs": {"a": [1.0], "b": [2.0]}},
        200,
        {"outputs": {"sum": [3.0], "product": [2.0]}},
    ),
    Asked(
        "base64 in, and out where the alias ends in _bytes",
        PREDICT,
        {"signature_name": "text", "instances": [{"b64": CAFE}]},
        200,
        {
            "predictions": [
                {
                    "echo": "café",
                    "echo_bytes": {"b64": CAFE},
                    "length": 4,
                }
            ]
        },
    ),
    Asked(
        "a label",
        "/v1/models/tiny/labels/stable:predict",
        {"instances": [1.0]},
        200,
        {"predictions": [2.0]},
    ),
    Asked(
        "the latest version",
        "/v1/models/tiny:predict",
        {"instances": [1.0]},
        200,
        {"predictions": [3.0]},
    ),
    Asked(
        "paths in any case, percent signs resolved",
        "/V1/Models/t%69ny/Versions/1:Predict",
        {"instances": [1.0]},
        200,
        {"predictions": [2.0]},
    ),
    Asked(
        "a gzipped body",
        PREDICT,
        gzip.compress(b'{"instances": [1.0]}'),
        200,
        {"predictions": [2.0]},
        {"Content-Encoding": "gzip"},
    ),
    Asked(
        "classify: the key is results",
        "/v1/models/tiny/versions/1:classify",
        {"signature_name": "only_scores", "examples": [{"size": 1.5}]},
        200,
        {"results": [[["", 3.0]]]},
    ),
    Asked(
        "classify with a context",
        "/v1/models/tiny/versions/1:classify",
        {
            "signature_name": "classify",
            "context": {"size": 0.25},
            "examples": [{}, {"size": [0.5]}],
        },
        200,
        {"results": [[["small", 0.5], ["large", 0.5]], [["small", 0.0], ["large", 1.0]]]},
    ),
    Asked(
        "regress",
        "/v1/models/tiny/versions/1:regress",
        {"signature_name": "regress", "examples": [{"size": 1.5}]},
        200,
        {"results": [3.0]},
    ),
    Asked(
        "a signature that answers nothing by rows, in column form",
        PREDICT,
        {"signature_name": "uneven", "inputs": [1.0, 2.0]},
        200,
        {"outputs": {"each": [1.0, 2.0], "first": [1.0]}},
    ),
]

REFUSED = [
    Refused("an unknown model", "/v1/models/nobody:predict", {"instances": [1.0]}, 404, "nobody"),
    Refused(
        "an unknown version", "/v1/models/tiny/versions/9:predict", {"instances": [1.0]}, 404, "9"
    ),
    Refused(
        "a version beyond 64 bits",
        f"/v1/models/tiny/versions/{2**64}:predict",
        {},
        400,
        "18446744073709551616",
    ),
    Refused("an unknown label", "/v1/models/tiny/labels/x:predict", {"instances": [1.0]}, 400, "x"),
    Refused("an unknown verb", "/v1/models/tiny:guess", {}, 400, "guess"),
    Refused(
        "an unknown signature", PREDICT, {"signature_name": "s", "instances": [1.0]}, 400, '"s"'
    ),
    Refused("an empty body", PREDICT, b"", 400),
    Refused("no JSON", PREDICT, b'{"instances": [1 2]}', 400, "column 18"),
    Refused("no JSON object", PREDICT, b"3", 400, "3"),
    Refused("neither form", PREDICT, {"rows": [1]}, 400, "instances"),
    Refused("both forms", PREDICT, b'{"instances": 1, "inputs": 2}', 400, "inputs"),
    Refused("no rows", PREDICT, b'{"instances": []}', 400, "instances"),
    Refused(
        "outputs with other numbers of rows",
        PREDICT,
        {"signature_name": "uneven", "instances": [1.0, 2.0]},
        400,
        "first",
    ),
    Refused(
        "other names than the inputs'",
        PREDICT,
        {"signature_name": "pair", "instances": [{"a": 1.0}]},
        400,
        "a,b",
    ),
    Refused("an unknown name", PREDICT, {"instances": [{"q": 1.0}]}, 400, "q"),
    Refused(
        "a plain list where names are needed",
        PREDICT,
        {"signature_name": "pair", "instances": [1.0]},
        400,
    ),
    Refused(
        "a missing column", PREDICT, {"signature_name": "pair", "inputs": {"a": [1.0]}}, 400, "b"
    ),
    Refused(
        "a plain base64 where names are needed",
        PREDICT,
        {"signature_name": "two_texts", "instances": [{"b64": "aGk="}]},
        400,
        "{t}",
    ),
    Refused(
        "no base64", PREDICT, {"signature_name": "text", "instances": [{"b64": "ä"}]}, 400, "base64"
    ),
    Refused("another type", PREDICT, {"inputs": ["one"]}, 400, "float"),
    Refused(
        "outputs that make no rows",
        PREDICT,
        {"signature_name": "total", "instances": [1.0]},
        400,
        "total",
    ),
    Refused("ragged rows", PREDICT, {"inputs": [[1.0], [1.0, 2.0]]}, 400, "2"),
    Refused("rows of different sizes", PREDICT, {"instances": [[1.0], [1.0, 2.0]]}, 400, "2"),
    Refused(
        "examples that are none",
        "/v1/models/tiny:classify",
        {"signature_name": "classify", "examples": [3]},
        400,
        "3",
    ),
    Refused(
        "a feature of two kinds",
        "/v1/models/tiny:classify",
        {"signature_name": "classify", "examples": [{"size": [1.0, "x"]}]},
        400,
        "size",
    ),
]


@pytest.mark.parametrize("case", ANSWERED, ids=lambda case: case.behaviour)
def test_answers(rest, case):
    status, answer = rest("POST", case.path, case.body, case.headers)
    assert (status, answer) == (case.status, case.answer)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.behaviour)
def test_refusals(rest, case):
    status, answer = rest("POST", case.path, case.body)
    assert (status, list(answer)) == (case.status, ["error"])
    assert case.names in answer["error"]
