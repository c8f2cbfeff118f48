"""What a batch holds, as plain types."""

from array import array
from dataclasses import dataclass, field
from typing import Any, Literal

from zerometer.agent.batch.signature import Signature
from zerometer.core._column import restore

Clock = Literal["synced", "unsynced"]


@dataclass(slots=True)
class Column:
    """One named column of a table.

    ``values`` is one of
    - ``array("q")``: integers that count 10^``exponent`` (-22 to 22) of ``unit``;
    - ``array("d")`` or ``array("f")``: floats in ``unit``, ``exponent`` 0;
    - a list of texts, numbers or booleans, None where there is none.

    ``nulls`` of an array has a byte per row, 1 where there is no value, or is None
    where every row has one. Under a null stands NaN, or the integer before.
    """

    name: str
    unit: str
    exponent: int
    values: "array[Any] | list[Any]"
    nulls: bytes | None = None

    @property
    def present(self) -> int:
        """Rows that have a value."""
        if isinstance(self.values, list):
            return len(self.values) - self.values.count(None)
        return len(self.values) - (sum(self.nulls) if self.nulls else 0)

    def numbers(self) -> list[float | None]:
        """Return the values of an array in ``unit``, None where there is none."""
        power = 10 ** abs(self.exponent)
        rows = zip(self.values, self.nulls or bytes(len(self.values)), strict=True)
        if self.exponent < 0:  # a division rounds once, a negative power twice
            return [None if null else value / power for value, null in rows]
        return [None if null else value * power for value, null in rows]

    def floats(self) -> "array[float]":
        """Return the values of an array in ``unit``, NaN where there is none."""
        if isinstance(self.values, array) and self.values.typecode == "q":
            return restore(self.values, self.exponent, self.nulls)
        return array("d", self.values)


@dataclass(slots=True)
class Table:
    """Columns of equal length; a series table begins with ``time`` (ms, UTC).

    A batch may hold several tables of one name: their rows belong together.
    """

    name: str
    columns: list[Column]

    @property
    def rows(self) -> int:
        """Rows of the table."""
        return len(self.columns[0].values) if self.columns else 0


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers of a stream that will never come, both ends included, and why."""

    first: int
    last: int
    reason: str


@dataclass(frozen=True, slots=True)
class Missing:
    """Numbers of a stream that a receiver asks for again, both ends included."""

    epoch: bytes
    stream: str
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Who sealed a batch, which one it is and what it covers.

    ``source`` (16 bytes), ``epoch`` (8 bytes), ``stream`` and ``seq`` (from 1,
    without gaps) are its identity. ``t0_ms`` and ``t1_ms`` (UTC) are the first
    and last time in it; ``boot`` (16 bytes) is the boot it was sealed in.
    ``prev`` is the batch_hash of the stream's batch before, None for the first.
    ``config`` is the revision of the site file, ``factors`` those of the factor
    series in use. ``offset_ms`` is wall time less time since boot, by which the
    batch's times were made, None where that is not known: who learns later how
    wrong it was can date them anew. The last five entries are set by encode.
    """

    source: bytes
    epoch: bytes
    site: str
    stream: str
    seq: int
    t0_ms: int
    t1_ms: int
    boot: bytes
    clock: Clock = "synced"
    prev: bytes | None = None
    config: str = ""
    factors: tuple[str, ...] = ()
    gaps: tuple[Gap, ...] = ()
    offset_ms: int | None = None
    rows: int = 0
    samples: int = 0
    codec: str = "none"
    length: int = 0
    sha256: bytes = bytes(32)


@dataclass(slots=True)
class Batch:
    """An opened batch; ``skipped`` counts columns of unknown encoding.

    A ``signature`` is what the batch brought, and is not checked; see ``verify``.
    """

    header: Header
    tables: list[Table] = field(default_factory=list)
    skipped: int = 0
    signature: Signature | None = None
