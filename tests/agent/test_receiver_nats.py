"""The receiver's NATS side: who publishes is nats-py in the tests' own hands."""

import json
import logging
import queue
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from harness.batches import EPOCH, SOURCE
from harness.loop import LoopThread
from harness.markdown import page, rows, section
from harness.nats_peer import NatsPeer, nats_peer
from harness.nats_server import NatsServer, nats_server
from harness.receiving import Receiving, receiving
from harness.sealed_batches import power_table, sealed
from nats.js.api import RePublish

from zerometer.agent.batch import Column, Table
from zerometer.agent.receiver.desk import Desk
from zerometer.agent.receiver.errors import StoreBusyError
from zerometer.agent.receiver.model import Incoming
from zerometer.agent.receiver.nats import open_intake
from zerometer.agent.receiver.nats_crew import WORKERS
from zerometer.agent.receiver.stores import store_opener
from zerometer.core.errors import ConfigError
from zerometer.core.site import UplinkSettings

WHO = SOURCE.hex()
OTHER = "ff" * 16


def subject(source: str = WHO, stream: str = "readings") -> str:
    return f"zerometer.1.{source}.batch.{stream}"


def broker(server: NatsServer, **settings: Any) -> UplinkSettings:
    return UplinkSettings(id="receiver", url=server.url, **settings)


def numbers(database: Path) -> list[int]:
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT seq FROM batch ORDER BY seq").fetchall()
        return [seq for (seq,) in rows]


def until_empty(peer: NatsPeer) -> None:
    """Return when the stream holds nothing any more."""
    while peer.waiting():
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    with nats_server(tmp_path) as server:
        yield server


@pytest.fixture
def peer(server: NatsServer) -> Iterator[NatsPeer]:
    """Return a gateway that hears all answers; the stream is not made yet."""
    with nats_peer(server.url) as peer:
        peer.listen()
        yield peer


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "received.sqlite"


@pytest.fixture
def receiver(server: NatsServer, database: Path) -> Iterator[Receiving]:
    with receiving(database, [broker(server)]) as receiver:
        yield receiver


def test_what_was_taken_is_answered_and_gone(
    receiver: Receiving, peer: NatsPeer, database: Path
) -> None:
    peer.until_ready()
    for status in ("stored", "duplicate"):
        peer.publish(subject(), sealed(1), {"Nats-Msg-Id": status})
        answer = peer.heard()
        assert answer.subject == f"zerometer.1.{WHO}.ack"
        assert answer.headers == {"Nats-Msg-Id": status}
        assert json.loads(answer.data) == {
            "status": status,
            "source": WHO,
            "epoch": EPOCH.hex(),
            "stream": "readings",
            "seq": 1,
            "samples": 3,
            "resend": [],
        }
    until_empty(peer)
    assert numbers(database) == [1]


@pytest.mark.parametrize(
    ("data", "where", "code"),
    [
        (b"garbage", subject(), "surplus-bytes"),
        (b"", subject(), "truncated"),
        (sealed(1)[:-1] + b"\0", subject(), "bad-crc"),
        (
            sealed(1, tables=[Table("readings/a/b", [Column("x", "", 0, [1])])]),
            subject(),
            "bad-table",
        ),
        (sealed(1), subject(OTHER), "forged-source"),
        (sealed(1), subject("nobody"), "forged-source"),
        (sealed(1), subject("ab"), "forged-source"),
    ],
)
def test_what_is_refused_is_answered_and_does_not_come_again(
    receiver: Receiving, peer: NatsPeer, data: bytes, where: str, code: str
) -> None:
    peer.until_ready()
    peer.publish(where, data)
    answer = peer.heard()
    assert answer.subject == where.partition(".batch")[0] + ".ack"
    assert json.loads(answer.data)["error"] == code
    until_empty(peer)
    assert receiver.request("GET", "/v1/status")[2]["batches"] == 0


def test_an_identity_conflict(receiver: Receiving, peer: NatsPeer) -> None:
    peer.until_ready()
    codes = []
    for data in (sealed(1), sealed(1, tables=[power_table(2)])):
        peer.publish(subject(), data)
        codes.append(json.loads(peer.heard().data).get("error"))
    assert codes == [None, "identity-conflict"]
    until_empty(peer)


def test_what_waited_before_it_came(
    server: NatsServer, peer: NatsPeer, database: Path
) -> None:
    peer.add_stream()
    for seq in range(1, 101):
        peer.publish(subject(), sealed(seq))
    with receiving(database, [broker(server)]):
        until_empty(peer)
    assert numbers(database) == list(range(1, 101))


def test_one_that_died_between_commit_and_acknowledgement(
    server: NatsServer, peer: NatsPeer, database: Path
) -> None:
    peer.add_stream()
    peer.add_consumer(ack_wait=0.5)
    peer.publish(subject(), sealed(1))
    message = peer.take()
    with receiving(database) as first:
        assert first.post(message.data)[0] == 200
    with receiving(database, [broker(server)]):
        # It was handed out, so it comes when it was not acknowledged in time.
        assert json.loads(peer.heard().data)["status"] == "duplicate"
        until_empty(peer)
    assert numbers(database) == [1]


