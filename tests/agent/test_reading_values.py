"""What becomes of a value on its way from a register to whoever opens the batch."""

import math
import struct
from array import array
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from harness.batches import header
from harness.gateway import Gateway, journalled_site
from harness.sites import meter, reading
from hypothesis import given
from hypothesis import strategies as st

from zerometer.agent.batch import decode, encode, verify
from zerometer.agent.gather import OpenBatch
from zerometer.agent.reading_rows import ReadingRows, exponent_of
from zerometer.core.points import Point, Quality, Reading

GAUGE = Point(name="gauge", function=4, address=0, type="f32", unit="W", group="power")
COUNTER = replace(GAUGE, name="counter", unit="kWh", kind="counter", resolution=0.001)

float32s = st.floats(width=32, allow_nan=False, allow_infinity=False)
scales = st.sampled_from([1.0, 0.1, 0.01, 0.001, 1000.0, 1.2, -0.001, 1 / 3])
registers = {
    "u16": st.integers(0, 0xFFFF),
    "i32": st.integers(-(1 << 31), (1 << 31) - 1),
    "u64": st.integers(0, (1 << 64) - 1),
    "f32": float32s,
    "f64": st.floats(allow_nan=False, allow_infinity=False),
}
missing = st.just(math.nan)


def through(point: Point, values: Sequence[float], *, raw: bool) -> list[list[float]]:
    """Return what a batch brings of *values*: of each column, NaN where there is none.

    A counter's index is its value.
    """
    metered = meter("m", 1, point)
    last = [math.nan]
    rows = ReadingRows([metered], lambda _meter, _point: last[0], raw=raw)
    batch = OpenBatch()
    for time_ms, value in enumerate(values):
        last[0] = value
        quality = Quality.MISSING if math.isnan(value) else Quality.MEASURED
        brought = Reading("m", 0, (0,), array("d", [value]), bytes([quality]))
        for table, fields, row in rows.rows(brought):
            batch.add(table, fields, time_ms, row)
    (table,) = decode(encode(header(), batch.tables())).tables
    return [
        [math.nan if value is None else value for value in column.numbers()]
        for column in table.columns[1:]
    ]


def bits(values: Sequence[float]) -> list[bytes]:
    """Return the bits of each value, all NaN being one."""
    return [b"none" if v != v else struct.pack("<d", v) for v in values]  # noqa: PLR0124


@given(st.data(), st.sampled_from(sorted(registers)), scales)
def test_raw_values_come_back_to_the_last_bit(
    data: st.DataObject, kind: str, scale: float
) -> None:
    read = data.draw(st.lists(registers[kind] | missing, min_size=1, max_size=20))
    values = [register * scale for register in read]
    values = [value if math.isfinite(value) else math.nan for value in values]
    point = replace(GAUGE, type=kind, scale=scale, resolution=0.5)  # type: ignore[arg-type]
    (column,) = through(point, values, raw=True)
    assert bits(column) == bits(values)


@given(
    st.lists(st.floats(-1e9, 1e9) | missing, min_size=1, max_size=20),
    st.sampled_from([0.001, 0.01, 0.1, 0.5, 1.0, 25.0, 100.0]),
)
def test_values_err_at_most_half_a_step_of_their_resolution(
    values: list[float], resolution: float
) -> None:
    point = replace(GAUGE, resolution=resolution)
    exponent = exponent_of(point)
    assert exponent is not None
    step = 10.0**exponent
    assert step <= resolution
    (column,) = through(point, values, raw=False)
    for got, value in zip(column, values, strict=True):
        assert math.isnan(got) == math.isnan(value)
        if not math.isnan(value):
            assert abs(got - value) <= step / 2 + math.ulp(value)


@given(st.lists(float32s | missing, min_size=1, max_size=20), st.booleans())
def test_counters_of_floats_and_their_indices_are_exact(
    values: list[float], raw: bool
) -> None:
    counter, index = through(COUNTER, values, raw=raw)
    assert bits(counter) == bits(values)
    assert bits(index) == bits(values)


def test_a_counter_of_32_bits_takes_a_byte_or_two() -> None:
    energy = [struct.unpack("<f", struct.pack("<f", 2000 + n * 0.0167))[0]
              for n in range(900)]  # fmt: skip
    rows = OpenBatch()
    made = ReadingRows([meter("m", 1, COUNTER)], lambda _meter, _point: energy[n])
    for n, value in enumerate(energy):
        brought = Reading("m", 0, (0,), array("d", [value]), b"\0")
        for table, fields, row in made.rows(brought):
            rows.add(table, fields, n * 1000, row)
    data = encode(header(), rows.tables())
    assert len(data) < 1100


def test_an_agent_keeps_readings_raw_and_signs_them(tmp_path: Path) -> None:
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key.pem").write_bytes(pem)
    site = journalled_site(tmp_path / "journal")
    settings = replace(site.journal, raw=True, sign=str(tmp_path / "key.pem"))
    with Gateway(tmp_path / "journal", replace(site, journal=settings)) as gateway:
        odd = 47_123.456_789
        gateway.deliver(
            [reading(site, "line", gateway.times.boot_ns, active_power=odd)]
        )
        gateway.tick()
        gateway.stop()
        sent = [batch.data for batch in gateway.stored()]
    (power,) = [
        column.numbers()
        for data in sent
        for table in decode(data).tables
        if table.name == "readings/line/power"
        for column in table.columns[1:]
    ]
    assert power == [odd]
    for data in sent:
        verify(data, private.public_key().public_bytes_raw())
