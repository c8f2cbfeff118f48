"""Register images, decoded here by hand, say what the load model says."""

import struct
from collections.abc import Sequence

import pytest
from harness.simulation import SDM630, constant, meter_map

from zerometer.core.errors import UsageError
from zerometer.core.meter_map import ReadLimits
from zerometer.core.points import Group, Kind, Point
from zerometer.drivers.simulator.meters import SimulatedMeter
from zerometer.drivers.simulator.plant import Curve, Model

HOUR = 3_600_000_000_000


def read(meter: SimulatedMeter, function: int, address: int, count: int, t: int):  # type: ignore[no-untyped-def]
    """Return the data bytes of a reply, or the exception code."""
    reply = meter.answer(struct.pack(">BHH", function, address, count), t)
    if reply[0] & 0x80:
        assert len(reply) == 2
        return reply[1]
    assert reply[:2] == bytes((function, len(reply) - 2))
    return reply[2:]


def counter(name: str, address: int, **other: object) -> Point:
    return Point(
        name=name,
        function=3,
        address=address,
        group="energy",
        kind="counter",
        **other,  # type: ignore[arg-type]
    )


def single(point: Point, model: Model, **other: object) -> SimulatedMeter:
    return SimulatedMeter("m", meter_map(point), model, **other)  # type: ignore[arg-type]


def test_float32_input_registers() -> None:
    meter = SimulatedMeter("m", SDM630, Curve(lambda _: 41.5, initial=(1234.5, 7.25)))
    (power,) = struct.unpack(">f", read(meter, 4, 52, 2, HOUR))
    assert power == 41_500.0
    imported, exported = struct.unpack(">ff", read(meter, 4, 72, 4, HOUR))
    assert imported == pytest.approx(1234.5 + 41.5, abs=0.0011)
    assert exported == 7.25
    (phase,) = struct.unpack(">f", read(meter, 4, 346, 2, HOUR))
    assert phase == pytest.approx(0.34 * 1276.0, abs=0.0011)
    (voltage,) = struct.unpack(">f", read(meter, 4, 0, 2, HOUR))
    assert voltage == pytest.approx(230, abs=5)
    (frequency,) = struct.unpack(">f", read(meter, 4, 70, 2, HOUR))
    assert frequency == pytest.approx(50, abs=0.05)


def test_word_swapped_integers_are_floored_to_their_step() -> None:
    point = counter(
        "active_energy_import", 62, type="i32", order="CDAB", scale=0.1, unit="kWh"
    )
    data = read(single(point, constant(7.779)), 3, 62, 2, 10 * HOUR)
    low, high = struct.unpack(">HH", data)
    assert low + (high << 16) == 777
    data = read(single(point, constant(123_456.789)), 3, 62, 2, 10 * HOUR)
    low, high = struct.unpack(">HH", data)
    assert low + (high << 16) == 12_345_678


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("ABCD", b"\x01\x02\x03\x04"),
        ("CDAB", b"\x03\x04\x01\x02"),
        ("BADC", b"\x02\x01\x04\x03"),
        ("DCBA", b"\x04\x03\x02\x01"),
    ],
)
def test_word_orders(order: str, expected: bytes) -> None:
    point = counter("active_energy_import", 0, type="u32", order=order, unit="kWh")
    model = Curve(lambda _: 0.0, initial=(float(0x01020304), 0.0))
    assert read(single(point, model), 3, 0, 2, HOUR) == expected


def test_ratio_registers_divide_what_the_energy_registers_say() -> None:
    times = ("pt_ratio", "ct_ratio")
    meter = SimulatedMeter(
        "m",
        meter_map(
            Point(name="ct_ratio", function=3, address=6, type="u16", group="ratio"),
            Point(
                name="pt_ratio",
                function=3,
                address=7,
                type="u16",
                scale=0.1,
                group="ratio",
            ),
            counter(
                "active_energy_import",
                10,
                type="u32",
                scale=0.01,
                unit="kWh",
                ratio="register",
                times=times,
            ),
            Point(
                name="active_power",
                function=3,
                address=12,
                type="i32",
                unit="W",
                ratio="register",
                times=times,
            ),
        ),
        constant(-240.0),
        ct=120.0,
        pt=1.0,
    )
    ct, pt = struct.unpack(">HH", read(meter, 3, 6, 2, HOUR))
    assert (ct, pt) == (120, 10)
    imported, power = struct.unpack(">Ii", read(meter, 3, 10, 4, HOUR))
    assert imported == 0
    assert power * ct * pt * 0.1 == -240_000


