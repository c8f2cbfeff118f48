"""What the gateway sees right now, as plain values: for the page and ``status``."""

from collections.abc import Sequence
from typing import Any

from zerometer.agent.account_picture import AccountPicture
from zerometer.agent.clock import Clock
from zerometer.agent.events import EventLog
from zerometer.agent.factors.feed import FeedState
from zerometer.agent.graph_picture import GraphPicture
from zerometer.agent.journal import Journal, JournalInfo
from zerometer.agent.latest import MeterState
from zerometer.agent.pipeline import Pipeline
from zerometer.agent.uplink.state import UplinkState
from zerometer.agent.uplink.worker import Uplink
from zerometer.core.alignment import MINUTE_NS
from zerometer.core.version import VERSION
from zerometer.drivers.bus import BusLoop
from zerometer.drivers.statistics import BusStatistics, UnitStatistics

Json = dict[str, Any]


class Snapshot:
    """Puts the parts of a running agent into one picture."""

    def __init__(
        self,
        *,
        pipeline: Pipeline,
        buses: Sequence[BusLoop],
        journal: Journal,
        uplinks: Sequence[Uplink],
        clock: Clock,
        events: EventLog,
    ) -> None:
        self._pipeline = pipeline
        self._buses = buses
        self._journal = journal
        self._uplinks = uplinks
        self._clock = clock
        self._events = events

    def take(self) -> Json:
        """Return the picture, JSON-able; what is not known is None."""
        pipeline, site = self._pipeline, self._pipeline.site
        now_ns = self._clock.boottime_ns()
        wall_ns = self._clock.wall_ns(now_ns)
        # Readings are taken in at ticks: that is the present that is known.
        present_ns = pipeline.accounting.last_ns or wall_ns
        picture = GraphPicture(pipeline.accounting, present_ns)
        account = AccountPicture(pipeline, present_ns)
        buses = [bus.statistics() for bus in self._buses]
        units = {unit.meter: unit for bus in buses for unit in bus.units}
        figures = pipeline.figures
        info = self._journal.info()
        return {
            "time_ms": wall_ns // 1_000_000,
            "site": {"id": site.id, "name": site.name, "timezone": site.timezone},
            "version": VERSION,
            "views": list(site.views),
            "pools": picture.pools(),
            "places": picture.places(),
            "links": picture.links(),
            "meters": [
                _meter(state, units[state.meter.id], now_ns)
                for state in pipeline.latest.meters.values()
                if state.meter.id in units
            ],
            "buses": [
                _bus(statistics, port.port)
                for statistics, port in zip(buses, site.buses, strict=True)
            ],
            "clock": {
                "synchronised": self._clock.synchronised,
                "waits": self._clock.waits,
            },
            "journal": _journal(info, wall_ns),
            "uplinks": [
                _uplink(uplink.state(), info, now_ns, wall_ns)
                for uplink in self._uplinks
            ],
            "windows": [
                {
                    "start_ms": minute.start_ns // 1_000_000,
                    "length_s": MINUTE_NS // 10**9,
                    "emissions_kg": minute.emissions_kg,
                }
                for minute in figures.minutes
            ],
            "totals_today": {"emissions_kg": figures.today_kg},
            "factors": account.factors(),
            "feeds": [_feed(state) for state in pipeline.feeds()],
            "products": account.products(),
            "demand": account.demand(picture.powers_kw()),
            "accounting": account.basis(),
            "events": [
                {
                    "time_ms": event.time_ms,
                    "kind": event.kind,
                    "subject": event.subject,
                    "text": event.text,
                }
                for event in reversed(self._events.recent)
            ],
        }


def _journal(info: JournalInfo, wall_ns: int) -> Json:
    return {
        "bytes": info.bytes,
        "batches": info.batches,
        "batches_sealed": info.sealed_batches,
        "samples_sealed": info.sealed_samples,
        "last_commit_age_s": (
            None
            if info.last_commit_ms is None
            else (wall_ns - info.last_commit_ms * 1_000_000) / 1e9
        ),
        "error": info.last_error or None,
    }


def _uplink(state: UplinkState, info: JournalInfo, now_ns: int, wall_ns: int) -> Json:
    backlog = info.uplinks.get(state.id)
    return {
        "id": state.id,
        "url": state.url,
        "state": state.state,
        "lanes": dict(state.lanes),
        "backlog": backlog.pending if backlog else 0,
        "oldest_age_s": (
            None
            if state.oldest_ms is None
            else max(wall_ns / 1e9 - state.oldest_ms / 1000, 0.0)
        ),
        "sent_batches": state.sent_batches,
        "sent_samples": state.sent_samples,
        "quarantined": state.quarantined,
        "reissued": state.reissued,
        "last_ack_age_s": _age_s(state.last_ack_ns, now_ns),
        "last_error": state.last_error or None,
    }


def _feed(state: FeedState) -> Json:
    fetched_ns = state.last_fetch_ns
    return {
        "id": state.id,
        "series": state.series,
        "form": state.form,
        "last_fetch_ms": None if fetched_ns is None else fetched_ns // 1_000_000,
        "last_error": state.last_error or None,
    }


def _age_s(then_ns: int | None, now_ns: int) -> float | None:
    return None if then_ns is None or then_ns < 0 else (now_ns - then_ns) / 1e9


def _meter(state: MeterState, unit: UnitStatistics, now_ns: int) -> Json:
    meter = state.meter
    return {
        "id": meter.id,
        "name": meter.name,
        "bus": meter.bus,
        "unit": meter.unit,
        "map": meter.map.id,
        "quality": state.quality.name.lower(),
        "age_s": _age_s(state.time_ns, now_ns),
        "values": state.shown(),
        "state": unit.state,
        "serial": unit.serial or None,
        "transactions": unit.good + sum(unit.errors.values()),
        "good": unit.good,
        "errors": unit.errors,
        "retries": unit.retries,
        "latency_s": unit.latency_ns / 1e9 if unit.latency_ns else None,
        "turnaround_s": unit.turnaround_ns / 1e9 if unit.latency_ns else None,
        "timeout_s": unit.timeout_ns / 1e9,
        "lateness_s": unit.lateness_ns / 1e9,
        "skipped_cycles": unit.skipped,
        "reads": unit.reads,
        "max_registers": unit.max_registers,
        "map_max_registers": meter.map.limits.max_registers,
        "refused": list(unit.refused),
    }


def _bus(statistics: BusStatistics, port: str) -> Json:
    return {
        "id": statistics.bus,
        "port": port,
        "state": "open" if statistics.port_open else "closed",
        "utilisation": statistics.utilisation,
        "busy_s": statistics.busy_ns / 1e9,
        "elapsed_s": statistics.elapsed_ns / 1e9,
        "overloaded": statistics.overloaded,
        "transactions": statistics.transactions,
        "readings": statistics.readings,
        "errors": statistics.errors,
        "lateness_s": statistics.lateness_ns / 1e9,
        "lateness_max_s": statistics.lateness_max_ns / 1e9,
        "skipped_cycles": statistics.skipped,
        "discarded_bytes": statistics.discarded_bytes,
        "wakes": statistics.wakes,
    }
