"""CRC and judgement, compiled and plain side by side."""

import random
from types import ModuleType

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from reference import frame as reference

from zerometer.core import _frame

BOTH = pytest.mark.parametrize(
    "implementation", [_frame, reference], ids=["compiled", "reference"]
)


@BOTH
@pytest.mark.parametrize("size", [8, 125, 255])
def test_crc16(
    benchmark: BenchmarkFixture, size: int, implementation: ModuleType
) -> None:
    benchmark.group = f"CRC of {size} bytes"
    data = random.Random(size).randbytes(size)
    assert benchmark(implementation.crc16, data) == reference.crc16(data)


@BOTH
def test_judge(benchmark: BenchmarkFixture, implementation: ModuleType) -> None:
    benchmark.group = "judgement of a reply of 60 registers"
    request = _frame.read_request(1, 4, 0, 60)
    reply = reference.granted(request, random.Random(60).randbytes(120))
    assert benchmark(implementation.judge, request, reply) == 0
