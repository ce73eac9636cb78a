import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from shelfsort.core.errors import InputError
from shelfsort.core.web.application import pages
from shelfsort.core.web.people import new_people, read_people
from shelfsort.core.web.server import WebServer
from shelfsort.core.web.token import person

ANN, BOB = "ann-has-this-token", "bob-has-this-token"


@pytest.fixture
def file(tmp_path):
    def written(text, encoding="utf-8"):
        path = tmp_path / "people.csv"
        path.write_text(text, encoding)
        return path

    return written


def test_names_and_tokens_are_read(file):
    people = read_people(file(f"token,name\n{ANN}, Ann Émile \n,Bob\n", "utf-8-sig"))
    assert list(people) == ["Ann Émile", "Bob"]
    assert people["Ann Émile"] == ANN
    assert len(people["Bob"]) >= 40


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ":1: no columns"),
        ("name\nAnn\n", ":1: no columns"),
        ("name,token\n", "no names"),
        ("name,token\n ,\n", ":2: '' is no name"),
        ("name,token\nAnn,\nAnn ,\n", ":3: 'Ann' is given twice"),
        ("name,token\nAnn,short\n", ":2: the token of 'Ann'"),
        (f"name,token\nAnn,{ANN}\nBob,{ANN}\n", ":3: 'Bob' has the token of another"),
        ("name,token\nA\u202enn,\n", ":2: .* is no name"),
        (f"name,token\n{'x' * 81},\n", ":2: .* is no name"),
    ],
)
def test_a_faulty_file_is_refused_without_showing_a_token(file, text, message):
    with pytest.raises(InputError, match=message) as caught:
        read_people(file(text))
    assert ANN not in str(caught.value) and "short" not in str(caught.value)


def test_an_unreadable_file_is_refused(file, tmp_path):
    with pytest.raises(InputError, match="not CSV in UTF-8"):
        read_people(file("name,token\nÄ,\n", "latin-1"))
    with pytest.raises(InputError, match="No such file"):
        read_people(tmp_path / "none.csv")


def test_new_tokens_differ():
    people = new_people(["Ann", "Bob"])
    assert len(set(people.values())) == 2
    with pytest.raises(InputError, match="twice"):
        new_people(["Ann", "Ann"])


def test_a_page_knows_who_asks():
    async def name(request):
        return PlainTextResponse(person(request))

    app = pages([Route("/", name)], token={"Ann": ANN, "Bob": BOB})
    with WebServer(app) as server:
        for who, token in (("Ann", ANN), ("Bob", BOB)):
            with httpx.Client(base_url=server.url) as client:
                answer = client.get("/", params={"token": token}, follow_redirects=True)
                assert (answer.text, answer.url.query) == (who, b"")
                bearer = {"Authorization": f"Bearer {token}"}
                assert httpx.get(server.url, headers=bearer).text == who
        assert httpx.get(server.url, params={"token": "nobody-has-this-one"}).status_code == 401
        assert httpx.get(server.url).status_code == 401
