"""JSON over HTTP: what is asked, and what becomes of failures on the way."""

import json
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness.upstream import Reply, Upstream, upstream

from zerometer.agent.factors import http_json
from zerometer.agent.factors.feed import FeedError
from zerometer.agent.factors.http_json import JsonClient


@pytest.fixture
def server() -> Iterator[Upstream]:
    with upstream() as running:
        yield running


def get(server: Upstream, reply: Reply | None = None) -> Any:
    if reply is not None:
        server.script.append(reply)
    return JsonClient("auth-token").get(f"{base(server)}/v3/x?zone=DE")


def base(server: Upstream) -> str:
    return f"http://127.0.0.1:{server.server_port}"


def failure(server: Upstream, reply: Reply) -> FeedError:
    with pytest.raises(FeedError) as caught:
        get(server, reply)
    return caught.value


def test_json_is_fetched(server: Upstream) -> None:
    assert get(server, Reply(body=b'{"zone": "DE"}')) == {"zone": "DE"}
    (request,) = server.requests
    assert request.path == "/v3/x?zone=DE"
    assert request.headers["Accept"] == "application/json"
    assert "auth-token" not in request.headers


def test_a_token_goes_into_the_header_of_the_provider(
    server: Upstream, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret\n")
    token.chmod(0o600)
    JsonClient("auth-token", str(token)).get(base(server))
    JsonClient("Authorization", str(token)).get(base(server))
    first, second = server.requests
    assert first.headers["auth-token"] == "s3cret"
    assert second.headers["Authorization"] == "Bearer s3cret"
    token.unlink()
    with pytest.raises(FeedError, match=r"token file .*: No such file"):
        JsonClient("auth-token", str(token)).get(base(server))


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(401, body=b'{"error":"Invalid auth-token"}'), "401 Unauthorized: {"),
        (Reply(404, body=b""), "404 Not Found"),
        (Reply(500, body=b"\xff" * 999), "500 Internal Server Error: "),
        (Reply(301, headers={"Location": "http://elsewhere/"}), "301 Moved Perm"),
        (Reply(204), "204 No Content"),
        (Reply(body=b"<html>"), "answer: not JSON: b'<html>'"),
        (Reply(body=b""), "answer: not JSON: b''"),
        (Reply(body=b"[" * 100_000), "answer: not JSON: b'[["),
        (Reply(body=b'{"a": "\xff"}'), "answer: not JSON: "),
        (Reply(cut="before"), "no usable answer from http://127.0.0.1:"),
        (Reply(body=b"[]" * 99, cut="within"), "no usable answer from http://127."),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_answer_that_is_none(server: Upstream, reply: Reply, reason: str) -> None:
    error = failure(server, reply)
    assert str(error).startswith(reason)
    assert len(str(error)) < 400
    assert error.retry_after_s == 0


def test_an_address_is_told_without_its_query(server: Upstream) -> None:
    assert "zone" not in str(failure(server, Reply(cut="before")))


def test_tls(
    server: Upstream, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a certificate, somebody must vouch for it: here SSL_CERT_FILE."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    url = base(server).replace("http:", "https:")
    with pytest.raises(FeedError, match="CERTIFICATE_VERIFY_FAILED"):
        JsonClient("auth-token").get(url)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    assert JsonClient("auth-token").get(url) == {}


def test_a_wait_that_is_asked_for(server: Upstream) -> None:
    error = failure(server, Reply(429, headers={"Retry-After": "120"}))
    assert (str(error)[:3], error.retry_after_s) == ("429", 120.0)


def test_a_body_has_a_limit(server: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    body = json.dumps(["x" * 100]).encode()
    monkeypatch.setattr(http_json, "MAX_BODY", len(body))
    assert get(server, Reply(body=body)) == ["x" * 100]
    monkeypatch.setattr(http_json, "MAX_BODY", len(body) - 1)
    error = failure(server, Reply(body=body))
    assert str(error) == f"answer: larger than {len(body) - 1} bytes"


def test_nobody_there(server: Upstream) -> None:
    with pytest.raises(FeedError, match=r"\(\[Errno 111\] Connection refused\)"):
        JsonClient("auth-token").get("http://127.0.0.1:1/")


def test_an_answer_that_never_comes_is_cut(
    server: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_json, "ANSWER_S", 0.05)
    held = threading.Event()
    try:
        assert "no usable answer" in str(failure(server, Reply(held=held)))
    finally:
        held.set()


def test_a_request_is_cut_when_it_is_to_end(server: Upstream) -> None:
    held = threading.Event()
    server.script.append(Reply(held=held))
    client = JsonClient("auth-token")
    caught: list[FeedError] = []

    def ask() -> None:
        try:
            client.get(base(server))
        except FeedError as error:
            caught.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    server.wait_for(1)
    client.abort()
    thread.join(5)
    held.set()
    assert "no usable answer" in str(caught[0])
    with pytest.raises(FeedError, match="stopped"):
        client.get(base(server))
