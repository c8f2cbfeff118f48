"""A busbar with meters, and the accounting of columns as a replay does it."""

from array import array
from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from harness.sites import SECOND, both, drawn, small_site

from zerometer.core.accounting import Accounting, Closing
from zerometer.core.alignment import MINUTE_NS
from zerometer.core.event import SiteEvent
from zerometer.core.metering import Column
from zerometer.core.site import Measure, Meter, Pool, Sink, Site, Source

UTC = ZoneInfo("UTC")
START = 1_800_000_000 * SECOND
QUARTER_NS = 15 * MINUTE_NS


def site_of(meters: Iterable[Meter], **changes: Any) -> Site:
    """Return a site with one busbar."""
    lv = Pool(id="lv", carrier="electricity", unit="kWh")
    site = replace(
        small_site(), meters=tuple(meters), pools=(lv,), sources=(), processes=(),
        storages=(), sinks=(),
    )  # fmt: skip
    return replace(site, **changes)


def source(name: str, factor: float, measure: Any = None) -> Source:
    """Return a source of the busbar."""
    return Source(id=name, pool="lv", measure=measure or drawn(name),
                  factors=both(factor))  # fmt: skip


def sink(name: str, measure: Any = None) -> Sink:
    """Return a sink of the busbar."""
    return Sink(id=name, pool="lv", measure=measure or drawn(name))


def column(name: str, point: str, every_s: float, values: list[float]) -> Column:
    """Return values from START on, evenly apart."""
    times = (START + round(i * every_s * SECOND) for i in range(len(values)))
    return Column(name, point, array("q", times), array("d", values))


def replayed(site: Site, columns: list[Column], *events: SiteEvent) -> Closing:
    """Account for columns as a replay does."""
    accounting = Accounting(
        site, UTC, booking_ns=QUARTER_NS, ledger=False, wait_ns=None
    )
    notes = [note for event in events for note in accounting.event(event)]
    notes += [note for each in columns for note in accounting.feed(each)]
    end = max(c.times_ns[-1] for c in columns)
    closing = accounting.finish(end)
    closing.notes[:0] = notes
    return closing


def kg(site: Site, closing: Closing, place: str) -> float:
    """Return what a place has received, kg."""
    names = [p.name for p in Accounting(site, UTC).network.places]
    at = names.index(place)
    return sum(totals.received_kg["physical"][at] for totals in closing.totals)


def quantity(site: Site, closing: Closing, flow: str) -> float:
    """Return how much has flowed."""
    at = Accounting(site, UTC).network.flow_names.index(flow)
    return sum(totals.flows[at] for totals in closing.totals)


def counted(name: str, point: str = "active_energy_import") -> Measure:
    """Return what a counter without a power counts."""
    return Measure(meter=name, counter=point)
