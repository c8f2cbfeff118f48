"""What is measured about the agent, for Prometheus: a table over the snapshot.

That of buses and meters is in ``bus_metrics``; ``docs/metrics.md`` lists all.
"""

import os
import time
from collections.abc import Callable, Iterator

from zerometer.agent.bus_metrics import BUS_METRICS
from zerometer.agent.exposition import Json, Labels, Metric, Samples, scaled


def _uplink(key: str) -> Callable[[Json], Samples]:
    def samples(snapshot: Json) -> Samples:
        for uplink in snapshot["uplinks"]:
            yield {"uplink": uplink["id"]}, uplink[key]

    return samples


def _journal(key: str) -> Callable[[Json], Samples]:
    return lambda snapshot: [({}, snapshot["journal"][key])]


def _pool(key: str) -> Callable[[Json], Samples]:
    def samples(snapshot: Json) -> Samples:
        for pool in snapshot["pools"]:
            yield {"pool": pool["id"], "unit": pool["rate_unit"]}, pool[key]

    return samples


def _factors(snapshot: Json) -> Samples:
    for pool in snapshot["pools"]:
        for view, kilograms in pool["factor"].items():
            labels = {"pool": pool["id"], "view": view, "per": pool["unit"]}
            yield labels, scaled(kilograms, 1000.0)


def _origins(snapshot: Json) -> Samples:
    for origin in snapshot["factors"]:
        for view, told in origin["by_view"].items():
            labels = {"origin": origin["id"], "view": view, "per": origin["unit"]}
            yield labels, scaled(told["kg"], 1000.0)


def _fallbacks(snapshot: Json) -> Samples:
    for origin in snapshot["factors"]:
        for view, told in origin["by_view"].items():
            labels = {"origin": origin["id"], "view": view}
            yield labels, told["status"] == "fallback"


def _demand(key: str) -> Callable[[Json], Samples]:
    def samples(snapshot: Json) -> Samples:
        for demand in snapshot["demand"]:
            yield {"source": demand["source"]}, scaled(demand[key], 1000.0)

    return samples


def _emissions(snapshot: Json) -> Samples:
    for view, kilograms in snapshot["totals_today"]["emissions_kg"].items():
        yield {"view": view}, scaled(kilograms, 1000.0)


def _uplink_state(snapshot: Json) -> Samples:
    for uplink in snapshot["uplinks"]:
        yield {"uplink": uplink["id"], "state": uplink["state"]}, 1


def _info(snapshot: Json) -> Samples:
    yield {"site": snapshot["site"]["id"], "version": snapshot["version"]}, 1


def _resident_bytes(_: Json) -> Iterator[tuple[Labels, float]]:
    # proc(5): the second number of statm is the resident set, in pages.
    with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 (each scrape)
        yield {}, int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


METRICS = (
    Metric("zerometer_info", "Always 1; says which site and version this is.", _info),
    *BUS_METRICS,
    Metric(
        "zerometer_pool_inflow",
        "What flows into the pool now, in the label's unit.",
        _pool("inflow"),
    ),
    Metric(
        "zerometer_pool_outflow",
        "What flows out of the pool now, in the label's unit.",
        _pool("outflow"),
    ),
    Metric(
        "zerometer_pool_factor_grams",
        "Carbon dioxide (equivalent) in what the pool gives now, per unit of it.",
        _factors,
    ),
    Metric(
        "zerometer_emissions_today_grams",
        "What entered the site since its midnight, in whole minutes.",
        _emissions,
    ),
    Metric(
        "zerometer_origin_factor_grams",
        "Carbon dioxide (equivalent) that a unit of a source or fuel emits now.",
        _origins,
    ),
    Metric(
        "zerometer_origin_factor_fallback",
        "Whether a constant stands in for a series that has no value now.",
        _fallbacks,
    ),
    Metric(
        "zerometer_demand_watts",
        "Mean power of a bought source over the last 15 minutes.",
        _demand("last_kw"),
    ),
    Metric(
        "zerometer_demand_predicted_watts",
        "What the quarter hour that runs comes to if the power holds.",
        _demand("predicted_kw"),
    ),
    Metric(
        "zerometer_accounting_measured_ratio",
        "Part of the last minute's flows that meters saw, 0 to 1.",
        lambda s: [({}, s["accounting"]["measured_share"])],
    ),
    Metric(
        "zerometer_accounting_balance_error_ratio",
        "Largest difference between emissions that entered and those attributed.",
        lambda s: [({}, s["accounting"]["carbon_balance_error"])],
    ),
    Metric("zerometer_journal_bytes", "Size of the journal.", _journal("bytes")),
    Metric("zerometer_journal_batches", "Batches in the journal.", _journal("batches")),
    Metric(
        "zerometer_journal_sealed_batches_total",
        "Batches that were ever sealed into it.",
        _journal("batches_sealed"),
    ),
    Metric(
        "zerometer_journal_sealed_samples_total",
        "Samples that were ever sealed into it.",
        _journal("samples_sealed"),
    ),
    Metric(
        "zerometer_journal_commit_age_seconds",
        "Since something was last made durable.",
        _journal("last_commit_age_s"),
    ),
    Metric(
        "zerometer_clock_synchronised",
        "Whether the wall clock can be believed.",
        lambda s: [({}, s["clock"]["synchronised"])],
    ),
    Metric(
        "zerometer_journal_failing",
        "Whether the last commit failed.",
        lambda s: [({}, s["journal"]["error"] is not None)],
    ),
    Metric(
        "zerometer_uplink_state",
        "Always 1; the label says which state the uplink is in.",
        _uplink_state,
    ),
    Metric(
        "zerometer_uplink_backlog_batches",
        "Batches that wait to be sent.",
        _uplink("backlog"),
    ),
    Metric(
        "zerometer_uplink_backlog_age_seconds",
        "Since the last time in the oldest batch that waits to be sent.",
        _uplink("oldest_age_s"),
    ),
    Metric(
        "zerometer_uplink_sent_batches_total",
        "Batches that the receiver confirmed.",
        _uplink("sent_batches"),
    ),
    Metric(
        "zerometer_uplink_sent_samples_total",
        "Samples that the receiver confirmed.",
        _uplink("sent_samples"),
    ),
    Metric(
        "zerometer_uplink_quarantined_batches_total",
        "Batches that were set aside, as the receiver refused them for good.",
        _uplink("quarantined"),
    ),
    Metric(
        "zerometer_uplink_reissued_batches_total",
        "Batches that were sealed anew, as the receiver did not take them so.",
        _uplink("reissued"),
    ),
    Metric(
        "zerometer_uplink_ack_age_seconds",
        "Since the receiver last confirmed a batch.",
        _uplink("last_ack_age_s"),
    ),
    Metric(
        "process_resident_memory_bytes",
        "Memory of the agent, shared with others or not.",
        _resident_bytes,
    ),
    Metric(
        "process_cpu_seconds_total",
        "Processor time of the agent.",
        lambda _: [({}, time.process_time())],
    ),
)
