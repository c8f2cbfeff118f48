"""Views, inventories and certificates, from site file and readings to the output."""

from pathlib import Path

import pytest
from harness.replays import command, kinds, replay

SITE = """
format = 1
[site]
id = "views"
timezone = "Asia/Shanghai"
views = ["physical", "location", "market", "gb32150"]
matching = "hour"
[[meter]]
id = "incomer"
points = { imported = "kWh", exported = "kWh" }
[[meter]]
id = "pv"
points = { energy = "kWh" }
[[meter]]
id = "line"
points = { energy = "kWh" }
[[meter]]
id = "gas"
points = { volume = "Nm3" }
[[meter]]
id = "battery"
points = { charged = "kWh", discharged = "kWh" }
[pool.lv]
carrier = "electricity"
[pool.heat]
carrier = "heat"
[source.grid]
into = "lv"
meter = "incomer:imported"
factor = { location = 0.6, market = 0.8, gb32150 = 0.5 }
carbon_free_share = 0.3
[source.pv]
into = "lv"
meter = "pv:energy"
kind = "own"
factor = 0
[process.boiler]
burns = { natural_gas = "gas:volume" }
gives = { heat = { meter = "gas:volume", times = 0.03 } }
factor = { natural_gas = 2.0 }
[storage.battery]
pool = "lv"
charge = "battery:charged"
discharge = "battery:discharged"
[sink.line]
from = { lv = "line:energy" }
[sink.sold]
from = { lv = "incomer:exported" }
kind = "export"
[sink.rest]
remainder_of = "lv"
[sink.heated]
remainder_of = "heat"
"""
#: 2026-01-01 00:00 in Shanghai.
START = 1_767_196_800
HEAD = "id,kind,source,start,end,quantity,unit,factor,plant\n"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "site.toml"
    path.write_text(SITE, encoding="utf-8")
    return path


