"""An ASGI application on a socket, without anything that wakes when idle.

uvicorn's own ``serve()`` looks ten times a second whether it should stop and what
the date is. Here its listening half is started and stopped directly; a server with
no request in progress then sleeps until one comes.
"""

import asyncio
import errno
import logging
import socket
import ssl
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn import Config, Server

from zerometer.core.errors import ConfigError

log = logging.getLogger(__name__)

#: Uplinks send every few seconds to minutes; reconnecting costs more than waiting.
KEEP_ALIVE_S = 75


#: Why an address cannot be had now, but may be later.
_PASSING: dict[int | None, str] = {
    errno.EADDRINUSE: "another program listens there; end it, or state another port",
    errno.EADDRNOTAVAIL: "this machine does not have that address",
}


class AddressError(ConfigError):
    """An address to listen on is taken, or is not one of this machine's yet."""

    retryable = True


class WebServer:
    """Serves *app* on *host* and *port*; port 0 takes any free one.

    ``start`` and ``stop`` belong to one running event loop.
    """

    def __init__(
        self,
        app: ASGIApp,
        host: str,
        port: int,
        *,
        protocol: Any = "h11",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """*protocol* is uvicorn's name of one, or what makes one; *tls* encrypts."""
        self._tls = tls
        self._app = app
        self._address = (host, port)
        self._server = Server(
            Config(
                self._serve,
                http=protocol,
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                log_level=logging.CRITICAL,  # failures are logged by _serve
                access_log=False,
                proxy_headers=False,
                server_header=False,
                date_header=False,
                timeout_keep_alive=KEEP_ALIVE_S,
            )
        )

    async def start(self) -> int:
        """Listen; return the port.

        AddressError when the address cannot be had now, ConfigError when never.
        """
        listener = _listen(*self._address)
        config = self._server.config
        config.load()
        config.ssl = self._tls
        self._server.lifespan = config.lifespan_class(config)
        await self._server.startup(sockets=[listener])
        port: int = listener.getsockname()[1]
        return port

    async def stop(self, grace_s: float = 1.0) -> None:
        """Stop listening, let answers in progress end within *grace_s*, cut the rest.

        Cut requests see ``asyncio.CancelledError``.
        """
        state = self._server.server_state
        for listener in self._server.servers:
            listener.close()
        for connection in list(state.connections):
            connection.shutdown()
        if late := await _unfinished(state.tasks, grace_s):
            for task in late:
                task.cancel()
            await asyncio.wait(late)
        for connection in list(state.connections):
            connection.transport.abort()
        # The transports report their end in the loop's next round.
        await asyncio.sleep(0)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except Exception:
            log.exception("%s %s failed", scope["method"], scope["path"])
            raise


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        fault = AddressError if error.errno in _PASSING else ConfigError
        reason = _PASSING.get(error.errno, error.strerror)
        raise fault(f"listen on {host}, port {port}: {reason}") from error
    # Connections inherit it. asyncio sets it only where the socket names TCP as its
    # protocol; without it an answer's body waits 40 ms for the header's receipt.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


async def _unfinished(
    tasks: "set[asyncio.Task[None]]", grace_s: float
) -> "set[asyncio.Task[None]]":
    """Return those of *tasks* that still run after *grace_s*."""
    if not tasks:
        return set()
    return (await asyncio.wait(set(tasks), timeout=grace_s))[1]
