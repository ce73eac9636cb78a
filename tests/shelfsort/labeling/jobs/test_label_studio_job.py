import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from click.testing import CliRunner

from shelfsort.cli.labels.command import labels
from shelfsort.core.errors import InputError, RunFailed

LABEL_STUDIO = """\
name: shelf-1
manifest: {folder}/input.manifest
price: 0
fee: 0
workers: 2
label_studio: {{url: STORE, config: {folder}/config.xml, fields: [title]}}
"""
TOKEN = "0123456789abcdef"


class Studio(BaseHTTPRequestHandler):
    """As much of Label Studio's interface as is called, with one project on each page."""

    def do_GET(self):
        self._answer()

    def do_POST(self):
        self._answer()

    def do_DELETE(self):
        self._answer()

    def log_message(self, *arguments):
        pass

    def _answer(self):
        size = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(size)) if size else None
        state = self.server.state
        state["calls"].append((self.command, self.path, self.headers["Authorization"]))
        status, answer = self._said(state, body)
        content = json.dumps(answer).encode()
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "http://127.0.0.1:1/")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _said(self, state, body):
        if self.path == "/api/token/refresh":
            return 200, {"access": "short-lived"}
        if state["status"] != 200:
            return state["status"], {"detail": f"no, {TOKEN}"}
        parts = self.path.partition("?")[0].strip("/").split("/")
        projects = state["projects"]
        if parts == ["api", "projects"] and self.command == "GET":
            page = int(self.path.partition("page=")[2].partition("&")[0])
            found = list(projects.items())
            results = [{"id": id_, "title": each["title"]} for id_, each in found[page - 1 : page]]
            return 200, {"results": results, "next": "more" if page < len(found) else None}
        if parts == ["api", "projects"]:
            projects[len(projects) + 1] = {**body, "tasks": []}
            return 201, {"id": len(projects)}
        project = projects[int(parts[2])]
        if self.command == "DELETE":
            del projects[int(parts[2])]
        elif parts[3:] == ["import"]:
            if state["refuses_import"] == int(parts[2]):
                return 400, {"detail": "bad tasks"}
            project["tasks"] += body
        elif parts[3:] == ["export"]:
            return 200, [{**task, "annotations": []} for task in project["tasks"]]
        return 200, {"task_number": len(project["tasks"]), "num_tasks_with_annotations": 1}


@pytest.fixture
def studio(monkeypatch):
    monkeypatch.setenv("LABEL_STUDIO_TOKEN", TOKEN)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Studio)
    server.state = {"projects": {}, "calls": [], "status": 200, "refuses_import": 0}
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def job(job_file, studio):
    return lambda text=LABEL_STUDIO: job_file(text.replace("STORE", studio.url))


def run(path, *arguments, **settings):
    return CliRunner().invoke(labels, ["job", str(path), *arguments], **settings)


def test_every_project_has_every_product_and_its_answers_come_back(job, studio, tmp_path):
    path = job()
    result = run(path, "--submit")
    assert result.exception is None, result.exception
    assert f"shelf-1 (2 of 2): {studio.url}/projects/2" in result.output
    made = list(studio.state["projects"].values())
    assert [each["title"] for each in made] == ["shelf-1 (1 of 2)", "shelf-1 (2 of 2)"]
    expected = [{"data": {"id": "1", "title": "Mug"}}, {"data": {"id": "2", "title": "Tote"}}]
    assert [each["tasks"] for each in made] == [expected, expected]
    assert made[0]["label_config"].startswith("<View>")
    after = run(path, "--follow", "--answers", str(tmp_path / "answers"))
    assert "shelf-1 (1 of 2): 1 of 2 products answered" in after.output
    for number in (1, 2):
        held = json.loads((tmp_path / f"answers/project-{number}.json").read_text())
        assert [task["data"] for task in held] == [task["data"] for task in expected]
    again = run(path, "--answers", str(tmp_path / "answers"))
    assert "is there already" in str(again.exception)


def test_a_job_never_adds_to_the_projects_of_another(job, studio):
    run(job(), "--submit")
    again = run(job(), "--submit")
    assert "there is a project of this title" in str(again.exception)
    assert len(studio.state["projects"]) == 2


def test_where_one_project_fails_none_is_left(job, studio):
    studio.state["refuses_import"] = 2
    result = run(job(), "--submit")
    assert isinstance(result.exception, RunFailed)
    assert "bad tasks" in str(result.exception)
    assert studio.state["projects"] == {}


@pytest.mark.parametrize(
    ("token", "expected"),
    [(TOKEN, f"Token {TOKEN}"), ("head.body.tail", "Bearer short-lived")],
)
def test_both_kinds_of_token_are_shown_as_the_server_takes_them(
    job, studio, monkeypatch, token, expected
):
    monkeypatch.setenv("LABEL_STUDIO_TOKEN", token)
    run(job(), "--submit")
    assert studio.state["calls"][-1][2] == expected


@pytest.mark.parametrize(
    ("status", "error"), [(401, InputError), (403, InputError), (500, RunFailed), (302, RunFailed)]
)
def test_a_server_that_refuses_is_named_without_the_token(job, studio, status, error):
    studio.state["status"] = status
    result = run(job(), "--submit")
    assert isinstance(result.exception, error)
    assert studio.url in str(result.exception)
    assert TOKEN not in str(result.exception)


def test_nothing_is_asked_of_the_server_to_check_a_job(job, studio, monkeypatch):
    monkeypatch.delenv("LABEL_STUDIO_TOKEN")
    assert run(job()).output.splitlines()[-1] == "total: $0.00"
    assert studio.state["calls"] == []
    assert "LABEL_STUDIO_TOKEN" in str(run(job(), "--submit").exception)


def test_the_configuration_may_name_only_fields_of_the_tasks(job):
    result = run(job(LABEL_STUDIO.replace("[title]", "[description]")))
    assert "shows $title" in str(result.exception)


def test_images_have_to_be_where_a_browser_can_get_them(job_file):
    text = LABEL_STUDIO.replace("STORE", "http://127.0.0.1:1").replace("[title]", "[image, title]")
    result = run(job_file(text, lines=[{"id": "1", "source-ref": "/home/me/a.jpg"}]))
    assert "is a file of this machine" in str(result.exception)


def test_a_tree_that_the_page_cannot_show_is_refused_before_a_project_is_made(
    job, studio, tmp_path
):
    path = job()
    choices = '<Choice value="x"/>' * 31_000
    (tmp_path / "config.xml").write_text(f"<View><Taxonomy>{choices}</Taxonomy></View>")
    for options in ((), ("--submit",)):
        assert "too slow for more than 30,000" in str(run(path, *options).exception)
    assert studio.state["projects"] == {}
