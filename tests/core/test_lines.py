"""Lines of readings: what they mean, and what is wrong with them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference.lines import Lines, moment_ns

from zerometer.core import _lines
from zerometer.core._lines import LineParser
from zerometer.core.errors import UsageError

POINTS = [("grid", "energy"), ("grid", "power"), ("水表", "体积"), ("g", "ridenergy")]
SECOND = 10**9


def parser(places: tuple[int, ...] = (0, 1, 2, 3), columns: int = 4) -> LineParser:
    return LineParser(POINTS, places, columns)


def rows(found: LineParser) -> dict[tuple[str, str], list[tuple[int, float]]]:
    return {
        POINTS[slot]: list(zip(times, values, strict=True))
        for slot, times, values in found.take()
    }


def fault_of(line: str, before: str = "", **changes: int) -> int:
    """Return the fault of a line, which comes after another."""
    found = parser()
    for name, value in changes.items():
        setattr(found, name, value)
    data = f"{before}\n{line}\n".encode()
    at, lines, fault = found.parse(data, 0)
    assert (at == len(data)) == (fault == 0)
    assert lines == (1 if fault else 2)
    return fault


def value_of(text: str) -> float:
    found = parser()
    assert found.parse(f"0,grid,power,{text}\n".encode(), 0)[2] == 0
    return rows(found)["grid", "power"][0][1]


def time_of(text: str) -> int:
    found = parser()
    assert found.parse(f"{text},grid,power,1\n".encode(), 0)[2] == 0
    return rows(found)["grid", "power"][0][0]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("1767225600", 1_767_225_600),
        ("1767225600.25", 1_767_225_600.25),
        ("2026-01-01T00:00:00Z", 1_767_225_600),
        ("2026-01-01T08:00:00+08:00", 1_767_225_600),
        ("2026-01-01 08:00+08", 1_767_225_600),
        ("2025-12-31T19:30:00.000-0430", 1_767_225_600),
        ("2024-02-29T23:59:59.999999999Z", 1_709_251_199.999999999),
    ],
)
def test_times(text: str, seconds: float) -> None:
    assert time_of(text) == pytest.approx(seconds * SECOND, abs=256)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("2026-01-01T00:00:00", _lines.NAIVE),
        ("2026-01-01", _lines.NAIVE),
        ("", _lines.TIME),
        ("-1", _lines.TIME),
        ("1e9", _lines.TIME),
        ("yesterday", _lines.TIME),
        ("2026-02-29T00:00:00Z", _lines.TIME),
        ("2026-13-01T00:00:00Z", _lines.TIME),
        ("2026-01-01T24:00:00Z", _lines.TIME),
        ("2026-01-01T00:00:60Z", _lines.TIME),
        ("2026-01-01T00:00:00.Z", _lines.TIME),
        ("2026-01-01T00:00:00.1234567890Z", _lines.TIME),
        ("2026-01-01T00:00:00+8", _lines.TIME),
        ("2026-01-01T00:00:00+08:00:00", _lines.TIME),
        ("2026-1-1T00:00:00Z", _lines.TIME),
        ("1969-12-31T23:59:59Z", _lines.RANGE),
        ("2300-01-01T00:00:00Z", _lines.RANGE),
        ("1767225600000", _lines.RANGE),
        ("99999999999999999999999", _lines.TIME),
    ],
)
def test_what_is_no_time(text: str, fault: int) -> None:
    assert fault_of(f"{text},grid,power,1") == fault


@pytest.mark.parametrize(
    "text",
    ["0", "-0.0", "+1", "1.", ".5", "1e3", "1E-3", "0.1", "123456789012345678901234",
     "9007199254740993", "4.9e-324", "1.7976931348623157e308", "3.14159265358979323846",
     "0.000000000000000000000001", "1e0000000000000001", "100000000000000000000e-20",
     "1e-400"],
)  # fmt: skip
def test_numbers_are_rounded_as_python_rounds_them(text: str) -> None:
    assert repr(value_of(text)) == repr(float(text))


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 30))
def test_any_number_is_read_as_it_was_written(value: float, digits: int) -> None:
    assert value_of(repr(value)) == value
    text = f"{value:.{digits}g}"
    if abs(float(text)) < float("inf"):
        assert value_of(text) == float(text)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("x", _lines.NUMBER),
        ("1 2", _lines.NUMBER),
        ("1e", _lines.NUMBER),
        ("1e+", _lines.NUMBER),
        (".", _lines.NUMBER),
        ("-", _lines.NUMBER),
        ("0x10", _lines.NUMBER),
        ("1_000", _lines.NUMBER),
        ("nan", _lines.NUMBER),
        ("inf", _lines.NUMBER),
        ("1" * 65, _lines.NUMBER),
        ("1e400", _lines.INFINITE),
        ("-1e309", _lines.INFINITE),
    ],
)
def test_what_is_no_number(text: str, fault: int) -> None:
    assert fault_of(f"0,grid,power,{text}") == fault


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("0,grid,power", _lines.FIELDS),
        ("0,grid,power,1,2", _lines.FIELDS),
        ("0,grid,power,1,", _lines.FIELDS),
        ('0,"grid,power,1', _lines.QUOTES),
        ('0,"grid"x,power,1', _lines.QUOTES),
        ("0,grid,volume,1", _lines.UNKNOWN),
        ("0,gridd,power,1", _lines.UNKNOWN),
        ("0,,power,1", _lines.UNKNOWN),
        ("0,gri,denergy,1", _lines.UNKNOWN),
    ],
)
def test_what_is_no_line(line: str, fault: int) -> None:
    assert fault_of(line) == fault


def test_time_goes_forward_for_each_point_by_itself() -> None:
    assert fault_of("9,grid,power,1", "10,grid,energy,1") == 0
    assert fault_of("9,grid,power,1", "10,grid,power,1") == _lines.BACKWARDS
    assert fault_of("9,grid,power,1", floor_ns=9 * SECOND) == 0
    assert fault_of("9,grid,power,1", floor_ns=10 * SECOND) == _lines.LATE


def test_missing_values_and_repeated_times_are_counted() -> None:
    found = parser()
    text = "1,grid,power,1\n1,grid,power,2\n2,grid,power,\n3,grid,power,3\n"
    assert found.parse(text.encode(), 0) == (len(text), 4, 0)
    assert (found.missing(1), found.repeated(1), found.missing(0)) == (1, 1, 0)
    assert (found.earliest_ns, found.latest_ns) == (SECOND, 3 * SECOND)
    assert rows(found) == {("grid", "power"): [(SECOND, 1.0), (3 * SECOND, 3.0)]}
    assert found.take() == []


def test_columns_in_another_order_with_quotes_blanks_and_empty_lines() -> None:
    found = parser((3, 1, 2, 0), 5)
    text = '\r\n 1.5 ,"水表", "体积" ,\t7 ,ignored\r\n\n2,grid,power,8,"a b"\n'
    assert found.parse(text.encode(), 0) == (len(text.encode()), 4, 0)
    assert rows(found) == {
        ("水表", "体积"): [(7 * SECOND, 1.5)],
        ("grid", "power"): [(8 * SECOND, 2.0)],
    }


def test_it_stops_at_a_fault_and_when_it_is_full() -> None:
    found = parser()
    good = b"".join(b"%d,grid,power,%d\n" % (i, i) for i in range(300_000))
    at, lines, fault = found.parse(good, 0)
    assert (lines, fault) == (found.waiting, 0)
    assert 200_000 < lines < 300_000
    assert found.parse(good, at) == (at, 0, 0)
    found.take()
    assert found.parse(good, at) == (len(good), 300_000 - lines, 0)
    assert found.parse(b"400000,grid,power,1\nx\n", 0)[:2] == (20, 1)


@pytest.mark.parametrize("data", [b"0,grid,power,1", b""])
def test_data_that_do_not_end_with_a_line_are_refused(data: bytes) -> None:
    with pytest.raises(UsageError):
        parser().parse(data, 0)


@pytest.mark.parametrize(
    ("places", "columns"), [((0, 1, 2), 4), ((0, 1, 2, 4), 4), ((0, 1, 2, 3), 65)]
)
def test_places_out_of_range_are_refused(places: tuple[int, ...], columns: int) -> None:
    with pytest.raises(UsageError):
        parser(places, columns)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 4_000_000),
            st.sampled_from(POINTS),
            st.one_of(st.just(""), st.floats(-1e9, 1e9).map(repr)),
            st.integers(-14, 14),
        ),
        max_size=60,
    )
)
def test_kernel_is_the_reference(
    drawn: list[tuple[int, tuple[str, str], str, int]],
) -> None:
    found, plain = parser(), Lines()
    for seconds, (meter, point), value, offset in sorted(drawn):
        zone = timezone(timedelta(hours=offset))
        time = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
        line = f"{time.astimezone(zone).isoformat()},{meter},{point},{value}"
        plain.add(line)
        assert found.parse(f"{line}\n".encode(), 0)[2] == 0
    assert rows(found) == {key: its for key, its in plain.rows.items() if its}
    slots = range(len(POINTS))
    assert sum(map(found.missing, slots)) == plain.missing
    assert sum(map(found.repeated, slots)) == plain.repeated


@given(
    st.lists(st.sampled_from([*b'0123456789-+:.TZeE,",\r \tgridpower'])), st.binary()
)
def test_any_bytes_end_at_a_line(drawn: list[int], more: bytes) -> None:
    data = bytes(drawn) + b"\n1,grid,power,2\n" + more + b"\n"
    found, at = parser(), 0
    while at < len(data):
        after, _, fault = found.parse(data, at)
        assert fault or after == len(data)
        assert after == 0 or data[after - 1 : after] == b"\n"
        at = after if not fault else data.index(b"\n", after) + 1
    assert (SECOND, 2.0) in rows(found).get(("grid", "power"), [(SECOND, 2.0)])


def test_the_reference_knows_its_times() -> None:
    assert moment_ns("2026-01-01T08:00:00.5+08:00") == 1_767_225_600_500_000_000
