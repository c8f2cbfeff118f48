"""BusLoop against units that are late, sick, babbling or unplugged."""

import math
import os
import threading
from pathlib import Path

import pytest
from harness.buses import MS, running_bus, unit_plan
from harness.ptys import Pty, ScriptedUnits
from hypothesis import given, settings
from hypothesis import strategies as st

from zerometer.core._frame import crc16
from zerometer.core.points import Point, Quality
from zerometer.drivers import health, port

SINGLE = Point(name="value", function=3, address=100, type="u16")
POINTS = [
    Point(name="a", function=3, address=0, type="u16"),
    Point(name="b", function=4, address=0, type="i32"),
    Point(name="c", function=1, address=9, type="u16"),
    Point(name="d", function=2, address=3, type="u16"),
]


def framed(body: bytes) -> bytes:
    return body + crc16(body).to_bytes(2, "little")


def granting(request: bytes, value: int) -> bytes:
    """The reply to *request* in which every register is *value*."""
    count = int.from_bytes(request[4:6], "big")
    if request[1] <= 2:
        data = bytes((count + 7) // 8)
    else:
        data = value.to_bytes(2, "big") * count
    return framed(bytes([request[0], request[1], len(data)]) + data)


def test_a_late_reply_is_never_taken_for_the_next() -> None:
    """Every reply carries the number of its request; each fifth is late."""
    asked: list[int] = []
    number = iter(range(1, 60_000))
    truth: dict[int, int] = {}

    def answer(request: bytes) -> list[tuple[float, bytes]]:
        mine = next(number)
        count = int.from_bytes(request[4:6], "big")
        asked.append(count)
        truth[mine] = count
        late = mine % 5 == 0
        return [(0.18 if late else 0.001, granting(request, mine))]

    plan = unit_plan("m", 1, [SINGLE], period_ms=20)
    with (
        ScriptedUnits(answer) as far,
        running_bus(far.pty.path, [plan], timeout_ms=60) as (loop, watched),
    ):
        watched.wait(lambda: len(watched.readings) >= 9)
    values = [reading.values[0] for reading in watched.readings]
    good = [int(value) for value in values if not math.isnan(value)]
    assert len(good) == len(values), "each read that failed was repeated"
    assert good == sorted(good)
    # A reply that was late belongs to no reading; a proof asked for two registers.
    assert all(mine % 5 for mine in good)
    assert all(truth[mine] == 1 for mine in good)
    assert 2 in asked
    assert loop.statistics().errors["timeout"] >= 2
    assert len(watched.said("late")) == 1


def test_a_reply_later_than_every_drain_is_never_taken_for_new(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The third reply comes while the next request waits for its own."""
    monkeypatch.setattr(port, "ASSUMED_LATENESS_NS", 100 * MS)
    number = iter(range(1, 60_000))

    def answer(request: bytes) -> list[tuple[float, bytes]]:
        mine = next(number)
        return [({3: 0.3, 4: 0.04}.get(mine, 0.001), granting(request, mine))]

    plan = unit_plan("m", 1, [SINGLE], period_ms=20)
    with (
        ScriptedUnits(answer) as far,
        running_bus(far.pty.path, [plan], timeout_ms=200) as (loop, watched),
    ):
        watched.wait(lambda: sum(r.qualities == b"\x00" for r in watched.readings) >= 5)
    values = [reading.values[0] for reading in watched.readings]
    good = [int(value) for value in values if not math.isnan(value)]
    assert good[:2] == [1, 2]
    # The third is lost; what follows is newer than the proof that came between.
    assert good[2] > 4
    assert good == sorted(good)
    assert loop.statistics().errors == {"timeout": 1, "late": 1}


def test_a_garbage_answering_meter_is_missing_and_named_once() -> None:
    def answer(request: bytes) -> list[tuple[float, bytes]]:
        return [(0.0, b"\x01\x03\x02\xde\xad\xbe\xef")]

    with (
        ScriptedUnits(answer) as far,
        running_bus(far.pty.path, [unit_plan("m", 1, [SINGLE])]) as (loop, watched),
    ):
        watched.wait(lambda: len(watched.readings) >= 4)
    assert {reading.qualities[0] for reading in watched.readings} == {Quality.MISSING}
    (notice,) = watched.said("garbage")
    assert notice.text == (
        "bus rs485-a, meter m (unit 1): registers 100 to 100 (function 3): "
        "7 bytes with a wrong CRC, expected 7: 01 03 02 de ad be ef"
    )
    assert loop.statistics().errors["crc"] >= 4


def test_down_and_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "DOWN_AFTER_NS", 300 * MS)
    silent = threading.Event()

    def answer(request: bytes) -> list[tuple[float, bytes]]:
        return [] if silent.is_set() else [(0.0, granting(request, 5))]

    plans = [unit_plan("m", 1, [SINGLE], period_ms=100)]
    with (
        ScriptedUnits(answer) as far,
        running_bus(far.pty.path, plans, timeout_ms=30) as (loop, watched),
    ):
        watched.wait(lambda: len(watched.readings) >= 2)
        silent.set()
        watched.wait(lambda: bool(watched.said("down")))
        assert loop.statistics().units[0].down
        silent.clear()
        watched.wait(lambda: bool(watched.said("up")))
        count = len(watched.readings)
        watched.wait(lambda: len(watched.readings) > count + 1)
    assert [n.kind for n in watched.notices] == ["timeout", "down", "up"]
    assert watched.readings[-1].values[0] == 5


def test_unplugged_and_back(tmp_path: Path) -> None:
    name = tmp_path / "port"

    def answer(request: bytes) -> list[tuple[float, bytes]]:
        return [(0.0, granting(request, 5))]

    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    first = ScriptedUnits(lambda _: [(0.0, ScriptedUnits.HANG_UP)])
    name.symlink_to(first.pty.path)
    with running_bus(str(name), [unit_plan("m", 1, [SINGLE])]) as (loop, watched):
        with first:
            watched.wait(lambda: bool(watched.said("port-lost")))
            watched.wait(lambda: len(watched.readings) >= 2)
        name.unlink()
        with ScriptedUnits(answer) as second:
            name.symlink_to(second.pty.path)
            watched.wait(lambda: bool(watched.said("port-back")))
            watched.wait(lambda: watched.readings[-1].values[0] == 5)
            assert loop.statistics().port_open
            loop.stop()
    assert len(watched.said("port-lost")) == len(watched.said("port-back")) == 1
    assert watched.readings[0].qualities == bytes([Quality.MISSING])
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_a_port_that_is_not_there_is_told_once(tmp_path: Path) -> None:
    absent = str(tmp_path / "absent")
    with running_bus(absent, [unit_plan("m", 1, [SINGLE])]) as (_, watched):
        watched.wait(lambda: len(watched.readings) >= 3)
    (notice,) = watched.notices
    assert notice.kind == "port-lost"
    assert notice.bus == "rs485-a"
    assert notice.text.startswith(f"port {absent}: cannot be opened")


def test_stop_does_not_wait_for_the_next_cycle() -> None:
    pty = Pty()
    plan = unit_plan("m", 1, [SINGLE], period_ms=3_600_000)
    with running_bus(pty.path, [plan], timeout_ms=20) as (loop, watched):
        watched.wait(lambda: bool(watched.readings))
        loop.stop()
        loop.stop()
    assert not loop.statistics().alive
    pty.close()


junk = st.binary(max_size=40)


@settings(max_examples=10, deadline=None)
@given(st.lists(junk, min_size=1, max_size=4))
def test_whatever_comes_back_nothing_but_reading_leaves(replies: list[bytes]) -> None:
    turn = iter(range(1_000_000))

    def answer(request: bytes) -> list[tuple[float, bytes]]:
        reply = replies[next(turn) % len(replies)]
        return [(0.0, reply)] if reply else []

    plan = unit_plan("m", 9, POINTS, period_ms=5)
    with (
        pytest.MonkeyPatch.context() as patch,
        ScriptedUnits(answer) as far,
    ):
        patch.setattr(port, "ASSUMED_LATENESS_NS", 10 * MS)
        with running_bus(far.pty.path, [plan], timeout_ms=5) as (_, watched):
            watched.wait(lambda: len(watched.readings) >= 4)
    assert far.requests
    for request in far.requests:
        assert len(request) == 8
        assert request[0] == 9
        assert 1 <= request[1] <= 4
        assert crc16(request) == 0
    assert all(set(reading.qualities) <= {0, 6} for reading in watched.readings)


CT = Point(name="ct", function=3, address=2, type="u16", group="ratio")
MULTIPLIED = Point(name="power", function=3, address=0, type="u16", times=("ct",))


def test_a_ratio_that_got_lost_is_asked_for_again() -> None:
    """Its own period is ten minutes: so long everything would be missing."""
    silent = iter((True, True))

    def answer(request: bytes) -> list[tuple[float, bytes]]:
        if request[3] == CT.address and next(silent, False):
            return []
        return [(0.001, granting(request, 7))]

    plan = unit_plan("m", 1, [MULTIPLIED, CT], period_ms=20)
    with (
        ScriptedUnits(answer) as far,
        running_bus(far.pty.path, [plan], timeout_ms=20) as (_, watched),
    ):
        watched.wait(lambda: any(list(r.values) == [49.0] for r in watched.readings))
        count = len(far.requests)
        watched.wait(lambda: len(watched.readings) >= count + 5)
    asked = [request[3] for request in far.requests[count:]]
    assert CT.address not in asked


def test_a_port_that_is_back_is_read_from_the_beginning(tmp_path: Path) -> None:
    """Ratios too: they were not told, or by meters that are there no more."""
    name = tmp_path / "port"
    plan = unit_plan("m", 1, [MULTIPLIED, CT], periods_ms=[60_000, 60_000])
    with running_bus(str(name), [plan]) as (_, watched):
        watched.wait(lambda: bool(watched.said("port-lost")))
        with ScriptedUnits(lambda r: [(0.001, granting(r, 7))]) as far:
            name.symlink_to(far.pty.path)
            watched.wait(
                lambda: any(list(r.values) == [49.0] for r in watched.readings)
            )
