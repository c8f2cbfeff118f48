"""How often recorded readings come, and what counts as a gap between them."""

from pathlib import Path

import pytest
from harness.replays import replay
from harness.scenarios import START, iso

SITE = """
format = 1
[site]
id = "plant"
timezone = "Asia/Shanghai"
[[bus]]
id = "line"
port = "line"
[[meter]]
id = "main"
bus = "line"
unit = 1
map = "eastron-sdm630"
period = { power = "1s", energy = "5s" }
[pool.lv]
carrier = "electricity"
[source.grid]
into = "lv"
meter = "main"
factor = 0.5
[sink.rest]
remainder_of = "lv"
"""
QUARTER_S = 900


@pytest.mark.parametrize(("missing", "share"), [(range(0), 1.0), (range(9, 13), 0.75)])
def test_readings_count_at_the_pace_of_the_recording(
    tmp_path: Path, missing: range, share: float
) -> None:
    """Five hours of quarters from a meter that is polled each five seconds."""
    site = tmp_path / "site.toml"
    site.write_text(SITE)
    rows = [
        f"{iso(START + i * QUARTER_S)},main,active_energy_import,{1000 + 25 * i}"
        for i in range(21)
        if i not in missing
    ]
    readings = tmp_path / "readings.csv"
    readings.write_text("time,meter,point,value\n" + "\n".join(rows) + "\n")
    found = replay(site, readings)
    assert found["sources"]["grid"]["quantity"] == pytest.approx(500.0, rel=1e-12)
    assert found["measured_share"] == pytest.approx(share)
