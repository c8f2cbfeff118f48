"""A factory from a site: who sees what, balances, links to the lines."""

import struct
from pathlib import Path

import pytest
from harness.simulation import SDM630, meter_map
from harness.wire import converse

from zerometer.core._frame import crc16, read_request
from zerometer.core.errors import LineError, UsageError
from zerometer.core.points import Point, PolledPoint
from zerometer.core.site import (
    Bus,
    Factor,
    Fuel,
    Measure,
    Meter,
    Pool,
    Process,
    Sink,
    Site,
    Source,
    Storage,
)
from zerometer.drivers.simulator.factory import Factory, build

SECOND = 1_000_000_000
IMPORT = "active_energy_import"
EXPORT = "active_energy_export"
PULSES = meter_map(
    Point(
        name="pulse_counter_1", function=3, address=52, type="u32", order="CDAB",
        unit="pulses", group="energy", kind="counter",
    )
)  # fmt: skip
VOLUME = Point(
    name="volume", function=3, address=52, type="u32", order="CDAB", scale=0.01,
    unit="Nm3", group="energy", kind="counter",
)  # fmt: skip


def inward(meter: str, times: float = 1.0) -> Measure:
    return Measure(meter=meter, counter=IMPORT, power="active_power", times=times)


def outward(meter: str) -> Measure:
    return Measure(meter=meter, counter=EXPORT, power="active_power", sign=-1)


def grid(meter: str, pool: str, value: float) -> Source:
    factors = {"location": Factor(value=value, unit="kWh")}
    return Source(id=meter, pool=pool, measure=inward(meter), factors=factors)  # type: ignore[arg-type]


def meters(*names: str) -> tuple[Meter, ...]:
    return tuple(
        Meter(
            id=name,
            bus="a",
            unit=unit,
            map=SDM630,
            points=tuple(PolledPoint(point=p, period_ns=1) for p in SDM630.points),
        )
        for unit, name in enumerate(names, 1)
    )


def factory_site(port: Path) -> Site:
    gas = Meter(
        id="gas",
        bus="a",
        unit=9,
        map=PULSES,
        points=(PolledPoint(point=VOLUME, period_ns=1),),
    )
    return Site(
        id="s",
        name="s",
        timezone="UTC",
        revision="",
        buses=(Bus(id="a", port=str(port)),),
        meters=(
            *meters("grid", "pv", "battery", "compressor", "line", "spare"),
            gas,
        ),
        pools=(
            Pool(id="lv", carrier="electricity", unit="kWh"),
            Pool(id="air", carrier="compressed_air", unit="Nm3"),
            Pool(id="heat", carrier="heat", unit="GJ"),
        ),
        sources=(grid("pv", "lv", 0.0), grid("grid", "lv", 0.6)),
        storages=(
            Storage(
                id="battery",
                pool="lv",
                charge=inward("battery"),
                discharge=outward("battery"),
            ),
        ),
        processes=(
            Process(
                id="compressors",
                takes={"lv": inward("compressor")},
                gives={"air": inward("compressor", 8.5)},
            ),
            Process(
                id="boiler",
                takes={},
                gives={"heat": Measure(meter="gas", counter="volume", times=0.0331)},
                fuels=(
                    Fuel(
                        carrier="natural_gas",
                        unit="Nm3",
                        measure=Measure(meter="gas", counter="volume"),
                        factors={},
                    ),
                ),
            ),
        ),
        sinks=(
            Sink(id="line", pool="lv", measure=inward("line")),
            Sink(id="export", pool="lv", measure=outward("grid"), kind="export"),
            Sink(id="rest", pool="lv", measure=None, kind="remainder"),
            Sink(id="air-users", pool="air", measure=None, kind="remainder"),
        ),
    )


def gains(factory: Factory, seconds: int) -> dict[str, float]:
    """Net energy that each meter counts over the first seconds."""
    gain = {}
    for meter, curve in factory.curves.items():
        start = curve._start_ns
        (in0, out0), (in1, out1) = (
            curve.energy(start),
            curve.energy(start + seconds * SECOND),
        )
        gain[meter] = (in1 - in0) - (out1 - out0)
    return gain


def test_the_grid_carries_the_balance(tmp_path: Path) -> None:
    factory = build(factory_site(tmp_path / "a"))
    gain = gains(factory, 600)
    metered = gain["line"] + gain["compressor"] + gain["battery"] - gain["pv"]
    rest = gain["grid"] - metered
    # What no submeter sees: 33 kW, give or take a tenth, for ten minutes.
    assert rest == pytest.approx(33 / 6, rel=0.1)
    assert min(gain[m] for m in ("pv", "line", "compressor", "gas", "spare")) > 0
    assert factory.curves["gas"].unit == "Nm3"


def test_the_battery_works_both_ways_and_pv_only_one(tmp_path: Path) -> None:
    curves = build(factory_site(tmp_path / "a")).curves
    start = curves["pv"]._start_ns
    for meter, both in (("battery", True), ("pv", False)):
        (in0, out0), (in1, out1) = (
            curves[meter].energy(start),
            curves[meter].energy(start + 60 * SECOND),
        )
        assert in1 > in0
        assert (out1 > out0) == both


def test_the_same_seed_gives_the_same_factory(tmp_path: Path) -> None:
    site = factory_site(tmp_path / "a")
    one, same, other = (gains(build(site, seed=s), 300) for s in (1, 1, 2))
    assert one == same
    assert one != other


