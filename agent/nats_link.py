"""One connection to a NATS server, and where batches go on it; needs nats-py.

A connection that was lost is not repaired: whoever wants another opens a new one. So
nothing of an old connection is sent on a new one, and what is queued is queued by us.
"""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from nats.aio.client import Client
from nats.errors import (
    AuthorizationError,
    Error,
    SecureConnWantedError,
    StaleConnectionError,
)
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import ServiceUnavailableError

from zerometer.agent.uplink.tls import is_refusal
from zerometer.core.errors import ConfigError

PORT = 4222
ROOT = "zerometer.1"
#: Header of a batch and of its answer: the batch's identity. JetStream leaves out
#: what comes again under the same one within DUPLICATE_WINDOW_S.
ID_HEADER = "Nats-Msg-Id"
DUPLICATE_WINDOW_S = 120.0
#: Bytes of one batch, as over HTTP; a server's own limit is 1 MB unless configured.
MAX_BATCH = 8 << 20
#: Batches that wait for a receiver; beyond, gateways keep theirs.
MAX_STREAM = 1 << 30

#: The stream as a receiver makes it where there is none: a batch stays until it is
#: committed in a database, and nothing is dropped for a newer one.
STREAM = StreamConfig(
    name="ZEROMETER",
    subjects=[f"{ROOT}.*.batch.*"],
    retention=RetentionPolicy.WORK_QUEUE,
    discard=DiscardPolicy.NEW,
    storage=StorageType.FILE,
    max_bytes=MAX_STREAM,
    max_msg_size=MAX_BATCH + 4096,  # a message's headers count
    duplicate_window=DUPLICATE_WINDOW_S,
)

#: Longest that a connection may take to say goodbye.
CLOSE_S = 1.0


class RefusedError(Error):
    """The server does not allow what we must do."""


def batch_subject(source: str, stream: str) -> str:
    """Return where the gateway *source* (hexadecimal) publishes batches."""
    return f"{ROOT}.{source}.batch.{stream}"


def ack_subject(source: str) -> str:
    """Return where receivers answer the gateway *source*."""
    return f"{ROOT}.{source}.ack"


def inbox_prefix(source: str) -> str:
    """Return where the server itself answers the gateway *source*.

    Under its own subjects, so that it need not be allowed to read those of others.
    """
    return f"{ROOT}.{source}.inbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where a server is and as whom to come; ``tls`` None: not encrypted."""

    url: str
    name: str
    token: str = ""
    user: str = ""
    password: str = ""
    tls: ssl.SSLContext | None = None


def parse_url(url: str, who: str) -> tuple[str, bool]:
    """Return *url* as nats-py takes it, and whether it asks for TLS.

    ConfigError, which begins with *who*, when it is not usable.
    """
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None:
        raise ConfigError(f"{who}: url: holds a user or password; use files for them")
    secure = parts.scheme in {"tls", "nats+tls"}
    try:
        host, port = parts.hostname or "", parts.port or PORT
    except ValueError as error:
        raise ConfigError(f'{who}: url: "{url}": {error}') from error
    surplus = parts.path.strip("/") or parts.query or parts.fragment
    if not (secure or parts.scheme == "nats") or not host or surplus:
        raise ConfigError(
            f'{who}: url: "{url}": expected nats://host:port or nats+tls://host:port'
        )
    shown = f"[{host}]" if ":" in host else host
    return f"{'tls' if secure else 'nats'}://{shown}:{port}", secure


async def connect(
    server: Server,
    *,
    on_error: Callable[[Exception], None],
    on_lost: Callable[[], None],
    inbox: str = "_INBOX",
) -> Client:
    """Return a connection; *on_error* hears later what the server has against it.

    *on_lost* is told when it ends, whoever ends it. Raises OSError (ssl.SSLError and
    TimeoutError among them) or nats.errors.Error when there is none to be had.
    """
    client = _Client()
    state = "connecting"

    async def failed(error: Exception) -> None:
        # Raised while connecting, it ends what would otherwise be tried for ever.
        if state == "connecting":
            raise error
        if not isinstance(error, StaleConnectionError):  # its end tells as much
            on_error(error)

    async def closed() -> None:
        if state == "connected":
            on_lost()

    try:
        await client.connect(
            server.url,
            name=server.name,
            error_cb=failed,
            closed_cb=closed,
            allow_reconnect=False,
            tls=server.tls,
            token=server.token or None,
            user=server.user or None,
            password=server.password or None,
            inbox_prefix=inbox,
        )
        # A refusal may come after the greeting, as that of a certificate in TLS 1.3.
        await client.flush()
    except BaseException:
        state = "failed"
        await close(client)
        raise
    state = "connected"
    return client


async def close(client: Client) -> None:
    """Close a connection; one that leads nowhere is left to itself after CLOSE_S.

    asyncio itself never sees the end of one whose TLS failed.
    """
    with suppress(OSError, Error):
        async with asyncio.timeout(CLOSE_S):
            await client.close()


def is_lasting(error: Exception) -> bool:
    """Tell whether a failure stays until somebody changes something."""
    if isinstance(error, ssl.SSLError):
        return is_refusal(error)
    known = (ConfigError, RefusedError, AuthorizationError, SecureConnWantedError)
    # What a server says while connecting has no class of its own.
    return isinstance(error, known) or "authorization violation" in str(error).lower()


def words(error: Exception) -> str:
    """Return what went wrong between us and the server."""
    if isinstance(error, TimeoutError):
        return "the NATS server does not answer"
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError):
        return f"no NATS server answers ({(error.strerror or str(error)).lower()})"
    if isinstance(error, ServiceUnavailableError) and not error.description:
        return "JetStream is not available"
    return str(error).removeprefix("nats: ") or type(error).__name__


class _Client(Client):
    def _connect_command(self) -> bytes:
        """Refuse to go on in clear where TLS was asked for.

        Servers announce TLS in clear; somebody on the way may take that out, and
        nats-py would then send its secrets unencrypted.
        """
        server = self._current_server
        announced = self._server_info.get("tls_required", False)
        if server is not None and server.uri.scheme == "tls" and not announced:
            raise SecureConnWantedError
        return super()._connect_command()