def test_secondary_points_leave_the_ratio_to_the_site() -> None:
    point = Point(
        name="active_power", function=3, address=0, type="f32", unit="kW",
        ratio="secondary",
    )  # fmt: skip
    data = read(single(point, constant(240.0), ct=120.0), 3, 0, 2, HOUR)
    assert struct.unpack(">f", data) == (2.0,)


def test_a_pulse_counter_gets_name_and_weight_from_the_site() -> None:
    on_map = counter("pulse_counter_1", 52, type="u32", order="CDAB", unit="pulses")
    named = counter("volume", 52, type="u32", order="CDAB", scale=0.01, unit="Nm3")
    gas = constant(100.001, unit="Nm3")
    meter = SimulatedMeter("gas", meter_map(on_map), gas, points=[named])
    low, high = struct.unpack(">HH", read(meter, 3, 52, 2, HOUR))
    assert low + (high << 16) == 10_000
    plain = SimulatedMeter("gas", meter_map(on_map), gas, pulse=0.1)
    low, high = struct.unpack(">HH", read(plain, 3, 52, 2, HOUR))
    assert low + (high << 16) == 1000


def test_heat_meters_count_in_their_own_unit() -> None:
    heat = constant(3.601, unit="GJ")
    energy = counter("heat_energy", 0, type="u32", unit="kWh")
    assert read(single(energy, heat), 3, 0, 2, HOUR) == struct.pack(">I", 1000)


def test_counters_roll_over() -> None:
    point = counter(
        "active_energy_import", 0, type="u32", scale=0.1, unit="kWh", modulus=1e5
    )
    model = Curve(lambda _: 20.0, initial=(99_990.01, 0.0))
    assert read(single(point, model), 3, 0, 2, HOUR) == struct.pack(">I", 100)
    narrow = counter("active_energy_import", 0, type="u16", unit="kWh")
    model = Curve(lambda _: 10.0, initial=(65_530.1, 0.0))
    assert read(single(narrow, model), 3, 0, 1, HOUR) == struct.pack(">H", 4)


def test_a_counter_may_count_below_zero() -> None:
    point = counter(
        "active_energy_export", 0, type="i32", scale=-0.1, unit="kWh", modulus=1e5
    )
    model = Curve(lambda _: -20.0, initial=(0.0, 99_990.01))
    assert read(single(point, model), 3, 0, 2, HOUR) == struct.pack(">i", -100)


def test_gauges_stop_at_the_ends_of_their_type() -> None:
    point = Point(name="active_power", function=3, address=0, type="i16", unit="W")
    assert read(single(point, constant(99.0)), 3, 0, 1, HOUR) == b"\x7f\xff"
    assert read(single(point, constant(-99.0)), 3, 0, 1, HOUR) == b"\x80\x00"


def test_a_read_may_cut_values_and_sees_zeros_in_gaps() -> None:
    model = Curve(lambda _: 0.0, initial=(float(0x01020304), 0.0))
    point = counter("active_energy_import", 10, type="u32", unit="kWh")
    meter = single(point, model)
    assert read(meter, 3, 9, 2, HOUR) == b"\x00\x00\x01\x02"
    assert read(meter, 3, 11, 2, HOUR) == b"\x03\x04\x00\x00"


@pytest.mark.parametrize(
    ("limits", "request_", "code"),
    [
        (ReadLimits(), (4, 10, 2), 1),
        (ReadLimits(), (6, 10, 2), 1),
        (ReadLimits(), (3, 500, 2), 2),
        (ReadLimits(), (3, 10, 0), 3),
        (ReadLimits(), (3, 0, 126), 3),
        (ReadLimits(max_registers=11), (3, 10, 12), 3),
        (ReadLimits(bridge_gaps=False), (3, 10, 3), 2),
        (ReadLimits(even_only=True), (3, 10, 3), 3),
        (ReadLimits(even_only=True), (3, 9, 2), 2),
    ],
)
def test_refusals(limits: ReadLimits, request_: Sequence[int], code: int) -> None:
    point = counter("active_energy_import", 10, type="u32", unit="kWh")
    meter = SimulatedMeter("m", meter_map(point, limits=limits), constant(1.0))
    assert read(meter, *request_, HOUR) == code


