"""``zerometer decode``: batches as text or JSON, for people and other programs."""

import argparse
import json
import re
import sys
from array import array
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgpack

from zerometer.agent.batch import Batch, Column, decode, peek
from zerometer.agent.batch.errors import BadEnvelopeError, SurplusBytesError
from zerometer.agent.batch.limits import MAX_BYTES
from zerometer.agent.cli.common import Subparsers
from zerometer.core.errors import FormatError, UsageError

EXAMPLE = """\
example:
  zerometer decode journal
  zerometer decode /var/lib/zerometer/journal.db --json
"""

JOURNAL = "journal.db"
SQLITE = b"SQLite format 3\0"
#: How a batch begins: an array of 3 or more, a map, a short text as its first key.
BEGIN = re.compile(rb"[\x93-\x9f](?:[\x81-\x8f]|\xde..)[\xa1-\xbf][a-z]", re.S)

UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def add_parser(subparsers: Subparsers) -> None:
    """Add the command to *subparsers*."""
    parser = subparsers.add_parser(
        "decode",
        help="show what is in a batch",
        description=(
            "Check batches and show what is in them. FILE is a journal (its folder or "
            "its journal.db, also while an agent writes it), or holds one batch or "
            "several, one after the other; another folder is read file by file. What "
            "is no batch is reported on stderr by the name of its fault, and the rest "
            "is shown."
        ),
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "source", metavar="FILE", help="a journal, a file, a folder, or - for input"
    )
    parser.add_argument(
        "--json", action="store_true", help="one JSON object per batch and line"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Show the batches; return 0, or the exit code of the last fault."""
    code = 0
    for name, data in _read(arguments.source):
        if not data:
            print(f"{name}: empty", file=sys.stderr)
            code = FormatError.exit_code
        for start, part in split(data):
            try:
                batch = decode(part)
            except FormatError as error:
                fault = _fault(error, part)
                print(f"{name}: byte {start}: {fault}", file=sys.stderr)
                code = error.exit_code
            else:
                print(_json(batch) if arguments.json else "\n".join(_lines(batch)))
    return code


def _fault(error: FormatError, part: bytes) -> str:
    """Return what is wrong with bytes that were set aside as one piece."""
    if isinstance(error, SurplusBytesError):
        # The first of them happen to be msgpack, as those of any text are.
        error = BadEnvelopeError("batch: is none")
    return f"{error.code}: {error}; {len(part)} bytes skipped"


def _read(source: str) -> Iterator[tuple[str, bytes]]:
    if source == "-":
        yield "standard input", sys.stdin.buffer.read()
        return
    path = Path(source)
    try:
        if path.is_dir() and (path / JOURNAL).exists():
            path = path / JOURNAL
        for file in sorted(path.iterdir()) if path.is_dir() else [path]:
            if file.is_dir():
                continue
            if _is_sqlite(file):
                yield from _journal(file)
            else:
                yield str(file), file.read_bytes()
    except OSError as error:
        raise UsageError(f"decode: {error.filename}: {error.strerror}") from error


def _is_sqlite(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(len(SQLITE)) == SQLITE


def _journal(file: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the batches of a journal, which an agent may be writing meanwhile."""
    import sqlite3

    uri = f"{file.absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            found = connection.execute("SELECT stream, seq, data FROM batch")
            for stream, seq, data in found:
                yield f"{file}: {stream}/{seq}", data
    except sqlite3.Error as error:
        raise UsageError(f"decode: {file}: not a readable journal: {error}") from error


def split(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield offset and bytes of each batch in *data*.

    What lies between batches, or before or after them, comes in one piece.
    """
    start = 0
    while start < len(data):
        end = _end_of_batch(data, start)
        if not _is_whole(data[start:end]):
            # What looks like one batch may reach into the next.
            end = min(end or len(data), _next_batch(data, start))
        yield start, data[start:end]
        start = end


def _is_whole(part: bytes) -> bool:
    with suppress(FormatError):
        peek(part)
        return True
    return False


def _end_of_batch(data: bytes, start: int) -> int:
    """Return where what looks like a batch at *start* ends, 0 when nothing does."""
    if not BEGIN.match(data, start):
        return 0
    unpacker = msgpack.Unpacker(max_buffer_size=MAX_BYTES)
    unpacker.feed(memoryview(data)[start : start + MAX_BYTES])
    try:
        unpacker.skip()
    except (msgpack.UnpackException, ValueError):
        return 0
    return start + int(unpacker.tell())


def _next_batch(data: bytes, start: int) -> int:
    """Return where the next whole batch after *start* begins, or the end of *data*."""
    for found in BEGIN.finditer(data, start + 1):
        end = _end_of_batch(data, found.start())
        if _is_whole(data[found.start() : end]):
            return found.start()
    return len(data)


def _json(batch: Batch) -> str:
    header = {
        name: value.hex() if isinstance(value, bytes) else value
        for name, value in asdict(batch.header).items()
    }
    tables = [
        {
            "name": table.name,
            "columns": [
                {"name": column.name, "unit": column.unit, "values": _values(column)}
                for column in table.columns
            ],
        }
        for table in batch.tables
    ]
    document = {"header": header, "tables": tables, "skipped_columns": batch.skipped}
    return json.dumps(document, ensure_ascii=False)


def _values(column: Column) -> list[Any]:
    if isinstance(column.values, array):
        return column.values.tolist() if _is_time(column) else column.numbers()
    return column.values


def _lines(batch: Batch) -> Iterator[str]:
    header = batch.header
    yield (
        f"batch {header.source.hex()}/{header.epoch.hex()}/{header.stream}/{header.seq}"
        f" of {header.site}: {header.rows} rows, {header.samples} samples, "
        f"{_time(header.t0_ms)} to {_time(header.t1_ms)}, clock {header.clock}"
    )
    for gap in header.gaps:
        yield f"  gap: {gap.first} to {gap.last}: {gap.reason}"
    for table in batch.tables:
        yield f"  {table.name}"
        names = [f"{c.name} [{c.unit}]" if c.unit else c.name for c in table.columns]
        columns = [[_cell(c, value) for value in _values(c)] for c in table.columns]
        widths = [
            max(map(len, [name, *cells]))
            for name, cells in zip(names, columns, strict=True)
        ]
        for row in (names, *zip(*columns, strict=True)):
            cells = map(str.ljust, row, widths)
            yield "    " + "  ".join(cells).rstrip()


def _is_time(column: Column) -> bool:
    return (column.name, column.unit) == ("time", "ms")


def _cell(column: Column, value: Any) -> str:
    if value is None:
        return "-"
    return _time(value) if _is_time(column) else str(value)


def _time(time_ms: int) -> str:
    """Return an ISO 8601 time, or the number where the calendar ends."""
    try:
        moment = UNIX_EPOCH + timedelta(milliseconds=time_ms)
    except OverflowError:
        return f"{time_ms} ms"
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
