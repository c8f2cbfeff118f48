"""An adapter that is unplugged and plugged in again, twenty times."""

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
from harness.buses import Watched, running_bus, unit_plan
from harness.ptys import ScriptedUnits
from reference import frame as reference

from zerometer.core.identity import Identity, Register
from zerometer.core.points import Point, Quality

POINT = Point(name="p", function=3, address=0, type="u16")
SERIAL = Register(function=3, address=10, kind="u16", count=1)
TIMES = 20
BACK_WITHIN_S = 2.0


def plug_in(port: Path, number: int, serial: int = 0) -> ScriptedUnits:
    """Let *port* name a new terminal, as udev does; its meter says *number*.

    Asked for its serial number, it says *serial*.
    """

    def answer(request: bytes) -> list[tuple[float, bytes]]:
        value = serial if request[3] == SERIAL.address else number
        data = value.to_bytes(2, "big")
        count = int.from_bytes(request[4:6], "big")
        return [(0.0, reference.granted(request, data * count))]

    units = ScriptedUnits(answer)
    new = port.with_name("new")
    new.symlink_to(units.pty.path)
    new.replace(port)
    return units


def measured(watched: Watched, number: int) -> bool:
    """Whether the meter that says *number* was read."""
    return any(
        reading.values[0] == number and reading.qualities[0] == Quality.MEASURED
        for reading in watched.readings
    )


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


@pytest.mark.timeout(60)
def test_reading_resumes_and_nothing_leaks(tmp_path: Path) -> None:
    port = tmp_path / "adapter"
    open_before = []
    with running_bus(str(port), [unit_plan("m", 1, [POINT])]) as (_, watched):
        for number in range(TIMES):
            with plug_in(port, number) as units:
                start = time.monotonic()
                watched.wait(lambda n=number: measured(watched, n))  # type: ignore[misc]
                assert time.monotonic() - start < BACK_WITHIN_S
                open_before.append(open_files())
                units.pty.hang_up()
                port.unlink()
            watched.wait(lambda n=number: len(watched.said("port-lost")) > n)  # type: ignore[misc]
    assert len(set(open_before[1:])) == 1
    kinds = [notice.kind for notice in watched.notices]
    assert kinds.count("port-back") >= TIMES - 1
    assert set(kinds) == {"port-lost", "port-back"}


class Told(NamedTuple):
    """What the other meter, plugged in at the same link, leads to."""

    stated: str
    text: str
    read: bool


@pytest.mark.parametrize(
    "told",
    [
        Told("", "another meter answers: serial number 815, now 816", True),
        Told("815", "is the meter with serial number 816, expected 815", False),
    ],
)
def test_a_link_that_moved_to_another_meter_is_noticed(
    tmp_path: Path, told: Told
) -> None:
    """The first terminal stays: the link names another device, as with ttyUSB1."""
    port = tmp_path / "adapter"
    plan = unit_plan("m", 1, [POINT])
    meter_map = replace(plan.map, identity=Identity(serial=SERIAL))
    known = replace(plan, map=meter_map, serial=told.stated)
    with (
        plug_in(port, 7, serial=815) as first,
        running_bus(str(port), [known]) as (_, watched),
    ):
        watched.wait(lambda: measured(watched, 7))
        port.unlink()
        first.script = lambda _: [(0.0, ScriptedUnits.HANG_UP)]
        watched.wait(lambda: bool(watched.said("port-lost")))
        with plug_in(port, 8, serial=816) as second:
            assert second.pty.path != first.pty.path
            watched.wait(lambda: bool(watched.said("identity")))
            count = len(watched.readings)
            watched.wait(lambda: len(watched.readings) >= count + 4)
            assert second.requests[0][3] == SERIAL.address
    (notice,) = watched.said("identity")
    assert told.text in notice.text
    assert measured(watched, 8) == told.read
