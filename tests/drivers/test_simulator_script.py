"""Ordered faults of a factory: they begin, combine and end, and counters jump."""

import struct
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from harness.simulation import meter_map
from harness.wire import converse

from zerometer.core._frame import crc16, read_request
from zerometer.core.meter_map import MeterMap
from zerometer.core.points import LineSettings, Point, PolledPoint
from zerometer.core.site import Bus, Meter, Site
from zerometer.drivers.simulator.factory import Factory, build

IMPORT = Point(
    name="active_energy_import", function=3, address=0, type="u32", scale=0.01,
    unit="kWh", group="energy", kind="counter", ratio="secondary",
)  # fmt: skip
CT = Point(name="ct_ratio", function=3, address=2, type="u16", group="ratio")
MAP = meter_map(IMPORT, CT)
CHANNEL = meter_map(*(replace(p, address=p.address + 10) for p in MAP.points))
ASK = read_request(1, 3, 0, 3)


def meter(name: str, unit: int, known: MeterMap) -> Meter:
    polled = tuple(PolledPoint(point=p, period_ns=1) for p in known.points)
    return Meter(id=name, bus="a", unit=unit, map=known, points=polled)


def factory(
    folder: Path, *faults: str, report: Callable[[str], None] = print
) -> Factory:
    fast = LineSettings(baud=115_200)
    site = Site(
        id="s",
        name="s",
        timezone="UTC",
        revision="",
        buses=(Bus(id="a", port=str(folder / "a"), line=fast),),
        meters=tuple(
            meter(name, unit, known)
            for name, unit, known in (
                ("m", 1, MAP),
                ("n", 2, MAP),
                ("channel", 2, CHANNEL),
            )
        ),
    )
    return build(site, turnaround_ns=0, faults=faults, report=report)


def asked(
    folder: Path, unit: int = 1, patience_s: float = 0.05, address: int = 0
) -> bytes:
    request = read_request(unit, 3, address, 3)
    return converse(str(folder / "a"), request, 11, patience_s)


def registers(reply: bytes) -> tuple[int, int]:
    """Return the counter and the CT ratio in a reply."""
    assert len(reply) == 11 and not crc16(reply)
    counter, ratio = struct.unpack(">IH", reply[3:9])
    return counter, ratio


def test_a_fault_of_a_meter_is_not_one_of_its_neighbour(tmp_path: Path) -> None:
    with factory(tmp_path, "m:dead"):
        assert asked(tmp_path) == b""
        registers(asked(tmp_path, 2))


def test_a_fault_of_a_bus_is_one_of_all_its_meters(tmp_path: Path) -> None:
    with factory(tmp_path, "bus=a:exception=4"):
        assert asked(tmp_path)[:3] == b"\x01\x83\x04"
        assert asked(tmp_path, 2)[:3] == b"\x02\x83\x04"


def test_channels_of_one_unit_have_their_faults_together(tmp_path: Path) -> None:
    with factory(tmp_path, "n:exception=4", "channel:short=3"):
        assert asked(tmp_path, 2) == b"\x02\x83\x04"


def test_the_end_of_a_channels_fault_leaves_those_of_its_sibling(
    tmp_path: Path,
) -> None:
    with factory(tmp_path, "n:exception=4", "channel:short=3@0s+50ms"):
        end = time.monotonic() + 2.0
        while len(reply := asked(tmp_path, 2)) == 3:
            assert time.monotonic() < end
    assert reply[:3] == b"\x02\x83\x04"


def test_faults_combine_in_the_order_of_the_table(tmp_path: Path) -> None:
    with factory(tmp_path, "m:junk-after=2", "m:short=3", "m:exception=9"):
        reply = asked(tmp_path)
    assert len(reply) == 5 and reply[:3] == b"\x01\x83\x09"


