"""Batches as a gateway seals them, small and with values known beforehand."""

from array import array
from collections.abc import Sequence

from zerometer.agent.batch import Column as BatchColumn
from zerometer.agent.batch import Gap, Header, Table, encode

SOURCE = bytes(range(16))
EPOCH = bytes(range(8))
BOOT = bytes(16)
#: 2026-01-01T00:00:00Z
START_MS = 1_767_225_600_000


def power_table(seq: int, rows: int = 3, meter: str = "press") -> Table:
    """Readings of batch *seq*: one row a second, 0.1 kW each after the other."""
    first_ms = START_MS + 1000 * rows * (seq - 1)
    times = array("q", range(first_ms, first_ms + 1000 * rows, 1000))
    power = array("q", range(rows * seq, rows * seq + rows))
    return Table(
        f"readings/{meter}/power",
        [BatchColumn("time", "ms", 0, times), BatchColumn("power", "kW", -1, power)],
    )


def sealed(
    seq: int = 1,
    *,
    tables: Sequence[Table] | None = None,
    stream: str = "readings",
    source: bytes = SOURCE,
    epoch: bytes = EPOCH,
    gaps: Sequence[Gap] = (),
    site: str = "plant",
) -> bytes:
    """Return batch *seq* of a stream; by default with three readings of power."""
    header = Header(
        source=source,
        epoch=epoch,
        site=site,
        stream=stream,
        seq=seq,
        t0_ms=START_MS,
        t1_ms=START_MS + 3_600_000,
        boot=BOOT,
        gaps=tuple(gaps),
    )
    return encode(header, [power_table(seq)] if tables is None else tables)
