"""``zerometer factors``."""

import csv
import re
from pathlib import Path

import pytest

from zerometer.agent.cli.main import main
from zerometer.config.factor_library import shipped
from zerometer.core.errors import ConfigError, JournalError, UsageError

HEAD = "series,t0,t1,value,unit,status,published_at\n"
LINE = "cn-east,2026-03-01T0{0}:00Z,2026-03-01T0{1}:00Z,{2},g/kWh,{3},{4}\n"
MEASURED = LINE.format(1, 2, 550, "measured", "2026-03-02T00:00Z")
FORECAST = LINE.format(1, 3, 600, "forecast", "2026-03-01T00:00Z")

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def site(demo_file: Path) -> str:
    return str(demo_file)


def take(site: str, text: str) -> int:
    file = Path(site).with_name("factors.csv")
    file.write_text(text, encoding="utf-8")
    return main(["factors", "import", site, str(file)])


def listed(out: str) -> list[dict[str, str]]:
    return list(csv.DictReader(out.splitlines()))


def test_shipped_factors_are_listed_without_a_site(capsys: Captured) -> None:
    assert main(["factors", "list", "--shipped"]) == 0
    rows = listed(capsys.readouterr().out)
    assert [row["name"] for row in rows] == list(shipped())
    (east,) = (r for r in rows if r["name"] == "cn-grid/2023/region/east-china")
    assert (east["value"], east["confidence"], east["verified"]) == (
        "0.55", "high", "yes",
    )  # fmt: skip


def test_a_shipped_factor_is_shown_with_its_source(capsys: Captured) -> None:
    assert main(["factors", "show", "cn-fuel/natural-gas"]) == 0
    assert capsys.readouterr().out == (
        "cn-fuel/natural-gas: 2.16219 kg/Nm3\n"
        "天然气 / Natural gas, 2024\n"
        "basis: direct\n"
        "0.038931 GJ per unit x 0.0153 t carbon per GJ x 0.99 oxidised x 44/12\n"
        "confidence: high\n"
        "source: GB/T 32151.34-2024, table C.1: 389.31 GJ per 10^4 Nm3, "
        "0.0153 t carbon per GJ, 99 % oxidised\n"
    )
    main(["factors", "show", "tce/lng"])
    assert "LNG, year not stated\nconfidence: medium\n" in capsys.readouterr().out
    main(["factors", "show", "gwp/ar5/ch4-nonfossil"])
    assert "\nconfidence: low, unverified\n" in capsys.readouterr().out


def test_what_is_imported_is_listed_and_shown(site: str, capsys: Captured) -> None:
    assert take(site, HEAD + FORECAST + MEASURED) == 0
    assert capsys.readouterr().out == "2 new, 0 known before, 0 set aside\n"
    assert main(["factors", "list", site]) == 0
    (row,) = listed(capsys.readouterr().out)
    assert row.pop("fetched_at") > "2026"
    assert row == {
        "series": "cn-east", "rows": "2", "t0": "2026-03-01T01:00:00Z",
        "t1": "2026-03-01T03:00:00Z", "unit": "kg/kWh", "provider": "",
    }  # fmt: skip


def test_what_was_never_said_is_listed_as_such(site: str, capsys: Captured) -> None:
    text = Path(site).read_text(encoding="utf-8")
    at = text.index("[source.grid]")
    series = 'factor = { series = "cn-east", fallback = 0.55 }'
    text = text[:at] + re.sub("(?m)^factor = .*", series, text[at:], count=1)
    Path(site).write_text(text, encoding="utf-8")
    assert main(["factors", "list", site]) == 0
    (row,) = listed(capsys.readouterr().out)
    assert (row["series"], row["rows"], row["unit"]) == ("cn-east", "0", "kg/kWh")
    assert main(["factors", "show", "cn-east", site]) == UsageError.exit_code
    assert "there are: none" in capsys.readouterr().err
    # Who only looks leaves nothing behind.
    assert not (Path(site).parent / "journal").exists()


def test_a_damaged_file_is_told(site: str, capsys: Captured) -> None:
    take(site, HEAD + MEASURED)
    (Path(site).parent / "journal" / "factors.sqlite").write_bytes(b"garbage " * 999)
    assert main(["factors", "list", site]) == 0
    assert "warning: factors: " in capsys.readouterr().err


