"""The agent as a process: how it starts, how it rests, how it ends."""

import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from harness.plant import Plant

pytestmark = [pytest.mark.system, pytest.mark.timeout(60)]

QUICK = {
    r'commit = "5s"': 'commit = "1s"',
    r'seal = "10s"': 'seal = "1s"',
    r'energy = "5s"': 'energy = "1s"',
    r"baud = 9600": "baud = 115200",
}
#: Nothing but the tick is due more often than once a minute.
CALM = {
    r'commit = "5s"': 'commit = "60s"',
    r'seal = "10s"': 'seal = "60s"',
    r'power = "1s"': 'power = "60s"',
    r'energy = "5s"': 'energy = "60s"',
    r"baud = 9600": "baud = 115200",
}
#: All threads together; the tick takes one.
SWITCHES_PER_S = 2.0
WATCHED_S = 4.0


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a command until it ends by itself."""
    return subprocess.run(
        [sys.executable, "-m", "zerometer.agent.cli.main", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_a_stop_forwards_the_open_windows_as_they_stand(tmp_path: Path) -> None:
    with Plant(tmp_path, replace=QUICK) as plant:
        agent = plant.agent()
        agent.line()
        time.sleep(3)
        agent.stop()  # checks that its exit code is 0
        plant.finish()
        received = plant.rows("SELECT stream, seq FROM batch")
        assert set(received) == set(plant.journalled())
        assert {stream for stream, _ in received} == {
            "ledger",
            "minutes",
            "state",
            "readings",
        }
        windows = plant.windows("15min")
        assert len(windows) in (1, 2)
        covered = sum(cells["covered"] for cells in windows.values())
        assert 1000 <= covered < 60_000


def test_it_waits_for_a_port_that_is_missing(tmp_path: Path) -> None:
    with Plant(tmp_path, replace=QUICK, factory=False) as plant:
        agent = plant.agent()
        agent.line()
        time.sleep(1)
        log = agent.log.read_text()
        assert f"port-lost: rs485-a: port {tmp_path}/rs485-a: " in log
        plant.start_factory()
        while "port-back: rs485-a: port is back" not in log:
            time.sleep(0.1)
            log = agent.log.read_text()
        time.sleep(4)
        agent.stop()
        plant.finish()
        (rows,) = plant.rows(
            "SELECT count(DISTINCT meter) FROM reading WHERE point LIKE '%.index'"
        )
        assert rows == (7,)


def test_at_rest_nothing_wakes_but_the_tick(tmp_path: Path) -> None:
    with Plant(tmp_path, replace=CALM) as plant:
        agent = plant.agent()
        agent.line()
        time.sleep(3)
        before = switches(agent.pid)
        time.sleep(WATCHED_S)
        rate = (switches(agent.pid) - before) / WATCHED_S
        assert rate <= SWITCHES_PER_S
        agent.stop()


def switches(pid: int) -> int:
    """Return how often the threads of a process have gone to sleep."""
    total = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        found = re.search(
            r"^voluntary_ctxt_switches:\s+(\d+)", status.read_text(), re.M
        )
        assert found is not None
        total += int(found[1])
    return total


def test_a_page_whose_port_is_taken(tmp_path: Path) -> None:
    """Metering goes on without it; a second start would change nothing."""
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        Plant(
            tmp_path,
            replace=QUICK | {r"(?m)^port = \d+$": f"port = {taken.getsockname()[1]}"},
        ) as plant,
    ):
        agent = plant.agent()
        while "page: page: listen on 127.0.0.1, port " not in agent.log.read_text():
            agent.check()
            time.sleep(0.1)
        taken.close()
        assert agent.line() == f"http://127.0.0.1:{taken_port(plant)}/"
        agent.stop()
        plant.finish()
        assert plant.rows("SELECT count(*) FROM batch") > [(0,)]


def taken_port(plant: Plant) -> int:
    """Return the port of the page in the plant's site file."""
    found = re.search(r"(?m)^port = (\d+)$", plant.site.read_text())
    assert found is not None
    return int(found[1])


def test_a_page_whose_address_is_none(tmp_path: Path) -> None:
    address = {r"(?m)^port = \d+$": 'host = "256.0.0.1"\nport = 0'}
    with Plant(tmp_path, replace=address, factory=False) as plant:
        done = run("run", str(plant.site))
    assert done.returncode == 78
    assert "256.0.0.1" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_agent_for_a_site(tmp_path: Path) -> None:
    with Plant(tmp_path, replace=QUICK, factory=False) as plant:
        plant.agent().line()
        done = run("run", str(plant.site))
    assert done.returncode == 6
    assert re.fullmatch(
        r"journal: .*/journal: is in use by another agent\n", done.stderr
    )


FAILING = """
import sys
from zerometer.agent.cli.main import main
from zerometer.agent.pipeline import Pipeline

tick, ticks = Pipeline.tick, 0

def fail(self, boottime_ns):
    global ticks
    ticks += 1
    if ticks == 3:
        raise ValueError("something that nobody foresaw")
    tick(self, boottime_ns)

Pipeline.tick = fail
sys.exit(main(["run", sys.argv[1]]))
"""


def test_a_fault_that_nobody_foresaw(tmp_path: Path) -> None:
    """It ends at once, says why, and a next start finds what was committed."""
    with Plant(tmp_path, replace=QUICK) as plant:
        done = subprocess.run(
            [sys.executable, "-c", FAILING, str(plant.site)],
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        assert done.returncode == 1
        assert "agent: stops, a tick failed; what was committed is safe" in done.stderr
        assert done.stderr.endswith("ValueError: something that nobody foresaw\n")
        agent = plant.agent()
        agent.line()
        time.sleep(2)
        agent.stop()
        plant.finish()
        assert set(plant.rows("SELECT stream, seq FROM batch")) == set(
            plant.journalled()
        )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_simulated_factory_ends_on_a_signal(
    tmp_path: Path, number: signal.Signals
) -> None:
    with Plant(tmp_path, replace=QUICK, factory=False) as plant:
        with subprocess.Popen(
            [sys.executable, "-m", "zerometer.agent.cli.main", "simulate",
             str(plant.site)],
            stdout=subprocess.PIPE,
        ) as factory:  # fmt: skip
            assert factory.stdout is not None
            assert b"start_ns" in factory.stdout.readline()
            assert (tmp_path / "rs485-a").is_symlink()
            factory.send_signal(number)
            assert factory.wait(10) == 0
        assert not (tmp_path / "rs485-a").is_symlink()
