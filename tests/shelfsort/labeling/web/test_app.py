"""What the page's script asks for, over a real socket."""

import io
import json
import threading

import httpx
import numpy as np
import pytest
from PIL import Image

from shelfsort.labeling.queue.log import read_log
from shelfsort.labeling.web import app as module
from tests.shelfsort.labeling.web.conftest import PRODUCTS, name_of

IDS = [each["id"] for each in PRODUCTS]


def tasks(client):
    return client.post("/tasks").json()["tasks"]


def ids(said):
    return [each["id"] for each in said["tasks"]]


def answer(client, id_, category="Hats", **others):
    body = {
        "task": name_of(id_),
        "choice": "category",
        "category": category,
        "seconds": 1.5,
        **others,
    }
    return client.post("/answer", json=body)


def undo(client, id_):
    return client.post("/undo", json={"task": name_of(id_)})


def test_a_person_gets_the_first_products_and_the_next_ones_after_each_answer(client):
    ann = client("Ann")
    said = ann.post("/tasks").json()
    assert (said["name"], ids(said)) == ("Ann", IDS[:3])
    assert said["progress"] == {
        "tasks": 5,
        "complete": 0,
        "needed": 10,
        "given": 0,
        "own": 0,
        "seconds_left": None,
    }
    said = answer(ann, "tote").json()
    assert said["outcome"] == "kept"
    assert ids(said) == IDS[1:4]
    assert (said["progress"]["given"], said["progress"]["own"]) == (1, 1)


def test_two_people_answer_and_a_third_has_nothing_to_do(client):
    for name in ("Ann", "Bob"):
        person = client(name)
        for id_ in IDS:
            assert answer(person, id_).json()["outcome"] == "kept"
        said = person.post("/tasks").json()
        assert (said["tasks"], said["waiting"]) == ([], False)
    cleo = client("Cleo")
    assert answer(cleo, "tote").json()["outcome"] == "taken"
    assert cleo.post("/tasks").json()["progress"]["complete"] == 5


def test_an_answer_that_arrives_twice_counts_once(client):
    ann = client("Ann")
    assert [answer(ann, "tote").json()["outcome"] for _ in range(2)] == ["kept", "answered"]
    assert ann.post("/tasks").json()["progress"]["given"] == 1


def test_the_last_answer_is_taken_back_and_asked_again(client):
    ann = client("Ann")
    answer(ann, "tote")
    said = undo(ann, "tote").json()
    assert (said["undone"], said["tasks"][0]["id"]) == (True, "tote")
    assert said["last"] is None


def test_taking_back_that_arrives_twice_takes_back_one_answer(client):
    ann = client("Ann")
    for id_ in IDS[:3]:
        last = answer(ann, id_).json()["last"]
        assert last == name_of(id_)
    for _ in range(2):
        said = undo(ann, IDS[2]).json()
        assert (said["undone"], said["last"]) == (True, name_of(IDS[1]))
        assert (ids(said)[0], said["progress"]["own"]) == (IDS[2], 2)
    assert undo(ann, IDS[0]).json()["undone"] is False
    assert undo(ann, IDS[1]).json()["progress"]["own"] == 1


def test_answers_become_labels_under_pseudonyms(client, catalogue):
    ann = client("Ann")
    answer(ann, "tote", "totes")
    ann.post("/answer", json={"task": name_of("words"), "choice": "unsure", "seconds": 2})
    ann.post("/answer", json={"task": name_of("missing"), "choice": "image", "seconds": 1e99})
    records = list(read_log(str(catalogue / "answers.jsonl")))
    shown = [(each.task, each.label, each.problem, each.seconds) for each in records]
    assert shown == [
        ("tote", "Bags > Totes", "", 1.5),
        ("words", "cannot tell", "", 2),
        ("missing", "", "image", 3600),
    ]
    assert len({each.worker for each in records}) == 1
    assert "Ann" not in (catalogue / "answers.jsonl").read_text()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"[" * 9000,
        b'{"task": "%s", "choice": "category", "category": "Bags", "seconds": 1}'
        % name_of("tote").encode(),
        b'{"task": "%s", "choice": "category", "category": ["Hats"], "seconds": 1}'
        % name_of("tote").encode(),
        b'{"task": "%s", "choice": "category", "category": "none", "seconds": 1}'
        % name_of("tote").encode(),
        b'{"task": "%s", "choice": "other", "seconds": 1}' % name_of("tote").encode(),
        b'{"task": "%s", "choice": "unsure"}' % name_of("tote").encode(),
        b"{}",
        b'{"task": 1, "choice": "unsure", "seconds": 1}',
        b'{"task": "tote", "choice": "unsure", "seconds": 1}',
        b'{"task": "nothing", "choice": "unsure", "seconds": 1}',
    ],
)
def test_anything_else_is_refused_and_changes_nothing(client, catalogue, body):
    ann = client("Ann")
    answered = ann.post("/answer", content=body)
    assert answered.status_code in (400, 404)
    assert list(answered.json()) == ["error"]
    assert list(read_log(str(catalogue / "answers.jsonl"))) == []


