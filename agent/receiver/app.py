"""The receiver's HTTP side: which request does what, and what errors look like."""

import logging
from dataclasses import replace
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from zerometer.agent.receiver.bodies import Bodies
from zerometer.agent.receiver.desk import Desk
from zerometer.agent.receiver.errors import NotAllowedError, StoreError
from zerometer.agent.receiver.model import Sender
from zerometer.agent.receiver.reply import answer, refusal, status_of
from zerometer.agent.receiver.status import read_status

log = logging.getLogger(__name__)


def create_app(desk: Desk) -> Starlette:
    """Return the receiver as an ASGI application on an open *desk*.

    ``POST /v1/batches`` takes a batch and answers 200 once it is committed, also
    when it was committed before. ``GET /v1/status`` tells what there is. Errors
    have the body ``{"error": code, "message": text}``.
    """

    bodies = Bodies()

    async def post_batch(request: Request) -> Response:
        sender = _sender(request)
        desk.meet(sender)
        status, document = await answer(desk, await bodies.read(request), sender)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            log.error("batch not taken: %s", document["message"])
        retry = document.get("retry_after_s")
        headers = {"Retry-After": str(retry)} if retry else None
        return JSONResponse(document, status, headers)

    async def get_status(request: Request) -> Response:
        desk.meet(_sender(request))
        return JSONResponse(await desk.run(read_status))

    return Starlette(
        routes=[
            Route("/v1/batches", post_batch, methods=["POST"]),
            Route("/v1/status", get_status),
        ],
        exception_handlers={
            StoreError: _refuse,
            NotAllowedError: _refuse,
            ClientDisconnect: _gone,
            HTTPException: _http_error,
        },
    )


def _sender(request: Request) -> Sender:
    """Return what the request says of who sends it."""
    sender: Sender = getattr(request.state, "sender", Sender())
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return replace(sender, token=token.strip()) if kind.lower() == "bearer" else sender


async def _refuse(_request: Request, error: Exception) -> Response:
    return JSONResponse(refusal(error, b""), status_of(error))


async def _gone(_request: Request, _disconnect: Exception) -> Response:
    """Answer nobody: the sender went away within its request."""
    return Response(status_code=400)


async def _http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    codes = {
        404: "not-found",
        405: "method-not-allowed",
        408: "too-slow",
        413: "too-large",
    }
    code = codes.get(error.status_code, "bad-request")
    body = {"error": code, "message": error.detail}
    return JSONResponse(body, error.status_code, dict(error.headers or {}))
