"""The job, done by Zerometer: block decode, columns, accounting, windows."""

from array import array
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from bench.accounting.registers import ENERGY_S, START_S, Registers
from zerometer.core._decode import DecodePlan
from zerometer.core.accounting import Accounting
from zerometer.core.decoding import decode_plan
from zerometer.core.metering import Column
from zerometer.core.points import ReadBlock
from zerometer.core.site import Meter, Site
from zerometer.core.totals import Totals
from zerometer.core.windows import Window

SECOND_NS = 1_000_000_000
#: Seconds that are taken in at a time.
BLOCK_S = 900


@dataclass(slots=True)
class Outcome:
    """What came out; its ``cells`` name the numbers of a window."""

    accounting: Accounting
    totals: list[Totals]
    windows: list[Window]


def account(site: Site, registers: Registers) -> Outcome:
    """Return what *registers*, whose first second is that of START_S, add up to."""
    accounting = Accounting(site, ZoneInfo(site.timezone))
    meters = [_Meter(meter) for meter in site.meters]
    outcome = Outcome(accounting, [], [])
    for start in range(0, registers.seconds, BLOCK_S):
        end = min(start + BLOCK_S, registers.seconds)
        for meter in meters:
            for column in meter.columns(registers, start, end):
                accounting.feed(column)
        now_ns = (START_S + end) * SECOND_NS
        last = end == registers.seconds
        closing = accounting.finish(now_ns) if last else accounting.advance(now_ns)
        outcome.totals += closing.totals
        outcome.windows += closing.windows
    return outcome


class _Meter:
    """A meter's two requests."""

    def __init__(self, meter: Meter) -> None:
        self._id = meter.id
        self._power = _plan(meter, "active_power")
        self._energy = _plan(meter, "active_energy_import", "active_energy_export")

    def columns(self, registers: Registers, start: int, end: int) -> list[Column]:
        """Return what was read in seconds [start, end), and counters at both ends."""
        data = registers.powers[self._id][4 * start : 4 * end]
        found = _decoded(self._power, data, 4)
        times = array("q", range(_ns(start), _ns(end), SECOND_NS))
        columns = [Column(self._id, "active_power", times, found[0])]
        # What stands at the end of the block before was read then.
        first = start // ENERGY_S + (start > 0)
        last = end // ENERGY_S
        data = registers.counters[self._id][8 * first : 8 * (last + 1)]
        found = _decoded(self._energy, data, 8)
        step = ENERGY_S * SECOND_NS
        times = array("q", range(_ns(first * ENERGY_S), _ns(end) + 1, step))
        for name, values in zip(
            ("active_energy_import", "active_energy_export"), found, strict=True
        ):
            columns.append(Column(self._id, name, times, values))
        return columns


def _ns(second: int) -> int:
    return (START_S + second) * SECOND_NS


def _plan(meter: Meter, *names: str) -> DecodePlan:
    """Return the plan of the request that reads points which lie side by side."""
    points = [polled.point for polled in meter.points]
    chosen = [[point.name for point in points].index(name) for name in names]
    block = ReadBlock(
        function=points[chosen[0]].function,
        address=points[chosen[0]].address,
        count=2 * len(chosen),
        points=tuple(chosen),
    )
    return decode_plan(points, block)


def _decoded(plan: DecodePlan, data: bytes, size: int) -> list["array[float]"]:
    """Return the columns of replies of *size* bytes, all of which are good."""
    count, fields = len(data) // size, size // 4
    values, qualities = array("d", bytes(2 * len(data))), bytearray(len(data) // 4)
    plan.decode_block(data, size, values, qualities)
    assert not any(qualities)
    return [values[i * count : (i + 1) * count] for i in range(fields)]
