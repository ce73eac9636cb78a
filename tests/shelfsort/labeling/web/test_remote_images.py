"""Images of the web and of object stores reach people through the server alone."""

import functools
import io
import json
import socket

import pytest
from PIL import Image

import shelfsort.core.http as http_module
import shelfsort.products.images.source as source_module
from shelfsort.core.files import write_bytes
from tests.fixtures.address_tricks import SPELLINGS
from tests.fixtures.picture_server import Reply

LOCAL_NAMES = {"localhost", "localhost.localdomain", "ip6-localhost"}


def picture(colour="green"):
    out = io.BytesIO()
    Image.new("RGB", (50, 20), colour).save(out, "WEBP")
    return out.getvalue()


@pytest.fixture
def shown(catalogue, client):
    """What the page answers for each image, by id, in turn to each person; and all that it said."""

    def of(references, names=("Ann",), **settings):
        lines = [{"id": f"p{n}", "title": "P", "source-ref": r} for n, r in enumerate(references)]
        (catalogue / "products.manifest").write_text("\n".join(map(json.dumps, lines)), "utf-8")
        found = {}
        for name in names:
            person = client(name, answers_each=len(names), **settings)
            given = person.post("/tasks").json()
            place = given["tasks"][0]["image"].rsplit("/", 1)[0]
            assert place.startswith("/")
            for number in range(len(references)):
                answer = person.get(f"{place}/{number}")
                found.setdefault(name, []).append(answer)
        return found

    return of


def test_an_image_of_the_web_is_fetched_once_by_the_server_and_never_by_a_browser(
    shown, picture_server, monkeypatch
):
    trusting = functools.partial(http_module.Downloader, permitted=lambda address: True)
    monkeypatch.setattr(http_module, "Downloader", trusting)
    picture_server.replies["/a.webp"] = Reply(picture())
    found = shown([picture_server.url("/a.webp")], ("Ann", "Bob"), allow_http=True)
    for (answer,) in found.values():
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
        assert Image.open(io.BytesIO(answer.content)).size == (50, 20)
        assert "img-src 'self'" in answer.headers["content-security-policy"]
    assert picture_server.asked == ["127.0.0.1/a.webp"]


def test_nothing_is_fetched_from_the_web_unless_that_is_permitted(shown, picture_server):
    picture_server.replies["/a.webp"] = Reply(picture())
    (answer,) = shown([picture_server.url("/a.webp")])["Ann"]
    assert answer.status_code == 422
    assert picture_server.asked == []


def test_an_endless_or_broken_image_is_refused_and_names_no_address(
    shown, picture_server, monkeypatch
):
    trusting = functools.partial(http_module.Downloader, permitted=lambda address: True)
    monkeypatch.setattr(http_module, "Downloader", trusting)
    picture_server.replies |= {
        "/endless": Reply(b"", how="endless"),
        "/long": Reply(b"x", headers={"Content-Length": str(10**12)}),
        "/html": Reply(b"<html><script>alert(1)</script>"),
    }
    paths = ("/endless", "/long", "/html", "/none")
    answers = shown([picture_server.url(path) for path in paths], allow_http=True)["Ann"]
    assert [each.status_code for each in answers] == [422] * 4
    assert not [each for each in answers if "127.0.0.1" in each.text or "script" in each.text]


def test_no_spelling_of_an_inner_address_is_fetched(shown, picture_server, monkeypatch):
    real = socket.getaddrinfo

    def look_up(host, port, *given, **options):
        name = host.decode() if isinstance(host, bytes) else host
        if name.lower().rstrip(".") == "shop.test":
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
        if name.lower().rstrip(".") in LOCAL_NAMES:
            return real(host, port, *given, **options)
        # No name server is asked; spellings of numbers need none.
        return real(host, port, flags=socket.AI_NUMERICHOST, type=socket.SOCK_STREAM)

    connected = []
    connect = socket.socket.connect
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(
        socket.socket, "connect", lambda self, to: connected.append(to) or connect(self, to)
    )
    port = picture_server.port
    answers = shown([f"http://{host}:{port}/a.jpg" for host in SPELLINGS], allow_http=True)["Ann"]
    assert len(answers) >= 60
    assert {each.status_code for each in answers} == {422}
    assert picture_server.asked == []
    assert port not in {to[1] for to in connected if isinstance(to, tuple)}


@pytest.mark.parametrize(
    "bucket", ["memory_bucket", pytest.param("s3_bucket", marks=pytest.mark.slow)]
)
def test_an_image_of_a_bucket_needs_its_folder_to_be_permitted(shown, request, bucket, monkeypatch):
    monkeypatch.setattr(source_module, "OBJECT_STORES", {"memory", "s3"})
    place = request.getfixturevalue(bucket)
    write_bytes(f"{place}/photos/a.webp", picture())
    write_bytes(f"{place}/private/a.webp", picture())
    references = [f"{place}/photos/a.webp", f"{place}/private/a.webp", f"{place}/photos/none.webp"]
    answers = shown(references, image_roots=(f"{place}/photos",))["Ann"]
    by_status = sorted(each.status_code for each in answers)
    assert by_status == [200, 422, 422]
    (good,) = [each for each in answers if each.status_code == 200]
    assert Image.open(io.BytesIO(good.content)).size == (50, 20)
