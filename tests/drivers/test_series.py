"""BusLoop running several reads in one go: their order, their times, failures."""

import itertools
import math
import threading
import time

import pytest
from harness.buses import MS, running_bus, unit_plan
from harness.ptys import ScriptedUnits

from zerometer.core._frame import crc16
from zerometer.core.meter_map import ReadLimits
from zerometer.core.points import Point, Quality, Reading
from zerometer.drivers import notices, port
from zerometer.drivers.series import reads_within

#: Four reads for each unit: their functions tell them apart.
POINTS = [
    Point(name="a", function=1, address=0, type="u16"),
    Point(name="b", function=2, address=0, type="u16"),
    Point(name="c", function=3, address=0, type="u16"),
    Point(name="d", function=4, address=0, type="u16"),
]
HOUR_MS = 3_600_000


def framed(body: bytes) -> bytes:
    return body + crc16(body).to_bytes(2, "little")


class Units:
    """Answer every request after *delay_s*, but those that *instead* says."""

    def __init__(
        self, delay_s: float = 0.01, instead: dict[tuple[int, int], bytes] | None = None
    ) -> None:
        self._delay_s = delay_s
        self._instead = instead or {}
        #: What was asked for: unit and function; and when, by the boot-time clock.
        self.asked: list[tuple[int, int]] = []
        self.asked_ns: list[int] = []

    def __call__(self, request: bytes) -> list[tuple[float, bytes]]:
        unit, function = request[0], request[1]
        self.asked.append((unit, function))
        self.asked_ns.append(time.clock_gettime_ns(time.CLOCK_BOOTTIME))
        reply = self._instead.pop((unit, function), None)
        if reply is None:
            count = int.from_bytes(request[4:6], "big")
            data = bytes(1) if function <= 2 else bytes([0, function]) * count
            reply = framed(bytes([unit, function, len(data)]) + data)
        return [(self._delay_s, reply)] if reply else []


def of(readings: list[Reading]) -> list[tuple[str, int]]:
    """The meter and the function of each reading."""
    return [(reading.meter, reading.points[0] + 1) for reading in readings]


def test_all_that_is_due_is_read_in_order_and_each_has_its_own_time() -> None:
    units = Units(0.02)
    plans = [
        unit_plan(f"m{n}", n, POINTS, period_ms=HOUR_MS, limits=ReadLimits())
        for n in (1, 2)
    ]
    handed_on: list[int] = []
    with (
        ScriptedUnits(units) as far,
        running_bus(far.pty.path, plans) as (loop, watched),
    ):
        watched.wait(lambda: len(watched.readings) == 8)
        handed_on.append(time.clock_gettime_ns(time.CLOCK_BOOTTIME))
    expected = [(n, function) for n in (1, 2) for function in (1, 2, 3, 4)]
    assert units.asked == expected
    assert of(watched.readings) == [(f"m{n}", function) for n, function in expected]
    # A reading is made when its reply came: before the next request left.
    for reading, asked_ns, next_ns in zip(
        watched.readings, units.asked_ns, [*units.asked_ns[1:], *handed_on], strict=True
    ):
        assert asked_ns + 20 * MS <= reading.time_ns < next_ns
        assert reading.qualities == bytes([Quality.MEASURED])
    statistics = loop.statistics()
    assert statistics.transactions == statistics.readings == 8
    assert [unit.good for unit in statistics.units] == [4, 4]
    assert statistics.wakes <= 3 * 8 + 3


def test_after_a_failure_the_rest_of_the_series_is_next_and_nothing_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(port, "ASSUMED_LATENESS_NS", 20 * MS)
    units = Units(instead={(2, 2): b""})
    plans = [unit_plan(f"m{n}", n, POINTS, period_ms=HOUR_MS) for n in (1, 2, 3)]
    with (
        ScriptedUnits(units) as far,
        running_bus(far.pty.path, plans, timeout_ms=60) as (loop, watched),
    ):
        watched.wait(lambda: len(watched.readings) == 12)
    # After a proof, what failed comes last.
    assert units.asked == [
        *[(1, function) for function in (1, 2, 3, 4)],
        *[(2, 1), (2, 2), (2, 1), (2, 3), (2, 4), (2, 2)],
        *[(3, function) for function in (1, 2, 3, 4)],
    ]
    assert of(watched.readings) == [
        *[("m1", function) for function in (1, 2, 3, 4)],
        *[("m2", function) for function in (1, 3, 4, 2)],
        *[("m3", function) for function in (1, 2, 3, 4)],
    ]
    assert not any(math.isnan(reading.values[0]) for reading in watched.readings)
    statistics = loop.statistics()
    assert statistics.errors == {"timeout": 1}
    assert [unit.retries for unit in statistics.units] == [0, 1, 0]
    assert statistics.transactions == 14