def transformed() -> Site:
    """A medium-voltage pool feeds a low-voltage one; a dedicated export meter."""
    return Site(
        id="s",
        name="s",
        timezone="UTC",
        revision="",
        meters=meters("mv", "sold", "trafo-in", "trafo-out", "a", "b"),
        pools=(
            Pool(id="lv", carrier="electricity", unit="kWh"),
            Pool(id="mv", carrier="electricity", unit="kWh"),
        ),
        sources=(grid("mv", "mv", 0.6),),
        processes=(
            Process(
                id="trafo",
                takes={"mv": inward("trafo-in")},
                gives={"lv": inward("trafo-out")},
            ),
        ),
        sinks=(
            Sink(id="a", pool="lv", measure=inward("a")),
            Sink(id="b", pool="lv", measure=inward("b")),
            Sink(id="sold", pool="mv", measure=outward("sold"), kind="export"),
        ),
    )


def test_a_pool_without_a_source_shares_what_it_gets() -> None:
    gain = gains(build(transformed()), 120)
    assert gain["a"] == pytest.approx(gain["trafo-out"] / 2)
    assert gain["a"] + gain["b"] == pytest.approx(gain["trafo-out"])
    assert gain["trafo-out"] == pytest.approx(0.9 * gain["trafo-in"])
    assert gain["mv"] == pytest.approx(gain["trafo-in"])


def test_an_export_meter_sees_the_grid_from_its_own_side() -> None:
    gain = gains(build(transformed()), 120)
    # Its export counter counts what is sold, as its measure says.
    assert gain["sold"] == pytest.approx(gain["mv"])


def test_a_second_source_of_heat_has_a_supply_of_its_own() -> None:
    site = Site(
        id="s",
        name="s",
        timezone="UTC",
        revision="",
        meters=meters("bought", "waste", "hall"),
        pools=(Pool(id="heat", carrier="heat", unit="GJ"),),
        sources=(
            Source(
                id="bought",
                pool="heat",
                measure=inward("bought", 0.0036),
                factors={"location": Factor(value=60.0, unit="GJ")},
            ),
            Source(
                id="waste", pool="heat", measure=inward("waste", 0.0036), factors={}
            ),
        ),
        sinks=(Sink(id="hall", pool="heat", measure=inward("hall", 0.0036)),),
    )
    gain = gains(build(site), 120)
    assert gain["waste"] > 0
    assert gain["bought"] == pytest.approx(gain["hall"] - gain["waste"])


def test_processes_in_a_ring_do_not_hang() -> None:
    site = Site(
        id="s",
        name="s",
        timezone="UTC",
        revision="",
        meters=meters("x", "y"),
        pools=(
            Pool(id="p", carrier="heat", unit="GJ"),
            Pool(id="q", carrier="steam", unit="GJ"),
        ),
        processes=(
            Process(
                id="one",
                takes={"p": inward("x", 0.0036)},
                gives={"q": inward("x", 0.0036)},
            ),
            Process(
                id="two",
                takes={"q": inward("y", 0.0036)},
                gives={"p": inward("y", 0.0036)},
            ),
        ),
    )
    assert min(gains(build(site), 60).values()) > 0


def test_a_bus_answers_at_the_port_that_the_site_names(tmp_path: Path) -> None:
    port = tmp_path / "rs485-a"
    seen: list[tuple[str, str, float, float]] = []
    factory = build(
        factory_site(port),
        turnaround_ns=0,
        recorder=lambda _t, meter, point, said, true: seen.append(
            (meter, point, said, true)
        ),
    )
    with factory:
        reply = converse(str(port), read_request(9, 3, 52, 2), 9)
    assert not port.is_symlink()
    assert not crc16(reply)
    low, high = struct.unpack(">HH", reply[3:7])
    ((meter, point, said, true),) = seen
    assert (meter, point) == ("gas", "volume")
    assert said == pytest.approx((low + (high << 16)) * 0.01)
    assert 0 <= true - said < 0.0101


def test_a_port_in_no_folder_is_refused(tmp_path: Path) -> None:
    factory = build(factory_site(tmp_path / "none" / "a"))
    with pytest.raises(LineError, match='bus "a": port: no link'):
        factory.start()
    with pytest.raises(UsageError, match="not started"):
        _ = factory.lines["a"].port


def test_links_left_behind_are_replaced_and_devices_are_not(tmp_path: Path) -> None:
    port = tmp_path / "a"
    port.symlink_to(tmp_path / "gone")
    with build(factory_site(port)) as factory:
        assert str(port.readlink()) == factory.lines["a"].port
        with pytest.raises(UsageError, match="is served by another simulator"):
            build(factory_site(port)).start()
        assert str(port.readlink()) == factory.lines["a"].port
    assert not port.is_symlink()
    # As kill -9 leaves it: the terminal may be somebody else's by now.
    port.symlink_to("/dev/pts/ptmx")
    with build(factory_site(port)) as factory:
        assert str(port.readlink()) == factory.lines["a"].port
        port.unlink()
        port.symlink_to("/dev/pts/ptmx")
    assert str(port.readlink()) == "/dev/pts/ptmx"
    port.unlink()
    port.write_text("a device")
    with pytest.raises(UsageError, match=r'bus "a": port: .* exists'):
        build(factory_site(port)).start()
    factory.stop()
    assert port.read_text() == "a device"
