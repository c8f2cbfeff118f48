"""The boxes and arrows of the picture: what a site's graph is made of."""

from collections.abc import Iterator
from dataclasses import dataclass

from zerometer.agent.graph.words import CARRIERS, KINDS
from zerometer.core.site import Combination, Measured, Site

#: Kinds of sinks that are known by the names of their meters.
NAMED = ("load", "line", "machine")


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A part of the graph: ``id`` as in the ledger, such as ``pool.lv``.

    ``shape`` is source, fuel, pool, process, storage or sink, ``kind`` what it is
    among these. Of a process the carrier is that of what it gives first.
    """

    id: str
    shape: str
    kind: str
    title: str
    note: str
    carrier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """A flow between two boxes; ``both`` when it goes either way."""

    tail: str
    head: str
    carrier: str
    measured: str
    both: bool = False


def boxes(site: Site) -> Iterator[Box]:
    """Yield all boxes, in the order of the file."""
    carrier = {pool.id: pool.carrier for pool in site.pools}
    for source in site.sources:
        yield _box(
            "source", source.id, source.kind, carrier[source.pool],
            _named(site, source.measure) or KINDS[source.kind],
        )  # fmt: skip
    for process in site.processes:
        for fuel in process.fuels:
            note = _named(site, fuel.measure) or KINDS["fuel"]
            name = f"{process.id}.{fuel.carrier}"
            yield _box("fuel", name, "fuel", fuel.carrier, note)
    for pool in site.pools:
        note = f"{CARRIERS[pool.carrier]} · {pool.unit}"
        yield _box("pool", pool.id, "pool", pool.carrier, note)
    for process in site.processes:
        first = carrier[next(iter(process.gives))]
        yield _box("process", process.id, process.kind, first, KINDS[process.kind])
    for storage in site.storages:
        note = KINDS["storage"]
        if storage.capacity:
            unit = next(p.unit for p in site.pools if p.id == storage.pool)
            note += f" · {storage.capacity:g} {unit}"
        yield _box("storage", storage.id, "storage", carrier[storage.pool], note)
    for sink in site.sinks:
        made = next((p.name for p in site.products if p.id == sink.product), "")
        named = _named(site, sink.measure) if sink.kind in NAMED else ""
        note = named or KINDS[sink.kind]
        if made:
            note += f" · {made}"
        yield _box("sink", sink.id, sink.kind, carrier[sink.pool], note)


def _box(shape: str, name: str, kind: str, carrier: str, note: str) -> Box:
    title = CARRIERS[carrier] if shape == "fuel" else name
    return Box(
        id=f"{shape}.{name}", shape=shape, kind=kind, title=title, note=note,
        carrier=carrier,
    )  # fmt: skip


def arrows(site: Site) -> Iterator[Arrow]:
    """Yield all arrows; a storage's is one for both ways."""
    carrier = {pool.id: pool.carrier for pool in site.pools}
    for source in site.sources:
        ends = f"source.{source.id}", f"pool.{source.pool}"
        yield _arrow(*ends, carrier[source.pool], source.measure)
    for process in site.processes:
        here = f"process.{process.id}"
        for fuel in process.fuels:
            tail = f"fuel.{process.id}.{fuel.carrier}"
            yield _arrow(tail, here, fuel.carrier, fuel.measure)
        for pool, measure in process.takes.items():
            yield _arrow(f"pool.{pool}", here, carrier[pool], measure)
        for pool, measure in process.gives.items():
            yield _arrow(here, f"pool.{pool}", carrier[pool], measure)
    for storage in site.storages:
        yield Arrow(
            tail=f"pool.{storage.pool}",
            head=f"storage.{storage.id}",
            carrier=carrier[storage.pool],
            measured=f"{_text(storage.charge)} / {_text(storage.discharge)}",
            both=True,
        )
    for sink in site.sinks:
        ends = f"pool.{sink.pool}", f"sink.{sink.id}"
        yield _arrow(*ends, carrier[sink.pool], sink.measure)


def _arrow(tail: str, head: str, carrier: str, measured: Measured | None) -> Arrow:
    return Arrow(tail=tail, head=head, carrier=carrier, measured=_text(measured))


def _text(measured: Measured | None) -> str:
    """Return how a flow is known, as the site file would say it."""
    if measured is None:
        return KINDS["remainder"]
    if isinstance(measured, Combination):
        return measured.id
    return f"{measured.meter}:{measured.point}"


def _named(site: Site, measured: Measured | None) -> str:
    """Return what people call the meter of a flow, if it is one and has a name."""
    if measured is None or isinstance(measured, Combination):
        return ""
    return site.meter(measured.meter).name
