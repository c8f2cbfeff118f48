"""mbpoll, which reads by libmodbus, finds in our simulated meters what they hold."""

import re
import shutil
import struct
import subprocess
from collections.abc import Iterator

import pytest
from harness.simulation import constant

from zerometer.config.map_library import shipped_map
from zerometer.core.points import LineSettings
from zerometer.drivers.simulator.line import SimulatedLine
from zerometer.drivers.simulator.meters import SimulatedMeter

MAPS = {7: "eastron-sdm630", 8: "carlo-gavazzi-em24", 9: "eastron-sdm630"}
LINE = LineSettings(baud=19_200)
POWER_KW = 41.5


@pytest.fixture(scope="module")
def port() -> Iterator[str]:
    """A paced line with meters of floats and of integers."""
    units = {
        number: SimulatedMeter(
            map_id, shipped_map(map_id), constant(POWER_KW, start_ns=-(3600 * 10**9))
        )
        for number, map_id in MAPS.items()
    }
    with SimulatedLine(LINE, units) as line:
        yield line.port


def mbpoll(port: str, *options: str) -> "subprocess.CompletedProcess[str]":
    program = shutil.which("mbpoll")
    assert program, (
        "mbpoll is not installed; install with: sudo apt-get install -y mbpoll"
    )
    return subprocess.run(
        [program, "-m", "rtu", "-b", str(LINE.baud), "-P", "none", "-0", "-1",
         *options, port],
        capture_output=True,
        text=True,
        timeout=15,
        check=False,
    )  # fmt: skip


def values(port: str, *options: str) -> dict[int, float]:
    """Return what mbpoll reads, by address."""
    done = mbpoll(port, *options)
    assert done.returncode == 0, done.stderr
    return {
        int(address): float(value)
        for address, value in re.findall(r"^\[(\d+)\]:\s+(\S+)", done.stdout, re.M)
    }


def test_floats(port: str) -> None:
    """Of the SDM630: voltages, total power in W, frequency."""
    options = ("-a", "7", "-t", "3:float", "-B")
    volts = values(port, *options, "-r", "0", "-c", "3")
    assert volts.keys() == {0, 2, 4}
    assert all(200 < volt < 260 for volt in volts.values())
    power = values(port, *options, "-r", "52", "-c", "1")
    assert power == {52: pytest.approx(1000 * POWER_KW, rel=1e-3)}
    assert 49 < values(port, *options, "-r", "70", "-c", "1")[70] < 51


def test_integers(port: str) -> None:
    """Of the EM24: the same power, in 0.1 W, low word first."""
    power = shipped_map(MAPS[8]).point("active_power")
    assert power is not None
    table = {3: "4:int", 4: "3:int"}[power.function]
    order = ("-B",) if power.order == "ABCD" else ()
    options = ("-a", "8", "-t", table, *order, "-r", str(power.address), "-c", "1")
    raw = values(port, *options)[power.address]
    assert raw * power.scale == pytest.approx(1000 * POWER_KW, rel=1e-3)


def test_several_units_and_single_registers(port: str) -> None:
    done = mbpoll(port, "-a", "7,9", "-t", "3:hex", "-r", "52", "-c", "2")
    assert done.returncode == 0, done.stderr
    high, low, *again = re.findall(r"^\[5\d\]:\s+0x([0-9A-F]{4})$", done.stdout, re.M)
    (watts,) = struct.unpack(">f", bytes.fromhex(high + low))
    assert watts == pytest.approx(1000 * POWER_KW, rel=1e-3)
    assert again == [high, low]


def test_what_a_meter_has_not_is_refused(port: str) -> None:
    done = mbpoll(port, "-a", "7", "-t", "3", "-r", "50000", "-c", "2")
    assert "Illegal data address" in done.stdout + done.stderr


def test_a_unit_that_is_not_there(port: str) -> None:
    done = mbpoll(port, "-a", "99", "-t", "3", "-r", "0", "-c", "2", "-o", "0.2")
    assert "timed out" in (done.stdout + done.stderr)
