import pytest

from serving.cli.exposure import check_exposure
from shelfsort.core.errors import InputError


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST.", "::1", "[::1]"])
def test_the_loopback_address_needs_no_certificate(host):
    check_exposure(host, encrypted=False, plaintext=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "[::]", "10.0.0.1", "server.shop", "", "0"])
def test_other_addresses_need_a_certificate_or_a_word(host):
    with pytest.raises(InputError, match="--plaintext"):
        check_exposure(host, encrypted=False, plaintext=False)
    check_exposure(host, encrypted=True, plaintext=False)
    check_exposure(host, encrypted=False, plaintext=True)
