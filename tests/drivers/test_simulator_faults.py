"""Faults of simulated units, as the bytes on their line show them."""

from collections.abc import Iterator

import pytest
from harness.simulation import SDM630, constant
from harness.wire import converse
from pymodbus.client import ModbusSerialClient
from pymodbus.exceptions import ModbusIOException

from zerometer.core._frame import crc16, read_request
from zerometer.core.points import LineSettings
from zerometer.drivers.simulator import faults
from zerometer.drivers.simulator.line import SimulatedLine
from zerometer.drivers.simulator.meters import SimulatedMeter

FAST = LineSettings(baud=115_200)
MS = 1_000_000
ASK = read_request(1, 4, 52, 2)
ASK_OTHER = read_request(2, 4, 52, 2)
GOOD = faults.Reply(bytes(range(9)), 0, ASK, 0)
#: How long the tests listen to silence.
SILENCE_S = 0.05


@pytest.fixture
def line() -> Iterator[SimulatedLine]:
    units = {
        1: SimulatedMeter("a", SDM630, constant(41.5)),
        2: SimulatedMeter("b", SDM630, constant(-12.25)),
    }
    with SimulatedLine(FAST, units, turnaround_ns=0) as line:
        yield line


def asked(line: SimulatedLine, expected: int, request: bytes = ASK) -> bytes:
    """Return what comes after *request*, up to *expected* bytes."""
    return converse(line.port, request, expected, SILENCE_S)


def test_a_dead_unit_is_silent_and_the_others_are_not(line: SimulatedLine) -> None:
    line.give(1, faults.dead)
    assert asked(line, 1) == b""
    assert len(asked(line, 9, ASK_OTHER)) == 9
    line.give(1)
    assert len(asked(line, 9)) == 9


def test_pymodbus_takes_a_dead_unit_for_a_time_out(line: SimulatedLine) -> None:
    line.give(1, faults.dead)
    modbus = ModbusSerialClient(line.port, baudrate=FAST.baud, timeout=0.05, retries=0)
    assert modbus.connect()
    with pytest.raises(ModbusIOException):
        modbus.read_input_registers(52, count=2, device_id=1)
    modbus.close()


def test_a_late_reply_leaves_the_line_to_others(line: SimulatedLine) -> None:
    line.give(1, faults.late(100 * MS))
    got = converse(line.port, ASK + ASK_OTHER, 18)
    assert (got[0], got[9]) == (2, 1)


def test_faults_compose_in_their_order(line: SimulatedLine) -> None:
    line.give(1, faults.exception(4))
    assert asked(line, 5)[:3] == b"\x01\x84\x04"
    line.give(1, faults.exception(4), faults.crc_noise())
    noisy = asked(line, 5)
    assert len(noisy) == 5 and crc16(noisy)
    line.give(1, faults.dead, faults.exception(4))
    assert asked(line, 1) == b""


def test_noise_flips_one_bit(line: SimulatedLine) -> None:
    good = asked(line, 9)
    line.give(1, faults.crc_noise())
    noisy = asked(line, 9)
    both = zip(good, noisy, strict=True)
    assert sum((one ^ other).bit_count() for one, other in both) == 1


def test_garbage_is_as_long_as_the_reply(line: SimulatedLine) -> None:
    line.give(1, faults.garbage(), faults.late(1))
    junk = asked(line, 10)
    assert len(junk) == 9 and crc16(junk)


def test_a_short_reply_is_the_begin_of_one(line: SimulatedLine) -> None:
    good = asked(line, 9)
    line.give(1, faults.short(4))
    assert asked(line, 9) == good[:4]


def test_junk_comes_before_and_after(line: SimulatedLine) -> None:
    good = asked(line, 9)
    line.give(1, faults.junk_before(3, seed=1), faults.junk_after(2, seed=2))
    got = asked(line, 15)
    assert len(got) == 14 and got[3:12] == good


def test_only_long_reads_are_refused(line: SimulatedLine) -> None:
    long = read_request(1, 4, 52, 4)
    line.give(1, faults.longest(2))
    assert len(asked(line, 9)) == 9
    assert asked(line, 9, long)[:3] == b"\x01\x84\x03"
    line.give(1, faults.speechless(2))
    assert len(asked(line, 9)) == 9
    assert asked(line, 1, long) == b""


def test_lateness_by_chance_stays_within_its_bounds() -> None:
    late = faults.late(5 * MS, 50 * MS, seed=3)
    drawn = [reply.delay_ns for reply in (late(GOOD) for _ in range(500)) if reply]
    assert len(drawn) == 500
    assert 5 * MS <= min(drawn) < 8 * MS and 47 * MS < max(drawn) <= 50 * MS
    again = faults.late(5 * MS, 50 * MS, seed=3)
    assert drawn == [reply.delay_ns for reply in (again(GOOD) for _ in drawn) if reply]


def test_a_strict_unit_hears_nothing_while_it_works(line: SimulatedLine) -> None:
    line.give(1, faults.late(40 * MS), faults.strict())
    longer = read_request(1, 4, 52, 4)
    assert converse(line.port, ASK + longer, 22, 0.1)[2:3] == b"\x04"
    got = converse(line.port, ASK + longer, 22, 0.1)
    assert len(got) == 9
    assert len(asked(line, 9)) == 9


def test_a_queueing_unit_answers_everything_in_order(line: SimulatedLine) -> None:
    """The second request is quick, and still its reply comes after the first."""
    pace = faults.late(60 * MS)
    first = iter([True])
    line.give(1, lambda r: pace(r) if next(first, False) else r, faults.queueing())
    got = converse(line.port, ASK + read_request(1, 4, 52, 4), 22)
    assert len(got) == 22
    assert (got[2], got[11]) == (4, 8)


def test_without_a_queue_a_quick_reply_overtakes(line: SimulatedLine) -> None:
    pace = faults.late(60 * MS)
    first = iter([True])
    line.give(1, lambda r: pace(r) if next(first, False) else r)
    got = converse(line.port, ASK + read_request(1, 4, 52, 4), 22)
    assert (got[2], got[15]) == (8, 4)


def test_twins_answer_by_turns(line: SimulatedLine) -> None:
    own = asked(line, 9)
    line.give(1, faults.by_turns(SimulatedMeter("c", SDM630, constant(7.0))))
    replies = [asked(line, 9) for _ in range(4)]
    assert replies[0] == replies[2] == own
    assert replies[1] == replies[3] != own
    assert not any(crc16(reply) for reply in replies)


def test_twins_that_answer_at_once_garble_each_other(line: SimulatedLine) -> None:
    own = asked(line, 9)
    line.give(1, faults.colliding(SimulatedMeter("c", SDM630, constant(7.0)), seed=1))
    mixed = asked(line, 10)
    # What both say alike is heard: the same unit, function and length.
    assert len(mixed) == 9 and mixed[:3] == own[:3]
    assert mixed != own and crc16(mixed)


def test_sometimes_is_a_share() -> None:
    fault = faults.sometimes(faults.dead, 0.25, seed=1)
    silent = sum(fault(GOOD) is None for _ in range(2000))
    assert silent == pytest.approx(500, abs=60)
