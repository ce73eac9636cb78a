"""What the page's script asks for, over a real socket."""

import io
from contextlib import ExitStack

import httpx
import pytest
from PIL import Image
from sqlalchemy.exc import OperationalError

from shelfsort.decisions.review.queue.service import ReviewQueue
from tests.shelfsort.decisions.review.web.conftest import TOKENS, Stocked, serving

PATHS = ["/tasks", "/answer", "/undo", "/overview", "/release", "/appeal"]


def tasks(person):
    return person.post("/tasks", json={}).json()["tasks"]


def answer(person, task, category="", **others):
    body = {"task": task, "category": category, "seconds": 1.5, **others}
    return person.post("/answer", json=body)


def test_a_task_shows_the_product_and_the_models_answers(stock, client):
    stock.decided("p1", score=0.7, price=12.5)
    stock.with_picture()
    ann = client("Ann")
    (task,) = tasks(ann)
    assert (task["title"], task["price"], task["kind"]) == ("p1", 12.5, "review")
    assert task["suggestions"][0] == {"id": "package", "path": ["Package"], "score": 0.7}
    picture = ann.get(task["image"])
    assert Image.open(io.BytesIO(picture.content)).size == (40, 30)
    assert client("Bob").get(task["image"]).status_code == 404
    assert client("Lea").get(task["image"]).status_code == 200
    assert ann.get("/images/99999999999999999999").status_code == 404


def test_pictures_outside_the_data_are_not_shown(stock, client):
    stock.decided("p1")
    stock.with_picture("../secret.png")
    ann = client("Ann")
    refused = ann.get(tasks(ann)[0]["image"])
    assert refused.status_code == 422 and "secret" not in refused.text


def test_what_must_be_blind_looks_alike(stock, client):
    stock.decided("audit", outcome="grant", rate=1.0)
    ann = client("Ann")
    (task,) = tasks(ann)
    assert (task["kind"], task["suggestions"]) == ("blind", [])
    assert "package" not in str(task).lower()


def test_a_refusal_is_confirmed_and_then_seen_by_somebody_else(stock, client):
    stock.decided("p1")
    ann, bob, lea = client("Ann"), client("Bob"), client("Lea")
    (task,) = tasks(ann)
    asked = answer(ann, task["task"], "package").json()
    assert asked == {
        "confirm": {"outcome": "refuse", "reason": "The photo shows the package.", "decides": False}
    }
    words = {"confirmed": True, "reason": "Please send another photo.", "note": "blurred"}
    said = answer(ann, task["task"], "package", **words).json()
    assert (said["outcome"], said["next"], said["tasks"]) == ("kept", "second", [])
    assert answer(ann, task["task"], "package", **words).json()["outcome"] == "answered"
    (second,) = tasks(bob)
    assert second["kind"] == "blind"
    assert answer(bob, second["task"], "product").json()["next"] == "dispute"
    (dispute,) = tasks(lea)
    assert dispute["opinions"] == [
        {"category": "Package", "outcome": "refuse"},
        {"category": "Product", "outcome": "grant"},
    ]
    assert answer(lea, dispute["task"], "half").json()["confirm"]["decides"]
    assert answer(lea, dispute["task"]).json()["confirm"]["decides"]
    assert answer(lea, dispute["task"], confirmed=True).status_code == 400
    done = answer(lea, dispute["task"], "half", outcome="grant", confirmed=True).json()
    assert (done["outcome"], done["follows"]) == ("kept", "grant")
    assert stock.rows("select outcome, category from latest_decision") == [("grant", "half")]
    rows = stock.rows("select reason, note, proposed from review order by id limit 1")
    assert rows == [("Please send another photo.", "blurred", "refuse")]


def test_an_answer_is_taken_back(stock, client):
    stock.decided("p1", "p2")
    ann = client("Ann")
    first = tasks(ann)[0]
    last = answer(ann, first["task"], "product").json()["last"]
    said = ann.post("/undo", json={"review": last}).json()
    assert said["undone"] == first["task"]
    assert first["task"] in [each["task"] for each in said["tasks"]]


NO_ANSWERS = [
    {},
    {"task": 1},
    {"task": "1", "category": "product", "seconds": 1},
    {"task": True, "category": "product", "seconds": 1},
    {"task": 1, "category": "person", "seconds": 1},
    {"task": 1, "category": ["product"], "seconds": 1},
    {"task": 1, "category": "", "seconds": "1"},
    {"task": 1, "category": "", "seconds": 1, "outcome": "anything"},
    {"task": 1, "category": "", "seconds": 1, "note": 5},
    {"task": 2**70, "category": "", "seconds": 1},
    [],
]


def test_what_is_no_answer_is_refused(stock, client):
    stock.decided("p1")
    ann = client("Ann")
    tasks(ann)
    assert {ann.post("/answer", json=body).status_code for body in NO_ANSWERS} == {400}
    assert stock.rows("select count(*) from review") == [(0,)]


def test_what_is_not_there_is_not_found(stock, client):
    ann = client("Ann")
    assert answer(ann, 7, "product").status_code == 404
    assert ann.post("/undo", json={"review": 7}).json()["undone"] is None
    assert ann.post("/answer", content=b"x" * 20_000).status_code == 413


