"""What a replay needs does not depend on how long the readings are."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from harness.scenarios import START, iso, meters, site

METERS = [f"m{i}" for i in range(10)]


def written(path: Path, days: int) -> Path:
    with path.open("w") as file:
        file.write("time,meter,point,value\n")
        for minute in range(days * 1440 + 1):
            stamp = iso(START + 60 * minute)
            for i, name in enumerate(METERS):
                file.write(f"{stamp},{name},energy,{100 + 0.25 * minute * (i + 1)}\n")
    return path


def peak_kib(path: Path, readings: Path) -> int:
    """Run the command; return the most memory that it had."""
    command = [sys.executable, "-m", "zerometer.agent.cli.main", "replay", str(path)]
    command += [str(readings), "--json", "--window", "1h"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        found = json.loads(process.stdout.read())
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    assert found["readings"]["used"] == readings.read_text().count("\n") - 1
    return usage.ru_maxrss


@pytest.mark.timeout(120)
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = site(
        tmp_path / "site.toml",
        meters("1min", "kWh", *METERS),
        '[pool.lv]\ncarrier = "electricity"',
        '[source.grid]\ninto = "lv"\nmeter = "m9"\nfactor = 0.5',
        *(f'[sink.{name}]\nfrom = {{ lv = "{name}" }}' for name in METERS[:-1]),
        '[sink.rest]\nremainder_of = "lv"',
    )
    short = peak_kib(path, written(tmp_path / "short.csv", 8))
    long = peak_kib(path, written(tmp_path / "long.csv", 40))
    assert long < short + 6 * 1024
