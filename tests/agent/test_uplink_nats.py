"""Sending over NATS: what a receiver's answer, its absence and the server's words do.

The server is a real one; who answers is nats-py in the tests' own hands.
"""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from harness.batches import EPOCH, SOURCE
from harness.nats_ends import WHO, answered, batch, sender_to, stored
from harness.nats_peer import NatsPeer, nats_peer
from harness.nats_server import NatsServer, nats_server
from harness.sealed_batches import sealed

from zerometer.agent.uplink.base import Answer, Outcome
from zerometer.agent.uplink.nats import NatsSender
from zerometer.agent.uplink.nats_courier import HEADERS_SIZE
from zerometer.agent.uplink.schemes import open_sender
from zerometer.core.errors import ConfigError
from zerometer.core.site import UplinkSettings

SOON_S = 0.2


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    with nats_server(tmp_path) as server:
        yield server


@pytest.fixture
def peer(server: NatsServer) -> Iterator[NatsPeer]:
    with nats_peer(server.url) as peer:
        peer.add_stream()
        peer.add_consumer()
        yield peer


@pytest.fixture
def sender(server: NatsServer) -> Iterator[NatsSender]:
    sender = sender_to(server.url)
    yield sender
    sender.close()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


def test_only_a_receivers_answer_accepts(
    pool: ThreadPoolExecutor, sender: NatsSender, peer: NatsPeer
) -> None:
    sending: Future[Answer] = pool.submit(sender.send, batch(), 4)
    message = peer.take()
    assert message.subject == f"zerometer.1.{WHO}.batch.readings"
    assert message.data == sealed(1)
    assert message.headers == {"Nats-Msg-Id": f"{WHO}/{EPOCH.hex()}/readings/1"}
    # Of other batches, and what is no answer at all.
    for document in (
        stored(2), stored(stream="ledger"), stored(epoch="00" * 8), stored(source="ff"),
        {"status": "stored"}, [], b"\xff{", b"[" * 100_000,
    ):  # fmt: skip
        peer.answer(WHO, document)
    assert not sending.done()
    peer.answer(WHO, stored())
    assert sending.result() == Answer(Outcome.ACCEPTED)


@pytest.mark.parametrize(
    ("document", "outcome"),
    [
        (stored(status="duplicate"), Outcome.ACCEPTED),
        ({"error": "bad-crc", "message": "no"}, Outcome.REJECTED),
        ({"error": "identity-conflict", "message": "no"}, Outcome.CONFLICT),
        ({"error": "not-allowed", "message": "no"}, Outcome.PAUSE),
        ({"error": "store-busy", "message": "no", "retry_after_s": 7}, Outcome.RETRY),
    ],
)
def test_answers_are_judged_as_on_every_transport(
    pool: ThreadPoolExecutor,
    sender: NatsSender,
    peer: NatsPeer,
    document: dict[str, Any],
    outcome: Outcome,
) -> None:
    answer, _ = answered(pool, sender, peer, document)
    assert answer.outcome is outcome
    assert answer.retry_after_s == document.get("retry_after_s", 0)


def test_what_the_stream_keeps_is_not_sent_again(
    pool: ThreadPoolExecutor, sender: NatsSender, peer: NatsPeer
) -> None:
    for _ in range(3):
        answer = sender.send(batch(), SOON_S)
        assert answer == Answer(Outcome.RETRY, "no receiver has answered yet")
    assert peer.waiting() == 1
    # An answer between two tries counts for the next one.
    busy = {"error": "store-busy", "message": "later", "retry_after_s": 1}
    peer.answer(WHO, busy, peer.take().headers)
    answer = sender.send(batch(), 4)
    assert (answer.outcome, answer.code) == (Outcome.RETRY, "store-busy")
    # The receiver left it in the stream.
    peer.answer(WHO, stored())
    assert sender.send(batch(), 4).outcome is Outcome.ACCEPTED
    assert peer.waiting() == 1


def test_what_was_refused_is_sent_again_and_seen_again(
    pool: ThreadPoolExecutor, sender: NatsSender, peer: NatsPeer
) -> None:
    refused = {"error": "not-allowed", "message": "not listed"}
    answer, first = answered(pool, sender, peer, refused)
    assert answer.outcome is Outcome.PAUSE
    # Somebody listed it.
    answer, second = answered(pool, sender, peer, stored())
    assert answer.outcome is Outcome.ACCEPTED
    names = [message.headers["Nats-Msg-Id"] for message in (first, second)]  # type: ignore[index]
    assert names[0] != names[1]
    assert names[1].startswith(f"{names[0]}/")


def test_an_answer_that_was_lost_with_the_connection(
    pool: ThreadPoolExecutor, sender: NatsSender, server: NatsServer
) -> None:
    with nats_peer(server.url) as peer:
        # One that keeps what was taken, and so knows its message id when it returns.
        peer.add_stream(retention="limits")
        peer.add_consumer()
        assert sender.send(batch(), SOON_S).outcome is Outcome.RETRY
        message = peer.take()
        peer.acknowledge(message)
    server.kill()
    server.start()
    with nats_peer(server.url) as peer:
        answer, again = answered(pool, sender, peer, stored(status="duplicate"))
    assert answer.outcome is Outcome.ACCEPTED
    assert again.data == message.data


