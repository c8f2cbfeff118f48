"""What a site's buses will have to do, as plain values: for ``zerometer plan``."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from zerometer.agent.unit_plans import unit_plans
from zerometer.config.line import BAUDS
from zerometer.core.points import NETWORK_LINE, LineSettings
from zerometer.core.site import Bus, Site
from zerometer.drivers.memory import UnitMemory
from zerometer.drivers.workload import Cycle, UnitLoad, bus_load

Json = dict[str, Any]


def bus_plan(site: Site, bus: Bus, memories: Mapping[str, UnitMemory]) -> Json:
    """Return the requests on *bus*, their cost, and the share of its time.

    *memories* say, by meter, what is known of it beyond its map.
    """
    plans = unit_plans(site, bus)
    loads = bus_load(plans, bus.line, memories)
    faster = _faster(bus.line)
    return {
        "id": bus.id,
        "port": bus.port,
        "line": None
        if bus.line == NETWORK_LINE
        else {
            "baud": bus.line.baud,
            "parity": bus.line.parity,
            "stop_bits": bus.line.stop_bits,
        },
        **_sums(loads),
        "faster": None
        if faster is None
        else {
            "baud": faster.baud,
            **_sums(bus_load(plans, faster, memories)),
        },
        "meters": [_meter(load) for load in loads],
    }


def _faster(line: LineSettings) -> LineSettings | None:
    """Return the line at the next baud rate; None when it is the fastest."""
    faster = (baud for baud in BAUDS if baud > line.baud)
    baud = next(faster, None)
    return None if baud is None else replace(line, baud=baud)


def _sums(loads: Sequence[UnitLoad]) -> Json:
    return {
        "utilisation": sum(load.share for load in loads),
        "poll_s": sum(load.poll_ns for load in loads) / 1e9,
    }


def _meter(load: UnitLoad) -> Json:
    plan = load.plan
    return {
        "id": plan.meter,
        "unit": plan.unit,
        "map": plan.map.id,
        "turnaround_ms": load.turnaround_ns / 1e6,
        "turnaround_known": load.memory.turnaround_ns > 0,
        "max_registers": load.max_registers,
        "refused": list(load.memory.refused),
        "sunspec": bool(plan.map.sunspec),
        "min_delay_ms": plan.map.limits.min_delay_ms,
        "utilisation": load.share,
        "pace": load.pace,
        "poll_s": load.poll_ns / 1e9,
        "cycles": [_cycle(cycle) for cycle in load.cycles],
    }


def _cycle(cycle: Cycle) -> Json:
    return {
        "periods_s": [period_ns / 1e9 for period_ns in sorted(cycle.periods_ns)],
        "interval_s": cycle.interval_ns / 1e9,
        "cost_ms": cycle.cost_ns / 1e6,
        "utilisation": cycle.share,
        "requests": [
            {
                "function": request.block.function,
                "address": request.block.address,
                "count": request.block.count,
                "cost_ms": request.cost_ns / 1e6,
                "points": list(request.points),
            }
            for request in cycle.requests
        ],
    }
