"""Registers to values, compiled and plain side by side."""

import random
import struct
from array import array

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from reference import decode as reference

from zerometer.core._decode import DecodePlan

#: What a three-phase meter has in one block: 30 floats, or integers of two sizes.
FLOATS = [reference.plain(2 * i, "f32") for i in range(30)]
INTEGERS = [
    *[reference.plain(i, "i16", scale=0.1, markers=(0x7FFF,)) for i in range(20)],
    *[
        reference.plain(20 + 2 * i, "u32", "CDAB", 0.01, (2**32 - 1,))
        for i in range(20)
    ],
]


BLOCKS = pytest.mark.parametrize(
    "fields", [FLOATS, INTEGERS], ids=["30 floats", "40 integers"]
)


def wire() -> bytes:
    """Return registers in which all values are finite, the same in each run."""
    numbers = random.Random(60)
    words = (numbers.uniform(-1e4, 1e4) for _ in range(30))
    return b"".join(struct.pack(">f", word) for word in words)


@BLOCKS
def test_compiled(benchmark: BenchmarkFixture, fields: list[reference.Field]) -> None:
    benchmark.group = f"decoding {len(fields)} {fields[0][0][0][1]}"
    data = wire()
    values, qualities = array("d", [0.0] * len(fields)), bytearray(len(fields))
    benchmark(DecodePlan(fields).decode, data, values, qualities)
    expected = reference.decode(data, fields)
    assert repr(list(zip(values, qualities, strict=True))) == repr(
        [(value, int(quality)) for value, quality in expected]
    )


@BLOCKS
def test_compiled_by_the_hundred(
    benchmark: BenchmarkFixture, fields: list[reference.Field]
) -> None:
    benchmark.group = f"decoding 100 x {len(fields)} {fields[0][0][0][1]}"
    data, count = wire(), 100
    values = array("d", bytes(8 * count * len(fields)))
    qualities = bytearray(count * len(fields))
    plan = DecodePlan(fields)
    benchmark(plan.decode_block, count * data, len(data), values, qualities)
    expected = [value for value, _ in reference.decode(data, fields)]
    assert [values[i * count] for i in range(len(fields))] == expected


@BLOCKS
def test_reference(benchmark: BenchmarkFixture, fields: list[reference.Field]) -> None:
    benchmark.group = f"decoding {len(fields)} {fields[0][0][0][1]}"
    data = wire()
    result = benchmark(reference.decode, data, fields)
    assert len(result) == len(fields)
