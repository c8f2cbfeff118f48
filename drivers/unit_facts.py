"""What others get to know of a unit: its figures, and what is worth keeping of it."""

from zerometer.drivers.memory import UnitMemory
from zerometer.drivers.statistics import UnitStatistics
from zerometer.drivers.unit import Unit


def memory_of(unit: Unit) -> UnitMemory:
    """Return what was learnt of *unit*; may be called from any thread."""
    refusals = unit.reads.refusals
    limit = refusals.limits.max_registers
    stated = unit.plan.map.limits.max_registers
    return UnitMemory(
        turnaround_ns=unit.turnaround.known_ns,
        max_registers=limit if limit < stated else 0,
        holes=refusals.holes,
        refused=_names(unit, refusals.retired),
        serial=_serial(unit),
    )


def statistics_of(unit: Unit) -> UnitStatistics:
    """Return what was counted of *unit* so far; may be called from any thread."""
    reads = unit.reads
    return UnitStatistics(
        meter=unit.meter,
        unit=unit.number,
        trusted=unit.trusted,
        serial=_serial(unit),
        good=unit.tally.good,
        errors=dict(unit.tally.errors),
        last_good_ns=unit.tally.last_good_ns,
        turnaround_ns=unit.turnaround.filtered_ns,
        latency_ns=unit.tally.latency_ns,
        timeout_ns=unit.turnaround.timeout_ns,
        lateness_ns=unit.tally.lateness_ns,
        skipped=unit.periods.skipped,
        retries=unit.tally.retries,
        refused=_names(unit, reads.refusals.retired | reads.absent),
        reads=reads.largest,
        max_registers=reads.refusals.limits.max_registers,
        down=unit.health.down,
    )


def _serial(unit: Unit) -> str:
    return unit.interview.serial if unit.interview else ""


def _names(unit: Unit, indices: frozenset[int]) -> tuple[str, ...]:
    return tuple(unit.reads.points[index].name for index in sorted(indices))
