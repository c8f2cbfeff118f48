"""Write a small batch's bytes into its page: ``python docs/vectors/offsets.py``."""

import zlib
from collections.abc import Iterator
from pathlib import Path

import msgpack
from parts import START_MS, header, integers

from zerometer.agent.batch import Table, encode
from zerometer.core._linear import decode_linear

PAGE = Path(__file__).resolve().parents[1] / "batch-format.md"
BEGIN, END = "<!-- bytes -->", "<!-- /bytes -->"
HEAD = "| from byte | bytes | is |\n|---|---|---|\n"
#: Of longer values, so many bytes are shown.
SHOWN = 12

Row = tuple[int, int, str]


def batch() -> bytes:
    """Return the batch of which the bytes are shown."""
    times = (START_MS, START_MS + 1000, START_MS + 2000)
    table = Table(
        "readings/m1/power",
        [
            integers("time", *times, unit="ms"),
            integers("active_power", 200, 201, 199, exponent=-1, unit="W"),
        ],
    )
    return encode(header(t1_ms=START_MS + 2000), [table])


class _Walker:
    """Goes through msgpack and notes what stands where."""

    def __init__(self, data: bytes) -> None:
        self._unpacker = msgpack.Unpacker()
        self._unpacker.feed(data)
        self.at = 0

    def step(self, what: str, kind: str = "unpack") -> tuple[object, Row]:
        """Take the next value, or the head of a "map" or an "array"."""
        names = {"map": "read_map_header", "array": "read_array_header"}
        start = self.at
        value = getattr(self._unpacker, names.get(kind, kind))()
        self.at = self._unpacker.tell()
        return value, (start, self.at, what.format(value))

    def pair(self) -> tuple[str, object, Row]:
        """Take a key and its value."""
        key, (start, _, _) = self.step("")
        value, _ = self.step("")
        shown = f"`{key}`: {_told(value)}"
        return str(key), value, (start, self.at, shown)


def _told(value: object) -> str:
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    return "nil" if value is None else repr(value).replace("'", '"')


def envelope(data: bytes) -> Iterator[Row]:
    """Yield the parts of a batch."""
    walk = _Walker(data)
    yield walk.step("array of {} elements", "array")[1]
    entries, row = walk.step("map of {} entries: the header", "map")
    yield row
    for _ in range(int(str(entries))):
        yield walk.pair()[2]
    body, (start, end, _) = walk.step("")
    assert isinstance(body, bytes)
    yield start, end, f"bin of {len(body)} bytes: the body, packed"
    yield walk.step("CRC-32 of all before it")[1]


def body(plain: bytes) -> Iterator[Row]:
    """Yield the parts of an unpacked body of one table."""
    walk = _Walker(plain)
    yield walk.step("map of {} entries", "map")[1]
    yield walk.step("`{}`")[1]
    yield walk.step("array of {} table", "array")[1]
    yield walk.step("map of {} entries: a table", "map")[1]
    yield walk.pair()[2]
    rows, shown = walk.pair()[1:]
    yield shown
    yield walk.step("`{}`")[1]
    columns, row = walk.step("array of {} columns", "array")
    yield row
    for _ in range(int(str(columns))):
        entries, row = walk.step("map of {} entries: a column", "map")
        yield row
        for _ in range(int(str(entries))):
            yield walk.pair()[2]
    yield walk.step("`{}`")[1]
    numbers, (start, end, _) = walk.step("")
    assert isinstance(numbers, bytes)
    yield start, end - len(numbers), f"bin of {len(numbers)} bytes: two linear columns"
    at, start = 0, end - len(numbers)
    while at < len(numbers):
        first = at
        stored, back, _, at = decode_linear(numbers, at, int(str(rows)))
        head = f"head: *back* {back}, no factor, *form* {numbers[first] % 4}"
        yield start + first, start + first + 1, head
        yield start + first + 1, start + at, f"stored for {stored.tolist()}"


def table(data: bytes, rows: Iterator[Row]) -> str:
    """Return the rows as a table of the page; every byte of *data* is in one."""
    lines, at = [], 0
    for start, end, what in rows:
        assert start == at, (start, at)
        shown = data[start : min(end, start + SHOWN)].hex(" ")
        more = " ..." if end - start > SHOWN else ""
        lines.append(f"| {start} | `{shown}{more}` | {what} |")
        at = end
    assert at == len(data)
    return HEAD + "\n".join(lines) + "\n"


def text() -> str:
    """Return what stands between the marks in the page."""
    data = batch()
    packed = msgpack.unpackb(data)[1]
    plain = zlib.decompress(packed, wbits=-15)
    return (
        f"{BEGIN}\n{table(data, envelope(data))}\n"
        f"The body, unpacked:\n\n{table(plain, body(plain))}{END}"
    )


def main() -> None:
    """Write the page."""
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    PAGE.write_text(before + text() + rest.split(END)[1], encoding="utf-8")


if __name__ == "__main__":
    main()