def test_what_holds_can_be_imported_elsewhere(site: str, capsys: Captured) -> None:
    take(site, HEAD + FORECAST + MEASURED)
    capsys.readouterr()
    assert main(["factors", "show", "cn-east", site]) == 0
    shown = capsys.readouterr().out
    assert [(r["t0"][11:16], r["value"], r["status"]) for r in listed(shown)] == [
        ("01:00", "0.55", "measured"),
        ("02:00", "0.6", "forecast"),
    ]
    other = Path(site).parent / "other"
    other.mkdir()
    text = Path(site).read_text(encoding="utf-8").replace("/state", "/other")
    (other / "site.toml").write_text(text, encoding="utf-8")
    assert take(str(other / "site.toml"), shown) == 0
    assert capsys.readouterr().out.startswith("2 new")


def test_what_was_known_at_a_time_is_shown(
    site: str, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seconds, line in ((1_772_409_600, FORECAST), (1_772_755_200, MEASURED)):
        monkeypatch.setattr("time.time_ns", lambda now=seconds: now * 10**9)
        take(site, HEAD + line)
    capsys.readouterr()

    def values(*as_of: str) -> list[str]:
        assert main(["factors", "show", "cn-east", site, *as_of]) == 0
        return [row["value"] for row in listed(capsys.readouterr().out)]

    assert values("--as-of", "2026-03-02T00:00:00Z") == ["0.6"]
    assert values("--as-of", "2026-03-05T23:59:59Z") == ["0.6"]
    assert values("--as-of", "2026-03-06T00:00:00Z") == ["0.55", "0.6"]
    assert values() == ["0.55", "0.6"]
    with pytest.raises(SystemExit):
        main(["factors", "show", "cn-east", site, "--as-of", "monday"])
    assert "'monday' is not an ISO 8601 time" in capsys.readouterr().err
    before = ("--as-of", "2026-01-01T00:00:00Z")
    assert main(["factors", "show", "cn-east", site, *before]) == UsageError.exit_code
    assert "cn-east: nothing was known of it at this time; " in capsys.readouterr().err


def test_a_mistyped_shipped_factor_needs_no_site(capsys: Captured) -> None:
    assert main(["factors", "show", "cn-grid/2023/x"]) == UsageError.exit_code
    assert "zerometer factors list --shipped has those" in capsys.readouterr().err


def test_bad_lines_are_told_and_the_others_are_taken(
    site: str, capsys: Captured
) -> None:
    broken = LINE.format(4, 5, 55000, "measured", "")
    text = HEAD + MEASURED + broken + LINE.format(5, 6, 560, "measured", "")
    assert take(site, text) == ConfigError.exit_code
    said = capsys.readouterr()
    assert said.out == "2 new, 0 known before, 1 set aside\n"
    reason = "factors.csv:3: value: 55 kg/kWh is not within 0 to 2"
    assert said.err == f"{reason}\n"
    # The corrected file may be imported whole.
    assert take(site, text.replace("55000", "550")) == 0
    assert capsys.readouterr().out == "1 new, 2 known before, 0 set aside\n"
    main(["factors", "list", site])
    assert f": {reason}\n" in capsys.readouterr().err


def test_a_series_of_another_unit_is_told(site: str, capsys: Captured) -> None:
    take(site, HEAD + MEASURED)
    heat = LINE.format(4, 5, 55, "measured", "").replace("g/kWh", "kg/GJ")
    assert take(site, HEAD + heat) == ConfigError.exit_code
    assert "cn-east at 2026-03-01T04:00:00Z: unit and basis: kg/GJ, direct, but" in (
        capsys.readouterr().err
    )


def test_a_name_that_is_not_there(site: str, capsys: Captured) -> None:
    take(site, HEAD + MEASURED)
    assert main(["factors", "show", "cn-west", site]) == UsageError.exit_code
    assert "cn-west: no shipped factor, and no value of such a series was known; " in (
        said := capsys.readouterr().err
    )
    assert said.endswith("there are: cn-east\n")


def test_a_state_that_cannot_be(site: str, capsys: Captured) -> None:
    (Path(site).parent / "journal").write_text("")
    assert take(site, HEAD + MEASURED) == JournalError.exit_code
    assert "factors: " in capsys.readouterr().err
