"""The simulated line, read by pymodbus: values are right, bytes take their time."""

import fcntl
import os
import select
import struct
import sys
import termios
import threading
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from harness.simulation import SDM630, constant
from harness.wire import converse
from pymodbus.client import ModbusSerialClient

from zerometer.core._frame import crc16, read_request
from zerometer.core.errors import UsageError
from zerometer.core.points import LineSettings
from zerometer.drivers.simulator.line import SimulatedLine
from zerometer.drivers.simulator.meters import SimulatedMeter
from zerometer.drivers.simulator.transmission import Transmission

TURNAROUND_NS = 5_000_000
FAST = LineSettings(baud=115_200)


def units() -> dict[int, SimulatedMeter]:
    return {
        1: SimulatedMeter("a", SDM630, constant(41.5)),
        2: SimulatedMeter("b", SDM630, constant(-12.25)),
    }


@contextmanager
def client(line: SimulatedLine, baud: int) -> Iterator[ModbusSerialClient]:
    modbus = ModbusSerialClient(line.port, baudrate=baud, timeout=1, retries=0)
    assert modbus.connect()
    try:
        yield modbus
    finally:
        modbus.close()


def power_w(modbus: ModbusSerialClient, unit: int) -> float:
    reply = modbus.read_input_registers(52, count=2, device_id=unit)
    assert not reply.isError()
    (power,) = struct.unpack(">f", struct.pack(">HH", *reply.registers))
    return float(power)


@pytest.mark.parametrize("paced", [True, False])
def test_pymodbus_reads_two_units(paced: bool) -> None:
    with (
        SimulatedLine(FAST, units(), turnaround_ns=0, paced=paced) as line,
        client(line, FAST.baud) as modbus,
    ):
        assert power_w(modbus, 1) == 41_500.0
        assert power_w(modbus, 2) == -12_250.0
        block = modbus.read_input_registers(0, count=60, device_id=1)
        assert len(block.registers) == 60
        refused = modbus.read_input_registers(0, count=62, device_id=1)
        assert refused.exception_code == 3
        refused = modbus.read_holding_registers(0, count=2, device_id=1)
        assert refused.exception_code == 1


@pytest.mark.parametrize(
    "settings",
    [LineSettings(baud=9600), LineSettings(baud=19_200, parity="E"), FAST],
)
def test_bytes_take_their_time(settings: LineSettings) -> None:
    request = read_request(1, 4, 0, 60)
    wire_ns = (8 + 125) * settings.character_ns + TURNAROUND_NS
    with SimulatedLine(settings, units(), turnaround_ns=TURNAROUND_NS) as line:
        begin = time.monotonic_ns()
        reply = converse(line.port, request, 125)
        took_ns = time.monotonic_ns() - begin
    assert len(reply) == 125 and not crc16(reply)
    assert wire_ns <= took_ns <= wire_ns + 100_000_000


def test_no_byte_is_early() -> None:
    settings = LineSettings(baud=9600)
    with SimulatedLine(settings, units(), turnaround_ns=TURNAROUND_NS) as line:
        descriptor = os.open(line.port, os.O_RDWR | os.O_NOCTTY)
        try:
            tty.setraw(descriptor)
            begin = time.monotonic_ns()
            os.write(descriptor, read_request(1, 4, 0, 20))
            got = 0
            while got < 45:
                assert select.select([descriptor], [], [], 1.0)[0]
                got += len(os.read(descriptor, 512))
                earliest = 8 * settings.character_ns + TURNAROUND_NS
                earliest += got * settings.character_ns
                assert time.monotonic_ns() - begin >= earliest
        finally:
            os.close(descriptor)


def test_a_transmission_delivers_by_deadlines() -> None:
    sending = Transmission(bytes(range(25)), 1000, 100_000)
    assert sending.next_ns() == 1000 + 10 * 100_000
    assert sending.take(1000 + 99_999) == b""
    assert sending.take(1000 + 350_000) == b"\x00\x01\x02"
    # Woken late: everything that is due comes, and what follows keeps its time.
    assert sending.take(1000 + 2_200_000) == bytes(range(3, 22))
    assert not sending.done
    assert sending.next_ns() == sending.end_ns == 1000 + 2_500_000
    assert sending.take(1000 + 2_500_000) == b"\x16\x17\x18"
    assert sending.done


