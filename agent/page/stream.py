"""Server-sent events: the snapshot, once per tick, to everyone who looks."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from zerometer.agent.page.updates import Client, Updates

#: A client that takes no byte for so long is not looking.
SEND_TIMEOUT_S = 10.0


def encode(snapshot: dict[str, Any]) -> bytes:
    """Return *snapshot* as JSON; ValueError when it holds NaN or an infinity."""
    text = json.dumps(
        snapshot, ensure_ascii=False, allow_nan=False, separators=(",", ":")
    )
    return text.encode()


class EventStream:
    """An ASGI application that answers with one event per tick.

    An event is written once for all clients, and only when there are any.
    """

    def __init__(
        self,
        snapshot: Callable[[], dict[str, Any]],
        updates: Updates,
        send_timeout_s: float = SEND_TIMEOUT_S,
    ) -> None:
        self._snapshot = snapshot
        self._updates = updates
        self._send_timeout_s = send_timeout_s
        self._event = b""
        self._event_tick = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one client until it leaves, stalls, or the updates close."""
        if scope["method"] == "HEAD":
            await Response(media_type="text/event-stream")(scope, receive, send)
            return
        client = self._updates.join()
        if client is None:
            refusal = PlainTextResponse("Too many viewers.\n", 503)
            await refusal(scope, receive, send)
            return
        watcher = asyncio.create_task(_end_when_gone(client, receive))
        try:
            await self._serve(client, send)
        except TimeoutError:
            pass  # the connection is closed by not completing the answer
        finally:
            self._updates.leave(client)
            watcher.cancel()

    async def _serve(self, client: Client, send: Send) -> None:
        start = {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-type", b"text/event-stream; charset=utf-8")],
        }
        await send(start)
        # An empty body part makes the server send the headers at once.
        await self._send_body(send, b"")
        while await client.tick():
            await self._send_body(send, self._current_event())
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_body(self, send: Send, body: bytes) -> None:
        async with asyncio.timeout(self._send_timeout_s):
            await send({"type": "http.response.body", "body": body, "more_body": True})

    def _current_event(self) -> bytes:
        if self._event_tick != self._updates.ticks:
            self._event = b"data: " + encode(self._snapshot()) + b"\n\n"
            self._event_tick = self._updates.ticks
        return self._event


async def _end_when_gone(client: Client, receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    client.end()
