import pytest

from serving.cli.exposure import check_exposure, check_management
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


def test_a_management_port_for_others_asks_who_they_are():
    check_management("127.0.0.1", encrypted=False, plaintext=False, known=False)
    with pytest.raises(InputError, match="--management-token-file"):
        check_management("0.0.0.0", encrypted=True, plaintext=False, known=False)
    with pytest.raises(InputError, match="--plaintext"):
        check_management("0.0.0.0", encrypted=False, plaintext=False, known=True)
    check_management("0.0.0.0", encrypted=True, plaintext=False, known=True)