def test_an_answer_that_was_lost_with_the_gateway(
    pool: ThreadPoolExecutor, sender: NatsSender, peer: NatsPeer, server: NatsServer
) -> None:
    assert sender.send(batch(), SOON_S).outcome is Outcome.RETRY
    message = peer.take()
    peer.acknowledge(message)
    restarted = sender_to(server.url)
    # The server knows it as a repeat; the first receiver may still answer.
    assert restarted.send(batch(), SOON_S).outcome is Outcome.RETRY
    assert peer.waiting() == 0
    answer, _ = answered(pool, restarted, peer, stored(status="duplicate"))
    assert answer.outcome is Outcome.ACCEPTED
    restarted.close()


def test_a_server_that_is_killed_while_a_batch_waits(
    pool: ThreadPoolExecutor, sender: NatsSender, peer: NatsPeer, server: NatsServer
) -> None:
    sending = pool.submit(sender.send, batch(), 10)
    peer.take()
    server.kill()
    assert sending.result() == Answer(
        Outcome.RETRY, "the connection to the NATS server is lost"
    )
    answer = sender.send(batch(), 4)
    assert answer.outcome is Outcome.RETRY
    assert answer.reason.startswith("no NATS server answers (")
    server.start()
    with nats_peer(server.url) as again:
        answer, _ = answered(pool, sender, again, stored())
    assert answer.outcome is Outcome.ACCEPTED


def test_two_lanes_at_once(
    pool: ThreadPoolExecutor, sender: NatsSender, peer: NatsPeer
) -> None:
    sendings = [pool.submit(sender.send, batch(seq), 4) for seq in (1, 2)]
    taken = {peer.take().data for _ in sendings}
    assert taken == {sealed(1), sealed(2)}
    peer.answer(WHO, stored(2))
    assert sendings[1].result().outcome is Outcome.ACCEPTED
    assert not sendings[0].done()
    peer.answer(WHO, stored(1))
    assert sendings[0].result().outcome is Outcome.ACCEPTED


def test_no_stream(server: NatsServer, sender: NatsSender) -> None:
    assert sender.send(batch(), 4) == Answer(
        Outcome.RETRY, f"no stream takes batches at {server.url}; start a receiver"
    )


def test_a_stream_that_is_full(server: NatsServer, sender: NatsSender) -> None:
    with nats_peer(server.url) as peer:
        peer.add_stream(max_bytes=10, discard="new")
        answer = sender.send(batch(), 4)
    assert answer.outcome is Outcome.RETRY
    assert "maximum bytes exceeded" in answer.reason


def test_a_batch_above_the_streams_limit(
    server: NatsServer, sender: NatsSender
) -> None:
    with nats_peer(server.url) as peer:
        peer.add_stream(max_msg_size=10)
        answer = sender.send(batch(), 4)
    assert answer.outcome is Outcome.TOO_LARGE
    assert "message size exceeds maximum allowed" in answer.reason


def test_a_batch_above_the_servers_limit(tmp_path: Path) -> None:
    allowed = len(sealed(1)) - 1
    with nats_server(tmp_path, f"max_payload: {allowed + HEADERS_SIZE}") as server:
        sender = sender_to(server.url)
        assert sender.send(batch(), 4) == Answer(
            Outcome.TOO_LARGE, f"the NATS server takes {allowed} bytes"
        )
        sender.close()


def test_a_send_that_is_cut(
    pool: ThreadPoolExecutor, sender: NatsSender, peer: NatsPeer
) -> None:
    sending = pool.submit(sender.send, batch(), 15)
    peer.take()
    sender.abort()
    assert sending.result(2) == Answer(Outcome.RETRY, "stopped")
    assert sender.send(batch(), 15) == Answer(Outcome.RETRY, "stopped")


def test_nothing_is_left_when_it_is_closed(sender: NatsSender, peer: NatsPeer) -> None:
    before = threading.active_count()
    sender.send(batch(), SOON_S)
    assert threading.active_count() == before + 1
    sender.close()
    sender.close()
    assert threading.active_count() == before


@pytest.mark.parametrize(
    "url",
    [
        "nats://", "nats://host:port", "nats://host/path", "nats://host?a=b",
        "nats://user:secret@host", "http://host", "nats://host:99999",
    ],
)  # fmt: skip
def test_addresses_that_cannot_be(url: str) -> None:
    with pytest.raises(ConfigError, match=r'^uplink "main": url: '):
        sender_to(url)


def test_its_schemes() -> None:
    for scheme in ("nats", "nats+tls"):
        url = f"{scheme}://host"
        sender = open_sender(UplinkSettings(id="main", url=url), SOURCE)
        assert isinstance(sender, NatsSender)
        assert sender.address == url
