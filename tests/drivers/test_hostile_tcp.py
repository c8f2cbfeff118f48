"""Gateways that send anything: none of it gets past the wrapper of pymodbus."""

import socket
import struct
import threading
from collections import Counter
from random import Random

import pytest
from harness.hostile import MS, frames

from zerometer.drivers._exchange import Transaction
from zerometer.drivers.lines import backlog
from zerometer.drivers.lines.modbus_tcp import ModbusTcp
from zerometer.drivers.outcome import Outcome

ATTEMPTS = 400


class HostileGateway:
    """A connection whose far end answers with *body* under a header of its own."""

    def __init__(self, random: Random) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self._near = socket.create_connection(listener.getsockname())
            self._far, _ = listener.accept()
        for end in (self._near, self._far):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._near.setblocking(False)
        self.master = ModbusTcp(self._near, 1)
        self.body = b""
        self._random = random
        self._thread = threading.Thread(target=self._answer)
        self._thread.start()

    def close(self) -> None:
        self._far.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._far.close()
        self._near.close()

    def _answer(self) -> None:
        while packet := self._far.recv(64):
            (number,) = struct.unpack_from(">H", packet)
            protocol, length = 0, len(self.body)
            lie = self._random.randrange(30)
            if lie == 0:
                protocol = self._random.randrange(65_536)
            elif lie == 1:
                length = self._random.randrange(65_536)
            elif lie == 2:
                number ^= 1
            self._far.sendall(struct.pack(">HHH", number, protocol, length) + self.body)


def test_a_value_comes_of_the_right_reply_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(backlog, "LONGEST_HOLD_NS", 100 * MS)
    random = Random(3)
    outcomes: Counter[Outcome] = Counter()
    gateway = HostileGateway(random)
    try:
        for _, (request, frame) in zip(range(ATTEMPTS), frames(5), strict=False):
            transaction = Transaction(request)
            transaction.expect(0, 20 * MS)
            gateway.body = frame[:-2]
            gateway.master.run([transaction])
            outcome = Outcome(transaction.outcome)
            outcomes[outcome] += 1
            if outcome is Outcome.GOOD:
                assert gateway.body[:2] == request[:2]
                assert transaction.data() == gateway.body[3:]
            if outcome is Outcome.LOST:
                gateway.close()
                gateway = HostileGateway(random)
    finally:
        gateway.close()
    assert outcomes.keys() >= {
        Outcome.GOOD, Outcome.EXCEPTION, Outcome.WRONG_UNIT, Outcome.TIMEOUT,
        Outcome.LOST,
    }  # fmt: skip
