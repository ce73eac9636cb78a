import pytest

from shelfsort.catalog.services.key import Key, KeySettings
from shelfsort.core.errors import InputError

SECRET = "s3cr/t+key"


@pytest.fixture
def key(monkeypatch):
    """Makes a key that is carried as given."""
    monkeypatch.setenv("SHOP_KEY", f" {SECRET}\n")

    def made(**where):
        return Key(KeySettings(env="SHOP_KEY", **where), "shop")

    return made


def test_a_header_carries_the_key(key):
    made = key(header="Authorization", prefix="Bearer ")
    assert made.headers() == {"Authorization": f"Bearer {SECRET}"}
    assert made.added("http://h/p?a=1") == "http://h/p?a=1"


def test_a_parameter_carries_the_key_once(key):
    made = key(parameter="pid")
    assert made.headers() == {}
    assert made.added("http://h/p") == "http://h/p?pid=s3cr%2Ft%2Bkey"
    assert made.added("http://h/p?pid=old&a=1") == "http://h/p?a=1&pid=s3cr%2Ft%2Bkey"


@pytest.mark.parametrize("where", [{"header": "X-Key"}, {"parameter": "pid"}])
def test_the_key_is_taken_out_of_addresses_and_texts(key, where):
    made = key(**where)
    assert made.removed("http://h/p?a=1&token=s3cr%2Ft%2Bkey&b=") == "http://h/p?a=1&b="
    assert made.removed("http://h/p?a=%20x") == "http://h/p?a=%20x"
    assert made.hidden(f"x {SECRET} y s3cr%2Ft%2Bkey") == "x [key] y [key]"
    assert SECRET not in repr(made) + str(made)


@pytest.mark.parametrize("value", ["", "  ", "two\nlines", "schlüssel"])
def test_a_key_that_cannot_be_sent_is_refused_and_not_shown(monkeypatch, value):
    monkeypatch.setenv("SHOP_KEY", value)
    with pytest.raises(InputError, match="SHOP_KEY") as caught:
        Key(KeySettings(env="SHOP_KEY", header="X-Key"), "shop")
    assert not value.strip() or value not in str(caught.value)


@pytest.mark.parametrize("where", [{}, {"header": "A", "parameter": "b"}, {"header": "A\r\nB"}])
def test_a_key_has_one_place(where):
    with pytest.raises(ValueError):
        KeySettings(env="SHOP_KEY", **where)


def test_without_a_key_nothing_changes():
    key = Key(None, "shop")
    assert (key.added("http://h/?a=1"), key.headers(), key.hidden("text")) == (
        "http://h/?a=1",
        {},
        "text",
    )