def test_bits_are_packed() -> None:
    points = [
        counter("active_energy_import", 0, type="u16", unit="kWh"),
        Point(name="di_1", function=2, address=3, type="u16"),
        Point(name="pt_ratio", function=2, address=9, type="u16", group="ratio"),
    ]
    meter = SimulatedMeter("m", meter_map(*points), constant(1.0))
    assert read(meter, 2, 0, 10, HOUR) == b"\x00\x02"


def test_the_recorder_sees_what_was_said_and_what_was_true() -> None:
    seen: list[tuple[int, str, str, float, float]] = []
    point = counter("active_energy_import", 0, type="u32", scale=0.1, unit="kWh")
    meter = single(point, constant(7.77), recorder=lambda *row: seen.append(row))
    read(meter, 3, 0, 2, HOUR)
    ((time_ns, name, point_name, said, true),) = seen
    assert (time_ns, name, point_name) == (HOUR, "m", "active_energy_import")
    assert said == pytest.approx(7.7)
    assert true == pytest.approx(7.77)


def test_served_energy_is_the_integral_within_a_step() -> None:
    seen: list[tuple[float, float]] = []
    meter = SimulatedMeter(
        "m",
        SDM630,
        Curve(lambda n: 80.0 * (n % 5) - 100.0, initial=(6000.0, 500.0)),
        recorder=lambda _t, _m, _p, said, true: seen.append((said, true)),
    )
    for t in range(0, HOUR, HOUR // 500):
        read(meter, 4, 72, 4, t)
    # A float32 below 8192 is exact to a quarter of a thousandth.
    assert all(-0.00025 <= true - said < 0.00125 for said, true in seen)
    imports = [said for said, _ in seen[::2]]
    assert imports == sorted(imports)


@pytest.mark.parametrize(
    ("name", "group", "unit", "expected"),
    [
        ("active_energy_import_l2", "energy", "kWh", 335.0),
        ("active_energy_import_t1", "energy", "MWh", 1.0),
        ("active_energy_import_t2", "energy", "kWh", 0.0),
        ("reactive_energy_total", "energy", "kvarh", 328.68),
        ("primary_active_power_l1", "power", "kW", 34.0),
        ("max_demand_active_power", "power", "W", 100_000.0),
        ("current_sum", "electrical", "A", 457.7),
        ("current_l2", "electrical", "A", 153.3),
        ("power_factor_l3", "electrical", "", 0.95),
        ("cos_phi", "electrical", "", 0.95),
        ("voltage_l1l2", "electrical", "V", 398.4),
        ("voltage_ln_avg", "electrical", "V", 230.0),
        ("pulse_counter_1", "energy", "pulses", 100_000.0),
        ("pulse_counter_2", "energy", "pulses", 0.0),
        ("something_l1", "power", "kW", 100.0),
        ("something", "state", "", 0.0),
        ("something", "energy", "kWh", 1000.0),
    ],
)
def test_points_mean_what_their_names_say(
    name: str, group: Group, unit: str, expected: float
) -> None:
    kind: Kind = "counter" if group == "energy" else "gauge"
    point = Point(
        name=name, function=3, address=0, type="f64", unit=unit, group=group, kind=kind
    )
    data = read(single(point, constant(100.0)), 3, 0, 4, 10 * HOUR)
    assert struct.unpack(">d", data)[0] == pytest.approx(expected, rel=0.01, abs=0.002)


def test_floats_may_roll_over() -> None:
    point = counter("active_energy_import", 0, type="f64", unit="kWh", modulus=1e5)
    model = Curve(lambda _: 20.0, initial=(99_990.0004, 0.0))
    (value,) = struct.unpack(">d", read(single(point, model), 3, 0, 4, HOUR))
    assert value == pytest.approx(10.0)


def test_a_malformed_request_is_refused() -> None:
    meter = SimulatedMeter("m", SDM630, constant(1.0))
    assert meter.answer(b"\x04\x00\x00", HOUR) == b"\x84\x03"


def test_an_unknown_ratio_is_refused() -> None:
    point = counter("active_energy_import", 0, type="u32", times=("ct_ratio",))
    with pytest.raises(UsageError, match='"ct_ratio" is no ratio'):
        single(point, constant(1.0))
