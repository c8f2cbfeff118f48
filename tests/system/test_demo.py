"""The demo's figures, and what its parts say while it runs."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PARTS = ("receive", "simulate", "run")
PATIENCE_S = 20.0
COMMAND = [sys.executable, "-m", "zerometer.agent.cli.main"]


@pytest.fixture(autouse=True)
def signals_are_heard() -> Iterator[None]:
    """Let the demo hear what nohup, or a shell's background, would have it ignore."""
    before = {
        signal.SIGHUP: signal.signal(signal.SIGHUP, signal.SIG_DFL),
        signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler),
    }
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.system
@pytest.mark.timeout(120)
def test_the_demo_meets_its_figures(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "demo", "--seconds", "25", "--json", "--folder", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["meters"] == 7
    assert figures["transactions"] >= 7 * 20
    # Nine questions say who meters are and how they are set up: no readings.
    assert figures["readings"] >= figures["transactions"] - 9 - 7
    assert figures["batches_committed"] == figures["batches_sealed"] >= 3
    assert figures["samples_committed"] == figures["samples_sealed"] > 300
    assert figures["energy_error_ppm"] < 1
    assert figures["power_energy_error_ppm"] < 1000
    assert figures["carbon_balance_error"] < 1e-9
    assert 0.1 < figures["bus_utilisation"] < 0.9
    assert figures["private_mb"] <= 32
    status = subprocess.run(
        [*COMMAND, "status", str(tmp_path / "site.toml"), "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    snapshot = json.loads(status.stdout)
    assert not snapshot["running"]
    assert {meter["quality"] for meter in snapshot["meters"]} == {"measured"}


@pytest.mark.system
@pytest.mark.timeout(60)
def test_a_demo_of_faults_compares_what_they_leave(tmp_path: Path) -> None:
    faults = (
        "battery:dead@3s",
        "pv:counter-reset@5s",
        "line-1:late=700ms,20%",
        "bus=rs485-a:crc-noise=5%@0s+8s",
    )
    ordered = [f"--fault={fault}" for fault in faults]
    done = subprocess.run(
        [*COMMAND, "demo", "--seconds=12", "--json", f"--folder={tmp_path}", *ordered],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "energy figures: without pv: a fault misleads" in done.stderr
    figures = json.loads(done.stdout)
    assert figures["energy_error_ppm"] < 1
    assert figures["readings"] > 30
    status = subprocess.run(
        [*COMMAND, "status", str(tmp_path / "site.toml"), "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    quality = {m["id"]: m["quality"] for m in json.loads(status.stdout)["meters"]}
    assert quality["battery"] == "missing"
    assert quality["incomer"] == "measured"


def parts_in(folder: Path) -> set[str]:
    """Return which of the demo's parts run in *folder*, by their command."""
    found = set()
    for process in Path("/proc").iterdir():
        try:
            arguments = (process / "cmdline").read_bytes().decode().split("\0")
            inside = (process / "cwd").readlink() == folder
        except (OSError, UnicodeDecodeError):
            continue
        if inside and "zerometer.agent.cli.main" in arguments:
            found |= set(PARTS) & set(arguments)
    return found


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.system
@pytest.mark.timeout(60)
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGHUP, 130),
        (signal.SIGTERM, 130),
        (signal.SIGINT, 130),
        (signal.SIGKILL, -9),
    ],
)
def test_a_demo_that_is_stopped_while_it_starts_leaves_nothing_running(
    tmp_path: Path, part: str, number: signal.Signals, code: int
) -> None:
    """*part* has just been started."""
    demo = subprocess.Popen(
        [*COMMAND, "demo", "--folder", str(tmp_path)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: part in parts_in(tmp_path))
        demo.send_signal(number)
        assert demo.wait(PATIENCE_S) == code
        until(lambda: not parts_in(tmp_path))
    finally:
        demo.kill()
        demo.wait()


@pytest.mark.system
@pytest.mark.timeout(60)
def test_a_closed_terminal_stops_a_demo_in_order(tmp_path: Path) -> None:
    demo = subprocess.Popen(
        [*COMMAND, "demo", "--folder", str(tmp_path)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    with demo:
        assert demo.stderr is not None
        until(lambda: "Ctrl-C" in demo.stderr.readline())  # type: ignore[union-attr]
        demo.send_signal(signal.SIGHUP)
        assert demo.wait(PATIENCE_S) == 0
    assert not parts_in(tmp_path)
