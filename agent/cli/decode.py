"""``zerometer decode``: batches as text or JSON, for people and other programs."""

import argparse
import json
import sys
from array import array
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from zerometer.agent.batch import Batch, Column, decode
from zerometer.agent.batch.errors import BadEnvelopeError, SurplusBytesError
from zerometer.agent.cli.common import Subparsers
from zerometer.core.errors import FormatError

EXAMPLE = """\
example:
  zerometer decode journal
  zerometer decode /var/lib/zerometer/journal.db --json
"""

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
    # What reads journals brings SQLite; the help does without.
    from zerometer.agent.batch_files import read_files, split

    code = 0
    for name, data in read_files(arguments.source):
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
