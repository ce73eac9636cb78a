"""TLS for both ports, with clients that must show a certificate where a CA for them is given."""

import ssl
from pathlib import Path

import grpc

from serving.server.config import ServerOptions
from shelfsort.core.errors import InputError


def grpc_credentials(options: ServerOptions) -> grpc.ServerCredentials | None:
    """What the gRPC port asks for; None without TLS.

    Raises:
        InputError: a certificate without its key, or a file that cannot be read.
    """
    if not _wanted(options):
        return None
    client_ca = _read(options.tls_client_ca) if options.tls_client_ca else None
    return grpc.ssl_server_credentials(
        [(_read(options.tls_key), _read(options.tls_certificate))],
        root_certificates=client_ca,
        require_client_auth=client_ca is not None,
    )


def rest_context(options: ServerOptions) -> ssl.SSLContext | None:
    """The same for the REST port, which TF Serving leaves in the clear: a second, open door.

    Raises:
        InputError: as `grpc_credentials`, or what is read is no certificate.
    """
    if not _wanted(options):
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(options.tls_certificate, options.tls_key)
        if options.tls_client_ca:
            context.load_verify_locations(options.tls_client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ssl.SSLError) as error:
        raise InputError(
            f"{options.tls_certificate}: certificate, key or client CA cannot be used: {error}. "
            "Give PEM files that belong together."
        ) from error
    return context


def _wanted(options: ServerOptions) -> bool:
    if bool(options.tls_certificate) != bool(options.tls_key):
        raise InputError("TLS needs both a certificate and its key: give both, or neither.")
    if options.tls_client_ca and not options.tls_certificate:
        raise InputError("A CA for clients is of use with TLS only: give a certificate and key.")
    return bool(options.tls_certificate)


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.") from error
