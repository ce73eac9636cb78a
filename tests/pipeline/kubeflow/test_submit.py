"""submit sends what Kubeflow's API asks for, waits for the end, and keeps the token to itself."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest
import yaml
from click.testing import CliRunner

from components.manifest_example_gen.preflight import check
from components.manifest_example_gen.settings import DataConfig
from demo.catalogue import make_catalogue
from pipeline.cli.kubeflow import submit
from pipeline.kubeflow import submit as submission
from shelfsort.core.errors import InputError, RunFailed

TOKEN = "s3cret-t0ken"
IMAGE = f"registry.example/shelfsort@sha256:{'5e' * 32}"
TASKS = {"InputCheck": {}, "ManifestExampleGen": {"enableCache": True}}
INPUTS = {
    "manifest": {"componentInputParameter": "manifest"},
    "taxonomy_file": {"componentInputParameter": "taxonomy"},
    "data": {"runtimeValue": {"constant": '{"max_reject_share": 1.0}'}},
}


class FakeServer(ThreadingHTTPServer):
    """Answers as Kubeflow Pipelines' API v2beta1 does, and keeps what it was sent.

    Attributes:
        states: of the run, one for each question; the last one stays.
        status: of every answer.
        runs: that the experiment has had, (content digest, state), two to a page.
        schedules: names of its recurring runs by id, two to a page.
    """

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests = []
        self.states = ["SUCCEEDED"]
        self.status = 200
        self.runs = []
        self.schedules = {}

    @property
    def host(self):
        return f"http://127.0.0.1:{self.server_port}"

    def body(self, path):
        (body,) = [body for method, each, body in self.requests if (method, each) == ("POST", path)]
        return body


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self._answer(None)

    def do_DELETE(self):
        self.server.schedules.pop(self.path.rpartition("/")[2])
        self._answer(None)

    def do_POST(self):
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _answer(self, body):
        path, _, query = self.path.partition("?")
        self.server.requests.append((self.command, path, body))
        self.server.authorization = self.headers.get("Authorization")
        answer = json.dumps(self._content(path, parse_qs(query))).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _content(self, path, query):
        if self.server.status != 200:
            return {"error": self.headers.get("Authorization")}
        if path.endswith("/runs/run-7"):
            states = self.server.states
            return {"run_id": "run-7", "state": states.pop(0) if len(states) > 1 else states[0]}
        if path == "/apis/v2beta1/runs" and self.command == "GET":
            return self._page_of_runs(int(query.get("page_token", ["0"])[0] or 0))
        if path == "/apis/v2beta1/recurringruns" and self.command == "GET":
            return self._page_of_schedules(int(query.get("page_token", ["0"])[0] or 0))
        return {
            "/apis/v2beta1/experiments": {"experiment_id": "experiment-3"},
            "/apis/v2beta1/runs": {"run_id": "run-7"},
            "/apis/v2beta1/recurringruns": {"recurring_run_id": "schedule-5"},
        }.get(path, {})

    def _page_of_runs(self, start):
        page = [
            {"state": state, "runtime_config": {"parameters": {"content_digest": digest}}}
            for digest, state in self.server.runs[start : start + 2]
        ]
        more = start + 2 < len(self.server.runs)
        return {"runs": page, "next_page_token": str(start + 2) if more else ""}

    def _page_of_schedules(self, start):
        known = list(self.server.schedules.items())
        page = [{"recurring_run_id": id_, "display_name": name} for id_, name in known]
        more = start + 2 < len(known)
        found = page[start : start + 2]
        return {"recurringRuns": found, "next_page_token": str(start + 2) if more else ""}

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    fake = FakeServer()
    thread = threading.Thread(target=fake.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield fake
    fake.shutdown()
    fake.server_close()
    thread.join()


@pytest.fixture
def spec(tmp_path):
    """A spec as `shelfsort compile` writes it, of two tasks."""
    names = ("manifest", "taxonomy", "content_digest", "spans")
    parameters = {name: {"parameterType": "STRING", "defaultValue": name} for name in names}
    content = {
        "schemaVersion": "2.1.0",
        "pipelineInfo": {"name": "shelfsort"},
        "components": {name: {"executorLabel": "gen"} for name in TASKS},
        "deploymentSpec": {"executors": {"gen": {"container": {"image": IMAGE}}}},
        "root": {
            "inputDefinitions": {"parameters": parameters},
            "dag": {
                "tasks": {
                    name: {
                        "taskInfo": {"name": name},
                        "componentRef": {"name": name},
                        "cachingOptions": caching,
                        "inputs": {"parameters": INPUTS},
                    }
                    for name, caching in TASKS.items()
                }
            },
        },
    }
    path = tmp_path / "pipeline.yaml"

    def write(**changes):
        path.write_text(yaml.safe_dump(content | changes))
        return path

    write.content = content
    write()
    return write


def call(spec, server, *options, token=TOKEN):
    return CliRunner().invoke(
        submit,
        [str(spec()), "--host", server.host, *options],
        env={submission.TOKEN_VARIABLE: token},
    )


def test_a_run_is_started_with_the_spec_and_its_id_is_said(spec, server):
    result = call(spec, server, "--json", "--root", "minio://bucket/root", "--run-name", "nightly")
    assert (result.exit_code, json.loads(result.output)) == (0, {"run_id": "run-7"})
    body = server.body("/apis/v2beta1/runs")
    assert body["experiment_id"] == "experiment-3"
    assert body["display_name"] == "nightly"
    assert body["pipeline_spec"]["schemaVersion"] == "2.1.0"
    assert body["runtime_config"]["pipeline_root"] == "minio://bucket/root"


def test_the_token_is_sent_and_never_shown(spec, server):
    result = call(spec, server, "--wait")
    assert server.authorization == f"Bearer {TOKEN}"
    assert TOKEN not in result.output
    assert TOKEN not in repr(submission.Server(server.host, token=TOKEN))


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_is_told_without_it(spec, server, caplog, status):
    server.status = status
    result = call(spec, server)
    assert isinstance(result.exception, InputError)
    assert TOKEN not in str(result.exception) and "KFP_TOKEN" in str(result.exception)
    assert TOKEN not in caplog.text + result.output


def test_a_failing_server_is_told_without_its_words(spec, server, caplog):
    server.status = 500
    result = call(spec, server)
    assert isinstance(result.exception, RunFailed)
    assert "500" in str(result.exception)
    assert TOKEN not in caplog.text + result.output + str(result.exception)


@pytest.fixture
def no_pause(monkeypatch):
    monkeypatch.setattr(submission.time, "sleep", lambda _: None)


def test_waiting_ends_with_the_run(spec, server, no_pause):
    server.states = ["PENDING", "RUNNING", "SUCCEEDED"]
    result = call(spec, server, "--wait", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout.splitlines()[-1]) == {"run_id": "run-7", "state": "SUCCEEDED"}


@pytest.mark.parametrize("state", ["FAILED", "CANCELED", "SKIPPED"])
def test_waiting_for_a_run_that_does_not_succeed_fails(spec, server, no_pause, state):
    server.states = ["RUNNING", state]
    result = call(spec, server, "--wait")
    assert isinstance(result.exception, RunFailed) and state in str(result.exception)


def test_a_run_that_does_not_end_is_not_waited_for_for_ever(server, no_pause):
    server.states = ["RUNNING"]
    with pytest.raises(RunFailed, match="goes on"):
        submission.wait_for(submission.Server(server.host), "run-7", timeout_s=0)


def test_a_server_that_restarts_does_not_end_the_wait(server, monkeypatch):
    server.status = 503

    def comes_back(_):
        server.status = 200

    monkeypatch.setattr(submission.time, "sleep", comes_back)
    assert submission.wait_for(submission.Server(server.host), "run-7", 60) == "SUCCEEDED"


def test_a_run_on_another_manifest_looks_for_itself_what_is_in_it(spec, server):
    call(spec, server, "--param", "manifest=/data/new.manifest")
    sent = server.body("/apis/v2beta1/runs")["runtime_config"]["parameters"]
    assert sent == {"manifest": "/data/new.manifest", "content_digest": "", "spans": "[]"}


def test_a_digest_that_was_given_is_sent(spec, server):
    call(spec, server, "--param", "manifest=/m", "--param", "content_digest=0123")
    sent = server.body("/apis/v2beta1/runs")["runtime_config"]["parameters"]
    assert sent == {"manifest": "/m", "content_digest": "0123", "spans": "[]"}


@pytest.mark.parametrize(("options", "expected"), [((), True), (("--no-cache",), False)])
def test_caching_is_as_compiled_or_off(spec, server, options, expected):
    call(spec, server, *options)
    tasks = server.body("/apis/v2beta1/runs")["pipeline_spec"]["root"]["dag"]["tasks"]
    caching = tasks["ManifestExampleGen"]["cachingOptions"]
    assert caching.get("enableCache", False) is expected


@pytest.fixture
def inbox(tmp_path):
    """Two manifests and a tree; returns the options that name them, and the digest of it all."""
    catalogue = make_catalogue(tmp_path / "catalogue", 30)
    catalogue.manifest.rename(catalogue.directory / "1.manifest")
    first = (catalogue.directory / "1.manifest").read_bytes()
    (catalogue.directory / "2.manifest").write_bytes(b"".join(first.splitlines(True)[:3]))
    options = ("--param", f"manifest={catalogue.directory}", "--param")
    options += (f"taxonomy={catalogue.taxonomy}", "--when-new", "--json")
    content = check(
        str(catalogue.directory), str(catalogue.taxonomy), DataConfig(max_reject_share=1.0)
    )
    return catalogue.directory, options, content.digest


def sent_runs(server):
    return [body for method, path, body in server.requests if method == "POST" and body]


def test_new_content_is_submitted_with_its_digest_and_its_files(spec, server, inbox):
    folder, options, digest = inbox
    server.runs = [("other", "SUCCEEDED")] * 3
    assert json.loads(call(spec, server, *options).output) == {"run_id": "run-7"}
    sent = server.body("/apis/v2beta1/runs")["runtime_config"]["parameters"]
    assert sent["content_digest"] == digest
    assert list(json.loads(sent["spans"])) == [str(folder / f"{n}.manifest") for n in (1, 2)]


@pytest.mark.parametrize("state", ["SUCCEEDED", "RUNNING", "PENDING", None])
def test_content_that_had_a_run_is_not_submitted_again(spec, server, inbox, state):
    _, options, digest = inbox
    server.runs = [("other", "SUCCEEDED")] * 3 + [(digest, state)]
    result = call(spec, server, *options)
    assert (result.exit_code, json.loads(result.output)) == (0, {"run_id": None})
    assert not [body for body in sent_runs(server) if "pipeline_spec" in body]


@pytest.mark.parametrize(("failures", "submitted"), [(2, "run-7"), (3, None)])
def test_content_whose_runs_failed_is_submitted_again_but_not_for_ever(
    spec, server, inbox, failures, submitted
):
    _, options, digest = inbox
    server.runs = [(digest, "FAILED")] * failures
    assert json.loads(call(spec, server, *options).output) == {"run_id": submitted}


def test_when_new_needs_a_manifest_that_can_be_read_from_here(spec, server):
    result = call(spec, server, "--when-new", "--param", "manifest=/nowhere/labelled.manifest")
    assert isinstance(result.exception, InputError)
    assert not sent_runs(server)


def test_a_schedule_is_no_single_submission(spec, server):
    result = call(spec, server, "--when-new", "--schedule", "0 0 3 * * *")
    assert isinstance(result.exception, InputError) and "--when-new" in str(result.exception)


def test_an_unknown_parameter_is_refused_with_the_nearest(spec, server):
    result = call(spec, server, "--param", "manifets=/m")
    assert isinstance(result.exception, InputError) and "'manifest'" in str(result.exception)
    assert server.requests == []


def test_a_spec_that_cannot_run_is_not_sent(spec, server):
    path = spec(schemaVersion="2.0.0")
    with pytest.raises(InputError, match=r"pipeline\.yaml:\d+: .*2\.1"):
        submission.start_run(submission.Server(server.host), submission.Request(str(path)))
    assert server.requests == []


def test_a_schedule_is_made_whose_runs_look_for_what_is_there(spec, server):
    request = submission.Request(str(spec()))
    made = submission.start_schedule(submission.Server(server.host), request, "0 0 3 * * *")
    assert made == "schedule-5"
    sent = server.body("/apis/v2beta1/recurringruns")
    assert sent["trigger"]["cron_schedule"]["cron"] == "0 0 3 * * *"
    assert sent["runtime_config"]["parameters"] == {"content_digest": "", "spans": "[]"}


def without_input_check(spec):
    root = json.loads(json.dumps(spec.content["root"]))
    del root["dag"]["tasks"]["InputCheck"]
    return str(spec(root=root))


def test_a_spec_that_would_not_look_is_not_scheduled_nor_given_another_manifest(spec, server):
    path, fake = without_input_check(spec), submission.Server(server.host)
    with pytest.raises(InputError, match="Compile the pipeline again"):
        submission.start_schedule(fake, submission.Request(path), "0 0 3 * * *")
    with pytest.raises(InputError, match="Compile the pipeline again"):
        submission.start_run(fake, submission.Request(path, arguments={"manifest": "/m"}))
    assert server.requests == []


def test_a_schedule_of_five_fields_is_refused(spec, server):
    result = call(spec, server, "--schedule", "0 3 * * *")
    assert isinstance(result.exception, InputError) and "six fields" in str(result.exception)


def test_a_host_without_a_scheme_is_refused():
    with pytest.raises(InputError, match="https://"):
        submission.Server("kfp.example")


def test_a_server_that_is_not_there_is_told_in_one_line(spec):
    closed = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    host = f"http://127.0.0.1:{closed.server_port}"
    closed.server_close()
    with pytest.raises(RunFailed, match=r"127\.0\.0\.1") as failed:
        submission.start_run(submission.Server(host), submission.Request(str(spec())))
    assert "\n" not in str(failed.value)


def test_credentials_in_the_address_are_refused_and_not_shown():
    with pytest.raises(InputError, match=submission.TOKEN_VARIABLE) as caught:
        submission.Server("https://user:secret@kubeflow.test")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(("options", "no_catchup"), [((), True), (("--catch-up",), False)])
def test_runs_of_a_schedule_do_not_overlap_and_catch_up_only_if_asked(
    spec, server, options, no_catchup
):
    call(spec, server, "--schedule", "0 0 3 * * *", *options)
    sent = server.body("/apis/v2beta1/recurringruns")
    assert (sent["max_concurrency"], sent["no_catchup"]) == (1, no_catchup)


def test_a_schedule_takes_the_place_of_those_of_its_name(spec, server):
    server.schedules = {"old-1": "daily", "other": "weekly", "old-2": "daily", "last": "daily"}
    result = call(spec, server, "--schedule", "0 0 3 * * *", "--run-name", "daily", "--json")
    assert json.loads(result.output) == {"schedule_id": "schedule-5"}
    assert list(server.schedules) == ["other"]
    methods = [method for method, path, _ in server.requests if "recurringruns" in path]
    assert methods == ["GET", "GET", "POST", "DELETE", "DELETE", "DELETE"]


def test_catching_up_needs_a_schedule(spec, server):
    assert isinstance(call(spec, server, "--catch-up").exception, InputError)
