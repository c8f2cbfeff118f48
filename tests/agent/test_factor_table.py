"""A CSV file of factor rows: what is read, and what is said of what is not."""

from pathlib import Path

import pytest

from zerometer.agent.factors.table import read_factor_csv
from zerometer.core.errors import ConfigError
from zerometer.core.factor import FactorRow

HOUR = 3600 * 10**9
T0 = 1_767_225_600 * 10**9  # 2026-01-01 00:00 in UTC
HEADER = "series,t0,t1,value,unit"
LINE = "cn-east,2026-01-01T00:00:00Z,2026-01-01T01:00:00Z,0.55,kg/kWh"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "factors.csv"


def test_a_line_with_all_columns(file: Path) -> None:
    file.write_text(
        f"{HEADER},status,method,basis,provider,published_at\n"
        "cn-east,2026-01-01T08:00+08:00,2026-01-01T09:00+08:00,581.3,g/kWh,"
        "final,marginal,lifecycle,somebody,2026-01-02T00:00:00Z\n"
    )
    assert read_factor_csv(file, 7).rows == [
        FactorRow(
            series="cn-east",
            t0_ns=T0,
            t1_ns=T0 + HOUR,
            value=pytest.approx(0.5813, rel=1e-15),  # type: ignore[arg-type]
            unit="kg/kWh",
            method="marginal",
            basis="lifecycle",
            status="final",
            provider="somebody",
            published_ns=T0 + 24 * HOUR,
            fetched_ns=7,
            revision=1,
        )
    ]


def test_what_a_line_leaves_out_has_a_default(file: Path) -> None:
    file.write_text(f"\ufeff{HEADER}\r\n{LINE}\r\n", encoding="utf-8")
    (row,) = read_factor_csv(file, 7).rows
    assert (row.status, row.method, row.basis) == ("measured", "average", "direct")
    assert (row.provider, row.published_ns, row.fetched_ns) == ("", 7, 7)


def test_a_line_without_a_value_says_nothing(file: Path) -> None:
    file.write_text(f"{HEADER}\n{LINE.replace('0.55', '')}\n{LINE}\n")
    found = read_factor_csv(file)
    assert [row.value for row in found.rows] == [0.55]
    assert found.bad == []


def test_later_lines_have_higher_revisions(file: Path) -> None:
    file.write_text(f"{HEADER}\n{LINE}\n{LINE.replace('0.55', '0.6')}\n")
    first, second = read_factor_csv(file).rows
    assert second.precedence > first.precedence


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("0.55", "550", "value: 550 kg/kWh is not within 0 to 2"),
        ("0.55", "-0.1", "value: -0.1 kg/kWh is not within 0 to 2"),
        ("0.55", "nan", "value: nan kg/kWh is not within 0 to 2"),
        ("0.55", "a lot", "value: 'a lot' is not a number"),
        ("kg/kWh", "lb/MWh", "unit: 'lb/MWh' is not one of "),
        ("cn-east", "", "series: is empty"),
        ("T00:00:00Z", "T02:00:00Z", "t1: is not after t0"),
        ("T00:00:00Z", " noon", "t0: '2026-01-01 noon' is not an ISO 8601 time"),
        ("T01:00:00Z", "T01:00:00", "t1: '2026-01-01T01:00:00' has no offset;"),
        ("kg/kWh", "kg/kWh,sure", "status: 'sure' is not one of forecast, "),
        ("kg/kWh", "kg/kWh,final,x", "has 7 cells, its header 6"),
        (LINE, "cn-east,2026-01", "has 2 cells, its header 6"),
    ],
)
def test_a_bad_line_is_told_and_the_others_are_read(
    file: Path, old: str, new: str, reason: str
) -> None:
    good, line = f"{LINE},", LINE.replace(old, new)
    if line.count(",") == LINE.count(","):
        line += ","
    file.write_text(f"{HEADER},status\n{good}\n{line}\n\n{good}\n")
    found = read_factor_csv(file)
    assert len(found.rows) == 2
    (bad,) = found.bad
    assert bad.where == "factors.csv:3"
    assert bad.reason.startswith(reason)


def test_a_file_of_other_columns_is_none(file: Path) -> None:
    file.write_text("series,t0,t1,value\n")
    with pytest.raises(ConfigError, match=r":1: no column unit: needed are series, t0"):
        read_factor_csv(file)
