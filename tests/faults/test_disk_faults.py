"""A disk that fails under a running agent: it goes on, says so, and loses nothing."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from harness.failing_disk import FAULTS, FailingDisk
from harness.plant import Plant
from harness.running_agent import page_of
from harness.whole_chain import QUICK, check_batches, check_indices, check_windows

from zerometer.agent.demo.processes import Process
from zerometer.agent.demo.scene import free_port

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

#: As long the disk fails; commits are tried each second.
FAILING_S = 3.0
PATIENCE_S = 30.0

Json = dict[str, Any]


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)


def transactions(page: str) -> int:
    """Return how many requests the buses have made."""
    return sum(bus["transactions"] for bus in page_of(page)["buses"])


def error_of(page: str) -> str:
    """Return what the page says of the journal."""
    return str(page_of(page)["journal"]["error"] or "")


def status(plant: Plant) -> str:
    """Return what ``zerometer status`` says."""
    command = ["-m", "zerometer.agent.cli.main", "status", str(plant.site)]
    done = subprocess.run(
        [sys.executable, *command],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    return done.stdout + done.stderr


def quick() -> dict[str, str]:
    """Return what makes the demo's site quick, with a page that is found."""
    return QUICK | {"\nport = 0\n": f"\nport = {free_port()}\n"}


def start(plant: Plant, environment: dict[str, str]) -> tuple[Process, str]:
    """Start an agent in *environment*; return it and its page once it has sent."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        agent = plant.agent()
    page = agent.line()
    until(lambda: plant.rows("SELECT count(*) FROM batch")[0][0] >= 2)
    return agent, page


def events(plant: Plant) -> list[str]:
    """Return the kinds of the events that arrived."""
    rows = plant.rows("SELECT fields FROM event_log")
    return [json.loads(fields)["kind"] for (fields,) in rows]


@pytest.mark.parametrize("fault", FAULTS)
def test_it_goes_on(tmp_path: Path, fault: str) -> None:
    with Plant(tmp_path, replace=quick()) as plant:
        disk = FailingDisk(tmp_path, under=plant.journal)
        agent, page = start(plant, disk.environment)
        disk.fail(fault)
        goes_on(plant, agent, page)
        disk.heal()
        recovers(plant, agent, page)


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a disk")
def test_it_goes_on_a_real_disk_that_is_full(tmp_path: Path) -> None:
    with Plant(tmp_path, replace=quick()) as plant, small_disk(plant.journal):
        agent, page = start(plant, {})
        ballast = plant.journal / "ballast"
        fill(ballast)
        goes_on(plant, agent, page)
        ballast.unlink()
        recovers(plant, agent, page)


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Mount a disk of a few MB; skip where that is not allowed."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4M", "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(ballast: Path) -> None:
    """Take all room that there is."""
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))


def goes_on(plant: Plant, agent: Process, page: str) -> None:
    """Fail unless the agent says what is wrong, and meters all the same."""
    before = transactions(page)
    until(lambda: error_of(page))
    assert "journal: " in status(plant)
    time.sleep(FAILING_S)
    agent.check()  # it lives
    picture = page_of(page)
    assert {meter["quality"] for meter in picture["meters"]} == {"measured"}
    assert "journal" in [event["kind"] for event in picture["events"]]
    assert transactions(page) > before + 20


def recovers(plant: Plant, agent: Process, page: str) -> None:
    """Fail unless all arrives that was sealed before, meanwhile and after."""
    sealed = page_of(page)["journal"]["batches_sealed"]
    until(lambda: not error_of(page))
    until(lambda: page_of(page)["journal"]["batches_sealed"] > sealed)
    agent.stop()
    plant.finish()
    assert "journal" in events(plant)
    check_batches(plant, 4)
    check_indices(plant)
    check_windows(plant)