def test_strangers_noise_and_broken_frames_get_no_answer() -> None:
    good = read_request(1, 4, 52, 2)
    with SimulatedLine(FAST, units(), turnaround_ns=0) as line:
        assert converse(line.port, read_request(9, 4, 52, 2), 1, 0.05) == b""
        assert converse(line.port, good[:-1] + b"\x00", 1, 0.05) == b""
        assert converse(line.port, good[:5], 1, 0.05) == b""
        assert converse(line.port, b"\x55" + good, 1, 0.05) == b""
        assert len(converse(line.port, good, 9)) == 9


def test_a_function_that_no_meter_has_is_refused() -> None:
    body = b"\x01\x2b\x0e\x01\x00"
    request = body + crc16(body).to_bytes(2, "little")
    with SimulatedLine(FAST, units(), turnaround_ns=0) as line:
        reply = converse(line.port, request, 5)
    assert reply[:3] == b"\x01\xab\x01"


def test_a_request_in_pieces_is_one_request() -> None:
    request = read_request(1, 4, 52, 2)
    settings = LineSettings(baud=1200)
    with SimulatedLine(settings, units(), turnaround_ns=0, paced=False) as line:
        descriptor = os.open(line.port, os.O_RDWR | os.O_NOCTTY)
        try:
            tty.setraw(descriptor)
            os.write(descriptor, request[:3])
            os.write(descriptor, request[3:])
            assert select.select([descriptor], [], [], 1.0)[0]
            assert len(os.read(descriptor, 512)) == 9
        finally:
            os.close(descriptor)


def test_the_line_outlives_its_users() -> None:
    request = read_request(1, 4, 52, 2)
    with SimulatedLine(FAST, units(), turnaround_ns=0) as line:
        replies = {converse(line.port, request, 9) for _ in range(3)}
        assert len(replies) == 1


def test_a_killed_user_does_not_keep_the_port() -> None:
    get_exclusive = 0x80045440  # TIOCGEXCL, which termios does not name
    with SimulatedLine(FAST, units(), turnaround_ns=0) as line:
        descriptor = os.open(line.port, os.O_RDWR | os.O_NOCTTY)
        try:
            tty.setraw(descriptor)
            fcntl.ioctl(descriptor, termios.TIOCEXCL)
            os.write(descriptor, read_request(1, 4, 52, 2))
            assert select.select([descriptor], [], [], 1.0)[0]
            flag = fcntl.ioctl(descriptor, get_exclusive, b"\xff\xff\xff\xff")
        finally:
            os.close(descriptor)
    assert int.from_bytes(flag, sys.byteorder) == 0


def test_nobody_reading_does_not_stop_the_line() -> None:
    flood = read_request(1, 4, 0, 60) * 700
    with SimulatedLine(FAST, units(), turnaround_ns=0, paced=False) as line:
        descriptor = os.open(line.port, os.O_RDWR | os.O_NOCTTY)
        os.write(descriptor, flood)
        os.close(descriptor)
        converse(line.port, b"", len(flood) * 125, 0.1)
        # On a busy machine more of the flood's answers may come first.
        said = converse(line.port, read_request(2, 4, 52, 2), len(flood) * 125)
        assert said[-9:-6] == b"\x02\x04\x04"


def descriptors() -> set[Path]:
    return set(Path("/proc/self/fd").iterdir())


def test_stop_leaves_nothing_behind() -> None:
    line = SimulatedLine(FAST, units())
    with pytest.raises(UsageError, match="not started"):
        _ = line.port
    before = descriptors(), threading.active_count()
    line.start()
    port = line.port
    assert Path(port).exists()
    line.stop()
    line.stop()
    assert (descriptors(), threading.active_count()) == before


def test_an_idle_line_sleeps() -> None:
    with SimulatedLine(FAST, units()) as line:
        converse(line.port, read_request(1, 4, 52, 2), 9)
        (thread,) = (t for t in threading.enumerate() if t.name == "simulated-line")
        status = Path(f"/proc/self/task/{thread.native_id}/status")

        def switches() -> list[str]:
            rows = status.read_text().splitlines()
            return [row for row in rows if "ctxt_switches" in row]

        time.sleep(0.05)
        before = switches()
        time.sleep(0.1)
        assert switches() == before
