"""The demo's parts: started, watched and stopped, and named when they fail."""

import os
import socket
import tomllib
from pathlib import Path

import pytest

from zerometer.agent.cli.main import main
from zerometer.agent.demo import scene
from zerometer.agent.demo.processes import (
    DemoError,
    Process,
    boottime_offset_ns,
    private_mb,
)
from zerometer.agent.demo.scene import free_port, write_site

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(autouse=True)
def paths(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let processes in other folders find the package."""
    import sys

    paths = [str(Path(path).absolute()) for path in sys.path if path]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))


def test_a_part_is_asked_to_stop(tmp_path: Path) -> None:
    arguments = ["receive", "--to", "received.sqlite", "--port", "0"]
    with Process("receive", arguments, tmp_path) as part:
        assert part.line().startswith("http://127.0.0.1:")
        part.check()
        assert private_mb(part.pid) > 1
        part.stop()
        with pytest.raises(DemoError, match="demo: receive: ended with exit code 0"):
            part.check()
    assert (tmp_path / "received.sqlite").exists()


def test_a_part_that_does_not_start_says_why(tmp_path: Path) -> None:
    with Process("run", ["run", "missing.toml"], tmp_path) as part:
        with pytest.raises(DemoError, match=r"(?s)demo: run: did not .*missing\.toml"):
            part.line()
        with pytest.raises(DemoError, match="demo: run: ended with exit code 78"):
            part.stop()


def test_a_part_that_hangs_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zerometer.agent.demo.processes.STOP_S", 0.0)
    with Process("receive", ["receive", "--to", "a", "--port", "0"], tmp_path) as part:
        part.line()
        with pytest.raises(DemoError, match="did not stop within 0 s"):
            part.stop()
        assert not Path(f"/proc/{part.pid}").exists()


def test_the_site_of_a_run_has_its_own_addresses(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    write_site(path, uplink="http://127.0.0.1:5/v1/batches", page_port=77)
    site = tomllib.loads(path.read_text(encoding="utf-8"))
    assert site["uplink"][0]["url"] == "http://127.0.0.1:5/v1/batches"
    assert site["page"]["port"] == 77


def test_a_site_without_the_places_to_fill_in_is_our_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scene, "SITE", "../maps/eastron-sdm630.toml")
    with pytest.raises(DemoError, match="expected one uplink url and one page port"):
        write_site(tmp_path / "site.toml", uplink="", page_port=0)


def test_a_taken_port_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(scene, "PAGE_PORT", port)
        assert free_port() not in (0, port)
    assert free_port() == port


def test_the_clocks_of_this_machine_differ_by_its_uptime() -> None:
    assert boottime_offset_ns() == pytest.approx(boottime_offset_ns(), abs=10**8)


def test_a_short_demo_from_its_start_to_its_figures(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["demo", "--seconds", "0.5", "--folder", "run"]) == 0
    said = capsys.readouterr()
    figures = dict(line.split() for line in said.out.splitlines())
    assert figures["meters"] == "7"
    assert figures["batches_committed"] == figures["batches_sealed"]
    assert figures["energy_error_ppm"] in ("-", "0.0")
    assert figures["power_energy_error_ppm"] == "-"
    assert said.err.startswith("page: http://127.0.0.1:")
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"site.toml", "journal", "received.sqlite", "served.jsonl"} <= names


def test_a_folder_of_an_earlier_run_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "received.sqlite").touch()
    assert main(["demo", "--folder", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert said.endswith("holds an earlier run; name a new or empty folder\n")


def test_an_impossible_folder_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert main(["demo", "--folder", str(tmp_path / "file" / "run")]) == 2
    assert capsys.readouterr().err.endswith("run: Not a directory\n")


def test_figures_without_a_time_are_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["demo", "--json"]) == 2
    assert "--json: only with --seconds" in capsys.readouterr().err


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "long"])
def test_a_time_in_which_nothing_can_be_compared_is_refused(
    seconds: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["demo", "--seconds", seconds])
    assert end.value.code == 2
    assert "argument --seconds: " in capsys.readouterr().err
