"""Where a simulated line ends: a TCP port, as a serial device server would have."""

import socket
from collections.abc import Sequence
from contextlib import suppress

_BUFFER = 4096


class Listener:
    """The TCP port *number* of *host*; ``port`` is *url* while it is open.

    The newest connection has the line, as in many device servers: a user who lost
    his connection unnoticed is not kept out by it.
    """

    def __init__(self, url: str, host: str, number: int) -> None:
        self._url = url
        self._address = host, number
        self._listener: socket.socket | None = None
        self._user: socket.socket | None = None
        self.port = ""

    @property
    def descriptors(self) -> Sequence[int]:
        """What to watch: for a new connection, and for what comes on this one."""
        both = self._listener, self._user
        return [each.fileno() for each in both if each is not None]

    def open(self) -> None:
        """Listen; OSError when that cannot be."""
        self._listener = listening(*self._address)
        self.port = self._url

    def close(self) -> None:
        """Disconnect, and listen no longer."""
        self._hang_up()
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        self.port = ""

    def read(self, ready: int) -> bytes:
        """Return what came on the connection; take a new one."""
        data = b""
        if self._listener is not None and ready == self._listener.fileno():
            with suppress(OSError):
                user, _ = self._listener.accept()
                self._hang_up()
                user.setblocking(False)
                user.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._user = user
        elif self._user is not None and ready == self._user.fileno():
            with suppress(OSError):
                data = self._user.recv(_BUFFER)
            if not data:
                self._hang_up()
        return data

    def write(self, data: bytes) -> None:
        """Send *data* to who is connected, if anybody is and takes it."""
        if self._user is not None:
            with suppress(OSError):
                self._user.send(data)

    def _hang_up(self) -> None:
        if self._user is not None:
            self._user.close()
            self._user = None


def listening(host: str, number: int) -> socket.socket:
    """Return a socket that listens on a port of this machine.

    OSError when *host* is not this machine, or the port is not to be had.
    """
    failure = OSError(f"{host} has no address")
    for family, _, _, _, address in socket.getaddrinfo(
        host, number, type=socket.SOCK_STREAM
    ):
        try:
            return socket.create_server(address, family=family)
        except OSError as error:
            failure = error
    raise failure
