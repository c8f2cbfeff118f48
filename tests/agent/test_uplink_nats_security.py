"""Who we are for a NATS server, whom we believe, and what it lets us do."""

import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from harness.certificates import self_signed
from harness.nats_ends import WHO, answered, batch, sender_to, stored
from harness.nats_peer import nats_peer
from harness.nats_server import NatsServer, nats_server

from zerometer.agent.uplink.base import Answer, Outcome

#: As in docs/uplinks.md: what a gateway may do, and nothing else.
USERS = f"""
authorization {{ users = [
  {{ user: receiver, password: "re ceive" }}
  {{ user: gateway, password: "send it", permissions: {{
       publish: "zerometer.1.{WHO}.batch.*", subscribe: "zerometer.1.{WHO}.>" }} }}
  {{ user: another, password: "send it", permissions: {{
       publish: "zerometer.1.00.batch.*", subscribe: "zerometer.1.00.>" }} }}
] }}
"""


def secret(folder: Path, text: str) -> str:
    path = folder / "secret"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return str(path)


def sent(url: str, **settings: Any) -> Answer:
    sender = sender_to(url, **settings)
    try:
        return sender.send(batch(), 2)
    finally:
        sender.close()


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a gateway's own certificate and key."""
    return self_signed(tmp_path_factory.mktemp("gateway"))


@pytest.fixture
def tls_server(
    tmp_path: Path, certificate: tuple[Path, Path], identity: tuple[Path, Path]
) -> Iterator[NatsServer]:
    """Return a server that lets in who has the gateway's certificate."""
    settings = (
        f'tls {{ cert_file: "{certificate[0]}", key_file: "{certificate[1]}", '
        f'ca_file: "{identity[0]}", verify: true }}'
    )
    with nats_server(tmp_path, settings) as server:
        server.url = server.url.replace("nats:", "nats+tls:")
        yield server


def test_a_batch_over_tls_with_a_clients_certificate(
    tls_server: NatsServer, certificate: tuple[Path, Path], identity: tuple[Path, Path]
) -> None:
    context = ssl.create_default_context(cafile=certificate[0])
    context.load_cert_chain(*identity)
    cert, key = map(str, identity)
    sender = sender_to(tls_server.url, ca=str(certificate[0]), cert=cert, key=key)
    address = tls_server.url.removeprefix("nats+")
    with nats_peer(address, tls=context) as peer, ThreadPoolExecutor(1) as pool:
        peer.add_stream()
        peer.add_consumer()
        answer, _ = answered(pool, sender, peer, stored())
    assert answer == Answer(Outcome.ACCEPTED)
    sender.close()


def test_without_a_certificate(
    tls_server: NatsServer, certificate: tuple[Path, Path]
) -> None:
    answer = sent(tls_server.url, ca=str(certificate[0]))
    # In TLS 1.3 the refusal comes when we are through: as an alert, or as the end,
    # which meets us reading or writing.
    words = ("certificate required", "bad certificate", "lost", "reset", "broken pipe")
    assert answer.outcome in {Outcome.PAUSE, Outcome.RETRY}
    assert any(word in answer.reason for word in words)


def test_a_server_that_we_do_not_know(
    tls_server: NatsServer, identity: tuple[Path, Path]
) -> None:
    cert, key = map(str, identity)
    answer = sent(tls_server.url, ca=cert, cert=cert, key=key)
    assert answer.outcome is Outcome.PAUSE
    assert "certificate verify failed" in answer.reason


def test_nothing_is_said_where_tls_was_taken_out(tmp_path: Path) -> None:
    """Somebody on the way says that the server does not ask for TLS."""
    heard = bytearray()

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b'INFO {"auth_required":true,"max_payload":9999}\r\n')
            while data := connection.recv(1000):
                heard.extend(data)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        url = f"nats+tls://127.0.0.1:{listener.getsockname()[1]}"
        answer = sent(url, token_file=secret(tmp_path, "hush"))
        thread.join()
    assert answer.outcome is Outcome.PAUSE
    assert "secure connection not available" in answer.reason
    assert not heard


def test_a_token(tmp_path: Path) -> None:
    with nats_server(tmp_path, 'authorization { token: "hush" }') as server:
        answer = sent(server.url, token_file=secret(tmp_path, "hush\n"))
        assert (answer.outcome, answer.reason[:9]) == (Outcome.RETRY, "no stream")
        for settings in ({}, {"token_file": secret(tmp_path, "shout")}):
            answer = sent(server.url, **settings)
            assert answer.outcome is Outcome.PAUSE
            assert "'Authorization Violation'" in answer.reason
        answer = sent(server.url, token_file=str(tmp_path / "absent"))
        assert answer.outcome is Outcome.PAUSE
        assert "absent: No such file" in answer.reason


def test_a_gateway_may_do_what_it_must_and_no_more(tmp_path: Path) -> None:
    with (
        nats_server(tmp_path, USERS) as server,
        nats_peer(server.url, user="receiver", password="re ceive") as peer,
        ThreadPoolExecutor(1) as pool,
    ):
        peer.add_stream()
        peer.add_consumer()
        password_file = secret(tmp_path, "send it\n")
        sender = sender_to(server.url, user="gateway", password_file=password_file)
        answer, _ = answered(pool, sender, peer, stored())
        assert answer == Answer(Outcome.ACCEPTED)
        sender.close()
        answer = sent(server.url, user="another", password_file=password_file)
        assert answer.outcome is Outcome.PAUSE
        assert "permissions violation" in answer.reason.lower()
        assert peer.waiting() == 0