def test_a_fault_begins_and_ends(tmp_path: Path) -> None:
    with factory(tmp_path, "m:dead@100ms+200ms", "m:exception=4@0s+400ms"):
        heard = []
        end = time.monotonic() + 2.0
        while not heard or len(heard[-1]) != 11:
            assert time.monotonic() < end
            reply = asked(tmp_path, patience_s=0.02)
            if not heard or len(reply) != len(heard[-1]):
                heard.append(reply)
    assert [len(reply) for reply in heard] == [5, 0, 5, 11]


def test_chance_repeats_itself(tmp_path: Path) -> None:
    def silences() -> list[bool]:
        with factory(tmp_path, "m:exception=4,50%"):
            return [len(asked(tmp_path)) == 5 for _ in range(30)]

    first = silences()
    assert first == silences()
    assert 5 < sum(first) < 25


def test_an_unplugged_bus_comes_back(tmp_path: Path) -> None:
    port = tmp_path / "a"
    with factory(tmp_path, "bus=a:unplug@0s+100ms"):
        assert not port.is_symlink()
        end = time.monotonic() + 2.0
        while not port.is_symlink():
            assert time.monotonic() < end
            time.sleep(0.01)
        registers(asked(tmp_path))
    assert not port.is_symlink()


def test_a_bus_that_stays_unplugged_can_be_stopped(tmp_path: Path) -> None:
    with factory(tmp_path, "bus=a:unplug", "bus=a:unplug@10ms+1min"):
        assert not (tmp_path / "a").is_symlink()


def test_a_port_that_cannot_come_back_is_told(tmp_path: Path) -> None:
    said: list[str] = []
    faults = ("bus=a:unplug@0s+50ms", "m:dead@60ms")
    with factory(tmp_path, *faults, report=said.append):
        (tmp_path / "a").write_text("a device")
        end = time.monotonic() + 2.0
        while not said:
            assert time.monotonic() < end
            time.sleep(0.01)
    assert said == [
        'fault "bus=a:unplug@0s+50ms": the port cannot come back: '
        f"[Errno 17] exists: '{tmp_path / 'a'}'"
    ]
    assert (tmp_path / "a").read_text() == "a device"


def test_counters_go_to_zero_and_count_on(tmp_path: Path) -> None:
    with factory(tmp_path) as plain:
        before, _ = registers(asked(tmp_path))
    assert before > 1000
    assert plain.curves.keys() == {"m", "n", "channel"}
    with factory(tmp_path, "m:counter-reset"):
        after, _ = registers(asked(tmp_path))
        assert after < 100
        other, _ = registers(asked(tmp_path, 2))
        assert other > 1000


def test_a_counter_is_about_to_roll_over(tmp_path: Path) -> None:
    with factory(tmp_path, "m:rollover"):
        counter, _ = registers(asked(tmp_path))
    # Five seconds of a usual load are less than a kilowatt-hour.
    assert (1 << 32) - 100 < counter < 1 << 32


def test_another_ct_shows_in_its_register_and_scales_the_counter(
    tmp_path: Path,
) -> None:
    with factory(tmp_path, "m:ct-change=300/5@0s+150ms"):
        changed = registers(asked(tmp_path))
        end = time.monotonic() + 2.0
        while (plain := registers(asked(tmp_path)))[1] != 1:
            assert time.monotonic() < end
    assert changed[1] == 60
    assert changed[0] == pytest.approx(plain[0] / 60, abs=2)


def test_another_ct_of_one_channel_leaves_its_sibling(tmp_path: Path) -> None:
    with factory(tmp_path, "n:ct-change=300/5"):
        _, ratio = registers(asked(tmp_path, 2))
        _, other = registers(asked(tmp_path, 2, address=10))
    assert (ratio, other) == (60, 1)


def test_a_twin_has_another_load(tmp_path: Path) -> None:
    with factory(tmp_path, "m:twin=turns"):
        own, twin, again = (registers(asked(tmp_path))[0] for _ in range(3))
    assert own == pytest.approx(again, abs=2)
    assert twin == pytest.approx(0.4 * own, abs=2)
