"""Batches over HTTP or HTTPS: one POST each, over connections that are kept."""

import http.client
import re
import socket
import ssl
from contextlib import suppress
from threading import Lock
from urllib.parse import SplitResult, urlsplit

from zerometer.agent.uplink.answers import MAX_ANSWER, judge
from zerometer.agent.uplink.base import Answer, Batch, Outcome
from zerometer.agent.uplink.secrets import TokenFile
from zerometer.agent.uplink.tls import client_context, is_refusal
from zerometer.core.errors import ConfigError
from zerometer.core.site import UplinkSettings

MEDIA_TYPE = "application/vnd.msgpack"
#: How a request ends on a kept connection that the other side closed meanwhile.
STALE = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)


def open_sender(settings: UplinkSettings, source: bytes) -> "HttpSender":
    """Return who posts batches of *source* to the address in *settings*."""
    return HttpSender(settings, source)


class HttpSender:
    """Posts batches to a URL; as many connections as threads send at once."""

    def __init__(self, settings: UplinkSettings, source: bytes) -> None:
        """Open nothing yet; ConfigError for an address that cannot be used."""
        parts = _parts(settings.url)
        self._host, self._port = parts.hostname or "", parts.port
        # A query may be a secret; it is sent, but not shown.
        self.address = parts._replace(query="", fragment="").geturl()
        self._target = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
        self._encrypted = parts.scheme == "https"
        self._files = settings.ca, settings.cert, settings.key
        self._token = TokenFile(settings.token_file) if settings.token_file else None
        self._source = source.hex()
        self._lock = Lock()
        self._free: list[http.client.HTTPConnection] = []
        self._busy: set[http.client.HTTPConnection] = set()
        self._aborted = False

    def send(self, batch: Batch, timeout_s: float) -> Answer:
        """Post *batch*; each step on the network may take *timeout_s*."""
        try:
            return self._post(batch, self._headers(batch), timeout_s)
        except ConfigError as error:
            return Answer(Outcome.PAUSE, str(error))
        except (OSError, http.client.HTTPException) as error:
            return _judge_failure(error, self.address)

    def abort(self) -> None:
        """Cut the connections under requests in progress, which are the last ones."""
        with self._lock:
            self._aborted = True
            busy = list(self._busy)
        for connection in busy:
            if (sock := connection.sock) is not None:
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close what no request uses; the next ``send`` opens another."""
        with self._lock:
            free, self._free = self._free, []
        for connection in free:
            connection.close()

    def _headers(self, batch: Batch) -> dict[str, str]:
        identity = f"{self._source}/{batch.epoch.hex()}/{batch.stream}/{batch.seq}"
        headers = {
            "Content-Type": MEDIA_TYPE,
            "Idempotency-Key": identity,
            "User-Agent": "zerometer",
        }
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token.read()}"
        return headers

    def _post(self, batch: Batch, headers: dict[str, str], timeout_s: float) -> Answer:
        with self._lock:
            kept = self._free.pop() if self._free else None
        if kept is not None:
            try:
                return self._exchange(kept, batch.data, headers, timeout_s)
            except STALE:
                if self._aborted:
                    raise
                # The identity makes this safe, should the first have arrived.
                # Those that were kept as long will be as stale.
                self.close()
        return self._exchange(self._new(timeout_s), batch.data, headers, timeout_s)

    def _exchange(
        self,
        connection: http.client.HTTPConnection,
        data: bytes,
        headers: dict[str, str],
        timeout_s: float,
    ) -> Answer:
        """Return the answer to one request; keep *connection* if it can be."""
        reusable = False
        self._take(connection)
        try:
            if connection.sock is None:
                connection.connect()
            if self._aborted:
                raise ConnectionAbortedError("stopped")
            connection.sock.settimeout(timeout_s)
            response = self._ask(connection, data, headers)
            body = response.read(MAX_ANSWER)
            if response.length and len(body) < MAX_ANSWER:
                raise http.client.IncompleteRead(body, response.length)
            reusable = response.isclosed() and not response.will_close
            return judge(response.status, response.headers, body)
        finally:
            self._give_back(connection, reusable)

    def _ask(
        self,
        connection: http.client.HTTPConnection,
        data: bytes,
        headers: dict[str, str],
    ) -> http.client.HTTPResponse:
        """Return the answer; a server may give it before it has read everything."""
        try:
            connection.request("POST", self._target, body=data, headers=headers)
        except (BrokenPipeError, ConnectionResetError, TimeoutError) as cut:
            try:
                early = connection.getresponse()
            except (OSError, http.client.HTTPException):
                raise cut from None
            early.will_close = True  # half a request went: no other may follow it
            return early
        return connection.getresponse()

    def _take(self, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            self._busy.add(connection)

    def _give_back(
        self, connection: http.client.HTTPConnection, reusable: bool
    ) -> None:
        with self._lock:
            self._busy.discard(connection)
            if reusable:
                self._free.append(connection)
        if not reusable:
            connection.close()

    def _new(self, timeout_s: float) -> http.client.HTTPConnection:
        if not self._encrypted:
            return http.client.HTTPConnection(self._host, self._port, timeout_s)
        # Certificates may have been renewed since the last connection.
        context = client_context(*self._files)
        return http.client.HTTPSConnection(
            self._host, self._port, timeout=timeout_s, context=context
        )


def _parts(url: str) -> SplitResult:
    """Return *url* in parts; ConfigError when batches cannot be posted there."""
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None:
        raise ConfigError("uplink: url: holds a user or password; use token_file")
    try:
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError as error:
        raise ConfigError(f'uplink: url: "{url}": {error}') from error
    if parts.scheme not in {"http", "https"} or not usable:
        raise ConfigError(f'uplink: url: "{url}": expected http(s)://host/path')
    if not re.fullmatch(r"[!-~]+", url):
        raise ConfigError(f'uplink: url: "{url}": expected printable ASCII')
    return parts


def _judge_failure(error: Exception, address: str) -> Answer:
    """Judge a request without an answer: TLS that is refused will stay refused."""
    outcome = Outcome.PAUSE if is_refusal(error) else Outcome.RETRY
    return Answer(outcome, f"{_met(error)} at {address} ({_words(error)})")


def _met(error: Exception) -> str:
    """Return whom the request met: nobody, or somebody who answered wrongly."""
    if isinstance(error, ssl.SSLError):
        return "no secure connection to the receiver"
    if isinstance(error, (http.client.HTTPException, ConnectionResetError)):
        return "no usable answer from the receiver"
    return "no receiver answers"


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, http.client.RemoteDisconnected):
        return "connection closed"
    if isinstance(error, ssl.SSLError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or "connection closed"