def test_strangers_and_other_sites_change_nothing(stock, client):
    stock.decided("p1")
    ann = client("Ann")
    foreign, rebound = {"Origin": "http://elsewhere.example"}, {"Host": "rebound.example"}
    for path in PATHS:
        assert httpx.post(f"{ann.base_url}{path}", json={}).status_code == 401
        assert ann.post(path, json={}, headers=foreign).status_code == 403
        assert ann.post(path, json={}, headers=rebound).status_code == 400
    assert stock.rows("select count(*) from task where holder <> ''") == [(0,)]


def test_a_cookie_alone_changes_nothing(stock, client):
    stock.decided("p1")
    with httpx.Client(base_url=client("Ann").base_url, follow_redirects=True) as browser:
        assert browser.get("/", params={"token": TOKENS["Lea"]}).status_code == 200
        token = browser.get("/session").json()["csrf"]
        for path in PATHS:
            assert browser.post(path, json={}).status_code == 403
            for shown in ("0" * 64, "é"):
                headers = {"X-CSRF-Token": shown.encode()}
                assert browser.post(path, json={}, headers=headers).status_code == 403
            headers = {"X-CSRF-Token": token}
            assert browser.post(path, json={}, headers=headers).status_code in (200, 400)


def test_reviewers_do_not_do_what_leads_do(client):
    ann = client("Ann")
    refused = {ann.post(path, json={}).status_code for path in ("/overview", "/release", "/appeal")}
    assert refused == {403}


def test_every_answer_restricts_what_a_browser_may_do(client):
    ann = client("Ann")
    for path in ("/", "/review.js", "/tree.json", "/session", "/nothing"):
        headers = ann.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["X-Content-Type-Options"] == "nosniff"
    assert "<script>" not in ann.get("/").text and "onclick" not in ann.get("/").text


def test_a_lead_sees_who_does_what_and_puts_decisions_back(stock, client):
    stock.decided("p1", "p2")
    stock.decided("p3", outcome="refuse")
    ann, lea = client("Ann"), client("Lea")
    first = tasks(ann)[0]
    answer(ann, first["task"], "package", confirmed=True)
    said = lea.post("/overview", json={}).json()
    assert {each["kind"]: each["waiting"] for each in said["kinds"]} == {"review": 1, "second": 1}
    (held,) = said["held"]
    assert (held["holder"], held["product"]) == ("Ann", "p2")
    (row,) = said["people"]
    assert (row["name"], row["answers"], row["proposed"], row["confirmed"]) == ("Ann", 1, 1, 0)
    assert lea.post("/release", json={"task": held["task"]}).json() == {"released": True}
    assert lea.post("/release", json={"task": held["task"]}).json() == {"released": False}
    appeal = {"product": "p3", "words": "Look <b>again</b>!"}
    assert lea.post("/appeal", json=appeal).status_code == 200
    again = lea.post("/appeal", json=appeal)
    assert again.status_code == 400 and "waits for people" in again.json()["error"]
    found = [each for each in tasks(client("Bob")) if each["kind"] == "appeal"]
    assert [each["note"] for each in found] == ["Look <b>again</b>!"]
    events = lea.post("/overview", json={}).json()["events"]
    assert [(each["who"], each["what"]) for each in events] == [
        ("Lea", "appeal"),
        ("Lea", "release"),
        ("Ann", "answer"),
    ]


def test_an_answer_that_cannot_be_stored_is_not_acknowledged(stock, client, monkeypatch):
    stock.decided("p1")
    ann = client("Ann")
    (task,) = tasks(ann)

    def fails(*_):
        raise OperationalError("insert", {}, Exception("disk is full"))

    with monkeypatch.context() as patch:
        patch.setattr(ReviewQueue, "answer", fails)
        refused = answer(ann, task["task"], "product")
    assert refused.status_code == 503 and "disk" not in refused.text
    assert answer(ann, task["task"], "product").json()["outcome"] == "kept"


@pytest.mark.slow
def test_two_servers_share_a_database(postgresql, tmp_path):
    stock = Stocked(tmp_path, postgresql)
    stock.decided("p1", "p2", "p3")
    with serving(stock) as one, serving(stock) as other, ExitStack() as stack:
        ann, bob = (
            stack.enter_context(
                httpx.Client(base_url=url, headers={"Authorization": f"Bearer {TOKENS[name]}"})
            )
            for url, name in ((one.url, "Ann"), (other.url, "Bob"))
        )
        titles = [[each["title"] for each in tasks(person)] for person in (ann, bob)]
        assert titles == [["p1", "p2"], ["p3"]]
        answer(ann, tasks(ann)[0]["task"], "package", confirmed=True)
        held = {each["title"]: each["task"] for each in tasks(bob)}
        assert set(held) == {"p1", "p3"}
        assert answer(bob, held["p1"], "package", confirmed=True).json()["next"] == ""
    assert stock.rows("select outcome from latest_decision where product = 'p1'") == [("refuse",)]
    stock.engine.dispose()
