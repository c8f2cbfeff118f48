"""Uplink and receiver together: whatever is lost between them, all arrives once."""

import random
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from harness.flushing import flush
from harness.outbox import MemoryOutbox
from harness.receiver_process import ReceiverProcess
from harness.receiving import receiving
from harness.relay import relay
from harness.sealed_batches import sealed
from harness.uplinks import uplink_to


def numbers(database: Path) -> list[int]:
    """Return the sequence numbers in the order of their commits."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT seq FROM batch ORDER BY id").fetchall()
        return [seq for (seq,) in rows]


def samples(database: Path) -> int:
    with closing(sqlite3.connect(database)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM sample").fetchone()
        return int(count)


def test_lost_requests_and_answers(tmp_path: Path) -> None:
    database = tmp_path / "received.sqlite"
    outbox = MemoryOutbox()
    with (
        receiving(database) as receiver,
        relay(int(receiver.address.rpartition(":")[2])) as network,
    ):
        network.script.extend(["answer", "request", "answer", None])
        url = f"http://127.0.0.1:{network.port}/v1/batches"
        uplink = uplink_to(url, outbox)
        uplink.start()
        outbox.append(*[sealed(seq) for seq in range(1, 6)])
        assert flush(uplink)
        uplink.stop(1)
    assert not network.script
    assert uplink.state().sent_batches == 5
    assert sorted(numbers(database)) == [1, 2, 3, 4, 5]
    assert samples(database) == 15


@pytest.mark.system
@pytest.mark.timeout(60)
def test_a_receiver_that_is_killed_loses_nothing_and_takes_nothing_twice(
    tmp_path: Path,
) -> None:
    database = tmp_path / "received.sqlite"
    count, chance = 60, random.Random(7)
    outbox = MemoryOutbox()
    outbox.append(*[sealed(seq, rows=50) for seq in range(1, count + 1)])
    process = ReceiverProcess(database)
    uplink = uplink_to(process.url, outbox, draw=0.02)
    uplink.start()
    for target in sorted(chance.sample(range(2, count - 5), 4)):
        with outbox.moved:
            assert outbox.moved.wait_for(
                lambda: len(outbox.done()) >= target,  # noqa: B023
                20,
            )
        process.end(signal.SIGKILL)
        # What was acknowledged before the kill is on the disk.
        assert len(numbers(database)) >= len(outbox.done())
        process = ReceiverProcess(database, process.port)
    assert flush(uplink, 20)
    uplink.stop(1)
    assert process.end(signal.SIGTERM) == 0
    assert sorted(numbers(database)) == list(range(1, count + 1))
    assert samples(database) == 50 * count
