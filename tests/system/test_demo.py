"""The demo's figures, and what its parts say while it runs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "zerometer.agent.cli.main"]


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
    assert figures["readings"] >= figures["transactions"] - 7
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
