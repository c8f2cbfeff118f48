"""Servers that are not our code, under one roof: what they contain, and on what line.

Each unit of a far end contains the same. Use as a context manager.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from zerometer.core.points import LineSettings, RegisterType, WordOrder
from zerometer.drivers._exchange import Exchange
from zerometer.drivers.line import Line
from zerometer.drivers.serial_line import SerialLine

FAST = LineSettings(baud=115_200)
Side = Literal["pymodbus", "libmodbus"]

#: What each side's own encoders write: orders by type.
ENCODED: dict[Side, dict[RegisterType, tuple[WordOrder, ...]]] = {
    "pymodbus": {
        "u16": ("ABCD",),
        "i16": ("ABCD",),
        "u32": ("ABCD", "CDAB"),
        "i32": ("ABCD", "CDAB"),
        "u64": ("ABCD", "CDAB"),
        "i64": ("ABCD", "CDAB"),
        "f32": ("ABCD", "CDAB"),
        "f64": ("ABCD", "CDAB"),
    },
    "libmodbus": {
        "f32": ("ABCD", "CDAB", "BADC", "DCBA"),
        "i32": ("ABCD",),
        "i64": ("ABCD",),
    },
}


class Value(NamedTuple):
    """A value that the far end encodes itself, in the holding registers."""

    kind: RegisterType
    order: WordOrder
    address: int
    value: float


@dataclass(kw_only=True)
class Contents:
    """What units contain.

    ``tables`` is what functions 1 to 4 read from address 0 on; what lies behind the
    end of a table is illegal. ``refused`` are exception codes of reads that cover an
    address, ``delays_ms`` how much later such reads are answered.
    """

    units: tuple[int, ...] = (1,)
    tables: dict[int, list[int]] = field(default_factory=dict)
    values: tuple[Value, ...] = ()
    refused: dict[int, int] = field(default_factory=dict)
    delays_ms: dict[int, int] = field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        """Yield what libmodbus_server.c is told."""
        yield from (f"unit {unit}" for unit in self.units)
        for function, table in self.tables.items():
            yield f"table {function} {' '.join(map(str, table))}"
        for value in self.values:
            yield f"value {value.kind} {value.order} {value.address} {value.value}"
        yield from (f"refuse {place} {code}" for place, code in self.refused.items())
        yield from (f"delay {place} {ms}" for place, ms in self.delays_ms.items())
        yield "serve"


class FarEnd:
    """A far end that serves *contents* when it is asked to.

    ``side`` is whose code it is. ``port`` is where, as a site file states it.
    """

    def __init__(
        self, side: Side, serve: Callable[[Contents], AbstractContextManager[str]]
    ) -> None:
        self.side = side
        self._serve = serve
        self.port = ""

    @contextmanager
    def serving(self, contents: Contents) -> Iterator["FarEnd"]:
        """Serve *contents*."""
        with self._serve(contents) as self.port:
            yield self

    def line(self) -> Line:
        """Open our end."""
        return SerialLine(self.port, FAST)

    @contextmanager
    def exchange(self) -> Iterator[Exchange]:
        """Open our end for transactions on a line whose bytes take no time."""
        line = self.line()
        try:
            yield Exchange(line.fd, 1, 0)
        finally:
            line.close()
