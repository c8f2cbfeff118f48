"""Rows as a CSV or a Parquet file."""

import csv
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any

from zerometer.agent.journal_tools.tables import (
    INTEGER,
    NUMBER,
    TEXT,
    TIME,
    Row,
    Sheet,
    as_text,
)
from zerometer.core.errors import ConfigError, UsageError

#: Rows of a Parquet row group: what is in memory at once.
GROUP_ROWS = 1 << 16


def write_csv(rows: Iterable[Row], sheet: Sheet, out: IO[str]) -> int:
    """Write *rows* to *out*, names first; return how many."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([name for name, _ in sheet.columns])
    count = 0
    for row in rows:
        writer.writerow(as_text(row))
        count += 1
    return count


def write_parquet(rows: Iterator[Row], sheet: Sheet, file: Path) -> int:
    """Write *rows* to *file*; return how many.

    ConfigError without pyarrow, UsageError when the file cannot be written.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise ConfigError(
            "journal export: --format parquet needs pyarrow: install it with "
            'pip install "zerometer[parquet]"'
        ) from None
    types = {
        TIME: pyarrow.timestamp("ms", tz="UTC"),
        TEXT: pyarrow.string(),
        NUMBER: pyarrow.float64(),
        INTEGER: pyarrow.int64(),
    }
    schema = pyarrow.schema([(name, types[kind]) for name, kind in sheet.columns])
    count = 0
    try:
        with pyarrow.parquet.ParquetWriter(file, schema, compression="zstd") as writer:
            while group := list(islice(rows, GROUP_ROWS)):
                columns = [
                    pyarrow.array(_converted(values, kind), types[kind])
                    for values, (_, kind) in zip(
                        zip(*group, strict=True), sheet.columns, strict=True
                    )
                ]
                writer.write_table(pyarrow.table(columns, schema=schema))
                count += len(group)
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror or error}") from error
    return count


def _converted(values: tuple[Any, ...], kind: str) -> list[Any]:
    if kind == NUMBER:
        return [None if value is None else float(value) for value in values]
    if kind == INTEGER:
        return [None if value is None else int(value) for value in values]
    return list(values)
