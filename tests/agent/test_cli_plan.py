"""``zerometer plan``: what a technician reads before anything is wired."""

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from harness.markdown import blocks, page, section

from zerometer.agent.bus_memory import BusMemory
from zerometer.agent.cli.main import main
from zerometer.agent.cli.plan import duration
from zerometer.config.site import load_site
from zerometer.drivers.memory import UnitMemory

Json = dict[str, Any]

WALKED = """
format = 1
id = "walked"
vendor = "Vendor"
model = "Walked"
category = "electricity"
confidence = "low"
sources = ["a test"]

[sunspec]
base = [40000]

[defaults]
function = 3
model = 213

[points.power]
active_power = { address = 26, type = "f32", unit = "W" }

[points.energy]
active_energy_import = { address = 58, type = "f32", unit = "kWh", resolution = 0.1 }
"""


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the demo's site file, beside which nothing is: no port, no journal."""
    monkeypatch.setenv("COLUMNS", "100")
    path = tmp_path / "site.toml"
    shipped = files("zerometer.config") / "sites" / "demo.toml"
    path.write_text(shipped.read_text(encoding="utf-8"), encoding="utf-8")
    return path


def change(path: Path, pattern: str, replacement: str) -> None:
    text, count = re.subn(pattern, replacement, path.read_text(encoding="utf-8"))
    assert count
    path.write_text(text, encoding="utf-8")


