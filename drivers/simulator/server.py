"""Simulated units that speak Modbus TCP, as behind a gateway with time to spare.

Modbus messaging on TCP/IP implementation guide V1.0b, 3.1.3: a header of
transaction, protocol (0) and length stands before unit, function and data, and
there is no CRC.
"""

import heapq
import os
import select
import socket
import struct
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import Thread

from zerometer.core._frame import crc16
from zerometer.core.errors import UsageError
from zerometer.drivers.simulator.faults import Fault
from zerometer.drivers.simulator.line import TURNAROUND_NS
from zerometer.drivers.simulator.listener import listening
from zerometer.drivers.simulator.unit import Unit
from zerometer.drivers.simulator.units import Units

_HEADER = struct.Struct(">HHH")
#: What may follow the header: unit and function at least, a whole message at most.
_SHORTEST, _LONGEST = 2, 254
_BUFFER = 4096


class SimulatedServer:
    """Units, by identifier, on TCP port *number* of *host*; a thread serves them.

    ``port`` is *url* while it does. Every request is answered ``turnaround_ns``
    later, whoever else is being answered: there is no wire to wait for. *tap* gets
    what any client sends. Call start() and stop().
    """

    def __init__(
        self,
        url: str,
        host: str,
        number: int,
        units: Mapping[int, Unit],
        *,
        turnaround_ns: int = TURNAROUND_NS,
        tap: Callable[[bytes], None] | None = None,
    ) -> None:
        self._url = url
        self._address = host, number
        self._units = Units(units, turnaround_ns)
        self._tap = tap
        self._thread: Thread | None = None

    @property
    def port(self) -> str:
        """What to connect to, as a URL; UsageError before start."""
        if self._thread is None:
            raise UsageError("simulated server: port: not started")
        return self._url

    def give(self, unit: int, *faults: Fault) -> None:
        """Give *unit* these faults, in this order, instead of those it had."""
        self._units.give(unit, *faults)

    def start(self) -> None:
        """Listen; OSError when that cannot be."""
        self._listener = listening(*self._address)
        self._clients: dict[socket.socket, bytearray] = {}
        self._replies: list[tuple[int, int, socket.socket, bytes]] = []
        self._number = 0
        self._stopping = False
        self._wake, self._waker = os.pipe()
        self._thread = Thread(target=self._serve, name="simulated-server", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Disconnect all, and listen no longer; harmless when not started."""
        if self._thread is None:
            return
        self._stopping = True
        os.write(self._waker, b".")
        self._thread.join()
        self._thread = None
        for connection in (self._listener, *self._clients):
            connection.close()
        os.close(self._wake)
        os.close(self._waker)

    def _serve(self) -> None:
        while not self._stopping:
            patience_s = None
            if self._replies:
                patience_s = max(0, self._replies[0][0] - _now_ns()) / 1e9
            watched: list[socket.socket | int]
            watched = [self._listener, *self._clients, self._wake]
            for ready in select.select(watched, [], [], patience_s)[0]:
                if ready is self._listener:
                    self._accept()
                elif ready in self._clients:
                    self._hear(ready)
            self._speak()

    def _accept(self) -> None:
        with suppress(OSError):
            client, _ = self._listener.accept()
            client.setblocking(False)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._clients[client] = bytearray()

    def _drop(self, client: socket.socket) -> None:
        del self._clients[client]
        client.close()

    def _hear(self, client: socket.socket) -> None:
        data = b""
        with suppress(OSError):
            data = client.recv(_BUFFER)
        if not data:
            self._drop(client)
            return
        if self._tap is not None:
            self._tap(data)
        heard = self._clients[client]
        heard += data
        while len(heard) >= _HEADER.size:
            transaction, protocol, length = _HEADER.unpack_from(heard)
            if protocol or not _SHORTEST <= length <= _LONGEST:
                # Nobody knows where the next message begins.
                self._drop(client)
                return
            end = _HEADER.size + length
            if len(heard) < end:
                return
            body = bytes(heard[_HEADER.size : end])
            del heard[:end]
            self._answer(client, transaction, body)

    def _answer(self, client: socket.socket, transaction: int, body: bytes) -> None:
        now_ns = _now_ns()
        # Faults work on frames of a serial line.
        reply = self._units.answer(body + crc16(body).to_bytes(2, "little"), now_ns)
        if reply is None:
            return
        answer = reply.frame[:-2]
        whole = _HEADER.pack(transaction, 0, len(answer)) + answer
        # The number keeps replies of one instant in order.
        self._number += 1
        due = (now_ns + reply.delay_ns, self._number, client, whole)
        heapq.heappush(self._replies, due)

    def _speak(self) -> None:
        while self._replies and self._replies[0][0] <= _now_ns():
            _, _, client, whole = heapq.heappop(self._replies)
            if client in self._clients:
                try:
                    client.sendall(whole)
                except OSError:
                    self._drop(client)


def _now_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
