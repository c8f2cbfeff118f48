"""What a site is, as rows: all of the site file that upstream needs.

Secrets, and where batches go, are not in it.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from math import nan

import msgpack

from zerometer.agent.state_rows.tables import Row
from zerometer.core.categories import origin_categories
from zerometer.core.meter_map import MeterMap
from zerometer.core.network import Network
from zerometer.core.site import Combination, Measured, Meter, Site
from zerometer.core.version import VERSION


def configuration_rows(site: Site, network: Network) -> list[Row]:
    """Return what *site* is, and its graph."""
    return [
        ("config/site", (site.revision, site.id, site.name, site.timezone,
                         site.tick_ns / 1e9, VERSION)),
        *(("config/buses", (bus.id, bus.protocol, bus.port, bus.line.baud))
          for bus in site.buses),
        *_maps(site.meters),
        *(("config/meters", _meter(meter)) for meter in site.meters),
        *(row for meter in site.meters for row in _points(meter)),
        *(("config/graph", row) for row in _graph(site)),
        *_origins(site, network),
    ]  # fmt: skip


def revision_of(rows: Sequence[Row]) -> bytes:
    """Return a hash of *rows*: another one means another configuration."""
    return hashlib.sha256(msgpack.packb(rows)).digest()[:8]


def map_revision(meter_map: MeterMap) -> str:
    """Return a hash of all that a meter map says."""
    packed = msgpack.packb(asdict(meter_map), default=str)
    return hashlib.sha256(packed).hexdigest()[:16]


def _maps(meters: Sequence[Meter]) -> Iterator[Row]:
    for meter_map in {_key(m.map): m.map for m in meters}.values():
        yield (
            "config/maps",
            (meter_map.id, map_revision(meter_map), meter_map.vendor, meter_map.model),
        )


def _key(meter_map: MeterMap) -> tuple[str, str]:
    return meter_map.id, map_revision(meter_map)


def _meter(meter: Meter) -> tuple[str | int | float, ...]:
    uncertainty = meter.uncertainty_percent
    return (
        meter.id, meter.name, meter.bus, meter.unit, meter.channel, meter.serial,
        meter.map.id, map_revision(meter.map), _ratio(meter.ct), _ratio(meter.pt),
        meter.accuracy_class, nan if uncertainty is None else uncertainty,
    )  # fmt: skip


def _ratio(ratio: tuple[float, float] | None) -> str:
    return f"{ratio[0]:g}/{ratio[1]:g}" if ratio else ""


def _points(meter: Meter) -> Iterator[Row]:
    for polled in meter.points:
        point = polled.point
        resolution = nan if point.resolution is None else point.resolution
        yield (
            "config/points",
            (meter.id, point.name, point.unit, point.group, point.kind, resolution,
             polled.period_ns / 1e9, point.function, point.address, point.type,
             point.ratio),
        )  # fmt: skip


def _graph(site: Site) -> Iterator[tuple[str, ...]]:
    """Yield place, role, kind, carrier, unit, pool and measure of each flow."""
    carrier = {pool.id: pool.carrier for pool in site.pools}
    unit = {pool.id: pool.unit for pool in site.pools}

    def flow(
        place: str, role: str, kind: str, pool: str, measure: Measured | None
    ) -> tuple[str, ...]:
        return place, role, kind, carrier[pool], unit[pool], pool, _measure(measure)

    for pool in site.pools:
        yield flow(f"pool.{pool.id}", "pool", "pool", pool.id, None)
    for source in site.sources:
        name = f"source.{source.id}"
        yield flow(name, "source", source.kind, source.pool, source.measure)
    for sink in site.sinks:
        yield flow(f"sink.{sink.id}", "sink", sink.kind, sink.pool, sink.measure)
    for process in site.processes:
        name = f"process.{process.id}"
        for pool_id, measure in process.takes.items():
            yield flow(name, "takes", process.kind, pool_id, measure)
        for pool_id, measure in process.gives.items():
            yield flow(name, "gives", process.kind, pool_id, measure)
        for fuel in process.fuels:
            kind = "biogenic" if fuel.biogenic else "fossil"
            yield (
                f"fuel.{process.id}.{fuel.carrier}", "burns", kind, fuel.carrier,
                fuel.unit, "", _measure(fuel.measure),
            )  # fmt: skip
    for storage in site.storages:
        name = f"storage.{storage.id}"
        yield flow(name, "charge", "storage", storage.pool, storage.charge)
        yield flow(name, "discharge", "storage", storage.pool, storage.discharge)


def _measure(measured: Measured | None) -> str:
    """Return by which points a flow is known, with their signs; empty: by none."""
    if measured is None:
        return ""
    if isinstance(measured, Combination):
        signs = {1: "+", -1: "-"}
        terms = (f"{signs[sign]}{m.meter}:{m.point}" for sign, m in measured.terms)
        return " ".join(terms)
    return f"{measured.meter}:{measured.point}"


def _origins(site: Site, network: Network) -> Iterator[Row]:
    for view in network.views:
        for origin, category in origin_categories(site, view).items():
            yield (
                "config/origins",
                (origin, view, category.scope, category.ghg, category.iso),
            )
