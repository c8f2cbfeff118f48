"""Whatever is read: books that balance, plain numbers, and no traceback."""

import json
from pathlib import Path

import pytest
from harness.replays import command, schema
from harness.scenarios import START, iso, site
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SITE = """
[[meter]]
id = "grid"
points = { active_energy_import = { unit = "kWh", period = "1min", resolution = 0.1 }, active_energy_export = "kWh", active_power = "kW" }
[[meter]]
id = "battery"
points = { active_energy_import = "kWh", active_energy_export = "kWh", active_power = "kW", soc = "%" }
[[meter]]
id = "line"
points = { energy = { unit = "kWh", modulus = 1000 } }
[[meter]]
id = "there"
points = { energy = "kWh" }
[[meter]]
id = "back"
points = { energy = "kWh" }
[virtual.offices]
unit = "kWh"
plus = ["grid"]
minus = ["line", "battery"]
[pool.lv]
carrier = "electricity"
nominal = 100
[pool.ring]
carrier = "electricity"
[source.grid]
into = "lv"
meter = "grid"
factor = 0.6
[storage.battery]
pool = "lv"
meter = "battery"
efficiency = [0.9, 0.9]
capacity = 50
standby = "sink"
state_of_charge = { meter = "battery:soc", empty = 5, full = 95 }
[process.there]
kind = "feeder"
takes = { lv = "there" }
gives = { ring = { meter = "there", times = 0.97 } }
[process.back]
kind = "feeder"
losses = "gross"
takes = { ring = "back" }
gives = { lv = { meter = "back", times = 0.9 } }
[sink.line]
from = { lv = "line" }
[sink.offices]
from = { ring = "offices" }
[sink.export]
from = { lv = "grid:active_energy_export" }
kind = "export"
"""  # noqa: E501
POINTS = [
    ("grid", "active_energy_import"),
    ("grid", "active_energy_export"),
    ("grid", "active_power"),
    ("battery", "active_energy_import"),
    ("battery", "active_energy_export"),
    ("battery", "active_power"),
    ("battery", "soc"),
    ("line", "energy"),
    ("there", "energy"),
    ("back", "energy"),
]
VALUES = st.one_of(
    st.none(),
    st.floats(-100, 1000),
    st.integers(0, 20).map(float),
    st.sampled_from([0.0, -0.0, 1e-300, 999.9, 1e15, -1e15, 4294967295.0]),
)
ROWS = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 0, 1, 30, 60, 60, 600, 4000, 100_000]),
        st.sampled_from(POINTS),
        VALUES,
    ),
    max_size=80,
)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("any")
    return site(folder / "site.toml", SITE), folder / "readings.csv"


@pytest.mark.timeout(60)
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(ROWS, st.sampled_from(["15min", "1h", "1d"]))
def test_whatever_is_read(
    files: tuple[Path, Path],
    rows: list[tuple[int, tuple[str, str], float | None]],
    window: str,
) -> None:
    path, readings = files
    lines, now = ["time,meter,point,value"], START
    for passed, (meter, point), value in rows:
        now += passed
        lines.append(
            f"{iso(now)},{meter},{point},{'' if value is None else repr(value)}"
        )
    readings.write_text("\n".join(lines))
    code, out, messages = command(path, readings, "--json", "--window", window)
    if code == 5:
        assert "readings: " in messages
        return
    assert code == 0, messages
    found = json.loads(out, parse_constant=pytest.fail)
    schema().validate(found)
    for span in (found, *found["windows"]):
        for view in found["views"]:
            entered = [s["emissions_kg"][view] for s in span["sources"].values()]
            got = [s["emissions_kg"][view] for s in span["sinks"].values()]
            got += [s["idle_kg"][view] for s in span["processes"].values()]
            got += [s["change_kg"][view] for s in span["storages"].values()]
            scale = sum(map(abs, entered)) + sum(map(abs, got))
            assert sum(entered) == pytest.approx(sum(got), rel=1e-9, abs=1e-9 * scale)
    for name in ("sinks", "sources"):
        for key, whole in found[name].items():
            parts = [window[name][key]["quantity"] for window in found["windows"]]
            assert sum(parts) == pytest.approx(whole["quantity"], rel=1e-9, abs=1e-12)
