"""Batches as an agent seals them: 360 points, every 10 s, for 15 minutes."""

import random
from array import array
from collections.abc import Iterator

from zerometer.agent.batch import Column, Header, Table, batch_hash, encode

METERS = 30
POINTS = 12
ROWS = 90
PERIOD_MS = 10_000
START_MS = 1_767_225_600_000
#: Values of one batch.
SAMPLES = METERS * POINTS * ROWS


def sealed(count: int, *, source: bytes, epoch: bytes) -> Iterator[bytes]:
    """Yield *count* batches of ``readings``, each the next of the one before."""
    draw = random.Random(1)
    levels = [draw.randrange(100, 5000) for _ in range(METERS * POINTS)]
    previous: bytes | None = None
    for seq in range(1, count + 1):
        first_ms = START_MS + (seq - 1) * ROWS * PERIOD_MS
        times = array("q", range(first_ms, first_ms + ROWS * PERIOD_MS, PERIOD_MS))
        data = encode(
            Header(
                source=source, epoch=epoch, site="drain", stream="readings", seq=seq,
                t0_ms=times[0], t1_ms=times[-1], boot=bytes(16), prev=previous,
            ),
            [_table(meter, times, levels, draw) for meter in range(METERS)],
        )  # fmt: skip
        previous = batch_hash(data)
        yield data


def _table(
    meter: int, times: "array[int]", levels: list[int], draw: random.Random
) -> Table:
    """Return the readings of a meter: each point goes its way in small steps."""
    columns = [Column("time", "ms", 0, times)]
    for point in range(POINTS):
        place = meter * POINTS + point
        values = array("q")
        for step in draw.choices((-3, -1, 0, 0, 1, 3), k=len(times)):
            levels[place] += step
            values.append(levels[place])
        columns.append(Column(f"point-{point}", "kW", -2, values))
    return Table(f"readings/meter-{meter}/power", columns)
