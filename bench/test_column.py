"""The column codec beside its reference, and what batches of readings weigh."""

import json
import math
import random
import zlib
from array import array
from types import ModuleType

import pytest
from harness.batches import header
from pytest_benchmark.fixture import BenchmarkFixture
from reference import column as reference

from bench.wire import noise
from bench.wire.noise import METERS, POINTS, wander
from zerometer.agent.batch import Table, decode, encode
from zerometer.core import _column, _linear

BOTH = pytest.mark.parametrize(
    "implementation", [_column, reference], ids=["compiled", "reference"]
)
#: Values per call; an encode or decode of all in 0.5 ms is 20 million a second.
COUNT = 10_000
#: As many columns as an encoder tries as references.
REFERENCES = 16

MINUTES = 15


@BOTH
@pytest.mark.parametrize("order", [0, 1, 2])
def test_encode(
    benchmark: BenchmarkFixture, order: int, implementation: ModuleType
) -> None:
    benchmark.group = f"encode {COUNT} integers, order {order}"
    values = array("q", wander(random.Random(1), COUNT, POINTS[3]))
    given = values if implementation is _column else values.tolist()
    data = benchmark(implementation.encode_integers, given, order)
    assert data == reference.encode_integers(values.tolist(), order)


@BOTH
@pytest.mark.parametrize("order", [0, 1, 2])
def test_decode(
    benchmark: BenchmarkFixture, order: int, implementation: ModuleType
) -> None:
    benchmark.group = f"decode {COUNT} integers, order {order}"
    values = wander(random.Random(1), COUNT, POINTS[3])
    data = reference.encode_integers(values, order)
    assert list(benchmark(implementation.decode_integers, data, COUNT, order)) == values


def test_encode_linear(benchmark: BenchmarkFixture) -> None:
    benchmark.group = f"encode {COUNT} integers, linear with {REFERENCES} references"
    values, *others = _alike()
    backs = list(range(1, 1 + REFERENCES))
    data = benchmark(_linear.encode_linear, values, others, backs)
    assert len(data) < 1.1 * COUNT


def test_decode_linear(benchmark: BenchmarkFixture) -> None:
    benchmark.group = f"decode {COUNT} integers, linear"
    values, *others = _alike()
    data = _linear.encode_linear(values, others, list(range(1, 1 + REFERENCES)))

    def decode_all() -> "array[int]":
        stored, back, factor, _ = _linear.decode_linear(data, 0, COUNT)
        _linear.add_prediction(stored, others[back - 1], factor)
        return stored

    assert benchmark(decode_all) == values


def _alike() -> "list[array[int]]":
    """Return columns of currents, of which each nearly tells the next."""
    chance = random.Random(1)
    first = wander(chance, COUNT, POINTS[3])
    times = [1.0 + number / 7 for number in range(1 + REFERENCES)]
    return [
        array("q", (round(time * value) + chance.randrange(9) for value in first))
        for time in times
    ]


def test_quantise(benchmark: BenchmarkFixture) -> None:
    benchmark.group = f"quantise {COUNT} floats"
    values = array("d", (n / 1000 for n in range(COUNT)))
    values[5] = math.nan
    out, nulls = array("q", bytes(8 * COUNT)), bytearray(COUNT)
    benchmark(_column.quantise, values, -3, out, nulls)
    assert (out.tolist(), list(nulls)) == reference.quantise(values.tolist(), -3)


@pytest.mark.parametrize("period_s", [1, 10, 60])
def test_bytes_per_sample(benchmark: BenchmarkFixture, period_s: int) -> None:
    benchmark.group = f"seal {METERS} x {len(POINTS)} points, {period_s} s, 15 min"
    tables = noise.tables(MINUTES * 60, period_s)
    data = benchmark(encode, header(), tables)
    batch = decode(data)
    assert batch.tables == tables
    plain = zlib.compress(_as_json(tables), 6)
    print(
        f"\n{batch.header.samples} samples each {period_s} s: "
        f"{len(data) / batch.header.samples:.3f} bytes per sample, "
        f"as JSON rows + zlib {len(plain) / batch.header.samples:.3f}"
    )
    assert len(data) * 2 < len(plain)


def _as_json(tables: list[Table]) -> bytes:
    """Return the same as one JSON object per reading, values in their unit."""
    lines = []
    for table in tables:
        names = [column.name for column in table.columns]
        rows = zip(*(column.numbers() for column in table.columns), strict=True)
        lines += [
            json.dumps({"series": table.name} | dict(zip(names, row, strict=True)))
            for row in rows
        ]
    return "\n".join(lines).encode()
