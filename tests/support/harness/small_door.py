"""A proxy before a receiver that lets only small requests through."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager

from harness.receiving import Receiving
from harness.serving import served
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

PASSED_ON = ("content-type", "idempotency-key")


@contextmanager
def small_door(receiver: Receiving, limit: int) -> Iterator[str]:
    """Pass requests of at most *limit* bytes on; yield the address for batches."""

    async def knock(request: Request) -> Response:
        body = await request.body()
        if len(body) > limit:
            return PlainTextResponse("413 Request Entity Too Large", 413)
        headers = {k: v for k, v in request.headers.items() if k in PASSED_ON}
        status, _, answer = await asyncio.to_thread(receiver.post, body, headers)
        return Response(json.dumps(answer), status, media_type="application/json")

    app = Starlette(routes=[Route("/v1/batches", knock, methods=["POST"])])
    with served(app) as address:
        yield f"{address}/v1/batches"