def test_a_trouble_lasts_until_a_whole_cycle_was_good(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(port, "ASSUMED_LATENESS_NS", 10 * MS)
    monkeypatch.setattr(notices, "REPEAT_NS", 0)
    # Exact replies but for the last read of each cycle, which is corrupted.
    corrupted = bytes([1, 4, 2, 0, 4, 0, 0])

    def answer(request: bytes) -> list[tuple[float, bytes]]:
        if request[1] == 4:
            return [(0.0, corrupted)]
        return units(request)

    units = Units(0.0)
    plan = unit_plan("m", 1, POINTS, period_ms=20)
    with (
        ScriptedUnits(answer) as far,
        running_bus(far.pty.path, [plan]) as (loop, watched),
    ):
        watched.wait(lambda: len(watched.readings) >= 16)
    assert loop.statistics().errors["crc"] >= 3
    assert len(watched.said("garbage")) == 1


def test_after_an_exception_the_rest_of_the_series_is_next() -> None:
    units = Units(instead={(1, 3): framed(bytes([1, 0x83, 2]))})
    plans = [unit_plan(f"m{n}", n, POINTS, period_ms=HOUR_MS) for n in (1, 2)]
    with (
        ScriptedUnits(units) as far,
        running_bus(far.pty.path, plans) as (loop, watched),
    ):
        watched.wait(lambda: len(watched.readings) == 8)
    assert units.asked == [(n, f) for n in (1, 2) for f in (1, 2, 3, 4)]
    assert of(watched.readings) == [(f"m{n}", f) for n in (1, 2) for f in (1, 2, 3, 4)]
    missing = [math.isnan(reading.values[0]) for reading in watched.readings]
    assert missing == [False, False, True, *[False] * 5]
    assert loop.statistics().errors == {"exception": 1}


def test_stopping_waits_for_no_more_than_one_series() -> None:
    begun = threading.Event()
    units = Units(0.03)

    def answer(request: bytes) -> list[tuple[float, bytes]]:
        begun.set()
        return units(request)

    plans = [unit_plan(f"m{n}", n, POINTS, period_ms=1) for n in range(1, 9)]
    with ScriptedUnits(answer) as far:
        with running_bus(far.pty.path, plans) as (loop, watched):
            assert begun.wait(4)
            start = time.monotonic()
            loop.stop()
            assert time.monotonic() - start < 1.0
        assert not loop.statistics().alive
    # What was received before is handed on.
    assert len(watched.readings) == len(units.asked) == loop.statistics().transactions


def test_a_quick_unit_does_not_wait_for_a_slow_one_to_be_read_whole() -> None:
    units = Units(0.02)
    slow = unit_plan("slow", 1, POINTS, period_ms=400)
    quick = unit_plan("quick", 2, POINTS[2:3], period_ms=50)
    with (
        ScriptedUnits(units) as far,
        running_bus(far.pty.path, [slow, quick]) as (_, watched),
    ):
        watched.wait(lambda: len(watched.of("slow")) >= 12)
    times = [reading.time_ns for reading in watched.of("quick")]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert sorted(gaps)[len(gaps) * 3 // 4] < 100 * MS
    # It comes between the reads of the slow one.
    order = [reading.meter for reading in watched.readings]
    assert any(
        order[at : at + 3] == ["slow", "quick", "slow"] for at in range(len(order))
    )


@pytest.mark.parametrize(
    ("silence_ns", "reads"), [(4_010_416, 16), (1_750_000, 8), (1000, 1)]
)
def test_a_series_is_worked_off_while_the_line_is_silent(
    silence_ns: int, reads: int
) -> None:
    assert reads_within(silence_ns) == reads


def test_stopping_does_not_wait_for_a_drain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(port, "ASSUMED_LATENESS_NS", 5000 * MS)
    plan = unit_plan("m", 1, POINTS, period_ms=10)
    with (
        ScriptedUnits(lambda _: []) as far,
        running_bus(far.pty.path, [plan], timeout_ms=20) as (loop, _),
    ):
        while not loop.statistics().errors:
            time.sleep(0.005)
        start = time.monotonic()
        loop.stop()
        assert time.monotonic() - start < 1.0
