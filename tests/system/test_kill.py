"""kill -9 of either end at any moment: nothing lost, nothing twice."""

from pathlib import Path

import pytest
from harness.kills import survive

KILLS = 22


@pytest.mark.system
@pytest.mark.timeout(240)
def test_kills_at_random_moments(tmp_path: Path) -> None:
    outcome = survive(tmp_path, KILLS, seed=20261122)
    assert outcome.agent_kills > 5
    assert outcome.receiver_kills > 5
