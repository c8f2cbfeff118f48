"""BusLoop learning what its units refuse, and knowing it after a restart."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import pytest
from harness.buses import FAST, MS, Watched, unit_plan
from harness.ptys import ScriptedUnits

from zerometer.core._frame import crc16
from zerometer.core.meter_map import ReadLimits
from zerometer.core.points import Point
from zerometer.drivers import port
from zerometer.drivers.bus import BusLoop
from zerometer.drivers.lines.serial_line import SerialLine
from zerometer.drivers.memory import UnitMemory
from zerometer.drivers.unit_plan import UnitPlan


def framed(body: bytes) -> bytes:
    return body + crc16(body).to_bytes(2, "little")


class Meters:
    """Meters whose registers say their address; *judge* tells what they refuse.

    It gets address and count, and returns an exception, 0, or -1 for silence.
    """

    def __init__(self, judge: Callable[[int, int], int]) -> None:
        self._judge = judge
        self.asked: list[tuple[int, int]] = []
        self.refused: list[tuple[int, int]] = []

    def __call__(self, request: bytes) -> list[tuple[float, bytes]]:
        address = int.from_bytes(request[2:4], "big")
        count = int.from_bytes(request[4:6], "big")
        self.asked.append((address, count))
        code = self._judge(address, count)
        if code:
            self.refused.append((address, count))
            reply = framed(bytes([request[0], request[1] | 0x80, code & 0x7F]))
            return [] if code < 0 else [(0.0, reply)]
        data = b"".join(a.to_bytes(2, "big") for a in range(address, address + count))
        return [(0.001, framed(bytes([request[0], request[1], len(data)]) + data))]


def points_at(addresses: Sequence[int]) -> list[Point]:
    return [
        Point(name=f"p{address}", function=3, address=address, type="u16")
        for address in addresses
    ]


@contextmanager
def bus(
    path: str, plans: Sequence[UnitPlan], memories: Mapping[str, UnitMemory]
) -> Iterator[tuple[BusLoop, Watched]]:
    watched = Watched()
    loop = BusLoop(
        "rs485-a",
        lambda: SerialLine(path, FAST),
        FAST,
        plans,
        deliver=watched.deliver,
        notify=watched.notify,
        timeout_ns=60 * MS,
        memories=memories,
    )
    loop.start()
    try:
        yield loop, watched
    finally:
        loop.stop()


def values(watched: Watched, first: int) -> dict[int, float]:
    """The latest value of each point in the readings from *first* on."""
    return {
        index: value
        for reading in watched.readings[first:]
        for index, value in zip(reading.points, reading.values, strict=True)
    }


def test_after_a_restart_nothing_that_was_refused_is_asked_for() -> None:
    """Holes, a limit of length and a point that is not there, in two cycles."""
    addresses = [*range(0, 60), *range(64, 120)]

    def judge(address: int, count: int) -> int:
        asked = range(address, address + count)
        return 2 if 62 in asked or 119 in asked else 3 if count > 20 else 0

    meters = Meters(judge)
    periods = [40 if address % 2 else 80 for address in addresses]
    plan = unit_plan("m", 1, points_at(addresses), periods_ms=periods)
    with ScriptedUnits(meters) as far:
        with bus(far.pty.path, [plan], {}) as (loop, watched):
            watched.wait(lambda: len(loop.memories()["m"].refused) == 1)
            count = len(watched.readings)
            watched.wait(lambda: len(watched.readings) > count + 60)
            refused = len(meters.refused)
            watched.wait(lambda: len(watched.readings) > count + 120)
            assert len(meters.refused) == refused, "still asks in vain"
            memory = loop.memories()["m"]
        assert memory.max_registers == 20
        assert memory.refused == ("p119",)
        assert memory.turnaround_ns > 0
        (limit,) = watched.said("limit")
        assert "takes at most 20 registers in one request" in limit.text
        (refused,) = watched.said("exception")
        assert "registers 119 to 119" in refused.text
        meters.refused.clear()
        with bus(far.pty.path, [plan], {"m": memory}) as (loop, watched):
            watched.wait(lambda: len(watched.readings) > 60)
            assert loop.memories()["m"].holes == memory.holes
            assert loop.statistics().units[0].refused == ("p119",)
    assert meters.refused == []
    assert not watched.notices
    latest = values(watched, 0)
    for index, address in enumerate(addresses[:-1]):
        assert latest[index] == address
    assert latest[len(addresses) - 1] != latest[len(addresses) - 1], "is a number"


def test_silence_on_long_reads_is_a_limit_not_a_dead_meter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(port, "ASSUMED_LATENESS_NS", 10 * MS)
    meters = Meters(lambda _, count: -1 if count > 20 else 0)
    plan = unit_plan("m", 1, points_at(range(40)), period_ms=30)
    with (
        ScriptedUnits(meters) as far,
        bus(far.pty.path, [plan], {}) as (loop, watched),
    ):
        watched.wait(lambda: bool(watched.said("limit")), timeout_s=8)
        count = len(watched.readings)
        watched.wait(lambda: len(watched.readings) > count + 8)
    assert loop.memories()["m"].max_registers == 20
    assert loop.memories()["m"].holes == ()
    assert not watched.said("down")
    assert len(watched.said("limit")) == 1
    assert values(watched, count) == {i: i for i in range(40)}


def test_a_read_that_was_granted_is_not_given_up_for_one_refusal() -> None:
    codes = iter([0, 2, *[0] * 1000])
    meters = Meters(lambda *_: next(codes))
    plan = unit_plan("m", 1, points_at([5]), period_ms=20)
    with (
        ScriptedUnits(meters) as far,
        bus(far.pty.path, [plan], {}) as (loop, watched),
    ):
        watched.wait(lambda: len(watched.readings) >= 5)
    assert loop.memories()["m"].refused == ()
    assert loop.statistics().units[0].refused == ()
    assert watched.readings[-1].values[0] == 5


def test_a_limit_that_was_learnt_before_there_were_longer_points() -> None:
    long = Point(name="long", function=3, address=8, type="u64")
    plan = unit_plan("m", 1, [*points_at([5]), long], period_ms=20)
    with (
        ScriptedUnits(Meters(lambda *_: 0)) as far,
        bus(far.pty.path, [plan], {"m": UnitMemory(max_registers=2)}) as (_, watched),
    ):
        watched.wait(lambda: len(watched.readings) >= 3)
    assert all(reading.qualities == b"\0\0" for reading in watched.readings)


def test_a_corrupted_reply_loses_no_reading() -> None:
    """It is repeated after the other reads of the cycle, once."""
    meters = Meters(lambda *_: 0)
    number = iter(range(1_000_000))

    def answer(request: bytes) -> list[tuple[float, bytes]]:
        ((delay, reply),) = meters(request)
        if next(number) % 7 == 3:
            reply = reply[:-1] + bytes([reply[-1] ^ 1])
        return [(delay, reply)]

    limits = ReadLimits(bridge_gaps=False)
    plan = unit_plan("m", 1, points_at([0, 10, 20, 30]), period_ms=30, limits=limits)
    with (
        ScriptedUnits(answer) as far,
        bus(far.pty.path, [plan], {}) as (loop, watched),
    ):
        watched.wait(lambda: len(watched.readings) >= 40)
        statistics = loop.statistics()
    assert all(reading.qualities == b"\x00" for reading in watched.readings)
    # Each faulty frame cost one transaction, and no proof.
    faulty = statistics.errors["crc"]
    assert statistics.errors == {"crc": faulty}
    assert abs(statistics.units[0].retries - faulty) <= 1
    assert meters.asked[3:5] == [(30, 1), (30, 1)]
    assert set(meters.asked) == {(0, 1), (10, 1), (20, 1), (30, 1)}
