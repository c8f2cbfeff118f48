"""Simulated meters for tests: constant loads, small maps, a line of them."""

from zerometer.core.meter_map import MeterMap, ReadLimits
from zerometer.core.points import Point
from zerometer.drivers.simulator.plant import Curve


def meter_map(*points: Point, limits: ReadLimits | None = None) -> MeterMap:
    """Return a map of these points."""
    return MeterMap(
        id="test",
        vendor="Test",
        model="T1",
        category="electricity",
        confidence="low",
        points=points,
        limits=limits or ReadLimits(),
    )


def constant(power: float, *, unit: str = "kWh", start_ns: int = 0) -> Curve:
    """Return a load that never changes."""
    return Curve(lambda _: power, unit=unit, start_ns=start_ns)


#: Some points of an Eastron SDM630: float32 in input registers.
SDM630 = meter_map(
    Point(name="voltage_l1n", function=4, address=0, type="f32", unit="V"),
    Point(name="current_l1", function=4, address=6, type="f32", unit="A"),
    Point(
        name="active_power",
        function=4,
        address=52,
        type="f32",
        unit="W",
        group="power",
    ),
    Point(name="frequency", function=4, address=70, type="f32", unit="Hz"),
    *(
        Point(
            name=name,
            function=4,
            address=address,
            type="f32",
            unit="kWh",
            group="energy",
            kind="counter",
        )
        for name, address in (
            ("active_energy_import", 72),
            ("active_energy_export", 74),
            ("active_energy_import_l1", 346),
        )
    ),
    limits=ReadLimits(max_registers=60, even_only=True),
)
