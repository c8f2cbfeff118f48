"""What is measured about buses and meters, for Prometheus: a table over the snapshot.

``docs/metrics.md`` lists it.
"""

from collections.abc import Callable

from zerometer.agent.exposition import Json, Labels, Metric, Samples, scaled
from zerometer.drivers.faults import ERROR_KINDS

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


def _by_kind(labels: Labels, errors: dict[str, int]) -> Samples:
    # Every kind has a line from the start, so that a rate sees the first one.
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
        yield _of(meter), meter["state"] != "down" and meter["bus"] in opened


def _meter_power(snapshot: Json) -> Samples:
    for meter in snapshot["meters"]:
        for shown in meter["values"]:
            if shown["point"] == "active_power" and shown["unit"] in _WATTS:
                yield _of(meter), scaled(shown["value"], _WATTS[shown["unit"]])


BUS_METRICS = (
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
        "zerometer_meter_trusted",
        "Whether the meter answers and was recognised; else its values are missing.",
        lambda s: [(_of(meter), meter["state"] == "up") for meter in s["meters"]],
    ),
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
        "zerometer_meter_refused_points",
        "Points that the meter refuses and is not asked for any more.",
        lambda s: [(_of(meter), len(meter["refused"])) for meter in s["meters"]],
    ),
    Metric("zerometer_meter_power_watts", "Active power of the meter.", _meter_power),
)
