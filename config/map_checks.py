"""What must hold of the points of a meter map as a whole."""

from collections.abc import Iterator, Mapping

from zerometer.config.problems import near
from zerometer.config.table import Table, shown
from zerometer.core.meter_map import MeterMap, ReadLimits
from zerometer.core.planner import extent, unreadable
from zerometer.core.points import REGISTERS_OF, Part, Point

ALL_BITS = 0xFFFF


def check_points(groups: Table, meter_map: MeterMap) -> None:
    """Collect what is wrong with the points of *meter_map*."""
    points = {p.name: p for p in meter_map.points if p.type in REGISTERS_OF}
    _check_times(groups, points)
    _check_overlaps(groups, points)
    _check_models(groups, points, meter_map)
    _check_shared(groups, points, meter_map)
    for point in points.values():
        reason = _unreadable(point, meter_map)
        if reason:
            groups.error(point.group, reason, point.name)


def _check_times(groups: Table, points: Mapping[str, Point]) -> None:
    ratios = [point.name for point in points.values() if point.group == "ratio"]
    for point in points.values():
        for name in point.times:
            if name not in ratios:
                message = f"no ratio point named {shown(name)}{near(name, ratios)}"
                groups.error(point.group, message, point.name, "times")


def _cells(point: Point) -> Iterator[tuple[tuple[int, int, int], int]]:
    """Yield function, model and address of each register of a point, and its bits.

    A bit that is the sign of several values, and of none a number, does not count.
    """
    numbers: tuple[Point | Part, ...] = (point, *point.plus)
    for number in numbers:
        mask = ALL_BITS
        if number.bits and number.registers == 1:
            low, high = number.bits
            mask = (1 << high + 1) - (1 << low)
        for model in point.models or (0,):
            for i in range(1 if point.function <= 2 else number.registers):
                yield (point.function, model, number.address + i), mask


def _check_overlaps(groups: Table, points: Mapping[str, Point]) -> None:
    """Warn of two points in one register: it is legal, and more often a slip."""
    taken: dict[tuple[int, int, int], list[tuple[str, int]]] = {}
    for point in points.values():
        cells = list(_cells(point))
        others = [
            name
            for cell, mask in cells
            for name, other in taken.get(cell, ())
            if mask & other
        ]
        if others:
            groups.warn(point.group, f'shares registers with "{others[0]}"', point.name)
        for cell, mask in cells:
            taken.setdefault(cell, []).append((point.name, mask))


def _check_models(
    groups: Table, points: Mapping[str, Point], meter_map: MeterMap
) -> None:
    for point in points.values():
        if bool(point.models) != bool(meter_map.sunspec):
            message = (
                "the points of a map with [sunspec] have a model, others have none"
            )
            groups.error(point.group, message, point.name)


def _check_shared(
    groups: Table, points: Mapping[str, Point], meter_map: MeterMap
) -> None:
    for point in points.values():
        if point.shared and not meter_map.channels:
            message = "goes with [channels], which the map has not"
            groups.error(point.group, message, point.name, "shared")


def _unreadable(point: Point, meter_map: MeterMap) -> str:
    """Return why no request can read *point* on any channel; empty when one can."""
    limits = meter_map.limits
    for channel in range(1, len(meter_map.channels) + 1) or (0,):
        moved = meter_map.placed(point, channel) if channel else point
        start, end = extent(moved, limits)
        if channel and (start < 0 or end > 65_536):
            return f"is outside of 0 to 65535 on channel {channel}: from {start}"
        reason = unreadable(moved, limits)
        if reason:
            return reason
    size = limits.registers_per_address
    if size > 1 and any(registers != size for _, registers in point.places):
        return f"takes other than the {size} registers that an address holds"
    return _hole(point, meter_map, limits)


def _hole(point: Point, meter_map: MeterMap, limits: ReadLimits) -> str:
    """Return what is wrong with reading over the registers between a point's parts."""
    if limits.bridge_gaps or not (point.plus or point.sign):
        return ""
    known = {
        address + i
        for other in meter_map.points
        if other.function == point.function
        for address, size in other.places
        for i in range(size)
    }
    missing = [a for a in range(*extent(point, limits)) if a not in known]
    if not missing:
        return ""
    return (
        f"is read in one request over register {missing[0]}, which the map has not, "
        "and bridge_gaps is false"
    )
