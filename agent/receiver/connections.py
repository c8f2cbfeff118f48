"""Connections of senders: who they are by TLS, and how long each may idle about.

A sender that is slow on purpose holds a connection, never more: one that does not
say what it wants in time is closed, and beyond so many the quietest goes first.
"""

import asyncio
import ssl
from collections import OrderedDict
from hashlib import sha256
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from zerometer.agent.receiver.model import Sender

#: Time for the head of a request, from its first byte or the connection.
HEAD_S = 10.0
#: Connections that are kept; beyond, the one that asked longest ago is closed.
MAX_CONNECTIONS = 512


class Connections:
    """All connections of one server, the quietest first."""

    def __init__(self) -> None:
        self._open: OrderedDict[Connection, None] = OrderedDict()

    def seen(self, connection: "Connection") -> None:
        """Note that *connection* is new, or has asked something."""
        self._open[connection] = None
        self._open.move_to_end(connection)
        if len(self._open) > MAX_CONNECTIONS:
            quietest, _ = self._open.popitem(last=False)
            quietest.transport.abort()

    def gone(self, connection: "Connection") -> None:
        """Note that *connection* is closed."""
        self._open.pop(connection, None)

    def protocol(self, *arguments: Any, **named: Any) -> "Connection":
        """Return the protocol of a new connection, as uvicorn calls for it."""
        return Connection(self, *arguments, **named)


class Connection(H11Protocol):
    """uvicorn's HTTP/1.1, with a deadline for the head of each request."""

    def __init__(self, connections: Connections, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._all = connections
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request; remember whose certificate it is."""
        super().connection_made(transport)
        secured: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
        if secured is not None:
            self.app_state = {**self.app_state, "sender": _by_certificate(secured)}
        self._all.seen(self)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Go on with a request; its head must be whole in time."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._rest()
            self._all.seen(self)
        elif self._deadline is None:
            self._wait()

    def on_response_complete(self) -> None:
        """Wait for the next request as long as a connection is kept."""
        self._rest()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._rest()
        self._all.gone(self)
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._deadline = self.loop.call_later(HEAD_S, self.transport.abort)

    def _rest(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def _by_certificate(secured: ssl.SSLObject) -> Sender:
    """Return who the other end is by its certificate, which TLS has checked."""
    certificate = secured.getpeercert(binary_form=True)
    if certificate is None:
        return Sender()
    named = secured.getpeercert() or {}
    subject: Any = named.get("subject", ())
    names = [value for part in subject for key, value in part if key == "commonName"]
    return Sender(
        fingerprint=sha256(certificate).hexdigest(), name=names[0] if names else None
    )
