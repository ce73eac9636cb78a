"""TF Serving's behaviour, line by line: REST's paths, connections, statuses and metrics."""

import http.client
import json
import re

import grpc
import pytest

from serving.server.metrics import ServerMetrics
from serving.server.rest_api import RestApi
from serving.status import ServingError

PREDICT = "/v1/models/tiny/versions/1:predict"


def wrong(message):
    return {"error": message}


def test_an_error_is_printed_with_four_spaces(shared_server):
    connection = http.client.HTTPConnection("127.0.0.1", shared_server.rest_port, timeout=30)
    connection.request("GET", "/v1/elsewhere")
    response = connection.getresponse()
    expected = b'{\n    "error": "Malformed request: GET /v1/elsewhere"\n}'
    assert (response.status, response.read()) == (400, expected)
    assert response.getheader("Content-Type") == "application/json"
    connection.close()


@pytest.mark.parametrize(
    ("path", "versions"),
    [
        ("/v1/models/tiny", ["3", "2", "1"]),
        ("/v1/models/tiny/versions/1", ["1"]),
        ("/v1/models/tiny/labels/stable", ["3", "2", "1"]),
    ],
)
def test_status_lists_versions(rest, path, versions):
    status, answer = rest("GET", path)
    assert status == 200
    assert [entry["version"] for entry in answer["model_version_status"]] == versions


def test_status_has_the_form_of_tf_serving(rest):
    assert rest("GET", "/v1/models/tiny/versions/1") == (
        200,
        {
            "model_version_status": [
                {
                    "version": "1",
                    "state": "AVAILABLE",
                    "status": {"error_code": "OK", "error_message": ""},
                }
            ]
        },
    )


def test_status_without_a_model_is_refused(rest):
    assert rest("GET", "/v1/models") == (400, wrong("Missing model name in request."))


def test_metadata_has_the_signatures(rest):
    status, answer = rest("GET", "/v1/models/tiny/versions/1/metadata")
    assert status == 200
    assert answer["model_spec"] == {"name": "tiny", "signature_name": "", "version": "1"}
    line = answer["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert line["inputs"]["x"] == {
        "dtype": "DT_FLOAT",
        "name": "serving_default_x:0",
        "tensor_shape": {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False},
    }


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_other_methods_are_malformed(rest, method):
    expected = wrong(f"Malformed request: {method} /v1/models/tiny")
    assert rest(method, "/v1/models/tiny") == (400, expected)


def test_what_is_not_under_v1_is_not_found(rest):
    assert rest("GET", "/")[0] == 404


def test_a_chunked_body_is_read(shared_server):
    connection = http.client.HTTPConnection("127.0.0.1", shared_server.rest_port, timeout=30)
    pieces = iter([b'{"insta', b'nces": [1.0]}'])
    connection.request(
        "POST", PREDICT, pieces, encode_chunked=True, headers={"Transfer-Encoding": "chunked"}
    )
    assert json.loads(connection.getresponse().read()) == {"predictions": [2.0]}
    connection.close()


def test_an_answer_of_many_bytes_comes_whole(rest):
    text = "x" * 300_000
    body = {"signature_name": "text", "instances": [text]}
    status, answer = rest("POST", "/v1/models/tiny:predict", body)
    (row,) = answer["predictions"]
    assert (status, row["echo"], row["length"]) == (200, text, len(text))


def test_a_connection_is_kept_for_the_next_request(shared_server):
    connection = http.client.HTTPConnection("127.0.0.1", shared_server.rest_port, timeout=30)
    for _ in range(3):
        connection.request("GET", "/v1/models/tiny")
        connection.getresponse().read()
        socket = connection.sock
    connection.request("GET", "/v1/models/tiny")
    connection.getresponse().read()
    assert connection.sock is socket
    connection.close()


def test_metrics_carry_tf_servings_names(rest):
    from prometheus_client.parser import text_string_to_metric_families

    rest("POST", PREDICT, {"instances": [1.0]})
    rest("POST", "/v1/models/tiny:classify", {"signature_name": "classify", "examples": [{}]})
    status, page = rest("GET", "/monitoring/prometheus/metrics")
    families = {family.name for family in text_string_to_metric_families(page)}
    assert status == 200
    assert families >= {
        ":tensorflow:serving:request_count",
        ":tensorflow:serving:request_latency",
        ":tensorflow:serving:runtime_latency",
        ":tensorflow:serving:request_example_counts",
        ":tensorflow:serving:request_example_count",
        ":tensorflow:cc:saved_model:load_attempt_count",
    }


def test_metrics_count_every_outcome(rest):
    def counted(status):
        page = rest("GET", "/monitoring/prometheus/metrics")[1]
        pattern = rf':request_count{{model_name="tiny",status="{status}"}} (\d+)'
        found = re.search(pattern, page)
        return int(found[1]) if found else 0

    ok, refused = counted("OK"), counted("INVALID_ARGUMENT")
    rest("POST", PREDICT, {"instances": [1.0]})
    rest("POST", PREDICT, {"instances": ["one"]})
    assert (counted("OK"), counted("INVALID_ARGUMENT")) == (ok + 1, refused + 1)


def test_metrics_keep_no_names_that_strangers_make_up(rest):
    assert rest("POST", "/v1/models/made-up:predict", {"instances": [1.0]})[0] == 404
    page = rest("GET", "/monitoring/prometheus/metrics")[1]
    assert "made-up" not in page
    assert ':request_count{model_name="",status="NOT_FOUND"}' in page


class Failing:
    """A manager whose models cannot be used, for one reason."""

    def __init__(self, error):
        self._error = error

    def use(self, spec):
        raise self._error

    def knows(self, name):
        return True


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("INVALID_ARGUMENT", 400),
        ("FAILED_PRECONDITION", 400),
        ("OUT_OF_RANGE", 400),
        ("NOT_FOUND", 404),
        ("RESOURCE_EXHAUSTED", 429),
        ("INTERNAL", 500),
        ("UNKNOWN", 500),
        ("UNIMPLEMENTED", 501),
        ("UNAVAILABLE", 503),
        ("DEADLINE_EXCEEDED", 504),
    ],
)
def test_every_code_has_its_http_status(code, status):
    error = ServingError(grpc.StatusCode[code], "why")
    reply = RestApi(Failing(error), ServerMetrics()).handle("POST", "/v1/models/m:predict", b"{}")
    assert (reply.status, json.loads(reply.body)) == (status, wrong("why"))


def test_what_nobody_foresaw_is_an_internal_error():
    api = RestApi(Failing(ZeroDivisionError("oh")), ServerMetrics())
    assert api.handle("POST", "/v1/models/m:predict", b"{}").status == 500
