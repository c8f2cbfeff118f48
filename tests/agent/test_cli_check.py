"""``zerometer check``."""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import zerometer.config
from zerometer.agent.cli import check
from zerometer.agent.cli.common import DEFAULT_SITE, load, site_path
from zerometer.config.problems import FileError

DEMO = str(Path(zerometer.config.__file__).parent / "sites" / "demo.toml")


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    check.add_parser(parser.add_subparsers())
    options = parser.parse_args(["check", *arguments])
    return int(options.run(options))


def test_a_good_site_is_summed_up(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(DEMO) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert "demo-factory (示范工厂 Demo factory), Asia/Shanghai" in said.out
    assert "  1 incomer: acrel-adl400, 5 points" in said.out
    assert "3 pools, 2 sources, 2 processes, 1 storage, 6 sinks" in said.out
    assert "\nviews: physical, location, market, gb32150\n" in said.out
    assert said.out.endswith("no problem found\n")


def test_meters_without_a_bus_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = tmp_path / "site.toml"
    site.write_text(
        'format = 1\n[site]\nid = "s"\ntimezone = "UTC"\n[[meter]]\nid = "gas"\n'
        'points = { volume = "Nm3", flow = "Nm3/h" }\n',
        encoding="utf-8",
    )
    assert run(str(site)) == 0
    assert "no bus: gas: volume (Nm3), flow (Nm3/h)\n" in capsys.readouterr().out


def test_a_good_site_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--json", DEMO) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["ok"] is True
    assert answer["site"]["meters"] == 7
    assert answer["site"]["views"] == ["physical", "location", "market", "gb32150"]
    assert answer["warnings"] == []


def test_warnings_go_to_standard_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = tmp_path / "site.toml"
    text = Path(DEMO).read_text(encoding="utf-8")
    site.write_text(text.replace("127.0.0.1", "10.0.0.1"), encoding="utf-8")
    assert run(str(site)) == 0
    said = capsys.readouterr()
    assert said.err.startswith(f"warning: {site}:")
    assert said.out.endswith("no error found\n")


def test_a_bus_that_cannot_keep_its_periods_is_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = tmp_path / "site.toml"
    text = Path(DEMO).read_text(encoding="utf-8")
    slow = text.replace("baud = 9600", "baud = 1200")
    site.write_text(slow, encoding="utf-8")
    assert run(str(site)) == 0
    said = capsys.readouterr()
    assert f'warning: {site}: bus "rs485-a": its meters take 1' in said.err
    assert "% of its time" in said.err
    assert run(str(site), "--json") == 0
    [warning] = json.loads(capsys.readouterr().out)["warnings"]
    assert (warning["where"], warning["line"]) == ('bus "rs485-a"', 0)


def test_a_network_has_no_settings_of_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = tmp_path / "site.toml"
    lines = Path(DEMO).read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith("baud")]
    text = "\n".join(kept).replace('port = "rs485-a"', 'port = "tcp://gw"')
    site.write_text(text, encoding="utf-8")
    assert run(str(site)) == 0
    assert "bus rs485-a: tcp://gw:502\n" in capsys.readouterr().out


def test_problems_are_raised_for_the_caller_to_print(tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    site.write_text("format = 3\n", encoding="utf-8")
    with pytest.raises(FileError, match="nothing was started"):
        run(str(site))


def test_problems_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = tmp_path / "site.toml"
    site.write_text("format = 3\n", encoding="utf-8")
    assert run(str(site), "--json") == 78
    answer = json.loads(capsys.readouterr().out)
    assert answer["ok"] is False
    place = {key: answer["problems"][0][key] for key in ("file", "line", "column")}
    assert place == {"file": str(site), "line": 1, "column": 1}


def test_where_the_site_file_is(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = argparse.Namespace(site=None)
    monkeypatch.delenv("ZEROMETER_SITE", raising=False)
    assert site_path(nothing) == Path(DEFAULT_SITE)
    monkeypatch.setenv("ZEROMETER_SITE", "/srv/site.toml")
    assert site_path(nothing) == Path("/srv/site.toml")
    assert site_path(argparse.Namespace(site="here.toml")) == Path("here.toml")


def test_other_commands_load_the_same_site(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = tmp_path / "site.toml"
    text = Path(DEMO).read_text(encoding="utf-8")
    site.write_text(text.replace("127.0.0.1", "10.0.0.1"), encoding="utf-8")
    assert load(argparse.Namespace(site=str(site))).id == "demo-factory"
    assert capsys.readouterr().err.startswith(f"warning: {site}:")


@pytest.mark.system
@pytest.mark.timeout(30)
def test_ten_mistakes_as_a_command() -> None:
    case = Path(__file__).parents[1] / "config" / "cases" / "ten-mistakes"
    done = subprocess.run(
        [sys.executable, "-m", "zerometer.agent.cli.main", "check", "site.toml"],
        cwd=case,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (78, "")
    *problems, last = done.stderr.splitlines()
    places = {re.match(r"site\.toml:(\d+:\d+): ", problem)[1] for problem in problems}  # type: ignore[index]
    assert len(problems) == len(places) == 10
    assert last == "10 problems, nothing was started"


def test_the_events_of_a_site_are_checked_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = tmp_path / "site.toml"
    text = Path(DEMO).read_text(encoding="utf-8")
    site.write_text(
        text.replace("[site]\n", '[site]\nevents = "events.csv"\n'), encoding="utf-8"
    )
    events = tmp_path / "events.csv"
    events.write_text("time,kind,subject\n1772323200,note,x\n", encoding="utf-8")
    assert run(str(site)) == 0
    capsys.readouterr()
    events.write_text("time,kind,subject\n1772323200,meter-change,x\n", "utf-8")
    assert run("--json", str(site)) == 78
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert (problem["file"], problem["line"], problem["key"]) == (
        str(events), 2, "subject",
    )  # fmt: skip


def test_a_balanced_pool_needs_meters_that_say_how_far_they_err(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = tmp_path / "site.toml"
    text = """
format = 1
[site]
id = "s"
timezone = "UTC"
[[meter]]
id = "main"
points = { energy = "kWh" }
class = 0.5
[[meter]]
id = "sub"
points = { energy = "kWh" }
[pool.lv]
carrier = "electricity"
balance = true
[source.grid]
into = "lv"
meter = "main"
factor = 0.5
[sink.sub]
from = { lv = "sub" }
"""
    site.write_text(text, encoding="utf-8")
    assert run(str(site)) == 0
    said = capsys.readouterr().err
    assert 'pool "lv": balance: its flows stay as measured' in said
    assert said.endswith("is stated of sub\n")
    sure = text.replace('id = "sub"\n', 'id = "sub"\nuncertainty = 1\n')
    site.write_text(sure, encoding="utf-8")
    assert run(str(site)) == 0
    assert capsys.readouterr().err == ""
