"""Whether a server may answer in plain text at the address that it is to listen on."""

from shelfsort.core.errors import InputError
from shelfsort.core.web.exposure import is_loopback


def check_exposure(host: str, *, encrypted: bool, plaintext: bool) -> None:
    """Refuses to answer a network in plain text unless that is asked for.

    Args:
        host: address or name to listen on.
        encrypted: whether the server has a certificate.
        plaintext: whether the operator asked for plain text.

    Raises:
        InputError: others than this machine could read the traffic.
    """
    if encrypted or plaintext or is_loopback(host):
        return
    raise InputError(
        f"--host {host}: requests and answers would cross the network in plain text. Give "
        "--tls-certificate and --tls-key, or --plaintext where a proxy or a mesh encrypts."
    )


def check_management(host: str, *, encrypted: bool, plaintext: bool, known: bool) -> None:
    """Refuses to let a network reconfigure the server unless callers show who they are.

    Args:
        host: address or name of the management port.
        encrypted: whether the server has a certificate.
        plaintext: whether the operator asked for plain text.
        known: whether callers must show a token or a certificate.

    Raises:
        InputError: strangers could reconfigure the server, or read the token.
    """
    if is_loopback(host):
        return
    if not known:
        raise InputError(
            f"--management-host {host}: whoever connects could replace the models. Give "
            "--management-token-file or --tls-client-ca, or leave the port on this machine."
        )
    check_exposure(host, encrypted=encrypted, plaintext=plaintext)
