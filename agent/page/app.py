"""The local page: what the agent knows right now, for a browser beside it."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from zerometer.agent.exposition import CONTENT_TYPE, exposition
from zerometer.agent.page.assets import serve_asset, serve_index
from zerometer.agent.page.guard import LOOPBACK_NAMES, Guard
from zerometer.agent.page.stream import EventStream, encode
from zerometer.agent.page.updates import Updates


def create_app(
    snapshot: Callable[[], dict[str, Any]],
    updates: Updates,
    names: Collection[str] = LOOPBACK_NAMES,
    writable: Sequence[Route] = (),
) -> Starlette:
    """Return the page as an ASGI application.

    *snapshot* gives a JSON-able dict without NaN; it is called in the event loop,
    at most once per tick for all streams, and for each request for it or for metrics.
    *names* are those, besides addresses, that requests may be sent to; *writable* are
    what programs on this machine may also POST to.
    """

    async def serve_snapshot(_request: Request) -> Response:
        return Response(encode(snapshot()), media_type="application/json")

    async def serve_metrics(_request: Request) -> Response:
        # Half a megabyte that an agent whom nobody scrapes does not need.
        from zerometer.agent.metrics import METRICS

        text = exposition(METRICS, snapshot())
        return Response(text, headers={"Content-Type": CONTENT_TYPE})

    return Starlette(
        routes=[
            Route("/", serve_index),
            Route("/static/{name:path}", serve_asset),
            Route("/api/snapshot", serve_snapshot),
            Route("/metrics", serve_metrics),
            Route("/api/events", EventStream(snapshot, updates)),
            *writable,
        ],
        middleware=[
            Middleware(Guard, names=names, writable={route.path for route in writable})
        ],
    )
