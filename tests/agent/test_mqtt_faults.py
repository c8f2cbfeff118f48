"""Uplink, broker and receiver as processes that are killed: all arrives once."""

import random
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from harness.broker import mosquitto
from harness.flushing import flush
from harness.outbox import MemoryOutbox
from harness.receiver_process import ReceiverProcess
from harness.sealed_batches import sealed
from harness.uplinks import uplink_to

from zerometer.core.site import UplinkSettings

BATCHES = 200
KILLS = 6


@pytest.mark.system
@pytest.mark.timeout(90)
def test_kills_of_receivers_and_of_the_broker(tmp_path: Path) -> None:
    database = tmp_path / "received.sqlite"
    chance = random.Random(5)
    outbox = MemoryOutbox()
    outbox.append(*[sealed(seq, rows=50) for seq in range(1, BATCHES + 1)])
    with mosquitto(tmp_path, ["allow_anonymous true"]) as broker:
        url = f"mqtt://127.0.0.1:{broker.port}"
        receiver = ReceiverProcess(database, 0, "--from", url)
        settings = UplinkSettings(id="main", url=url, timeout_s=0.5)
        uplink = uplink_to(settings, outbox, draw=0.02)
        uplink.start()
        for target in sorted(chance.sample(range(5, BATCHES - 20), KILLS)):
            with outbox.moved:
                assert outbox.moved.wait_for(
                    lambda: len(outbox.done()) >= target,  # noqa: B023
                    30,
                )
            if chance.random() < 0.4:
                broker.kill()
                broker.start()
                continue
            receiver.end(signal.SIGKILL)
            # What was acknowledged before the kill is on the disk.
            assert len(numbers(database)) >= len(outbox.done())
            receiver = ReceiverProcess(database, 0, "--from", url)
        assert flush(uplink, 30)
        uplink.stop(1)
        assert receiver.end(signal.SIGTERM) == 0
    assert sorted(numbers(database)) == list(range(1, BATCHES + 1))
    assert not outbox.quarantined


def numbers(database: Path) -> list[int]:
    """Return the numbers of the batches that are committed."""
    with closing(sqlite3.connect(database)) as connection:
        return [seq for (seq,) in connection.execute("SELECT seq FROM batch")]
