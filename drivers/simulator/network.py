"""Where a simulated line ends in a network: at a TCP port, as behind a gateway."""

import socket
import struct
from contextlib import suppress

from zerometer.core._frame import crc16
from zerometer.core.site import Bus

_BUFFER = 4096
#: MODBUS Messaging on TCP/IP Implementation Guide V1.0b, 3.1.3: transaction, protocol
#: and length; the unit identifier, which they call part of it, is on a line as well.
_HEADER = struct.Struct(">HHH")
_CRC = 2
#: An exception, or unit, function, the count of bytes that follow, and checksum.
_SHORTEST = 5
_EXCEPTION = 0x80


class Listener:
    """A TCP port where *bus* says that its gateway is; one connection at a time.

    Who connects takes the place of who was connected. RTU passes as it is. For
    Modbus TCP, a reply whose checksum is wrong is kept back, as gateways do, and one
    that comes after another request is lost: its transaction is over.
    """

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._converts = bus.protocol == "tcp"
        self._listener: socket.socket | None = None
        self._user: socket.socket | None = None
        self._begin()
        self.port = ""

    def _begin(self) -> None:
        """Forget what was said before."""
        self._heard = self._reply = b""
        self._transaction = 0

    @property
    def descriptors(self) -> tuple[int, ...]:
        """The port, and who is connected."""
        return tuple(s.fileno() for s in (self._listener, self._user) if s)

    def open(self) -> None:
        """Listen; OSError when the address is none of this machine or taken."""
        address = (self._bus.host, self._bus.tcp_port)
        family = socket.AF_INET6 if ":" in self._bus.host else socket.AF_INET
        self._listener = socket.create_server(address, family=family)
        self.port = self._bus.port

    def close(self) -> None:
        """Hang up and do not listen any more."""
        self._hang_up()
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        self.port = ""

    def read(self, ready: int) -> bytes:
        """Return what is to be written to the line; nothing when somebody connected."""
        if self._listener is not None and ready == self._listener.fileno():
            self._hang_up()
            self._user = self._listener.accept()[0]
            self._user.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return b""
        if self._user is None or ready != self._user.fileno():
            return b""  # it was just replaced
        data = b""
        with suppress(OSError):
            data = self._user.recv(_BUFFER)
        if not data:
            self._hang_up()
        return self._converted(data) if self._converts else data

    def write(self, data: bytes) -> None:
        """Send what came from the line, to nobody if nobody is connected."""
        if self._converts:
            self._reply += data
            if not _whole(self._reply):
                return
            body, self._reply = self._reply[:-_CRC], b""
            data = _HEADER.pack(self._transaction, 0, len(body)) + body
        if self._user is not None:
            with suppress(OSError):
                self._user.sendall(data)

    def _converted(self, data: bytes) -> bytes:
        self._heard += data
        frames = b""
        while len(self._heard) >= _HEADER.size:
            transaction, _, length = _HEADER.unpack_from(self._heard)
            end = _HEADER.size + length
            if len(self._heard) < end:
                break
            body, self._heard = self._heard[_HEADER.size : end], self._heard[end:]
            self._transaction, self._reply = transaction, b""
            frames += body + crc16(body).to_bytes(_CRC, "little")
        return frames

    def _hang_up(self) -> None:
        if self._user is not None:
            self._user.close()
            self._user = None
        self._begin()


def _whole(reply: bytes) -> bool:
    """Whether this is a reply to a read, or an exception, as it should be.

    The checksum alone does not tell: of 256 replies, one begins with a shorter one.
    """
    if len(reply) < _SHORTEST:
        return False
    size = _SHORTEST if reply[1] & _EXCEPTION else _SHORTEST + reply[2]
    return len(reply) == size and not crc16(reply)
