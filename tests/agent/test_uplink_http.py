"""One POST: what is sent, and what becomes of failures on the way."""

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from harness.batches import EPOCH, SOURCE
from harness.outbox import stored
from harness.sealed_batches import sealed
from harness.upstream import Reply, Upstream, upstream

from zerometer.agent.journal.model import StoredBatch
from zerometer.agent.uplink.base import Outcome
from zerometer.agent.uplink.http import HttpSender
from zerometer.core.errors import ConfigError
from zerometer.core.site import UplinkSettings


@pytest.fixture
def server() -> Iterator[Upstream]:
    with upstream() as running:
        yield running


@pytest.fixture
def sender(server: Upstream) -> Iterator[HttpSender]:
    sender = http(server.url)
    yield sender
    sender.close()


def entry(seq: int = 1) -> StoredBatch:
    return stored(sealed(seq))


def http(url: str, **settings: str) -> HttpSender:
    return HttpSender(UplinkSettings(id="main", url=url, **settings), SOURCE)  # type: ignore[arg-type]


def test_a_batch_is_posted_under_its_identity(
    server: Upstream, sender: HttpSender
) -> None:
    assert sender.send(entry(7), 5).outcome is Outcome.ACCEPTED
    (request,) = server.requests
    assert request.path == "/v1/batches"
    assert request.body == sealed(7)
    assert request.headers["Content-Type"] == "application/vnd.msgpack"
    identity = f"{SOURCE.hex()}/{EPOCH.hex()}/readings/7"
    assert request.headers["Idempotency-Key"] == identity
    assert "Authorization" not in request.headers


def test_two_threads_have_a_connection_each(
    server: Upstream, sender: HttpSender
) -> None:
    held = threading.Event()
    server.script.extend([Reply(held=held), Reply(held=held)])
    with ThreadPoolExecutor(2) as lanes:
        answers = [lanes.submit(sender.send, entry(seq), 5) for seq in (1, 2)]
        server.wait_for(2)
        held.set()
        assert {answer.result().outcome for answer in answers} == {Outcome.ACCEPTED}
    assert sender.send(entry(3), 5).outcome is Outcome.ACCEPTED
    clients = [request.client for request in server.requests]
    assert len(set(clients[:2])) == 2
    assert clients[2] in clients[:2]


def test_an_abort_ends_all_requests(server: Upstream, sender: HttpSender) -> None:
    held = threading.Event()
    server.script.extend([Reply(held=held), Reply(held=held)])
    with ThreadPoolExecutor(2) as lanes:
        answers = [lanes.submit(sender.send, entry(seq), 60) for seq in (1, 2)]
        server.wait_for(2)
        sender.abort()
        assert {answer.result(5).outcome for answer in answers} == {Outcome.RETRY}
        held.set()
    assert sender.send(entry(3), 5).outcome is Outcome.RETRY
    assert len(server.requests) == 2


def test_the_connection_is_kept(server: Upstream, sender: HttpSender) -> None:
    for seq in (1, 2, 3):
        assert sender.send(entry(seq), 5).outcome is Outcome.ACCEPTED
    assert len({request.client for request in server.requests}) == 1


def test_a_kept_connection_that_was_closed_meanwhile_is_opened_again(
    server: Upstream, sender: HttpSender
) -> None:
    server.script.append(Reply(keep=False))
    assert sender.send(entry(1), 5).outcome is Outcome.ACCEPTED
    assert sender.send(entry(2), 5).outcome is Outcome.ACCEPTED
    assert [request.body for request in server.requests] == [sealed(1), sealed(2)]


def test_an_answer_that_closes_is_followed_by_a_new_connection(
    server: Upstream, sender: HttpSender
) -> None:
    server.script.append(Reply(headers={"Connection": "close"}, keep=False))
    for seq in (1, 2):
        assert sender.send(entry(seq), 5).outcome is Outcome.ACCEPTED
    assert len({request.client for request in server.requests}) == 2


def test_an_answer_without_body_keeps_the_connection(
    server: Upstream, sender: HttpSender
) -> None:
    server.script.append(Reply(204))
    for seq in (1, 2):
        assert sender.send(entry(seq), 5).outcome is Outcome.ACCEPTED
    assert len({request.client for request in server.requests}) == 1


@pytest.mark.parametrize("cut", ["before", "within"])
def test_a_lost_answer_is_tried_again(
    server: Upstream, sender: HttpSender, cut: str
) -> None:
    server.script.append(Reply(cut=cut, body=b'{"status": "stored"}'))
    answer = sender.send(entry(), 5)
    assert answer.outcome is Outcome.RETRY
    assert answer.reason
    assert sender.send(entry(), 5).outcome is Outcome.ACCEPTED