def test_a_request_that_is_too_large_is_refused(client):
    assert client("Ann").post("/answer", content=b" " * 20_000).status_code == 413


def test_words_are_sent_as_data(client):
    first, second, *_ = tasks(client("Ann"))
    # Tags are no part of what is read.
    assert "<" not in first["title"] and first["title"].endswith("\"quoted\" 'x'")
    assert second["title"] == PRODUCTS[1]["title"]
    assert second["id"] == "<i>5<b>"


def test_folders_that_may_name_the_category_are_not_sent(client, tmp_path):
    for name in ("Kitchen/Bowls/bowl_01.png", "Kitchen/Bowls/sub/x.png", "Hats/hat.png", "cap.png"):
        path = tmp_path / "cat" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(path)
    ann = client("Ann", data=str(tmp_path / "cat"))
    sent = tasks(ann) + answer(ann, "Hats/hat.png").json()["tasks"]
    assert [each["id"] for each in sent] == [""] * len(sent)
    text = json.dumps(sent)
    assert not [name for name in ("Kitchen", "Bowls", "bowl", "Hats", "hat", "cap") if name in text]
    assert answer(ann, "Kitchen/Bowls/bowl_01.png").json()["outcome"] == "kept"
    log = (tmp_path / "shop" / "answers.jsonl").read_text().splitlines()
    assert [json.loads(line)["task"] for line in log[1:]] == [
        "Hats/hat.png",
        "Kitchen/Bowls/bowl_01.png",
    ]


def test_images_become_small_jpegs_on_white(client):
    ann = client("Ann")
    first, second, outside = tasks(ann)
    shown = ann.get(first["image"])
    assert shown.headers["content-type"] == "image/jpeg"
    pixels = np.asarray(Image.open(io.BytesIO(shown.content)))
    assert pixels.shape == (30, 40, 3)
    assert abs(int(pixels[5, 5, 1]) - 142) < 8
    assert Image.open(io.BytesIO(ann.get(second["image"]).content)).size == (300, 900)
    refused = ann.get(outside["image"])
    assert refused.status_code == 422
    assert str(refused.json()) == "{'error': \"The image lies outside the manifest's folder\"}"


@pytest.mark.parametrize(
    "place", ["5", "-1", "9" * 20, "9" * 5000, "%D9%A1", "%2e%2e%2fsecret.png", "x"]
)
def test_only_images_of_products_are_served(client, place):
    ann = client("Ann")
    folder = tasks(ann)[0]["image"].rsplit("/", 1)[0]
    assert ann.get(f"{folder}/{place}").status_code == 404
    assert ann.get(f"{folder}/0").status_code == 200
    assert ann.get("/00000000/images/0").status_code == 404


def test_a_product_without_an_image_has_none(client):
    ann = client("Ann")
    for id_ in IDS[:3]:
        answer(ann, id_)
    words, missing = tasks(ann)
    assert (words["id"], words["image"]) == ("words", None)
    assert ann.get(missing["image"]).json() == {"error": "The image is not there"}


