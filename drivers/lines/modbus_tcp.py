"""Modbus TCP: pymodbus's client, of which only the reading functions are within reach.

Imported when a bus needs it: pymodbus weighs more than all of our drivers.
"""

import errno
import logging
import select
import socket
import struct
from time import monotonic_ns

from pymodbus.client import ModbusTcpClient
from pymodbus.exceptions import ConnectionException, ModbusException

from zerometer.core._frame import crc16, expected_length
from zerometer.core.points import LineSettings
from zerometer.drivers._exchange import Transaction
from zerometer.drivers.lines.backlog import Backlog
from zerometer.drivers.lines.connection import DEAF_AFTER_NS, connect, hang_up
from zerometer.drivers.outcome import Outcome

# What it complains of is told by outcomes, without flooding the log.
logging.getLogger("pymodbus").setLevel(logging.CRITICAL)

#: What may be called, by function; there is no other call of the client here.
_READS = {
    1: ModbusTcpClient.read_coils,
    2: ModbusTcpClient.read_discrete_inputs,
    3: ModbusTcpClient.read_holding_registers,
    4: ModbusTcpClient.read_input_registers,
}

#: Transaction, protocol, and length of what follows.
_HEADER = struct.Struct(">HHH")
_REQUEST = struct.Struct(">BBHH")

_RECEIVED = 4096

#: Exceptions of a gateway in the name of a unit that it cannot reach.
_UNREACHED = (10, 11)
_EXCEPTION = 0x80


class ModbusTcp:
    """The transactions with the gateway or device at the far end of *connection*.

    Requests carry a number that replies repeat, so that a late reply is never taken
    for another's. *character_ns* is the time of one byte on the line behind the
    gateway.
    """

    pairs_replies = True

    def __init__(self, connection: socket.socket, character_ns: int) -> None:
        host, port = connection.getpeername()[:2]
        self._client = ModbusTcpClient(
            host, port=port, retries=0, trace_packet=self._trace
        )
        # Connected already, by us: it would not tell why it cannot.
        self._client.socket = self._connection = connection
        self._character_ns = character_ns
        self._number = 0
        self._seen = b""
        self._backlog = Backlog()
        self.error = 0
        self.transactions = 0
        self.busy_ns = 0
        self.wakes = 0
        self.discarded = 0
        self.heard_ns = 0

    def run(self, series: list[Transaction]) -> int:
        """Run *series* up to the first that is not GOOD; return how many were run."""
        ran = 0
        for transaction in series:
            start_ns = monotonic_ns()
            self._run(transaction, start_ns)
            self.busy_ns += transaction.done_ns - start_ns
            ran += 1
            if transaction.outcome != Outcome.GOOD:
                break
        self.transactions += ran
        return ran

    def drain(self, silence_ns: int, cap_ns: int) -> int:
        """Wait until the gateway is probably done with what it has not answered.

        At most *silence_ns* or *cap_ns*. Return after how many ns the unit that was
        asked last answered, 0 if it did not, -1 if the connection is lost.
        """
        start_ns = now_ns = monotonic_ns()
        end_ns = start_ns + min(silence_ns, cap_ns)
        came_ns = 0
        while now_ns < min(end_ns, self._backlog.likely_ns) and not came_ns:
            came_ns = self._late(min(end_ns, self._backlog.likely_ns) - now_ns)
            now_ns = monotonic_ns()
        self.busy_ns += now_ns - start_ns
        return came_ns if came_ns <= 0 else now_ns - start_ns

    def _late(self, patience_ns: int) -> int:
        """Wait for late replies; return 1 if the last is there, -1 if it is lost."""
        if not select.select([self._connection], [], [], patience_ns / 1e9)[0]:
            return 0
        self.error = 0
        try:
            data = self._connection.recv(_RECEIVED)
        except OSError as error:
            self.error = error.errno or errno.EIO
            return -1
        frames, rest = _frames(data)
        self._note_late(data)
        self.discarded += len(data)
        self.wakes += 1
        if not data or rest:
            self.error = errno.EPROTO if data else 0
            return -1
        last = frames.get(self._number)
        unreached = last and last[1] & _EXCEPTION and last[2] in _UNREACHED
        return 1 if last and not unreached else 0

    def _note_late(self, data: bytes) -> None:
        """Note what in *data* answers requests that were given up."""
        if self._backlog.waits:
            for number in _frames(data)[0]:
                self._backlog.answered(number, monotonic_ns())

    def _run(self, transaction: Transaction, sent_ns: int) -> None:
        request = transaction.request
        unit, function, address, count = _REQUEST.unpack_from(request)
        wire_ns = (len(request) + expected_length(request)) * self._character_ns
        usual_ns = wire_ns + transaction.timeout_ns
        patience_ns = usual_ns + max(0, self._backlog.surely_ns - sent_ns)
        self._client.comm_params.timeout_connect = patience_ns / 1e9
        self._seen = b""
        self.error = 0
        lost = False
        try:
            _READS[function](self._client, address, count=count, device_id=unit)
        except ConnectionException:
            lost = True
        except OSError as error:
            self.error = error.errno or errno.EIO
            lost = True
        except ModbusException:
            pass  # what was seen tells
        frames, rest = _frames(self._seen)
        reply = b"" if lost else frames.get(self._number, b"")
        if not reply:
            self.discarded += len(self._seen)
        if rest and not reply:
            # What is to follow it would be taken for the beginning of a reply.
            self.error = errno.EPROTO
            lost = True
        transaction.conclude(reply, sent_ns, self._character_ns, lost)
        done_ns = transaction.done_ns
        if reply:
            late = done_ns - sent_ns > usual_ns
            self._backlog.caught_up(sent_ns, done_ns, late=late)
        else:
            self._backlog.unanswered(self._number, sent_ns)
        if transaction.received:
            self.heard_ns = transaction.done_ns

    def _trace(self, sending: bool, packet: bytes) -> bytes:
        """Look at what the client sends, and at all that came and was not used yet."""
        if sending:
            self._number = _HEADER.unpack_from(packet)[0]
        else:
            self._seen = packet
            self.wakes += 1
            self._note_late(packet)
            if self._number in _frames(packet)[0]:
                # For a reply that it does not like, it would wait on.
                self._client.comm_params.timeout_connect = 0
        return packet


def _frames(data: bytes) -> tuple[dict[int, bytes], bytes]:
    """Return the whole replies in *data* by their number, and what is left over.

    They are given the form that they have on a serial line.
    """
    frames = {}
    while len(data) >= _HEADER.size:
        number, protocol, length = _HEADER.unpack_from(data)
        end = _HEADER.size + length
        if protocol != 0 or len(data) < end:
            break
        body = data[_HEADER.size : end]
        frames[number] = body + crc16(body).to_bytes(2, "little")
        data = data[end:]
    return frames, data


class ModbusTcpLine:
    """The connected gateway or device at *host*; see TcpLine for the parameters."""

    def __init__(
        self, port: str, host: str, tcp_port: int, settings: LineSettings
    ) -> None:
        self.deaf_after_ns = DEAF_AFTER_NS
        self._connection = connect(port, host, tcp_port)
        self.master = ModbusTcp(self._connection, settings.character_ns)

    def close(self) -> None:
        """Disconnect; may be called again."""
        hang_up(self._connection)
