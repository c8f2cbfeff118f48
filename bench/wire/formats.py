"""The same tables in other formats: how many bytes they take."""

import gzip
import io
import json
import zlib
from array import array
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard
from pcodec import ChunkConfig, standalone

from bench.wire import gorilla
from zerometer.agent.batch import Column, Header, Table, decode, encode
from zerometer.agent.batch.body import pack_body
from zerometer.agent.batch.limits import deflate
from zerometer.agent.uplink.sparkplug_payload import Metric, payload

ZSTD_LEVEL = 19
#: The best of each format is shown: these are their highest levels.
PCODEC_LEVEL = 12

Sizer = Callable[[Sequence[Table]], int]


def ours(tables: Sequence[Table]) -> int:
    """Return the size of a batch, header and checksum included."""
    data = encode(HEADER, tables)
    assert [t.rows for t in decode(data).tables] == [t.rows for t in tables]
    return len(data)


def ours_zstd(tables: Sequence[Table], level: int = 9) -> int:
    """Return the size of a batch if its body went through zstd instead of deflate."""
    plain = b"".join(pack_body(tables))
    sealed = ours(tables) - len(deflate(pack_body(tables)))
    return sealed + len(zstandard.compress(plain, level))


def ours_zstd_most(tables: Sequence[Table]) -> int:
    """Return the same at the highest level but those that need more memory."""
    return ours_zstd(tables, ZSTD_LEVEL)


HEADER = Header(
    source=bytes(range(16)),
    epoch=bytes(range(8)),
    site="wire",
    stream="readings",
    seq=1,
    t0_ms=1,
    t1_ms=2,
    boot=bytes(range(16)),
    prev=bytes(range(32)),
)


def _rows(tables: Sequence[Table]) -> Iterator[tuple[str, int, dict[str, float]]]:
    """Yield table, time and values of each row; what is missing is left out."""
    for table in tables:
        time, *others = table.columns
        columns = [(column.name, column.numbers()) for column in others]
        for row, time_ms in enumerate(time.values):
            values = ((name, numbers[row]) for name, numbers in columns)
            yield table.name, time_ms, {n: v for n, v in values if v is not None}


def as_json(tables: Sequence[Table]) -> int:
    """Return the size of JSON, an object per row, through zlib."""
    lines = [
        json.dumps({"series": name, "time": time_ms, **values}, separators=(",", ":"))
        for name, time_ms, values in _rows(tables)
    ]
    return len(zlib.compress("\n".join(lines).encode(), 9))


def as_lines(tables: Sequence[Table]) -> int:
    """Return the size of line protocol, as InfluxDB takes it, through gzip."""
    lines = []
    for name, time_ms, values in _rows(tables):
        _, meter, group = (*name.split("/"), "", "")[:3]
        fields = ",".join(f"{point}={value!r}" for point, value in values.items())
        lines.append(f"{group},meter={meter} {fields} {time_ms}")
    return len(gzip.compress("\n".join(lines).encode(), 9, mtime=0))


def _sparkplug(tables: Sequence[Table]) -> bytes:
    """Return the messages of all rows: aliases, after a birth that is not counted."""
    aliases: dict[tuple[str, str], int] = {}
    messages = []
    for number, (name, time_ms, values) in enumerate(_rows(tables)):
        metrics = [
            Metric(
                alias=aliases.setdefault((name, point), len(aliases)),
                time_ms=time_ms,
                value=float(value),
            )
            for point, value in values.items()
        ]
        messages.append(payload(time_ms, metrics, number % 256))
    return b"".join(messages)


def as_sparkplug(tables: Sequence[Table]) -> int:
    """Return the size of Sparkplug B as it is."""
    return len(_sparkplug(tables))


def as_sparkplug_zlib(tables: Sequence[Table]) -> int:
    """Return the size of all messages in one piece through zlib."""
    return len(zlib.compress(_sparkplug(tables), 9))


def as_sparkplug_zstd(tables: Sequence[Table]) -> int:
    """Return the size of all messages in one piece through zstd."""
    return len(zstandard.compress(_sparkplug(tables), ZSTD_LEVEL))


def as_gorilla_32(tables: Sequence[Table]) -> int:
    """Return the size of Gorilla's blocks with floats of 32 bits, without names."""
    return _gorilla(tables, "f")


def as_gorilla_64(tables: Sequence[Table]) -> int:
    """Return the size of Gorilla's blocks with floats of 64 bits, without names."""
    return _gorilla(tables, "d")


def _gorilla(tables: Sequence[Table], kind: str) -> int:
    bits = 0
    for table in tables:
        time, *others = table.columns
        bits += gorilla.time_bits(time.values)
        for column in others:
            present = [v for v in column.numbers() if v is not None]
            bits += gorilla.value_bits(present, kind)
    return bits // 8


def as_parquet(tables: Sequence[Table]) -> int:
    """Return the size of a Parquet file, series by series, through zstd."""
    series: list[str] = []
    times, values = array("q"), array("d")
    for table in tables:
        time, *others = table.columns
        for column in others:
            for moment, value in zip(time.values, column.numbers(), strict=True):
                if value is not None:
                    series.append(f"{table.name}/{column.name}")
                    times.append(moment)
                    values.append(value)
    long = pa.table(
        {
            "series": pa.array(series).dictionary_encode(),
            "time": pa.array(np.asarray(times)),
            "value": pa.array(np.asarray(values)),
        }
    )
    sizes = []
    for split in (True, False):
        file = io.BytesIO()
        encodings = {"time": "DELTA_BINARY_PACKED"}
        if split:
            encodings["value"] = "BYTE_STREAM_SPLIT"
        pq.write_table(
            long,
            file,
            compression="zstd",
            compression_level=ZSTD_LEVEL,
            use_dictionary=["series"] if split else ["series", "value"],
            column_encoding=encodings,
        )
        sizes.append(len(file.getvalue()))
    return min(sizes)


def as_pcodec(tables: Sequence[Table]) -> int:
    """Return the size of all columns through pcodec, without names."""
    config = ChunkConfig(compression_level=PCODEC_LEVEL)
    return sum(
        len(standalone.simple_compress(_present(column), config))
        for table in tables
        for column in table.columns
    )


def _present(column: Column) -> "np.ndarray":
    assert isinstance(column.values, array)
    values = np.frombuffer(column.values, dtype=column.values.typecode)
    if column.nulls:
        values = values[np.frombuffer(column.nulls, dtype="u1") == 0]
    if column.values.typecode == "d" and np.all(values == values.astype("f4")):
        values = values.astype("f4")
    return np.ascontiguousarray(values)


FORMATS: dict[str, Sizer] = {
    "**Zerometer's batch**": ours,
    "the same with zstd 9 for deflate": ours_zstd,
    "the same with zstd 19": ours_zstd_most,
    "JSON rows, zlib": as_json,
    "line protocol, gzip": as_lines,
    "Sparkplug B": as_sparkplug,
    "Sparkplug B, zlib": as_sparkplug_zlib,
    "Sparkplug B, zstd": as_sparkplug_zstd,
    "Gorilla, 32 bits, no names": as_gorilla_32,
    "Gorilla, 64 bits, no names": as_gorilla_64,
    "Parquet, zstd": as_parquet,
    "pcodec, no names": as_pcodec,
}
