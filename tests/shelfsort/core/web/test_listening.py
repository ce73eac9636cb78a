"""What a listening socket does where no file can be opened, and with silent connections."""

import errno
import socket

import pytest

from shelfsort.core.web import listening
from shelfsort.core.web.listening import Listener


@pytest.fixture
def listener():
    with Listener("127.0.0.1", 0, max_connections=64) as made:
        yield made


def test_of_many_that_stay_silent_the_oldest_are_closed(listener):
    clients = [socket.create_connection(listener.getsockname(), 10) for _ in range(20)]
    accepted = [listener.accept()[0] for _ in clients]
    assert [client.recv(1) for client in clients[:4]] == [b""] * 4
    for kept in accepted[4:]:
        kept.sendall(b"x")
    assert [client.recv(1) for client in clients[4:]] == [b"x"] * 16


def test_a_connection_that_speaks_is_not_closed(listener):
    first = socket.create_connection(listener.getsockname(), 10)
    accepted, _ = listener.accept()
    listener.opened(accepted.fileno())
    others = [socket.create_connection(listener.getsockname(), 10) for _ in range(20)]
    kept = [listener.accept() for _ in others]
    accepted.sendall(b"x")
    assert (first.recv(1), len(kept)) == (b"x", 20)


def test_asyncio_hears_of_missing_files_once_a_pause(listener, monkeypatch):
    def no_file(_):
        raise OSError(errno.EMFILE, "no file")

    monkeypatch.setattr(socket.socket, "accept", no_file)
    with pytest.raises(OSError, match="no file"):
        listener.accept()
    for _ in range(3):
        with pytest.raises(BlockingIOError):
            listener.accept()
    monkeypatch.setattr(listening, "_PAUSE_SECONDS", 0)
    listener._tries_again = 0.0
    with pytest.raises(OSError, match="no file"):
        listener.accept()
