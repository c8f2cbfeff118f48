"""An adapter that is unplugged and plugged in again, twenty times."""

import os
import time
from pathlib import Path

import pytest
from harness.buses import Watched, running_bus, unit_plan
from harness.ptys import ScriptedUnits
from reference import frame as reference

from zerometer.core.points import Point, Quality

POINT = Point(name="p", function=3, address=0, type="u16")
TIMES = 20
BACK_WITHIN_S = 2.0


def plug_in(port: Path, number: int) -> ScriptedUnits:
    """Let *port* name a new terminal, as udev does; its meter says *number*."""
    data = number.to_bytes(2, "big")
    units = ScriptedUnits(lambda request: [(0.0, reference.granted(request, data))])
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
