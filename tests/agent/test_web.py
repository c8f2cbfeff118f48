"""The web server: starts, answers, sleeps, stops, also with a request that hangs."""

import asyncio
import http.client
import logging
import socket
import threading
import urllib.error
import urllib.request

import pytest
from harness.serving import served
from starlette.types import Receive, Scope, Send

from zerometer.agent.web import WebServer
from zerometer.core.errors import ConfigError


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with what was sent; fail on /broken."""
    if scope["path"] == "/broken":
        raise RuntimeError("broken as asked")
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


def test_answers_on_a_free_port_without_naming_itself() -> None:
    with (
        served(echo) as base,
        urllib.request.urlopen(base, data=b"a" * 200_000, timeout=5) as answer,
    ):
        assert answer.read() == b"a" * 200_000
        assert answer.headers["server"] is None
        assert answer.headers["date"] is None


def test_a_failing_application_is_logged_and_answered_with_500(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with (
        caplog.at_level(logging.ERROR),
        served(echo) as base,
        pytest.raises(urllib.error.HTTPError) as failure,
    ):
        urllib.request.urlopen(f"{base}/broken", timeout=5)
    assert failure.value.code == 500
    failure.value.close()
    assert [record.getMessage() for record in caplog.records] == ["GET /broken failed"]


def test_a_taken_port_is_a_config_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"port {port}: another program"):
            asyncio.run(WebServer(echo, "127.0.0.1", port).start())


def test_connections_do_not_wait_to_fill_a_packet() -> None:
    async def delayed() -> list[bool]:
        server = WebServer(echo, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", await server.start()
        )
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
        await reader.readuntil(b"\r\n\r\n")
        found = [
            not connection.transport.get_extra_info("socket").getsockopt(
                socket.IPPROTO_TCP, socket.TCP_NODELAY
            )
            for connection in server._server.server_state.connections
        ]
        writer.close()
        await writer.wait_closed()
        await server.stop()
        return found

    assert asyncio.run(delayed()) == [False]


def test_an_idle_server_has_nothing_scheduled() -> None:
    async def scheduled() -> int:
        server = WebServer(echo, "127.0.0.1", 0)
        await server.start()
        timers = len(asyncio.get_running_loop()._scheduled)  # type: ignore[attr-defined]
        await server.stop()
        return timers

    assert asyncio.run(scheduled()) == 0


def test_stopping_cuts_a_request_that_does_not_end() -> None:
    entered, cancelled = threading.Event(), threading.Event()

    async def hang(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
        entered.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    with served(hang, grace_s=0.01) as base:
        client = http.client.HTTPConnection(base.removeprefix("http://"), timeout=5)
        client.request("GET", "/")
        answer = client.getresponse()
        assert entered.wait(5)
    assert cancelled.is_set()
    with pytest.raises(http.client.IncompleteRead):
        answer.read()
    client.close()
