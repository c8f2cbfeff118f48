"""``/v1/events`` of the page's server: what happened, told by a program.

``POST`` takes one event as a JSON object whose members are the columns of the events
file; 201 when it is on the disk, 200 when it was there. ``GET`` returns all, or those
``?after=NUMBER``. Errors have the body ``{"error": code, "message": text}``.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from zerometer.agent.site_events.store import EventStore
from zerometer.config.events import as_text, event_of
from zerometer.core.errors import JournalError
from zerometer.core.event import SiteEvent
from zerometer.core.site import Site

PATH = "/v1/events"
#: Bytes of a request; an event has a tenth of it.
MAX_BODY = 64 * 1024


class _RefusedError(Exception):
    """A request that cannot be served: the status, a code, and why."""

    def __init__(self, status: int, code: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": code, "message": message, **more}


class EventsApi:
    """Serves the events of one site."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def route(self) -> Route:
        """Return the route that serves them."""
        return Route(PATH, self._serve, methods=["GET", "POST"])

    async def _serve(self, request: Request) -> Response:
        try:
            if request.method == "POST":
                event = self._event(await _body(request))
                number = await asyncio.to_thread(self._add, event)
                if number is None:
                    return _answer({"status": "duplicate"})
                return _answer({"status": "stored", "number": number}, 201)
            after = request.query_params.get("after", "0")
            if not (after.isascii() and after.isdigit() and len(after) < 19):
                raise _RefusedError(
                    400, "bad-request", f"after: {after} is not a number"
                )
            events = await asyncio.to_thread(self._after, int(after))
            return _answer(
                {"events": [{"number": n, **as_text(event)} for n, event in events]}
            )
        except _RefusedError as refused:
            return _answer(refused.body, refused.status)
        except JournalError as error:
            body = {"error": "not-stored", "message": str(error)}
            return _answer(body, 503)

    def _event(self, body: bytes) -> SiteEvent:
        try:
            said = json.loads(body)
        except (ValueError, RecursionError):
            raise _RefusedError(400, "bad-json", "the body is not JSON") from None
        if not isinstance(said, dict):
            raise _RefusedError(400, "bad-json", "the body is not a JSON object")
        found = event_of(_texts(said), self._site)
        if isinstance(found, SiteEvent):
            return found
        faults = [{"field": f.column, "message": f.message} for f in found]
        message = "; ".join(f"{f.column}: {f.message}" for f in found)
        raise _RefusedError(422, "bad-event", message, faults=faults)

    def _add(self, event: SiteEvent) -> int | None:
        with closing(EventStore(Path(self._site.journal.path))) as store:
            return store.add([event], time.time_ns())[0]

    def _after(self, number: int) -> list[tuple[int, SiteEvent]]:
        with closing(EventStore(Path(self._site.journal.path))) as store:
            return store.after(number)


def _answer(body: Mapping[str, Any], status: int = 200) -> Response:
    # In ASCII: half a character that a request had cannot be written otherwise.
    return Response(json.dumps(body), status, media_type="application/json")


async def _body(request: Request) -> bytes:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        # A form of a web site cannot say so without asking, and gets no answer then.
        raise _RefusedError(
            415, "bad-type", "content-type: allowed is application/json"
        )
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise _RefusedError(
                413, "too-large", f"event: allowed are {MAX_BODY} bytes"
            )
    return bytes(body)


def _texts(said: Mapping[str, Any]) -> dict[str, str]:
    """Return the members of an object as text; null says nothing."""
    texts = {}
    for name, value in said.items():
        if isinstance(value, list | dict):
            message = f"{name}: is not a string, number, true, false or null"
            raise _RefusedError(422, "bad-event", message)
        if value is None:
            continue
        texts[name] = str(value).lower() if isinstance(value, bool) else str(value)
    return texts
