"""What must be so at both ends once everything has arrived."""

from collections import defaultdict
from math import isclose

from harness.plant import Plant

from zerometer.agent.batch import batch_hash
from zerometer.agent.journal_tools.verify import verify

#: What a ledger knows only by its last power, and by its rate before the first count.
SLACK_S = 4.0

#: Everything often: what is cut off was in the middle of something.
QUICK = {
    r'commit = "5s"': 'commit = "1s"',
    r'seal = "10s"': 'seal = "1s"',
    r'energy = "5s"': 'energy = "1s"',
    r"baud = 9600": "baud = 115200",
}


def check_batches(plant: Plant, at_least: int) -> int:
    """What the journal has, the receiver has: once, unchanged, without a hole.

    Returns how many there are; at least so many are expected.
    """
    journalled = plant.journalled()
    received = plant.rows("SELECT stream, seq, hash FROM batch")
    assert len(received) == len(journalled) >= at_least, len(received)
    by_stream = defaultdict(list)
    for stream, seq, digest in received:
        assert batch_hash(journalled[stream, seq]) == digest, (stream, seq)
        by_stream[stream].append(seq)
    for stream, numbers in by_stream.items():
        assert sorted(numbers) == list(range(1, len(numbers) + 1)), stream
    assert plant.rows("SELECT * FROM gap") == []
    assert plant.rows("SELECT count(DISTINCT epoch) FROM batch") == [(1,)]
    assert verify(plant.journal).findings == []
    return len(received)


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
        gained = values[-1] - values[0]
        assert isclose(gained, gain, rel_tol=1e-9, abs_tol=1e-9), (meter, point)


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
    in_quarters = sum(cells["covered"] for cells in quarters.values()) / 1000
    # Each window rounds to a millisecond what it covers.
    assert abs(covered - in_quarters) <= 0.001 * len(minutes), (covered, in_quarters)
    for place, meter in (("source.pv", "pv"), ("sink.line-2", "line-2")):
        booked = sum(cells[f"{place}:quantity"] for cells in minutes.values()) * 1e-6
        in_quarters = sum(cells[f"{place}:quantity"] for cells in quarters.values())
        assert isclose(in_quarters * 1e-6, booked, abs_tol=1e-9), place
        rows = plant.rows(
            "SELECT min(t_ms), max(t_ms), max(value) - min(value) FROM reading"
            f" WHERE meter = '{meter}' AND point = 'active_energy_import.index'"
        )
        first_ms, last_ms, gain = rows[0]
        mean_kw = gain / ((last_ms - first_ms) / 3_600_000)
        slack = SLACK_S * mean_kw / 3600 + 0.002
        assert abs(booked - gain) <= slack, (place, booked, gain)
        seen_s = (last_ms - first_ms) / 1000
        assert abs(covered - seen_s) <= SLACK_S, (covered, seen_s)