def plan(path: Path, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    assert main(["plan", str(path), *options]) == 0
    return capsys.readouterr().out


def test_the_page_shows_what_is_printed(
    demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shown,) = blocks(section(page("docs/commands.md"), "## zerometer plan"), "text")
    printed = plan(demo, capsys, "--meter", "incomer")
    assert printed.replace(str(demo.parent), "/etc/zerometer") == shown
    assert [entry.name for entry in demo.parent.iterdir()] == ["site.toml"]


def test_shares_add_up(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found: Json = json.loads(plan(demo, capsys, "--json"))
    (bus,) = found["buses"]
    assert len(bus["meters"]) == 7
    for key in ("utilisation", "poll_s"):
        assert bus[key] == pytest.approx(sum(meter[key] for meter in bus["meters"]))
    for meter in bus["meters"]:
        for cycle in meter["cycles"]:
            cost_ms = sum(request["cost_ms"] for request in cycle["requests"])
            assert cycle["cost_ms"] == pytest.approx(cost_ms)
            share = cost_ms / 1000 / cycle["interval_s"]
            assert cycle["utilisation"] == pytest.approx(share, rel=1e-6)
    assert bus["faster"]["baud"] == 19_200
    assert bus["faster"]["utilisation"] < bus["utilisation"]


def test_a_quicker_meter_takes_less(
    demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assumed = json.loads(plan(demo, capsys, "--json"))["buses"][0]["meters"][0]
    quick_plan = plan(demo, capsys, "--json", "--turnaround", "5ms", "--meter", "pv")
    (quick,) = json.loads(quick_plan)["buses"][0]["meters"]
    assert (assumed["turnaround_ms"], quick["turnaround_ms"]) == (20.0, 5.0)
    assert quick["id"] == "pv"
    first = [meter["cycles"][0]["cost_ms"] for meter in (assumed, quick)]
    assert first[0] - first[1] == pytest.approx(15.0)


def test_what_the_agent_learnt_counts(
    demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = load_site(demo).site
    folder = Path(site.journal.path)
    folder.mkdir()
    learnt = UnitMemory(turnaround_ns=6_200_000, refused=("active_energy_export",))
    BusMemory(folder, site.meters).write({"battery": learnt})
    text = plan(demo, capsys)
    title = "battery (unit 3, eastron-sdm630): 3.3%, answers after 6.2 ms; refuses"
    assert f"{title} active_energy_export" in text.replace("\n  ", " ")
    assert "compressor (unit 4, eastron-sdm630): 5.0%, answers after 20 ms" in text
    text = plan(demo, capsys, "--meter", "battery", "--turnaround", "20ms")
    assert "answers after 20 ms; refuses" in text
    (folder / "meters.json").write_text("{", encoding="utf-8")
    assert main(["plan", str(demo)]) == 0
    assert "meters.json: damaged" in capsys.readouterr().err


def test_what_does_not_fit_is_told_with_the_rate_that_can_be_had(
    demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(demo, "baud = 9600", "baud = 2400")
    assert "hint: little" not in plan(demo, capsys, "--turnaround", "5ms")
    change(demo, 'power = "1s"', 'power = "500ms"')
    text = plan(demo, capsys)
    (used,) = re.findall(r"8N1\): ([\d.]+)% of its time", text)
    times = f"{float(used) / 100:.2f}"
    assert f"overloaded: the periods of all meters become about {times} times" in text
    change(demo, 'power = "500ms"', 'power = "1s"')
    text = plan(demo, capsys)
    assert "overloaded" not in text
    assert "hint: little is left" in text


def test_a_meter_that_wants_much_peace_is_told(
    demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = demo.parent / "maps" / "slow.toml"
    own.parent.mkdir()
    shipped = files("zerometer.config") / "maps" / "isma-sfar-4di.toml"
    text = shipped.read_text(encoding="utf-8")
    text = re.sub(r'(?m)^id = ".*"', 'id = "slow"', text)
    text, count = re.subn(r"(?m)^\[read\]$", '[read]\nmin_delay = "6s"', text)
    if not count:
        text = text.replace("[points.", '[read]\nmin_delay = "6s"\n\n[points.', 1)
    own.write_text(text, encoding="utf-8")
    change(demo, "isma-sfar-4di", "slow")
    text = plan(demo, capsys)
    assert "then wants 6000 ms of peace" in text
    assert "overloaded: meter gas-main wants so much peace" in text
    assert "become 1.21 times as long" in text.replace("\n  ", " ")


def test_addresses_that_only_the_device_knows_are_told_as_such(
    demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = demo.parent / "maps" / "walked.toml"
    own.parent.mkdir()
    own.write_text(WALKED, encoding="utf-8")
    change(demo, 'id = "line-2"((.|\n)*?)map = "eastron-sdm630"',
           'id = "line-2"\\1map = "walked"')  # fmt: skip
    text = plan(demo, capsys, "--meter", "line-2")
    assert "SunSpec: addresses count from where its models" in text.replace("\n  ", " ")


def test_the_fastest_line_has_no_faster_one(
    demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(demo, "baud = 9600", "baud = 230400")
    assert "baud:" not in plan(demo, capsys)
    assert json.loads(plan(demo, capsys, "--json"))["buses"][0]["faster"] is None


def test_a_network_costs_only_turnarounds_unless_its_line_is_stated(
    demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(demo, 'port = "rs485-a"', 'port = "tcp://10.0.0.7"')
    behind = plan(demo, capsys)
    assert "(tcp://10.0.0.7:502, 9600 8N1)" in behind
    assert "at 19200 baud" in behind
    change(demo, "baud = 9600", "")
    text = plan(demo, capsys, "--meter", "gas-main")
    assert "(tcp://10.0.0.7:502, a network of which no line is stated)" in text
    assert "21.8  volume" in text
    assert "baud:" not in text
    (bus,) = json.loads(plan(demo, capsys, "--json"))["buses"]
    assert bus["line"] is bus["faster"] is None


def test_a_meter_that_is_not_there(
    demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", str(demo), "--meter", "pump"]) == 2
    assert "--meter pump: no such meter; there are: incomer" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["5", "0ms"])
def test_a_turnaround_that_is_none(
    demo: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["plan", str(demo), "--turnaround", text])
    assert end.value.code == 2
    assert f'{text} is no duration such as "5ms"' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.5, "500 ms"), (1.0, "1 s"), (90.0, "90 s"), (600.0, "10 min"),
     (7200.0, "2 h"), (86_400.0, "1 d"), (1.5, "1500 ms")],
)  # fmt: skip
def test_durations_are_told_as_people_write_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text
