"""Sealed batches, small and with values known beforehand."""

from array import array
from collections.abc import Sequence
from typing import Any

from harness.batches import header

from zerometer.agent.batch import Column, Table, encode

#: 2026-01-01T00:00:00Z
START_MS = 1_767_225_600_000


def power_table(seq: int, rows: int = 3, meter: str = "press") -> Table:
    """Readings of batch *seq*: one row a second, 0.1 kW more in each."""
    first_ms = START_MS + 1000 * rows * (seq - 1)
    times = array("q", range(first_ms, first_ms + 1000 * rows, 1000))
    power = array("q", range(rows * seq, rows * seq + rows))
    return Table(
        f"readings/{meter}/power",
        [Column("time", "ms", 0, times), Column("power", "kW", -1, power)],
    )


def sealed(
    seq: int = 1,
    *,
    tables: Sequence[Table] | None = None,
    rows: int = 3,
    **changes: Any,
) -> bytes:
    """Return batch *seq* of a stream; by default with *rows* readings of power.

    *changes* are entries of the header.
    """
    tables = [power_table(seq, rows)] if tables is None else tables
    return encode(header(seq=seq, **changes), tables)
