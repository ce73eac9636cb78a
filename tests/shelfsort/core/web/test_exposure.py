import pytest

from shelfsort.core.errors import InputError
from shelfsort.core.web.exposure import check_page_exposure, is_loopback


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "[::1]", "LOCALHOST."])
def test_a_page_of_this_machine_needs_no_confirmation(host):
    assert is_loopback(host)
    check_page_exposure(host, None, plaintext=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "label.example", ""])
def test_a_page_for_others_needs_one(host):
    assert not is_loopback(host)
    with pytest.raises(InputError, match="--public"):
        check_page_exposure(host, None, plaintext=False)
    check_page_exposure(host, "https://label.example/", plaintext=False)


def test_an_address_without_https_needs_another():
    with pytest.raises(InputError, match="--plaintext"):
        check_page_exposure("0.0.0.0", "http://10.0.0.1:8010", plaintext=False)
    check_page_exposure("0.0.0.0", "http://10.0.0.1:8010", plaintext=True)
    check_page_exposure("127.0.0.1", "http://localhost:8010", plaintext=False)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "label.example",
        "ftp://label.example",
        "https://",
        "https://label.example/page",
        "https://label.example?x=1",
        "https://ann@label.example",
        "https://label.example:99999",
        "https://[::1",
        " https://label.example",
        "https://label.example ",
        "https://la bel.example",
        "https://la\nbel.example",
        "https://label\u2003.example",
    ],
)
def test_another_kind_of_address_is_refused(address):
    with pytest.raises(InputError, match="no address of a page"):
        check_page_exposure("127.0.0.1", address, plaintext=True)
