"""Events by HTTP, on the page's server."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from harness.served_page import read_head
from harness.sites import small_site

from zerometer.agent.page.app import create_app
from zerometer.agent.page.guard import Guard
from zerometer.agent.page.updates import Updates
from zerometer.agent.site_events.api import MAX_BODY, EventsApi
from zerometer.agent.web import WebServer
from zerometer.core.site import JournalSettings

LEAK = {"time": 1772323200, "kind": "refrigerant", "subject": "R410A",
        "quantity": 2.5, "unit": "kg", "text": None}  # fmt: skip


class Client:
    """Speaks to the server of a site's page."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def ask(
        self, method: str, body: bytes = b"", path: str = "/v1/events", **headers: str
    ) -> tuple[int, Any]:
        """Return the status and the body of an answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            fields = {"Host": f"localhost:{self.port}", "Connection": "close",
                      "Content-Length": str(len(body)),
                      "Content-Type": "application/json"} | {
                name.replace("_", "-"): value for name, value in headers.items()
            }  # fmt: skip
            lines = [f"{method} {path} HTTP/1.1"]
            lines += [f"{name}: {value}" for name, value in fields.items()]
            writer.write("\r\n".join([*lines, "", ""]).encode() + body)
            status, _ = await read_head(reader)
            text = await reader.read()
            return status, json.loads(text) if text.startswith(b"{") else text
        finally:
            writer.close()

    async def post(self, said: Any, **headers: str) -> tuple[int, Any]:
        """Post something as JSON."""
        return await self.ask("POST", json.dumps(said).encode(), **headers)


def served(folder: Path, scenario: Callable[[Client], Awaitable[None]]) -> None:
    """Run *scenario* against a page whose site keeps its state in *folder*."""
    site = replace(small_site(), journal=JournalSettings(path=str(folder)))

    async def run() -> None:
        updates = Updates()
        app = create_app(dict, updates, writable=[EventsApi(site).route()])
        server = WebServer(app, "127.0.0.1", 0)
        try:
            await scenario(Client(await server.start()))
        finally:
            updates.close()
            await server.stop()

    asyncio.run(run())


def test_an_event_is_on_the_disk_when_it_is_answered(tmp_path: Path) -> None:
    async def scenario(client: Client) -> None:
        assert await client.post(LEAK) == (201, {"status": "stored", "number": 1})
        assert await client.post(LEAK) == (200, {"status": "duplicate"})
        status, answer = await client.ask("GET")
        assert status == 200
        assert answer["events"] == [
            {"number": 1, "time": "2026-03-01T00:00:00Z", "kind": "refrigerant",
             "subject": "R410A", "quantity": "2.5", "unit": "kg"}
        ]  # fmt: skip
        assert await client.ask("GET", path="/v1/events?after=1") == (
            200, {"events": []},
        )  # fmt: skip

    served(tmp_path / "state", scenario)


@pytest.mark.parametrize(
    ("said", "status", "code", "message"),
    [
        ([LEAK], 400, "bad-json", "not a JSON object"),
        ({**LEAK, "quantity": [1]}, 422, "bad-event", "quantity: is not a string"),
        ({**LEAK, "unit": "L"}, 422, "bad-event", 'unit: "L" is not kg'),
        ({**LEAK, "colour": "red"}, 422, "bad-event", "colour: unknown"),
        ({**LEAK, "text": "\ud800"}, 422, "bad-event", "characters of no text"),
        ({**LEAK, "quantity": True}, 422, "bad-event", "is not a number"),
        ({**LEAK, "text": "a" * MAX_BODY}, 413, "too-large", "65536 bytes"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_kept(
    tmp_path: Path, said: Any, status: int, code: str, message: str
) -> None:
    async def scenario(client: Client) -> None:
        got, answer = await client.post(said)
        assert (got, answer["error"]) == (status, code)
        assert message in answer["message"]
        assert (await client.ask("GET"))[1] == {"events": []}

    served(tmp_path, scenario)


def test_each_fault_has_its_field(tmp_path: Path) -> None:
    async def scenario(client: Client) -> None:
        status, answer = await client.post({"kind": "refrigerant", "unit": "kg"})
        assert status == 422
        assert {fault["field"] for fault in answer["faults"]} == {"time", "subject"}

    served(tmp_path, scenario)


def test_other_requests_are_refused(tmp_path: Path) -> None:
    async def scenario(client: Client) -> None:
        assert (await client.ask("POST", b"{"))[1]["error"] == "bad-json"
        assert (await client.ask("POST", b"[" * 20000))[1]["error"] == "bad-json"
        form = {"Content_Type": "text/plain"}
        assert (await client.post(LEAK, **form))[1]["error"] == "bad-type"
        asked = await client.ask("GET", path="/v1/events?after=x")
        assert (asked[0], asked[1]["error"]) == (400, "bad-request")
        assert (await client.ask("PUT"))[0] == 405
        assert (await client.ask("POST", path="/api/snapshot"))[0] == 405

    served(tmp_path, scenario)


def test_a_web_page_that_somebody_visits_cannot_post(tmp_path: Path) -> None:
    async def scenario(client: Client) -> None:
        assert (await client.post(LEAK, Origin="https://evil.example"))[0] == 403
        assert (await client.post(LEAK, Host="evil.example"))[0] == 421
        assert (await client.ask("GET"))[1] == {"events": []}

    served(tmp_path, scenario)


@pytest.mark.parametrize(
    ("client", "status"),
    [
        (("127.0.0.1", 5), 200),
        (("::1", 5), 200),
        (("192.168.7.5", 5), 403),
        (None, 403),
    ],
)
def test_only_this_machine_may_post(
    client: tuple[str, int] | None, status: int
) -> None:
    answers: list[int] = []

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            answers.append(message["status"])

    scope = {"type": "http", "method": "POST", "path": "/v1/events", "client": client,
             "headers": [(b"host", b"192.168.7.1")]}  # fmt: skip
    guard = Guard(app, (), {"/v1/events"})
    asyncio.run(guard(scope, None, send))  # type: ignore[arg-type]
    assert answers == [status]


def test_a_state_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where a folder should be")

    async def scenario(client: Client) -> None:
        status, answer = await client.post(LEAK)
        assert (status, answer["error"]) == (503, "not-stored")
        assert str(tmp_path) in answer["message"]

    served(tmp_path / "state", scenario)