def test_a_silent_server_is_given_up(server: Upstream, sender: HttpSender) -> None:
    held = threading.Event()
    server.script.append(Reply(held=held))
    assert sender.send(entry(), 0.01).outcome is Outcome.RETRY
    held.set()


def test_an_endless_answer_is_not_read(server: Upstream, sender: HttpSender) -> None:
    server.script.append(Reply(body=b"x" * 10_000_000))
    assert sender.send(entry(1), 5).outcome is Outcome.ACCEPTED
    assert sender.send(entry(2), 5).outcome is Outcome.ACCEPTED
    assert len({request.client for request in server.requests}) == 2


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    answer = http(f"http://127.0.0.1:{port}/").send(entry(), 5)
    assert answer.outcome is Outcome.RETRY
    assert answer.reason.startswith("no receiver answers at http://")
    assert answer.reason.endswith(" (connection refused)")


def test_a_stranger_on_the_port_is_tried_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def talk() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(b"220 mail.example.com ESMTP\r\n")

        thread = threading.Thread(target=talk)
        thread.start()
        sender = http(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        assert sender.send(entry(), 5).outcome is Outcome.RETRY
        thread.join()


@pytest.mark.parametrize("hangs_up", [True, False])
def test_an_answer_before_everything_was_read_counts(hangs_up: bool) -> None:
    """As of a proxy that does not take so much."""
    large = replace(entry(), data=bytes(30_000_000))
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(
                    b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"
                )
                if not hangs_up:
                    over.wait(5)

        over = threading.Event()
        thread = threading.Thread(target=refuse)
        thread.start()
        sender = http(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        answer = sender.send(large, 0.3)
        over.set()
        thread.join()
    assert answer.outcome is Outcome.TOO_LARGE


def test_tls_that_is_refused_pauses(server: Upstream) -> None:
    """A port that does not speak TLS will not start to."""
    sender = http(server.url.replace("http:", "https:"))
    answer = sender.send(entry(), 5)
    assert answer.outcome is Outcome.PAUSE
    assert "SSL" in answer.reason


def test_a_token_is_read_at_each_use(server: Upstream, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.touch(mode=0o600)
    sender = http(server.url, token_file=str(token))
    for secret in ("first", "second"):
        token.write_text(f"{secret}\n")
        assert sender.send(entry(), 5).outcome is Outcome.ACCEPTED
    sent = [request.headers["Authorization"] for request in server.requests]
    assert sent == ["Bearer first", "Bearer second"]
    sender.close()


@pytest.mark.parametrize("content", [None, b"two words"])
def test_without_a_usable_token_nothing_is_sent(
    server: Upstream, tmp_path: Path, content: bytes | None
) -> None:
    token = tmp_path / "token"
    if content is not None:
        token.write_bytes(content)
    answer = http(server.url, token_file=str(token)).send(entry(), 5)
    assert answer.outcome is Outcome.PAUSE
    assert str(token) in answer.reason
    assert "two words" not in answer.reason
    assert not server.requests


@pytest.mark.parametrize("before", [0, 1])
def test_an_abort_ends_a_request_in_progress(
    server: Upstream, sender: HttpSender, before: int
) -> None:
    """Also on a kept connection, where a cut would be tried again otherwise."""
    for seq in range(before):
        assert sender.send(entry(seq + 1), 5).outcome is Outcome.ACCEPTED
    held = threading.Event()
    server.script.append(Reply(held=held))
    answers = []
    thread = threading.Thread(target=lambda: answers.append(sender.send(entry(), 60)))
    thread.start()
    server.wait_for(before + 1)
    sender.abort()
    thread.join(5)
    assert answers[0].outcome is Outcome.RETRY
    assert len(server.requests) == before + 1
    held.set()


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host/",
        "http:///path",
        "http://host:port/",
        "http://host:70000/",
        "http://user:secret@host/",
        "http://host/a b",
        "http://host/\r\nX-Header: x",
    ],
)
def test_addresses_that_cannot_be_used(url: str) -> None:
    with pytest.raises(ConfigError) as failure:
        http(url)
    assert "secret" not in str(failure.value)


def test_a_query_is_sent_and_not_shown(server: Upstream) -> None:
    sender = http(f"{server.url}?key=secret")
    assert sender.address == server.url
    sender.send(entry(), 5)
    sender.close()
    assert server.requests[0].path == "/v1/batches?key=secret"


def test_an_address_without_a_path() -> None:
    with upstream() as server:
        sender = http(server.url.removesuffix("/v1/batches"))
        sender.send(entry(), 5)
        sender.close()
        assert server.requests[0].path == "/"
