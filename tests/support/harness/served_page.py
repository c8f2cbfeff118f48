"""The page on a real loopback socket, and a client that sees raw answers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from zerometer.agent.page.app import create_app
from zerometer.agent.page.updates import Updates
from zerometer.agent.web import WebServer


@dataclass
class Served:
    """A running page: change ``snapshot``, then ``updates.publish()``."""

    updates: Updates
    snapshot: dict[str, Any] = field(default_factory=dict)
    rendered: int = 0
    port: int = 0

    def render(self) -> dict[str, Any]:
        """Count and return the snapshot."""
        self.rendered += 1
        return self.snapshot

    async def get(
        self, path: str, method: str = "GET", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers (lower-case names) and body of one request."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            fields = {"Host": f"127.0.0.1:{self.port}", "Connection": "close"}
            fields |= {name.replace("_", "-"): value for name, value in headers.items()}
            writer.write(_request(method, path, fields))
            status, answer_headers = await read_head(reader)
            return status, answer_headers, await reader.read()
        finally:
            writer.close()

    @asynccontextmanager
    async def stream(self) -> AsyncIterator["Stream"]:
        """An open event stream whose headers have come."""
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.port, limit=1 << 24
        )
        try:
            host = {"Host": f"localhost:{self.port}"}
            writer.write(_request("GET", "/api/events", host))
            status, headers = await read_head(reader)
            yield Stream(reader, writer, status, headers)
        finally:
            writer.close()


@dataclass
class Stream:
    """A client's side of an event stream."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    status: int
    headers: dict[str, str]

    async def event(self) -> bytes:
        """Return the data of the next event."""
        while True:
            line = await self.reader.readline()
            assert line, "the stream ended"
            if line.startswith(b"data: "):
                return line[6:-1]


def _request(method: str, path: str, fields: dict[str, str]) -> bytes:
    lines = [f"{method} {path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in fields.items()]
    return "\r\n".join([*lines, "", ""]).encode()


async def read_head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    """Return status and headers of an answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    pairs = (line.split(": ", 1) for line in head[1:-2])
    return int(head[0].split()[1]), {name.lower(): value for name, value in pairs}


def with_page(
    scenario: Callable[[Served], Awaitable[None]], updates: Updates | None = None
) -> None:
    """Run *scenario* against a served page; stop the server in any case."""

    async def run() -> None:
        served = Served(updates or Updates())
        app = create_app(served.render, served.updates)
        server = WebServer(app, "127.0.0.1", 0)
        served.port = await server.start()
        try:
            await scenario(served)
        finally:
            served.updates.close()
            await server.stop()

    asyncio.run(run())
