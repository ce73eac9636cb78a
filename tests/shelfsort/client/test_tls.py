"""TLS and mutual TLS, with certificates made for the test."""

import shutil
import subprocess

import grpc
import pytest

from shelfsort.client import Classifier, Connection, ServerError, Tls

pytestmark = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="needs the openssl command to make certificates"
)


@pytest.fixture(scope="module")
def pem(tmp_path_factory):
    """A self-signed certificate for 127.0.0.1: (certificate file, key file)."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", "/CN=shelfsort-test"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-out", certificate, "-keyout", key]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


@pytest.fixture
def secure(pem, start_server):
    certificate, key = (path.read_bytes() for path in pem)
    return start_server(
        grpc.ssl_server_credentials(
            [(key, certificate)], root_certificates=certificate, require_client_auth=True
        )
    )


def ask(address, tls):
    settings = Connection(timeout_s=5, attempts=1, tls=tls)
    with Classifier(address, connection=settings) as classifier:
        return classifier.classify(title="mugs")


def test_a_client_with_its_certificate_is_answered(secure, pem):
    certificate, key = pem
    assert ask(secure.address, Tls.from_files(certificate, certificate, key)).category == "mugs"


def test_a_client_without_certificate_is_not(secure, pem):
    with pytest.raises(ServerError):
        ask(secure.address, Tls.from_files(ca=pem[0]))


def test_a_server_that_is_not_trusted_is_not_asked(secure):
    with pytest.raises(ServerError):
        ask(secure.address, Tls())
    assert secure.requests == []


def test_an_unencrypted_call_is_not_answered(secure):
    with pytest.raises(ServerError):
        ask(secure.address, None)
    assert secure.requests == []
