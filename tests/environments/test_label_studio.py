"""Jobs in a real Label Studio server: submitted, answered, exported, imported."""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from shelfsort.cli.labels.command import labels

COVERS = (
    "shelfsort/labeling/jobs/label_studio_job.py",
    "shelfsort/labeling/jobs/label_studio_server.py",
    "shelfsort/labeling/label_studio.py",
    "shelfsort/labeling/pages/label_studio_config.py",
    "tests/environments/test_label_studio.py",
)
_PACKAGE = "label-studio>=1.23,<1.24"
_TOKEN = "0123456789abcdef0123456789abcdef01234567"
_QUIET = {
    "COLLECT_ANALYTICS": "false",
    "FRONTEND_SENTRY_DSN": "",
    "LATEST_VERSION_CHECK": "false",
    "SENTRY_DSN": "",
}
_START_SECONDS = 900
TITLE = '"It\'s" {{ x }} & 🙂'
ODD = '"Q" <b>& 🙂'
PRODUCTS = [
    {"id": "1", "title": TITLE, "source-ref": "a.jpg"},
    {"id": "2", "title": "Tote", "description": "Large", "price": 3.5},
    {"id": "3", "description": "Without a title"},
]


@pytest.fixture(scope="module")
def studio(tmp_path_factory) -> Iterator[str]:
    """The address of a server on the loopback interface, in an environment of its own."""
    folder = tmp_path_factory.mktemp("label-studio")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    python = folder / "venv/bin/python"
    uv = shutil.which("uv")
    # Its packages take pip minutes and uv seconds.
    pip = [uv, "pip"] if uv else [python, "-m", "pip"]
    target = ["--python", python] if uv else []
    subprocess.run([*pip, "install", *target, "--quiet", _PACKAGE], check=True, timeout=3000)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [
        *(folder / "venv/bin/label-studio", "start", "--no-browser", "--enable-legacy-api-token"),
        *("--internal-host", "127.0.0.1", "--port", str(port), "--data-dir", folder / "data"),
        *("--username", "ann@example.org", "--password", _TOKEN, "--user-token", _TOKEN),
    ]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            command, env={**clean, **_QUIET}, stdout=log, stderr=log, cwd=folder
        )
        url = f"http://127.0.0.1:{port}"
        try:
            _wait(url, server, folder / "log")
            yield url
        finally:
            server.terminate()
            server.wait(60)


def _wait(url: str, server: subprocess.Popen, log: Path) -> None:
    ends = time.monotonic() + _START_SECONDS
    while time.monotonic() < ends and server.poll() is None:
        with contextlib.suppress(OSError):
            call(url, "GET", "/api/projects")
            return
        time.sleep(2)
    pytest.fail(f"Label Studio did not start:\n{log.read_text('utf-8', 'replace')[-3000:]}")


def call(url: str, method: str, path: str, body: Any = None) -> Any:
    content = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Token {_TOKEN}", "Content-Type": "application/json"}
    request = urllib.request.Request(url + path, content, headers, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read() or b"null")


def run(*arguments: object) -> str:
    result = CliRunner().invoke(labels, list(map(str, arguments)))
    assert result.exception is None, result.exception
    return result.output


def region(control: str, kind: str, value: Any, about: str = "text") -> dict[str, Any]:
    held = {"text" if kind == "textarea" else kind: value}
    return {"from_name": control, "to_name": about, "type": kind, "value": held}


def prepare(studio: str, folder: Path, name: str, tree: str, workers: int) -> None:
    """Writes a job about the products into a folder."""
    rows = "".join(json.dumps(row) + "\n" for row in PRODUCTS)
    (folder / "products.jsonl").write_text(rows)
    (folder / "tree.txt").write_text(tree)
    (folder / "job.yaml").write_text(
        f"name: {name}\nmanifest: {folder}/input.manifest\nworkers: {workers}\nprice: 0\nfee: 0\n"
        f"label_studio: {{url: '{studio}', config: {folder}/config.xml}}\n"
    )
    products = ("manifest", folder / "products.jsonl", "--image-url", "https://example.org/")
    run(*products, "--output", folder / "input.manifest")
    page = ("template", folder / "tree.txt", "--for", "label-studio")
    run(*page, "--output", folder / "config.xml")


@pytest.fixture
def job(studio, tmp_path, monkeypatch) -> Path:
    """The folder of a job whose token is set."""
    monkeypatch.setenv("LABEL_STUDIO_TOKEN", _TOKEN)
    prepare(studio, tmp_path, "shelf-1", f"Bags > Totes\nOdd > {ODD}\nHats\n", workers=2)
    return tmp_path


