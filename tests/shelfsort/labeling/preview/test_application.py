import contextlib
import json
import re

import httpx
import pytest

from shelfsort.core.web.server import WebServer
from shelfsort.labeling.preview.answers import AnswerFile
from shelfsort.labeling.preview.application import Preview, unknown_elements

TEMPLATE = """<script>one()</script><crowd-form>
<img src="{{ task.input.image | grant_read_access }}">{{ task.input.title | skip_autoescape }}
<a href="{{ "%s/tree/0.json" | grant_read_access }}"></a></crowd-form>"""
PICTURE = b"\xff\xd8\xffpicture"


@pytest.fixture
def browser(tmp_path):
    """A client of the preview of one product, whose image and title are given."""
    opened = contextlib.ExitStack()

    def open_(image="a.jpg", title="Mug", token=None):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "tree").mkdir(exist_ok=True)
        (tmp_path / "in/a.jpg").write_bytes(PICTURE)
        (tmp_path / "secret.jpg").write_bytes(PICTURE)
        (tmp_path / "tree/0.json").write_text('{"a": []}')
        lines = [{"source-ref": image, "title": title}]
        answers = AnswerFile(str(tmp_path / "answers/a.jsonl"))
        manifest = str(tmp_path / "in/input.manifest")
        app = Preview("t", TEMPLATE % tmp_path, manifest, lines, answers).application(token)
        server = opened.enter_context(WebServer(app))
        return opened.enter_context(httpx.Client(base_url=server.url, follow_redirects=True))

    with opened:
        yield open_


def test_images_and_files_of_the_tree_are_served_by_addresses_that_cannot_be_guessed(browser):
    client = browser()
    page = client.get("/").text
    image, tree = re.findall(r'(/granted/[\w-]{20,})"', page)
    assert client.get(image).content == PICTURE
    assert client.get(image).headers["content-type"] == "image/jpeg"
    assert client.get(tree).json() == {"a": []}
    assert client.get("/granted/a.jpg").status_code == 404


@pytest.mark.parametrize(
    "image", ["../secret.jpg", "/etc/passwd", "file:///etc/passwd", "s3://b/k"]
)
def test_a_manifest_cannot_make_the_preview_read_other_files(browser, tmp_path, image):
    page = browser(image).get("/task/0").text
    assert '<img src="">' in page


def test_a_script_that_a_value_smuggles_in_does_not_run(browser):
    answer = browser(title="<script>two()</script>").get("/task/0")
    nonce = re.search("'nonce-([^']+)'", answer.headers["content-security-policy"])[1]
    assert f'<script nonce="{nonce}">one()' in answer.text
    assert "<script>two()" in answer.text
    assert "unsafe-inline" not in answer.headers["content-security-policy"].partition("style")[0]


def test_an_answer_is_appended_as_a_worker_response(browser, tmp_path):
    client = browser()
    assert client.post("/task/0", json={"label": "A"}).json() == {"next": None}
    client.post("/task/0", json={"label": "B"})
    held = [json.loads(x) for x in (tmp_path / "answers/a.jsonl").read_text().splitlines()]
    assert [each["datasetObjectId"] for each in held] == ["0", "0"]
    assert held[1]["answers"][0]["answerContent"] == {"label": "B"}


def test_half_a_surrogate_pair_is_shown_as_a_question_mark(browser):
    shown = browser(image="\ud800.jpg", title="Mug \udc00").get("/task/0")
    assert shown.status_code == 200
    assert "Mug ?" in shown.text


def test_an_answer_that_cannot_be_kept_is_not_acknowledged(browser, tmp_path):
    (tmp_path / "answers/a.jsonl").mkdir(parents=True)
    answered = browser().post("/task/0", json={"label": "A"})
    assert answered.status_code == 507
    assert "Is a directory" in answered.json()["error"]


@pytest.mark.parametrize("body", [b"{", b"[]", b"[" * 50_000])
def test_what_is_no_answer_is_refused(browser, tmp_path, body):
    assert browser().post("/task/0", content=body).status_code == 400
    assert not (tmp_path / "answers").exists()


@pytest.mark.parametrize("task", ["1", "-1", "x", "9" * 5000])
def test_a_task_that_is_not_there_is_not_found(browser, task):
    assert browser().get(f"/task/{task}").status_code == 404
    assert browser().post(f"/task/{task}", json={}).status_code == 404


def test_a_token_is_required(browser):
    assert browser(token="t" * 20).get("/task/0").status_code == 401


def test_elements_without_a_stand_in_are_named():
    page = "<crowd-form><crowd-keypoint></crowd-keypoint><crowd-input></crowd-form>"
    assert unknown_elements(page) == ["crowd-keypoint"]