def test_the_tree_is_sent_compressed(client):
    ann = client("Ann")
    said = ann.get(ann.post("/tasks").json()["tree"])
    assert said.headers["content-encoding"] == "gzip"
    tree = said.json()
    assert [node["name"] for node in tree] == ["Bags", "Hats", "Café & <b>Bar</b>", "Shoes"]
    assert [node["id"] for node in tree[0]["children"]] == ["totes", "backpacks"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/label.js"),
        ("POST", "/tasks"),
        ("POST", "/answer"),
        ("POST", "/undo"),
    ],
)
def test_strangers_see_nothing_and_foreign_pages_change_nothing(client, method, path):
    ann = client("Ann")
    assert httpx.request(method, f"{ann.base_url}{path}").status_code == 401
    foreign = ann.request(method, path, headers={"Origin": "http://elsewhere.example"})
    assert foreign.status_code == (403 if method == "POST" else 200)
    rebound = ann.request(method, path, headers={"Host": "rebound.example"})
    assert rebound.status_code == 400


def test_an_answer_that_cannot_be_kept_is_not_acknowledged(client, catalogue, monkeypatch):
    ann = client("Ann")
    tasks(ann)

    def full(self, record):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("shelfsort.labeling.queue.log.AnswerLog.append", full)
        answered = answer(ann, "tote")
    assert answered.status_code == 507
    assert "No space left on device" in answered.json()["error"]
    assert answer(ann, "tote").json()["outcome"] == "kept"
    assert len(list(read_log(str(catalogue / "answers.jsonl")))) == 1


def test_a_slow_image_holds_up_no_answer(client, monkeypatch):
    let_go = threading.Event()
    monkeypatch.setattr(module.Images, "jpeg", lambda self, place: let_go.wait(30) and b"")
    ann = client("Ann")
    image = tasks(ann)[0]["image"]
    waiting = [threading.Thread(target=ann.get, args=(image,)) for _ in range(8)]
    for each in waiting:
        each.start()
    try:
        assert answer(ann, "tote").json()["outcome"] == "kept"
    finally:
        let_go.set()
        for each in waiting:
            each.join()


def test_a_restart_goes_on_where_it_stopped(job, catalogue):
    opened, server = job()
    with httpx.Client(base_url=server.url) as ann:
        ann.headers["Authorization"] = "Bearer ann-has-this-token"
        answer(ann, "tote")
        server.stop(grace=1)
    opened.service.close()
    _, server = job()
    with httpx.Client(base_url=server.url) as ann:
        ann.headers["Authorization"] = "Bearer ann-has-this-token"
        assert [each["id"] for each in tasks(ann)] == IDS[1:4]
        assert undo(ann, "tote").json()["tasks"][0]["id"] == "tote"
    assert json.loads((catalogue / "answers.jsonl").read_text().splitlines()[-1])["undo"] is True


@pytest.mark.parametrize("others", [{}, {"source-ref": "images/1.png"}, {"shelf-metadata": {}}])
def test_people_are_asked_as_a_round_of_labels_next_wants(client, catalogue, others):
    lines = [
        {"id": "tote", "title": "Bag", "answers-wanted": 1, "asked-of": ["Bob"]},
        {"id": "words", "title": "Words", "answers-wanted": 1, "answered-by": ["Bob"]},
        {"id": "missing", "title": "No file", "answers-wanted": 2},
    ]
    (catalogue / "ask.manifest").write_text(
        "".join(json.dumps({**line, **others}) + "\n" for line in lines)
    )
    ann, bob = (client(name, data=str(catalogue / "ask.manifest")) for name in ("Ann", "Bob"))
    assert ids(ann.post("/tasks").json()) == ["words", "missing"]
    said = bob.post("/tasks").json()
    assert (ids(said), said["progress"]["needed"]) == (["tote", "missing"], 4)
    assert answer(bob, "words").json()["outcome"] == "taken"
    for client_, id_ in ((ann, "words"), (ann, "missing"), (bob, "tote"), (bob, "missing")):
        said = answer(client_, id_).json()
        assert said["outcome"] == "kept"
    assert (said["progress"]["given"], said["progress"]["complete"]) == (4, 3)


def test_a_guide_to_the_categories_comes_with_the_tree(client, catalogue):
    guide = catalogue / "guide.yaml"
    guide.write_text("Bags > Totes: {about: Open at the top., examples: [images/1.png]}\n")
    ann = client("Ann", guide=str(guide))
    totes = ann.get(ann.post("/tasks").json()["tree"]).json()[0]["children"][0]
    assert totes["about"] == "Open at the top."
    assert totes["examples"][0].startswith("data:image/jpeg;base64,")
