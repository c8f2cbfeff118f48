"""kill -9 of agent and receiver at random moments, over a network that loses."""

import random
import time
from dataclasses import dataclass
from pathlib import Path

from harness.plant import Plant
from harness.whole_chain import QUICK, check_batches, check_indices, check_windows

#: Starting takes about a second: kills fall into it as well as after it.
LIFE_S = (0.2, 3.8)
AWAY_S = (0.0, 2.0)
#: Until all that waits has arrived, the longest wait of an uplink included.
LAST_S = 75.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How often which end was killed, and how many batches arrived, once each."""

    agent_kills: int
    receiver_kills: int
    batches: int


def survive(folder: Path, kills: int, seed: int) -> Outcome:
    """Kill so often; fail unless each sealed batch has arrived exactly once."""
    chance = random.Random(seed)
    receiver_kills = 0
    with Plant(
        folder, replace=QUICK, network=random.Random(f"network {seed}")
    ) as plant:
        agent = plant.agent()
        for _ in range(kills):
            time.sleep(chance.uniform(*LIFE_S))
            if chance.random() < 0.6:
                agent.kill()
                agent = plant.agent()
            else:
                plant.kill_receiver(chance.uniform(*AWAY_S))
                receiver_kills += 1
        agent.line()
        wait_until_all_arrived(plant)
        agent.stop()
        plant.finish()
        batches = check_batches(plant, kills // 4)
        check_indices(plant)
        check_windows(plant)
    return Outcome(kills - receiver_kills, receiver_kills, batches)


def wait_until_all_arrived(plant: Plant) -> None:
    """Wait until the receiver has what the journal has had by now."""
    sealed = set(plant.journalled())
    end = time.monotonic() + LAST_S
    while time.monotonic() < end:
        arrived = set(plant.rows("SELECT stream, seq FROM batch"))
        if sealed <= arrived:
            return
        time.sleep(0.2)
    raise AssertionError(f"did not arrive: {sorted(sealed - arrived)}")
