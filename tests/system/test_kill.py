"""kill -9 of the agent at any moment: nothing lost, nothing twice."""

import random
import time
from collections import defaultdict
from pathlib import Path

import pytest
from harness.plant import Plant

from zerometer.agent.batch import batch_hash

KILLS = 22
#: Starting takes about a second: kills fall into it as well as after it.
LIFE_S = (0.2, 3.8)

#: What a ledger knows only by its last power, and by its rate before the first count.
SLACK_S = 4.0

SITE = {
    r'commit = "5s"': 'commit = "1s"',
    r'seal = "10s"': 'seal = "1s"',
    r'energy = "5s"': 'energy = "1s"',
    r"baud = 9600": "baud = 115200",
}


@pytest.mark.system
@pytest.mark.timeout(240)
def test_kills_at_random_moments(tmp_path: Path) -> None:
    moments = random.Random(20261122)
    with Plant(tmp_path, replace=SITE) as plant:
        for _ in range(KILLS):
            agent = plant.agent()
            time.sleep(moments.uniform(*LIFE_S))
            agent.kill()
        agent = plant.agent()
        time.sleep(5)
        agent.stop()
        plant.finish()
        check_batches(plant)
        check_indices(plant)
        check_windows(plant)


def check_batches(plant: Plant) -> None:
    """What the journal has, the receiver has: once, unchanged, without a hole."""
    journalled = plant.journalled()
    received = plant.rows("SELECT stream, seq, hash FROM batch")
    assert len(received) == len(journalled) > KILLS // 2
    by_stream = defaultdict(list)
    for stream, seq, digest in received:
        assert batch_hash(journalled[stream, seq]) == digest
        by_stream[stream].append(seq)
    for stream, numbers in by_stream.items():
        assert sorted(numbers) == list(range(1, len(numbers) + 1)), stream
    assert plant.rows("SELECT * FROM gap") == []
    assert plant.rows("SELECT count(DISTINCT epoch) FROM batch") == [(1,)]


def check_indices(plant: Plant) -> None:
    """Stitched indices never fall, and gain what their registers gained."""
    series = defaultdict(list)
    for meter, point, time_ms, value in plant.rows(
        "SELECT meter, point, t_ms, value FROM reading"
        " WHERE point LIKE '%.index' ORDER BY t_ms"
    ):
        series[meter, point.removesuffix(".index")].append((time_ms, value))
    assert len(series) == 13
    for (meter, point), rows in series.items():
        values = [value for _, value in rows]
        assert values == sorted(values), (meter, point)
        gain = plant.served_gain(meter, point, rows[0][0], rows[-1][0])
        assert values[-1] - values[0] == pytest.approx(gain, rel=1e-9, abs=1e-9)


def check_windows(plant: Plant) -> None:
    """Windows balance exactly, and their energy is that of the counters."""
    minutes, quarters = plant.windows("1min"), plant.windows("15min")
    for cells in [*minutes.values(), *quarters.values()]:
        for name, entered in cells.items():
            if name.endswith(":entered"):
                tail = ":from:" + name.removesuffix(":entered")
                got = sum(v for cell, v in cells.items() if cell.endswith(tail))
                assert got == entered, name
    covered = sum(cells["covered"] for cells in minutes.values()) / 1000
    assert covered == sum(cells["covered"] for cells in quarters.values()) / 1000
    for place, meter in (("source.pv", "pv"), ("sink.line-2", "line-2")):
        booked = sum(cells[f"{place}:quantity"] for cells in minutes.values()) * 1e-6
        in_quarters = sum(cells[f"{place}:quantity"] for cells in quarters.values())
        assert in_quarters * 1e-6 == pytest.approx(booked, abs=1e-9)
        rows = plant.rows(
            "SELECT min(t_ms), max(t_ms), max(value) - min(value) FROM reading"
            f" WHERE meter = '{meter}' AND point = 'active_energy_import.index'"
        )
        first_ms, last_ms, gain = rows[0]
        mean_kw = gain / ((last_ms - first_ms) / 3_600_000)
        slack = SLACK_S * mean_kw / 3600 + 0.002
        assert booked == pytest.approx(gain, abs=slack), place
        assert covered == pytest.approx((last_ms - first_ms) / 1000, abs=SLACK_S)