@pytest.mark.timeout(4500)
def test_no_answer_of_two_people_is_lost(studio, job):
    run("job", job / "job.yaml", "--submit")
    bob = call(studio, "POST", "/api/users/", {"email": "bob@example.org", "username": "bob"})
    ann = call(studio, "GET", "/api/current-user/whoami")
    remarks = [
        region("image_problem", "choices", ["The image does not load"], "image"),
        region("comment", "textarea", ["Dark"]),
    ]
    given = {
        1: [
            ([region("category", "taxonomy", [["Odd", ODD]]), *remarks], 4.5),
            ([region("category", "taxonomy", [["cannot tell"]])], 1.5),
            ([region("category", "taxonomy", [["Hats"]])], 2.0),
        ],
        2: [
            ([region("category", "taxonomy", [["Bags", "Totes"]])], 2.5),
            ([region("category", "taxonomy", [["Hats"], ["Bags", "Totes"]])], 3.5),
            (None, 1.0),
        ],
    }
    for project, person in ((1, ann["id"]), (2, bob["id"])):
        tasks = call(studio, "GET", f"/api/tasks?project={project}")["tasks"]
        assert [task["data"]["id"] for task in tasks] == ["1", "2", "3"]
        assert tasks[0]["data"]["title"] == TITLE
        for task, (result, seconds) in zip(tasks, given[project], strict=True):
            annotation = {
                "result": result or [],
                "was_cancelled": result is None,
                "lead_time": seconds,
                "completed_by": person,
            }
            call(studio, "POST", f"/api/tasks/{task['id']}/annotations", annotation)
    said = run("job", job / "job.yaml", "--follow", "--answers", job / "answers")
    assert "shelf-1 (1 of 2): 3 of 3 products answered" in said
    exports = sorted((job / "answers").iterdir())
    joined = ("--products", job / "input.manifest", "--output", job / "labelled.manifest")
    run("import", *exports, *joined)
    lines = [json.loads(line) for line in (job / "labelled.manifest").read_text().splitlines()]
    assert [line["id"] for line in lines] == ["1", "2", "3"]
    workers = [line["category"]["workers"] for line in lines]
    names = {str(ann["id"]), str(bob["id"])}
    assert [{each["worker_id"] for each in entries} for entries in workers] == [names] * 3
    assert [[each["label"] for each in entries] for entries in workers] == [
        [f"Odd > {ODD}", "Bags > Totes"],
        ["cannot tell", ""],
        ["Hats", ""],
    ]
    assert [[each["seconds"] for each in entries] for entries in workers] == [
        [4.5, 2.5],
        [1.5, 3.5],
        [2.0, 1.0],
    ]
    assert (workers[0][0]["image_problem"], workers[0][0]["comment"]) == ("yes", "Dark")
    assert workers[1][1]["answer"][0]["value"]["taxonomy"] == [["Hats"], ["Bags", "Totes"]]
    again = CliRunner().invoke(labels, ["job", str(job / "job.yaml"), "--submit"])
    assert "there is a project of this title" in str(again.exception)


@pytest.mark.timeout(4500)
def test_a_person_finds_a_category_among_ten_thousand(studio, tmp_path, monkeypatch, browser):
    monkeypatch.setenv("LABEL_STUDIO_TOKEN", _TOKEN)
    paths = [
        f"A{a} > B{a}.{b} > C{a}.{b}.{c}" for a in range(20) for b in range(20) for c in range(25)
    ]
    prepare(studio, tmp_path, "large", "\n".join(paths) + "\n", workers=1)
    (project,) = re.findall(r"/projects/(\d+)", run("job", tmp_path / "job.yaml", "--submit"))
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(120_000)
    page.goto(f"{studio}/user/login/")
    page.fill("input[name=email]", "ann@example.org")
    page.fill("input[name=password]", _TOKEN)
    page.click("button[type=submit]")
    page.wait_for_url(lambda address: "/login" not in address)
    page.goto(f"{studio}/projects/{project}/data?labeling=1")
    page.click(".htx-taxonomy")
    assert page.locator(".htx-taxonomy").bounding_box()["width"] >= 480
    page.locator(".htx-taxonomy-dropdown input").first.press_sequentially("C19.19.24")
    page.click('.htx-taxonomy-dropdown [title="C19.19.24"]')
    page.wait_for_selector(".ant-select-selection-item")
    page.keyboard.press("Escape")
    with page.expect_response(lambda each: "/annotations" in each.url and each.ok):
        page.get_by_test_id("bottombar-submit-button").click()
    page.close()
    run("job", tmp_path / "job.yaml", "--answers", tmp_path / "answers")
    joined = ("--products", tmp_path / "input.manifest", "--output", tmp_path / "labelled.manifest")
    run("import", *(tmp_path / "answers").iterdir(), *joined)
    lines = [json.loads(line) for line in (tmp_path / "labelled.manifest").read_text().splitlines()]
    (answer,) = [worker for line in lines for worker in line.get("category", {}).get("workers", [])]
    assert answer["label"] == "A19 > B19.19 > C19.19.24"