def test_two_share_and_one_takes_over(
    server: NatsServer, peer: NatsPeer, tmp_path: Path
) -> None:
    databases = [tmp_path / "one.sqlite", tmp_path / "two.sqlite"]
    with receiving(databases[0], [broker(server)]):
        peer.until_ready()
        with receiving(databases[1], [broker(server)]):
            peer.until_asked(2 * WORKERS)
            for seq in range(1, 201):
                peer.publish(subject(), sealed(seq))
            until_empty(peer)
        shares = [numbers(database) for database in databases]
        assert all(shares)
        assert sorted(shares[0] + shares[1]) == list(range(1, 201))
        peer.publish(subject(), sealed(201))
        until_empty(peer)
    assert numbers(databases[0])[-1] == 201


def test_a_store_that_is_busy(
    server: NatsServer, peer: NatsPeer, database: Path
) -> None:
    """The store is a real one that is not to be had at the first try."""
    opener = store_opener(str(database))

    class Once:
        def __init__(self) -> None:
            self._store = opener()
            self._first = True

        def __getattr__(self, name: str) -> Any:
            return getattr(self._store, name)

        def commit(self, batches: Sequence[Incoming]) -> Any:
            if self._first:
                self._first = False
                return [StoreBusyError("receiver: database is locked", 1)]
            return self._store.commit(batches)

    with LoopThread() as loop:
        desk = Desk(Once)
        loop.run(desk.open())
        intake = open_intake(server.url, desk, broker(server))
        loop.run(intake.start())
        peer.until_ready()
        peer.publish(subject(), sealed(1))
        first = json.loads(peer.heard().data)
        assert (first["error"], first["retry_after_s"]) == ("store-busy", 1)
        # By itself: nobody published it again.
        assert json.loads(peer.heard().data)["status"] == "stored"
        until_empty(peer)
        loop.run(intake.stop())
        loop.run(desk.close())


def test_a_server_that_comes_later_and_goes_away(
    server: NatsServer, database: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server.kill()
    with receiving(database, [broker(server)]):
        for seq in (1, 2):
            server.start()
            with nats_peer(server.url) as peer:
                peer.until_ready()
                peer.publish(subject(), sealed(seq))
                until_empty(peer)
            server.kill()
    assert numbers(database) == [1, 2]
    assert f"receiver: connection closed at {server.url}; tries again" in caplog.text


def test_a_server_without_jetstream(tmp_path: Path, database: Path) -> None:
    told: queue.Queue[str] = queue.Queue()
    listener = logging.Handler()
    listener.emit = lambda record: told.put(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("zerometer.agent.receiver.nats")
    logger.addHandler(listener)
    with (
        nats_server(tmp_path, jetstream=False) as server,
        receiving(database, [broker(server)]) as receiver,
    ):
        message = told.get(timeout=5)
        assert receiver.post(sealed(1))[0] == 200
    logger.removeHandler(listener)
    assert message == (
        f"receiver: JetStream is not available at {server.url}; tries again"
    )


def test_it_needs_no_more_than_the_docs_say(tmp_path: Path, database: Path) -> None:
    needs = section(page("docs/receiver.md"), "## NATS")
    (publish,), (subscribe,) = (
        [allowed for name, allowed in rows(needs) if name == right]
        for right in ("publish", "subscribe")
    )
    quoted = [text.replace("`", '"') for text in (publish, subscribe)]
    users = (
        "authorization { users = [ { user: admin, password: a }, { user: receiver, "
        f"password: b, permissions: {{ publish: [{quoted[0]}], "
        f"subscribe: [{quoted[1]}] }} }} ] }}"
    )
    secret = tmp_path / "secret"
    secret.write_text("b")
    secret.chmod(0o600)
    with (
        nats_server(tmp_path, users) as server,
        nats_peer(server.url, user="admin", password="a") as peer,
        receiving(
            database,
            [broker(server, user="receiver", password_file=str(secret))],
        ),
    ):
        peer.listen()
        peer.until_ready()
        peer.publish(subject(), sealed(1))
        assert json.loads(peer.heard().data)["status"] == "stored"
        until_empty(peer)


def test_a_stream_made_by_hand_may_copy_what_comes(
    server: NatsServer, peer: NatsPeer, database: Path
) -> None:
    peer.add_stream(republish=RePublish(src=">", dest="copy.>"))
    copies = peer.subscribe("copy.>")
    with receiving(database, [broker(server)]):
        peer.publish(subject(), sealed(1))
        until_empty(peer)
    copy = peer.next_of(copies)
    assert (copy.subject, copy.data) == (f"copy.{subject()}", sealed(1))


def test_secrets_that_cannot_be_read(
    server: NatsServer, database: Path, tmp_path: Path
) -> None:
    settings = broker(server, token_file=str(tmp_path / "absent"))
    with (
        pytest.raises(ConfigError, match=r"token file .* No such file"),
        receiving(database, [settings]),
    ):
        pass


def test_an_address_that_cannot_be(database: Path) -> None:
    settings = UplinkSettings(id="receiver", url="nats://host/path")
    with (
        pytest.raises(ConfigError, match="--from nats://host/path: url: "),
        receiving(database, [settings]),
    ):
        pass
