"""What a sample costs to pack and to open, in time of a core."""

import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.wire.formats import HEADER
from zerometer.agent.batch import Table, decode, encode
from zerometer.core._linear import add_prediction, decode_linear, encode_linear

RUNS = 7
#: As many columns as an encoder tries as references.
REFERENCES = 16


@dataclass(frozen=True, slots=True)
class Speed:
    """Nanoseconds per sample: of the column codec, and of whole batches."""

    encode_column: float
    decode_column: float
    seal: float
    open: float


def measure(tables: Sequence[Table]) -> Speed:
    """Measure on *tables*, of which the codec gets the columns of one length."""
    columns = [
        column.values
        for table in tables
        for column in table.columns[1:]
        if isinstance(column.values, array)
        and column.values.typecode == "q"
        and len(column.values) == tables[0].rows
    ]
    groups = [
        (column, columns[max(0, at - REFERENCES) : at])
        for at, column in enumerate(columns)
    ]
    backs = [list(range(len(before), 0, -1)) for _, before in groups]
    packed = [
        encode_linear(column, before, back)
        for (column, before), back in zip(groups, backs, strict=True)
    ]

    def encode_all() -> None:
        for (column, before), back in zip(groups, backs, strict=True):
            encode_linear(column, before, back)

    def decode_all() -> None:
        opened: list[array[int]] = []
        for data, (column, _) in zip(packed, groups, strict=True):
            stored, back, factor, _ = decode_linear(data, 0, len(column))
            if back:
                add_prediction(stored, opened[-back], factor)
            opened.append(stored)
        assert opened == columns

    samples = sum(map(len, columns))
    data = encode(HEADER, tables)
    held = decode(data).header.samples
    return Speed(
        encode_column=1e9 * _least_s(encode_all) / samples,
        decode_column=1e9 * _least_s(decode_all) / samples,
        seal=1e9 * _least_s(lambda: encode(HEADER, tables)) / held,
        open=1e9 * _least_s(lambda: decode(data)) / held,
    )


def _least_s(job: Callable[[], object]) -> float:
    """Return the least CPU time that *job* took in some runs."""
    least = float("inf")
    for _ in range(RUNS):
        start = time.process_time()
        job()
        least = min(least, time.process_time() - start)
    return least
