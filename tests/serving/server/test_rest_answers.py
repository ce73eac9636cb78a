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


def wrong(message):
    return {"error": message}


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
        "an unknown model",
        "/v1/models/nobody:predict",
        {"instances": [1.0]},
        404,
        wrong("Servable not found for request: Latest(nobody)"),
    ),
    Asked(
        "an unknown version",
        "/v1/models/tiny/versions/9:predict",
        {"instances": [1.0]},
        404,
        wrong("Servable not found for request: Specific(tiny, 9)"),
    ),
    Asked(
        "a version beyond 64 bits",
        f"/v1/models/tiny/versions/{2**64}:predict",
        {},
        400,
        wrong(f"Failed to convert version: {2**64} to numeric."),
    ),
    Asked(
        "an unknown label",
        "/v1/models/tiny/labels/x:predict",
        {"instances": [1.0]},
        400,
        wrong("Unrecognized servable version label: x"),
    ),
    Asked(
        "an unknown verb",
        "/v1/models/tiny:guess",
        {},
        400,
        wrong("Malformed request: POST /v1/models/tiny:guess"),
    ),
    Asked(
        "an unknown signature",
        PREDICT,
        {"signature_name": "s", "instances": [1.0]},
        400,
        wrong('Serving signature name: "s" not found in signature def'),
    ),
    Asked("an empty body", PREDICT, b"", 400, wrong("JSON Parse error: The document is empty")),
    Asked(
        "no JSON",
        PREDICT,
        b'{"instances": [1 2]}',
        400,
        wrong("JSON Parse error: Missing a comma or ] after an array element. at offset: 17"),
    ),
    Asked("no JSON object", PREDICT, b"3", 400, wrong("JSON Value: 3 Is not object")),
    Asked(
        "neither form", PREDICT, {"rows": [1]}, 400, wrong("Missing 'inputs' or 'instances' key")
    ),
    Asked(
        "both forms",
        PREDICT,
        b'{"instances": 1, "inputs": 2}',
        400,
        wrong(
            'JSON Value: {\n    "instances": 1,\n    "inputs": 2\n} '
            "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist "
        ),
    ),
    Asked(
        "no rows",
        PREDICT,
        b'{"instances": []}',
        400,
        wrong("JSON Value: {\n    \"instances\": []\n} No values in 'instances' array"),
    ),
    Asked(
        "outputs with other numbers of rows",
        PREDICT,
        {"signature_name": "uneven", "instances": [1.0, 2.0]},
        400,
        wrong("Tensor name: first has inconsistent batch size: 1 expecting: 2"),
    ),
    Asked(
        "a signature that answers nothing by rows, in column form",
        PREDICT,
        {"signature_name": "uneven", "inputs": [1.0, 2.0]},
        200,
        {"outputs": {"each": [1.0, 2.0], "first": [1.0]}},
    ),
    Asked(
        "other names than the inputs'",
        PREDICT,
        {"signature_name": "pair", "instances": [{"a": 1.0}]},
        400,
        wrong(
            "Failed to process element: 0 of 'instances' list. JSON object: "
            '{\n    "a": 1.0\n} keys must be equal to: a,b'
        ),
    ),
    Asked(
        "an unknown name",
        PREDICT,
        {"instances": [{"q": 1.0}]},
        400,
        wrong(
            "Failed to process element: 0 key: q of 'instances' list. Error: INVALID_ARGUMENT: "
            "JSON object: does not have named input: q"
        ),
    ),
    Asked(
        "a plain list where names are needed",
        PREDICT,
        {"signature_name": "pair", "instances": [1.0]},
        400,
        wrong(
            "instances is a plain list, but expecting list of objects as multiple input "
            "tensors required as per tensorinfo_map"
        ),
    ),
    Asked(
        "a missing column",
        PREDICT,
        {"signature_name": "pair", "inputs": {"a": [1.0]}},
        400,
        wrong("Missing named input: b in 'inputs' object."),
    ),
    Asked(
        "a plain base64 where names are needed",
        PREDICT,
        {"signature_name": "two_texts", "instances": [{"b64": "aGk="}]},
        400,
        wrong(
            "input size does not match signature: 1!=2 len({s}) != len({s,t}). "
            "Sent extra: {}. Missing but required: {t}."
        ),
    ),
    Asked(
        "no base64",
        PREDICT,
        {"signature_name": "text", "instances": [{"b64": "ä"}]},
        400,
        wrong(
            "Failed to process element: 0 of 'instances' list. Error: INVALID_ARGUMENT: "
            "Unable to base64 decode"
        ),
    ),
    Asked(
        "another type",
        PREDICT,
        {"inputs": ["one"]},
        400,
        wrong('JSON Value: "one" Type: String is not of expected type: float'),
    ),
    Asked(
        "outputs that make no rows",
        PREDICT,
        {"signature_name": "total", "instances": [1.0]},
        400,
        wrong("Tensor name: total has no shape information "),
    ),
    Asked(
        "ragged rows",
        PREDICT,
        {"inputs": [[1.0], [1.0, 2.0]]},
        400,
        wrong("Encountered list at unexpected size: 2 at level: 1 expected size: 1"),
    ),
    Asked(
        "rows of different sizes",
        PREDICT,
        {"instances": [[1.0], [1.0, 2.0]]},
        400,
        wrong(
            "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: "
            "Expecting tensor size: 1 but got: 2"
        ),
    ),
    Asked(
        "examples that are none",
        "/v1/models/tiny:classify",
        {"signature_name": "classify", "examples": [3]},
        400,
        wrong("Example must be JSON object but got JSON Number"),
    ),
    Asked(
        "a feature of two kinds",
        "/v1/models/tiny:classify",
        {"signature_name": "classify", "examples": [{"size": [1.0, "x"]}]},
        400,
        wrong("Unexpected element type in feature: size expecting type: float"),
    ),
]


@pytest.mark.parametrize("case", ANSWERED, ids=lambda case: case.behaviour)
def test_answers(rest, case):
    status, answer = rest("POST", case.path, case.body, case.headers)
    assert (status, answer) == (case.status, case.answer)
