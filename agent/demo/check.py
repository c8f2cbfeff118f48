"""The demo's figures: what arrived, against what the simulated meters measured."""

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, ulp
from pathlib import Path
from typing import Any

from zerometer.agent.demo.scene import Truth
from zerometer.core.site import Meter, Site
from zerometer.drivers.simulator.catalogue import MISLEADING
from zerometer.drivers.simulator.factory import START_HOUR
from zerometer.drivers.simulator.order import parse
from zerometer.drivers.simulator.wiring import Wiring

#: Meters that gained fewer steps say nothing of the power between them.
ENOUGH_STEPS = 100
QUADRATURE_NS = 20_000_000
MOST_PIECES = 20_000


@dataclass(frozen=True, slots=True)
class Span:
    """A counter's first and last value at the receiver; times in wall ms."""

    meter: str
    point: str
    first_ms: int
    last_ms: int
    gain: float


def received_spans(database: sqlite3.Connection) -> list[Span]:
    """Return the span of every stitched index that the receiver has."""
    rows = database.execute(
        "SELECT meter, point, min(t_ms), max(t_ms), max(value) - min(value)"
        " FROM reading WHERE point LIKE '%.index' GROUP BY meter, point"
    )
    return [Span(m, p.removesuffix(".index"), *rest) for m, p, *rest in rows]


def misled(site: Site, faults: Sequence[str]) -> set[str]:
    """Return the meters whose counters tell something else by ordered *faults*."""
    orders = [order for order in map(parse, faults) if order.name in MISLEADING]
    return {
        meter.id
        for meter in site.meters
        for order in orders
        if meter.id == order.meter or meter.bus == order.bus
    }


class Served:
    """What the simulated meters answered, by counter, in the order of time."""

    def __init__(self, path: Path, offset_ns: int) -> None:
        self._rows: dict[tuple[str, str], list[tuple[int, float]]] = {}
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            moment = (row["t"] + offset_ns) // 1_000_000, row["value"]
            self._rows.setdefault((row["meter"], row["point"]), []).append(moment)

    def value(self, meter: str, point: str, time_ms: int) -> float:
        """Return what was answered last before a reading at *time_ms* was complete."""
        rows = self._rows[meter, point]
        return next(value for t, value in reversed(rows) if t <= time_ms)


def energy_error_ppm(spans: list[Span], served: Served) -> float | None:
    """Return by how much the gain of an index differs from its registers, at most.

    None when no index arrived twice: then nothing was compared.
    """
    compared = [span for span in spans if span.first_ms < span.last_ms]
    if not compared:
        return None
    worst = 0.0
    for span in compared:
        last = served.value(span.meter, span.point, span.last_ms)
        gain = last - served.value(span.meter, span.point, span.first_ms)
        difference = abs(span.gain - gain)
        # Decimals that are not quite the same float are the same register.
        if difference > 2 * ulp(last):
            worst = max(worst, difference / abs(gain) * 1e6 if gain else inf)
    return worst


def power_energy_error_ppm(
    spans: list[Span], site: Site, truth: Truth, offset_ns: int
) -> float | None:
    """Return by how much the energy differs from the integral of the true power.

    Two steps of the counter are allowed for; meters that gained less than
    ENOUGH_STEPS steps are left out, and None says that all were. The integral is a
    quadrature, independent of the way in which the simulated meters count.
    """
    wiring = Wiring(
        site, seed=truth.seed, start_ns=truth.start_ns, start_hour=START_HOUR
    )
    errors = []
    for span in spans:
        meter = site.meter(span.meter)
        step = counter_step(meter, span)
        if span.gain < ENOUGH_STEPS * step:
            continue
        sign = -1 if span.point.endswith("_export") else 1
        integral = quadrature(
            lambda t, meter=meter, sign=sign: max(  # type: ignore[misc]
                sign * wiring.curves[meter.id].power(t), 0.0
            ),
            span.first_ms * 1_000_000 - offset_ns,
            span.last_ms * 1_000_000 - offset_ns,
        )
        excess = max(0.0, abs(span.gain - integral) - 2 * step)
        errors.append(excess / integral * 1e6)
    return max(errors, default=None)


def counter_step(meter: Meter, span: Span) -> float:
    """Return the smallest gain that a counter of the site can show."""
    point = next(p.point for p in meter.points if p.point.name == span.point)
    ratio = 1.0
    if point.ratio == "register":
        for pair in (meter.ct, meter.pt):
            ratio *= pair[0] / pair[1] if pair else 1.0
    return (point.resolution or abs(point.scale)) * ratio


def quadrature(power: Callable[[int], float], t0_ns: int, t1_ns: int) -> float:
    """Return the integral of *power* (per hour) over [t0, t1), by midpoints."""
    pieces = min(max((t1_ns - t0_ns) // QUADRATURE_NS, 1), MOST_PIECES)
    width_ns = (t1_ns - t0_ns) / pieces
    total = sum(power(round(t0_ns + (i + 0.5) * width_ns)) for i in range(pieces))
    return total * width_ns / 3.6e12


def figures(
    site: Site,
    truth: Truth,
    database_path: Path,
    last: dict[str, Any],
    offset_ns: int,
) -> dict[str, Any]:
    """Return what the demo prints; see ``zerometer demo --help``.

    None stands for what there is no data of; energy is compared where no fault
    misleads.
    """
    left_out = misled(site, truth.faults)
    database = sqlite3.connect(f"file:{database_path}?mode=ro", uri=True)
    try:
        spans = [s for s in received_spans(database) if s.meter not in left_out]
        batches, samples = database.execute(
            "SELECT count(*), coalesce(sum(samples), 0) FROM batch"
        ).fetchone()
    finally:
        database.close()
    return {
        "meters": len(site.meters),
        "transactions": sum(bus["transactions"] for bus in last["buses"]),
        "readings": sum(bus["readings"] for bus in last["buses"]),
        "samples_sealed": last["journal"]["samples_sealed"],
        "batches_sealed": last["journal"]["batches_sealed"],
        "batches_committed": batches,
        "samples_committed": samples,
        "energy_error_ppm": energy_error_ppm(spans, Served(truth.served, offset_ns)),
        "power_energy_error_ppm": power_energy_error_ppm(spans, site, truth, offset_ns),
        "carbon_balance_error": (
            last["accounting"]["carbon_balance_error"] if last["windows"] else None
        ),
        "bus_utilisation": max(bus["utilisation"] for bus in last["buses"]),
    }
