"""TLS on both ports, and clients that must show who they are."""

import contextlib
import datetime
import http.client
import ipaddress
import socket
import ssl

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from shelfsort.core.errors import InputError


def _usage(ca: bool) -> x509.KeyUsage:
    names = "content_commitment key_encipherment data_encipherment key_agreement crl_sign"
    return x509.KeyUsage(
        digital_signature=not ca,
        key_cert_sign=ca,
        encipher_only=False,
        decipher_only=False,
        **dict.fromkeys(names.split(), False),
    )


class Authority:
    """A certificate authority that lives as long as a test."""

    def __init__(self, folder):
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
        self.path = folder / "ca.pem"
        self.path.write_bytes(self._sign(self.name, self.key.public_key(), ca=True))

    def issue(self, name):
        """Paths of a certificate and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate, private = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        certificate.write_bytes(self._sign(subject, key.public_key(), ca=False))
        private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return certificate, private

    def _sign(self, subject, public_key, ca):
        now = datetime.datetime.now(datetime.timezone.utc)
        loopback = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([loopback]), critical=False)
            # Python 3.13 refuses certificates without.
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()),
                critical=False,
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(_usage(ca), critical=True)
            .sign(self.key, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM)


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def server(authority, serving, base_path):
    """Starts a TLS server, with or without asking clients for certificates."""

    def start(mutual):
        certificate, key = authority.issue("server")
        return serving(
            base_path,
            tls_certificate=str(certificate),
            tls_key=str(key),
            tls_client_ca=str(authority.path) if mutual else None,
        )

    return start


def grpc_answer(client_class, server, credentials):
    with grpc.secure_channel(server.address, credentials) as channel:
        return client_class(channel).predict(x=[1.0])["y"].tolist()


def rest_status(server, context):
    connection = http.client.HTTPSConnection(
        "127.0.0.1", server.rest_port, context=context, timeout=30
    )
    connection.request("GET", "/v1/models/tiny")
    return connection.getresponse().status


def test_both_ports_speak_tls(authority, server, client):
    running = server(mutual=False)
    credentials = grpc.ssl_channel_credentials(authority.path.read_bytes())
    assert grpc_answer(type(client), running, credentials) == [2.0]
    context = ssl.create_default_context(cafile=str(authority.path))
    assert rest_status(running, context) == 200


def test_a_client_in_the_clear_is_turned_away(server, client):
    running = server(mutual=False)
    with grpc.insecure_channel(running.address) as channel, pytest.raises(grpc.RpcError):
        type(client)(channel).predict(x=[1.0])


def test_a_client_with_a_certificate_is_let_in(authority, server, client):
    running = server(mutual=True)
    certificate, key = authority.issue("client")
    credentials = grpc.ssl_channel_credentials(
        authority.path.read_bytes(), key.read_bytes(), certificate.read_bytes()
    )
    assert grpc_answer(type(client), running, credentials) == [2.0]
    context = ssl.create_default_context(cafile=str(authority.path))
    context.load_cert_chain(certificate, key)
    assert rest_status(running, context) == 200


def test_a_client_without_a_certificate_is_kept_out_of_both_ports(authority, server, client):
    running = server(mutual=True)
    credentials = grpc.ssl_channel_credentials(authority.path.read_bytes())
    with pytest.raises(grpc.RpcError):
        grpc_answer(type(client), running, credentials)
    context = ssl.create_default_context(cafile=str(authority.path))
    with pytest.raises((OSError, http.client.HTTPException)):
        rest_status(running, context)


def test_connections_that_never_greet_take_few_files(authority, serving, base_path):
    certificate, key = authority.issue("server")
    tls = {"tls_certificate": str(certificate), "tls_key": str(key)}
    server = serving(base_path, max_concurrent=40, **tls)
    with contextlib.ExitStack() as stack:
        silent = [
            stack.enter_context(socket.create_connection(("127.0.0.1", server.rest_port), 30))
            for _ in range(60)
        ]
        context = ssl.create_default_context(cafile=authority.path)
        assert rest_status(server, context) == 200
        # All but the latest 16, one of which was the client just now.
        assert [each.recv(1) for each in silent[:44]] == [b""] * 44


@pytest.mark.parametrize(
    "given",
    [
        {"tls_certificate": "server.pem"},
        {"tls_client_ca": "ca.pem"},
        {"tls_certificate": "missing.pem", "tls_key": "missing.key"},
    ],
)
def test_half_a_tls_configuration_is_an_input_error(serving, base_path, given):
    with pytest.raises(InputError):
        serving(base_path, **given)
