"""Servers that are not our code, under one roof: what they contain, and on what line.

Each unit of a far end contains the same. Use as a context manager.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from harness.buses import FAST

from zerometer.core.points import NETWORK_LINE, LineSettings, RegisterType, WordOrder
from zerometer.core.site import Bus
from zerometer.drivers.lines.line import Master
from zerometer.drivers.lines.open_line import open_line

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

    ``side`` is whose code it is, ``bus`` where it is reached.
    """

    def __init__(
        self, side: Side, serve: Callable[[Contents], AbstractContextManager[Bus]]
    ) -> None:
        self.side = side
        self._serve = serve

    @contextmanager
    def serving(self, contents: Contents) -> Iterator[None]:
        """Serve *contents*."""
        with self._serve(contents) as self.bus:
            yield

    @contextmanager
    def master(self) -> Iterator[Master]:
        """Open our end, on a line whose bytes and silences take no time."""
        line = open_line(replace(self.bus, line=LineSettings(baud=10**9)))
        try:
            yield line.master
        finally:
            line.close()


def network_bus(protocol: Literal["tcp", "rtu+tcp"], tcp_port: int) -> Bus:
    """The bus behind a TCP port of this machine."""
    return Bus(
        id="net",
        port=f"{protocol}://127.0.0.1:{tcp_port}",
        protocol=protocol,
        host="127.0.0.1",
        tcp_port=tcp_port,
        line=NETWORK_LINE if protocol == "tcp" else FAST,
    )
