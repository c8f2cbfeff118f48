"""What is measured about the agent, for Prometheus: a table over the snapshot.

``docs/metrics.md`` lists it.
"""

import os
import time
from collections.abc import Callable, Iterator

from zerometer.agent.exposition import Json, Labels, Metric, Samples

#: Kinds of errors that have a line from the start, so that a rate sees the first one.
ERROR_KINDS = (
    "timeout",
    "crc",
    "short",
    "garbage",
    "late",
    "exception",
    "lost",
    "echo",
)
_WATTS = {"W": 1.0, "kW": 1e3, "MW": 1e6}


def _bus(key: str) -> Callable[[Json], Samples]:
    def samples(snapshot: Json) -> Samples:
        for bus in snapshot["buses"]:
            yield {"bus": bus["id"]}, bus[key]

    return samples


def _meter(key: str) -> Callable[[Json], Samples]:
    def samples(snapshot: Json) -> Samples:
        for meter in snapshot["meters"]:
            yield _of(meter), meter[key]

    return samples


def _of(meter: Json) -> Labels:
    return {"meter": meter["id"], "bus": meter["bus"]}


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


def _times(value: float | None, times: float) -> float | None:
    return None if value is None else value * times


def _by_kind(labels: Labels, errors: dict[str, int]) -> Samples:
    for kind, count in (dict.fromkeys(ERROR_KINDS, 0) | errors).items():
        yield labels | {"kind": kind}, count


def _bus_errors(snapshot: Json) -> Samples:
    for bus in snapshot["buses"]:
        yield from _by_kind({"bus": bus["id"]}, bus["errors"])


def _meter_errors(snapshot: Json) -> Samples:
    for meter in snapshot["meters"]:
        yield from _by_kind(_of(meter), meter["errors"])


def _meter_up(snapshot: Json) -> Samples:
    # With its port gone nobody knows; then no reading comes either.
    opened = {bus["id"] for bus in snapshot["buses"] if bus["state"] == "open"}
    for meter in snapshot["meters"]:
        yield _of(meter), meter["state"] == "up" and meter["bus"] in opened


def _meter_power(snapshot: Json) -> Samples:
    for meter in snapshot["meters"]:
        for shown in meter["values"]:
            if shown["point"] == "active_power" and shown["unit"] in _WATTS:
                yield _of(meter), _times(shown["value"], _WATTS[shown["unit"]])


def _factors(snapshot: Json) -> Samples:
    for pool in snapshot["pools"]:
        for view, kilograms in pool["factor"].items():
            labels = {"pool": pool["id"], "view": view, "per": pool["unit"]}
            yield labels, _times(kilograms, 1000.0)


def _emissions(snapshot: Json) -> Samples:
    for view, kilograms in snapshot["totals_today"]["emissions_kg"].items():
        yield {"view": view}, _times(kilograms, 1000.0)


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
    Metric(
        "zerometer_bus_up",
        "Whether the port is open.",
        lambda s: [({"bus": b["id"]}, b["state"] == "open") for b in s["buses"]],
    ),
    Metric(
        "zerometer_bus_utilisation_ratio",
        "Part of the time since the start in which the line was in use, 0 to 1.",
        _bus("utilisation"),
    ),
    Metric(
        "zerometer_bus_busy_seconds_total",
        "Time in transactions and in waiting for late replies.",
        _bus("busy_s"),
    ),
    Metric(
        "zerometer_bus_lateness_seconds",
        "By how much the latest cycle of a meter began too late.",
        _bus("lateness_s"),
    ),
    Metric(
        "zerometer_bus_lateness_max_seconds",
        "The largest such lateness of the last minute or two.",
        _bus("lateness_max_s"),
    ),
    Metric(
        "zerometer_bus_overloaded",
        "Whether the periods of the meters cannot be kept.",
        _bus("overloaded"),
    ),
    Metric(
        "zerometer_bus_skipped_cycles_total",
        "Cycles that were left out for lack of time.",
        _bus("skipped_cycles"),
    ),
    Metric("zerometer_bus_transactions_total", "Requests sent.", _bus("transactions")),
    Metric("zerometer_bus_readings_total", "Readings handed on.", _bus("readings")),
    Metric(
        "zerometer_bus_wakes_total",
        "How often the thread of the bus was put to sleep.",
        _bus("wakes"),
    ),
    Metric(
        "zerometer_bus_discarded_bytes_total",
        "Bytes that belonged to no reply.",
        _bus("discarded_bytes"),
    ),
    Metric("zerometer_bus_errors_total", "Failed transactions, by kind.", _bus_errors),
    Metric("zerometer_meter_up", "Whether the meter answers.", _meter_up),
    Metric(
        "zerometer_meter_good_total", "Transactions with a whole reply.", _meter("good")
    ),
    Metric(
        "zerometer_meter_errors_total", "Failed transactions, by kind.", _meter_errors
    ),
    Metric(
        "zerometer_meter_retries_total",
        "Reads that were repeated in their cycle.",
        _meter("retries"),
    ),
    Metric(
        "zerometer_meter_skipped_cycles_total",
        "Cycles that were left out for lack of time.",
        _meter("skipped_cycles"),
    ),
    Metric(
        "zerometer_meter_latency_seconds",
        "From the first byte of a request to the end of its reply, smoothed.",
        _meter("latency_s"),
    ),
    Metric(
        "zerometer_meter_turnaround_seconds",
        "What the meter takes beyond the time of the bytes, smoothed.",
        _meter("turnaround_s"),
    ),
    Metric(
        "zerometer_meter_timeout_seconds",
        "How long a reply of the meter is waited for now.",
        _meter("timeout_s"),
    ),
    Metric(
        "zerometer_meter_lateness_seconds",
        "By how much the meter's latest cycle began too late.",
        _meter("lateness_s"),
    ),
    Metric(
        "zerometer_meter_age_seconds",
        "Since the meter's last good reading.",
        _meter("age_s"),
    ),
    Metric(
        "zerometer_meter_retired_points",
        "Points that the meter refuses and is not asked for any more.",
        lambda s: [(_of(meter), len(meter["retired"])) for meter in s["meters"]],
    ),
    Metric("zerometer_meter_power_watts", "Active power of the meter.", _meter_power),
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
