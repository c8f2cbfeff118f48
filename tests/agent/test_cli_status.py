"""``zerometer status``, of agents that run and of those that stopped."""

import asyncio
import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from harness.ports import free_port
from harness.running_agent import Running, quick_site, run_agent

from zerometer.agent.cli.main import main
from zerometer.agent.cli.status import ask, lines
from zerometer.agent.demo.scene import write_site
from zerometer.agent.last_status import read_last, write_last
from zerometer.core.site import PageSettings, Site

CONTRACT = Path(__file__).with_name("page_snapshot.json")


def cells(text: list[str], first: str) -> tuple[str, ...]:
    """Return what stands behind *first* in its row of a table."""
    rows = [re.split(r"  +", line) for line in text]
    (found,) = (row[1:] for row in rows if row[0] == first and row[1] != "state")
    return tuple(found)


def with_page(folder: Path, host: str = "127.0.0.1") -> Site:
    """Return a site whose page has a port that is known beforehand."""
    page = PageSettings(host=host, port=free_port(host))
    return replace(quick_site(folder), page=page)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "::", "0.0.0.0"])
def test_a_running_agent_is_asked_over_its_page(tmp_path: Path, host: str) -> None:
    site = with_page(tmp_path, host)
    answers: list[dict[str, Any] | None] = []

    async def scenario(agent: Running) -> None:
        await agent.until(lambda: agent.said("port-lost"))
        answers.append(await asyncio.to_thread(ask, site))
        other = replace(site, id="other")
        answers.append(await asyncio.to_thread(ask, other))

    run_agent(site, scenario)
    shown, other = answers
    assert shown is not None
    assert other is None
    text = lines(shown | {"running": True})
    assert text[0] == "small (Small): running"
    assert "pool lv: 0.0 kW, not defined" in text
    assert cells(text, "line") == (
        "port closed", "missing", "never", "-", "0", "-",
    )  # fmt: skip
    state, used, _, skipped, sent, errors = cells(text, "bus")
    assert (state, used, skipped, sent, errors) == ("closed", "0.0%", "0", "0", "-")
    assert ask(site) is None  # it has stopped by now


@contextmanager
def answering(answer: bytes) -> Iterator[int]:
    """Give the first who connects an answer; yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    ],
)
def test_what_answers_but_is_no_agent_counts_as_none(
    tmp_path: Path, answer: bytes
) -> None:
    with answering(answer) as port:
        site = replace(quick_site(tmp_path), page=PageSettings(port=port))
        assert ask(site) is None


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    """Return the demo's site file, with nobody at its page's port."""
    path = tmp_path / "site.toml"
    write_site(path, uplink="http://127.0.0.1:9/v1/batches", page_port=free_port())
    (tmp_path / "journal").mkdir()
    return path


def test_a_stopped_agent_shows_what_it_saw_last(
    demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    contract = json.loads(CONTRACT.read_text(encoding="utf-8"))
    write_last(demo.parent / "journal", contract)
    assert main(["status", str(demo)]) == 0
    text = capsys.readouterr().out.splitlines()
    assert text[0] == "demo-factory (示范工厂 Demo factory): stopped"
    assert "pool lv: 330.1 kW, 0.4286 kg/kWh" in text
    assert cells(text, "incomer") == (
        "up", "measured", "0.3 s ago", "46 ms", "4229", "-",
    )  # fmt: skip
    assert cells(text, "line-1")[-1] == "crc 1, short 2, exception 7"
    assert cells(text, "line-2")[:2] == ("down", "missing")
    assert [line for line in text if line.startswith("meter line-1 ")] == [
        "meter line-1 refuses: power_factor",
        "meter line-1 takes at most 20 registers in one request, its map says 125",
    ]
    assert cells(text, "rs485-a") == (
        "open", "43.0%", "4 ms, 118 ms", "2", "29931",
        "crc 1, short 2, exception 7, timeout 63, garbage 4",
    )  # fmt: skip
    assert not any("overloaded" in line for line in text)
    assert "clock: nobody keeps it right: times are a guess, and say so" in text
    assert "journal: 212 batches, 1834521 bytes, disk full: /var/lib/zerometer" in text
    assert "uplink http-1: waiting, 38 waiting, 1 set aside, connection refused" in text
    assert main(["status", str(demo), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == contract | {"running": False}


def test_an_overloaded_bus_is_told() -> None:
    contract = json.loads(CONTRACT.read_text(encoding="utf-8"))
    contract["buses"][0] |= {"overloaded": True, "lateness_max_s": 2.78}
    text = lines(contract | {"running": True})
    (told,) = (line for line in text if "overloaded" in line)
    assert told.startswith("bus rs485-a is overloaded: each of its meters is read less")
    assert cells(text, "rs485-a")[2] == "4 ms, 2.8 s"


def test_what_another_version_left_is_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "last-status.json"
    for left in ({"site": {"id": "demo-factory"}}, {"format": 1, "snapshot": {}}, []):
        path.write_text(json.dumps(left), encoding="utf-8")
        assert read_last(tmp_path) is None


def test_a_site_where_no_agent_ever_was(
    demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (demo.parent / "journal" / "last-status.json").write_bytes(b'{"site": \xff')
    assert main(["status", str(demo)]) == 7
    assert "no agent answers for demo-factory" in capsys.readouterr().err


def test_a_page_that_is_off_is_not_asked(
    demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = demo.read_text(encoding="utf-8")
    demo.write_text(text.replace("[page]", "[page]\nenabled = false"), "utf-8")
    assert main(["status", str(demo)]) == 7


def test_a_last_status_that_cannot_be_written_harms_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_last(tmp_path, {"site": "a"})
    (tmp_path / "last-status.json.new").mkdir()
    write_last(tmp_path, {"site": "b"})
    assert "last-status.json: not written: Is a directory" in caplog.text
    assert read_last(tmp_path) == {"site": "a"}


def test_what_the_accounts_rest_on_is_told() -> None:
    snapshot = {**json.loads(CONTRACT.read_text(encoding="utf-8")), "running": True}
    told = lines(snapshot)
    assert "demand grid: 241.3 kW, this quarter 262.9 kW" in told
    assert "last minute: 96.4% measured, unmeasured lv" in told
    snapshot["factors"][0]["by_view"]["physical"]["status"] = "fallback"
    snapshot["demand"][0]["last_kw"] = None
    told = lines(snapshot)
    assert "factor of source.grid, physical: cn-east-5min has no value" in told
    assert "demand grid: not known, this quarter 262.9 kW" in told
