"""Readings a second of one core, from raw registers to windows."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import isclose
from pathlib import Path
from typing import TypeVar

import pandas as pd

from bench.accounting import columns, ours, plain
from bench.accounting.factory import LAYOUT, VIEWS, site_text
from bench.accounting.registers import registers
from zerometer.config.site import load_site

SECONDS = 3600
#: What the plain reference does of it.
SLICE_S = 1200
RUNS = 5
#: By how much amounts may differ, relative.
TOLERANCE = 1e-9

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Throughput:
    """Readings a second of CPU time, of each implementation; best of some runs."""

    readings: int
    ours: float
    plain: float
    pandas: float


def measure(folder: Path) -> Throughput:
    """Measure all three, and compare what they say."""
    file = folder / "throughput.toml"
    file.write_text(site_text(), encoding="utf-8")
    site = load_site(file).site
    hour = registers(SECONDS)
    part = hour.slice(0, SLICE_S)
    booked, ours_s = _best(lambda: ours.account(site, hour))
    (table, units, kg), pandas_s = _best(lambda: columns.account(hour))
    (amounts, whole), plain_s = _best(lambda: plain.account(part), runs=1)
    wanted = _cells(table)
    compare({key: wanted[key] for key in amounts}, amounts)
    assert max(abs(whole[key] - wanted[key] * 1e6) for key in whole) < 1.0
    assert (table * 1e6 - units).abs().max(axis=None) < 1.0
    _compare_floats(booked, wanted, _cells(kg))
    _compare_windows(booked, wanted)
    return Throughput(
        hour.readings,
        hour.readings / ours_s,
        part.readings / plain_s,
        hour.readings / pandas_s,
    )


def _cells(table: pd.DataFrame) -> plain.Amounts:
    return {
        (minute, *names): float(value)
        for names, column in table.items()
        for minute, value in enumerate(column)
    }


def _best(job: Callable[[], Result], runs: int = RUNS) -> tuple[Result, float]:
    """Return what *job* returns, and the least CPU time that it took."""
    least = float("inf")
    for _ in range(runs):
        start = time.process_time()
        result = job()
        least = min(least, time.process_time() - start)
    return result, least


def compare(ours: dict[tuple[int, str, str], float], other: plain.Amounts) -> None:
    """Refuse amounts that differ."""
    for key, amount in other.items():
        said = ours.get(key, 0.0)
        if not isclose(said, amount, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
            raise SystemExit(f"bench: {key}: {said} is not {amount}")


def _names(booked: ours.Outcome) -> dict[str, str]:
    """Return what the others call our places, in our order."""
    return {
        place.name: f"rest.{place.name.partition('.')[2]}"
        if place.kind == "remainder"
        else place.name.partition(".")[2]
        for place in booked.accounting.network.places
    }


def _compare_floats(
    booked: ours.Outcome, wanted: plain.Amounts, wanted_kg: plain.Amounts
) -> None:
    """Refuse floats that are not as *wanted*, and lacking minutes."""
    network, names = booked.accounting.network, _names(booked)
    origins = [origin.name.removeprefix("source.") for origin in network.origins]
    said, kg = {}, {}
    assert len(booked.totals) == SECONDS // 60, len(booked.totals)
    for minute, totals in enumerate(booked.totals):
        for p, place in enumerate(names.values()):
            row = totals.received[p * len(origins) : (p + 1) * len(origins)]
            for origin, amount in zip(origins, row, strict=True):
                said[minute, place, origin] = amount
            for view in VIEWS:
                kg[minute, place, view] = totals.received_kg[view][p]
    compare(said, wanted)
    compare(kg, wanted_kg)


def _compare_windows(booked: ours.Outcome, wanted: plain.Amounts) -> None:
    """Refuse integers that are off by more than a unit, and lacking windows."""
    minutes = [w for w in booked.windows if w.length_ns == 60 * ours.SECOND_NS]
    assert len(minutes) == SECONDS // 60, len(minutes)
    cells = {cell.name: i for i, cell in enumerate(booked.accounting.cells)}
    for minute, window in enumerate(minutes):
        for name, place in _names(booked).items():
            if name.startswith("process."):
                continue
            for origin, _ in LAYOUT.sources:
                units = window.cells[cells[f"{name}:from:source.{origin}"]]
                # What rounding left over before is carried in.
                if abs(units - wanted[minute, place, origin] * 1e6) > 2.0:
                    raise SystemExit(
                        f"bench: window {minute}: {name} of {origin}: {units} is "
                        f"not {wanted[minute, place, origin] * 1e6}"
                    )
