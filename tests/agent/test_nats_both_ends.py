"""Both our ends of a NATS server: all arrives, and all of it once."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from harness.flushing import flush
from harness.nats_ends import batch, sender_to
from harness.nats_server import nats_server
from harness.outbox import MemoryOutbox
from harness.receiving import receiving
from harness.sealed_batches import sealed
from harness.uplinks import uplink_to

from zerometer.agent.uplink.base import Outcome
from zerometer.core.site import UplinkSettings


def numbers(database: Path) -> list[int]:
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT seq FROM batch ORDER BY seq").fetchall()
        (samples,) = connection.execute("SELECT count(*) FROM sample").fetchone()
    assert samples == 3 * len(rows)
    return [seq for (seq,) in rows]


def test_an_uplink_brings_what_a_journal_has(tmp_path: Path) -> None:
    """Both lanes over one connection, with a server that is killed on the way."""
    database = tmp_path / "received.sqlite"
    outbox = MemoryOutbox()
    outbox.append(*[sealed(seq) for seq in range(1, 61)])
    with nats_server(tmp_path) as server:
        broker = UplinkSettings(id="receiver", url=server.url)
        with receiving(database, [broker]):
            uplink = uplink_to(server.url, outbox, draw=0.02)
            uplink.start()
            with outbox.moved:
                assert outbox.moved.wait_for(lambda: len(outbox.done()) >= 20, 10)
            server.kill()
            server.start()
            assert flush(uplink, 15)
            uplink.stop(1)
    assert numbers(database) == list(range(1, 61))


@pytest.mark.timeout(60)
def test_a_server_that_is_killed_and_comes_back(tmp_path: Path) -> None:
    database = tmp_path / "received.sqlite"
    with nats_server(tmp_path) as server:
        sender = sender_to(server.url)
        broker = UplinkSettings(id="receiver", url=server.url)
        with receiving(database, [broker]):
            for seq in range(1, 31):
                while sender.send(batch(seq), 2).outcome is not Outcome.ACCEPTED:
                    pass
                if seq % 10 == 0:
                    server.kill()
                    server.start()
        sender.close()
    assert numbers(database) == list(range(1, 31))


def test_an_answer_that_nobody_heard(tmp_path: Path) -> None:
    """The gateway is restarted before its batch is taken, and its answer is lost."""
    database = tmp_path / "received.sqlite"
    with nats_server(tmp_path) as server:
        broker = UplinkSettings(id="receiver", url=server.url)
        sender = sender_to(server.url)
        with receiving(database, [broker]):
            while sender.send(batch(1), 2).outcome is not Outcome.ACCEPTED:
                pass  # the stream is not made yet
        assert sender.send(batch(2), 0.1).outcome is Outcome.RETRY
        sender.close()
        with receiving(database, [broker]) as receiver:
            while receiver.request("GET", "/v1/status")[2]["batches"] < 2:
                pass
            sender = sender_to(server.url)
            # The server drops it as a repeat, so nobody sees it, and nobody answers.
            assert sender.send(batch(2), 0.5).outcome is Outcome.RETRY
            assert sender.send(batch(2), 4).outcome is Outcome.ACCEPTED
            assert receiver.request("GET", "/v1/status")[2]["batches"] == 2
            sender.close()
