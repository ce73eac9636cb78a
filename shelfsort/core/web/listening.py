"""The socket that a server listens on, and the connections that have not begun to speak HTTP.

With TLS a connection reaches the server's protocol once its handshake is done, so limits there do
not count those whose clients stay silent.
"""

import contextlib
import errno
import socket
import time

_MIN_OPENING = 16
# After which asyncio accepts again when no file could be opened.
_PAUSE_SECONDS = 0.5
_NO_FILES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Listener(socket.socket):
    """Listens without SO_REUSEPORT: two servers on one port would share its calls.

    Args:
        host, port: to listen on; port 0 takes a free one.
        max_connections: that the server holds. A quarter as many may be opening; one more, and the
            oldest of these is closed.

    Raises:
        OSError: the port cannot be had.
    """

    def __init__(self, host: str, port: int, max_connections: int):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # asyncio turns Nagle's algorithm off, 40 ms an answer, only where the protocol is stated.
        super().__init__(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._max_opening = max(_MIN_OPENING, max_connections // 4)
        # By number of the file, in the order of their beginnings.
        self._opening: dict[int, socket.socket] = {}
        self._tries_again = 0.0
        try:
            self.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.bind((host, port))
            self.listen()
        except OSError:
            self.close()
            raise

    def accept(self) -> tuple[socket.socket, object]:
        """A new connection, which counts as opening until `opened`.

        Raises:
            BlockingIOError: there is none now.
            OSError: no file could be opened. asyncio logs that, asks as often as connections may
                wait, and then pauses: it is told once a pause.
        """
        try:
            connection, address = super().accept()
        except OSError as error:
            if error.errno in _NO_FILES:
                if time.monotonic() < self._tries_again:
                    raise BlockingIOError from error
                self._tries_again = time.monotonic() + _PAUSE_SECONDS
            raise
        self._opening.pop(connection.fileno(), None)
        self._opening[connection.fileno()] = connection
        self._drop_oldest()
        return connection, address

    def opened(self, number: int) -> None:
        """The connection with that number of its file speaks HTTP from now on."""
        self._opening.pop(number, None)

    def _drop_oldest(self) -> None:
        if len(self._opening) <= self._max_opening:
            return
        self._opening = {n: each for n, each in self._opening.items() if each.fileno() >= 0}
        while len(self._opening) > self._max_opening:
            oldest = self._opening.pop(next(iter(self._opening)))
            with contextlib.suppress(OSError):
                oldest.shutdown(socket.SHUT_RDWR)