def readings(folder: Path, hours: list[dict[str, float]]) -> Path:
    """Write counters that gain so much in each hour, by ``METER:POINT``."""
    names = sorted({name for hour in hours for name in hour})
    lines, index = ["time,meter,point,value"], dict.fromkeys(names, 1000.0)
    for quarter in range(4 * len(hours) + 1):
        for name in names:
            meter, point = name.split(":")
            lines.append(f"{START + 900 * quarter},{meter},{point},{index[name]!r}")
            if quarter < 4 * len(hours):
                index[name] += hours[quarter // 4].get(name, 0.0) / 4
    path = folder / "readings.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def hour(**gains: float) -> dict[str, float]:
    """Return what counters gain in an hour; those that are not named stand still."""
    points = {
        "grid": "incomer:imported", "sold": "incomer:exported", "pv": "pv:energy",
        "line": "line:energy", "gas": "gas:volume", "charged": "battery:charged",
        "discharged": "battery:discharged",
    }  # fmt: skip
    return {point: gains.get(name, 0.0) for name, point in points.items()}


def test_site_totals_are_gross_but_for_the_enterprises(
    site: Path, tmp_path: Path
) -> None:
    """PV 100, half of it sent out; then 50 bought, at 0.6: 30 kg and not 0."""
    hours = [hour(pv=100, sold=50, line=50), hour(grid=50, line=50, gas=10)]
    found = replay(site, readings(tmp_path, hours))
    assert found["emissions_kg"] == pytest.approx(
        {"physical": 50.0, "location": 50.0, "market": 60.0, "gb32150": 20.0 + 25 - 25}
    )
    scopes = {view: i["scope"] for view, i in found["inventory"]["views"].items()}
    assert scopes["location"] == pytest.approx({"1": 20.0, "2": 30.0})
    assert scopes["gb32150"] == pytest.approx({"0": -25.0, "1": 20.0, "2": 25.0})
    iso = found["inventory"]["views"]["market"]["iso"]
    assert iso == pytest.approx({"1": 20.0, "2": 40.0})
    ghg = found["inventory"]["views"]["market"]["ghg"]
    assert ghg["stationary-combustion"] == pytest.approx(20.0)
    assert found["sources"]["grid"]["category"]["market"]["ghg"] == (
        "purchased-electricity"
    )


def test_an_excess_moves_through_a_storage(site: Path, tmp_path: Path) -> None:
    """What is charged in a certified hour has no carbon when it is given back."""
    hours = [hour(grid=100, line=60, charged=40), hour(discharged=40, line=40)]
    papers = tmp_path / "gec.csv"
    papers.write_text(
        HEAD + "A,certificate,grid,2026-01-01T00:00,2026-01-01T01:00,100,kWh,0,\n"
    )
    found = replay(
        site, readings(tmp_path, hours), "--certificates", papers, "--window", "1h"
    )
    line = [w["sinks"]["line"]["emissions_kg"] for w in found["windows"]]
    assert [kg["market"] for kg in line] == pytest.approx([0.0, 0.0])
    assert [kg["location"] for kg in line] == pytest.approx([36.0, 24.0])
    assert found["certificates"]["score_24_7"] == pytest.approx(1.0)


def test_sinks_and_storages_add_up_to_the_sites_total(
    site: Path, tmp_path: Path
) -> None:
    hours = [
        hour(grid=100, pv=20, line=60, charged=30, gas=7),
        hour(grid=20, pv=60, line=70, discharged=10, sold=15),
    ]
    found = replay(site, readings(tmp_path, hours))
    for view in ("physical", "location", "market"):
        places = sum(sink["emissions_kg"][view] for sink in found["sinks"].values())
        places += sum(s["change_kg"][view] for s in found["storages"].values())
        places += sum(p["idle_kg"][view] for p in found["processes"].values())
        assert found["emissions_kg"][view] == pytest.approx(places, rel=1e-12)
    sent_out = 15 * 0.5
    gross = sum(s["emissions_kg"]["gb32150"] for s in found["sources"].values())
    assert found["emissions_kg"]["gb32150"] == pytest.approx(gross - sent_out)


def test_certificates_change_the_market_view_only(site: Path, tmp_path: Path) -> None:
    """Two hours of 100 kWh: 150 and 30 certified. An excess stays in its hour."""
    path = readings(tmp_path, [hour(grid=100, line=100), hour(grid=100, line=100)])
    papers = tmp_path / "gec.csv"
    papers.write_text(
        HEAD
        + "A,certificate,grid,2026-01-01T00:00,2026-01-01T01:00,150,kWh,0,\n"
        + "B,certificate,grid,2026-01-01T01:00,2026-01-01T02:00,0.03,MWh,,\n"
        + "C,certificate,grid,2026-01,,9,MWh,,\n",
        encoding="utf-8",
    )
    plain = replay(site, path)
    found = replay(site, path, "--certificates", papers, "--window", "1h")
    assert plain["emissions_kg"]["market"] == pytest.approx(160.0)
    assert found["emissions_kg"]["market"] == pytest.approx(70 * 0.8)
    for view in ("physical", "location", "gb32150"):
        assert found["emissions_kg"][view] == plain["emissions_kg"][view]
    assert [w["emissions_kg"]["market"] for w in found["windows"]] == pytest.approx(
        [0.0, 56.0]
    )
    told = found["certificates"]
    assert (told["matched"], told["unmatched"]) == pytest.approx((130, 70))
    assert told["score_24_7"] == pytest.approx((130 + 70 * 0.3) / 200)
    assert told["unplaced"] == ["C"]
    assert ("certificate-unplaced", "C") in kinds(found)
    scores = [w["certificates"]["score_24_7"] for w in found["windows"]]
    assert scores == pytest.approx([1.0, 0.3 + 0.7 * 0.3])
    assert plain["certificates"]["score_24_7"] == pytest.approx(0.3)


def test_a_month_of_certificates_follows_its_plant(site: Path, tmp_path: Path) -> None:
    path = readings(tmp_path, [hour(grid=100, line=100)] * 3)
    papers = tmp_path / "gec.csv"
    papers.write_text(
        HEAD
        + "C,certificate,grid,2026-01,,240,kWh,,sun\n"
        + ",generation,,2026-01-01T01:00,2026-01-01T02:00,20,MWh,,sun\n"
        + ",generation,,2026-01-01T02:00,2026-01-01T03:00,10,MWh,,sun\n",
        encoding="utf-8",
    )
    found = replay(site, path, "--certificates", papers, "--window", "1h")
    matched = [w["certificates"]["matched"] for w in found["windows"]]
    assert matched == pytest.approx([0, 100, 80])
    assert found["certificates"]["joined"] == ["C"]


def test_what_is_sold_of_the_sun_is_grey_in_the_market(
    site: Path, tmp_path: Path
) -> None:
    path = readings(tmp_path, [hour(pv=100, line=100)])
    papers = tmp_path / "sold.csv"
    papers.write_text(HEAD + "S,sold,pv,2026-01,,25,kWh,,\n", encoding="utf-8")
    found = replay(site, path, "--certificates", papers)
    assert found["emissions_kg"]["location"] == 0.0
    assert found["emissions_kg"]["market"] == pytest.approx(25 * 0.8)
    told = found["certificates"]["sources"]["pv"]
    assert (told["sold"], told["unsold"]) == pytest.approx((25, 75))
    score = found["certificates"]["score_24_7"]
    assert score == pytest.approx(0.75 + 0.25 * 0.3)


def test_more_sold_than_made_is_told(site: Path, tmp_path: Path) -> None:
    path = readings(tmp_path, [hour(pv=100, line=100)])
    papers = tmp_path / "sold.csv"
    papers.write_text(HEAD + "S,sold,pv,2026-01,,125,kWh,,\n", encoding="utf-8")
    found = replay(site, path, "--certificates", papers)
    assert found["emissions_kg"]["market"] == pytest.approx(100 * 0.8)
    (flag,) = (flag for flag in found["flags"] if flag["kind"] == "oversold")
    assert flag["subject"] == "pv"
    assert flag["text"] == "25 kWh more sold than it made"


def test_a_file_that_does_not_hold_is_told(site: Path, tmp_path: Path) -> None:
    path = readings(tmp_path, [hour(grid=1)])
    papers = tmp_path / "gec.csv"
    papers.write_text(HEAD + "A,certificate,gird,2026-01,,1,kWh,,\n")
    code, out, messages = command(site, path, "--certificates", papers)
    assert (code, out) == (78, "")
    assert "gec.csv:2: source: no source 'gird'" in messages
