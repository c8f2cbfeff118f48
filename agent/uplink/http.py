"""Batches over HTTP or HTTPS: one POST each, over a connection that is kept."""

import http.client
import re
import socket
import ssl
from contextlib import suppress
from urllib.parse import urlsplit

from zerometer.agent.batch import peek
from zerometer.agent.uplink.answers import judge
from zerometer.agent.uplink.base import Answer, Batch, Outcome
from zerometer.agent.uplink.secrets import TokenFile
from zerometer.core.errors import ConfigError, FormatError
from zerometer.core.site import UplinkSettings

MEDIA_TYPE = "application/vnd.msgpack"
#: An answer is a short JSON object; more than this is not read.
MAX_ANSWER = 65_536
#: How a request ends on a kept connection that the other side closed meanwhile.
STALE = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)
#: Failures of TLS that say nothing about certificates or versions.
PASSING = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)


def open_sender(settings: UplinkSettings, _source: bytes) -> "HttpSender":
    """Return who posts batches to the address in *settings*."""
    return HttpSender(settings.url, settings.token_file)


class HttpSender:
    """Posts batches to a URL, with a bearer token if there is a file with one."""

    def __init__(self, url: str, token_file: str = "") -> None:
        """Open nothing yet; ConfigError for an address that cannot be used."""
        parts = urlsplit(url)
        if parts.username is not None or parts.password is not None:
            raise ConfigError("uplink: url: holds a user or password; use token_file")
        try:
            self._host, self._port = parts.hostname or "", parts.port
        except ValueError as error:
            raise ConfigError(f'uplink: url: "{url}": {error}') from error
        if parts.scheme not in {"http", "https"} or not self._host:
            raise ConfigError(f'uplink: url: "{url}": expected http(s)://host/path')
        if not re.fullmatch(r"[!-~]+", url):
            raise ConfigError(f'uplink: url: "{url}": expected printable ASCII')
        # A query may be a secret; it is sent, but not shown.
        self.address = parts._replace(query="", fragment="").geturl()
        self._target = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._token = TokenFile(token_file) if token_file else None
        self._connection: http.client.HTTPConnection | None = None
        self._aborted = False

    def send(self, batch: Batch, timeout_s: float) -> Answer:
        """Post *batch*; each step on the network may take *timeout_s*."""
        try:
            headers = self._headers(batch.data)
        except (ConfigError, FormatError) as error:
            return Answer(Outcome.PAUSE, str(error))
        try:
            return self._post(batch.data, headers, timeout_s)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            return _judge_failure(error, self.address)

    def abort(self) -> None:
        """Cut the connection under a request in progress, which is the last one."""
        self._aborted = True
        connection = self._connection
        if connection is not None and connection.sock is not None:
            with suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection; the next ``send`` opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _headers(self, data: bytes) -> dict[str, str]:
        header = peek(data)
        source, epoch = header.source.hex(), header.epoch.hex()
        headers = {
            "Content-Type": MEDIA_TYPE,
            "Idempotency-Key": f"{source}/{epoch}/{header.stream}/{header.seq}",
            "User-Agent": "zerometer",
        }
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token.read()}"
        return headers

    def _post(self, data: bytes, headers: dict[str, str], timeout_s: float) -> Answer:
        kept = self._connection is not None
        try:
            return self._exchange(data, headers, timeout_s)
        except STALE:
            if not kept or self._aborted:
                raise
            # The identity makes this safe, should the first have arrived.
            self.close()
            return self._exchange(data, headers, timeout_s)

    def _exchange(
        self, data: bytes, headers: dict[str, str], timeout_s: float
    ) -> Answer:
        connection = self._connection or self._connect(timeout_s)
        if connection.sock is not None:
            connection.sock.settimeout(timeout_s)
        connection.request("POST", self._target, body=data, headers=headers)
        response = connection.getresponse()
        body = response.read(MAX_ANSWER)
        if response.length and len(body) < MAX_ANSWER:
            raise http.client.IncompleteRead(body, response.length)
        if response.will_close or not response.isclosed():
            self.close()
        return judge(response.status, response.headers, body)

    def _connect(self, timeout_s: float) -> http.client.HTTPConnection:
        connection = (
            http.client.HTTPConnection(self._host, self._port, timeout_s)
            if self._tls is None
            else http.client.HTTPSConnection(
                self._host, self._port, timeout=timeout_s, context=self._tls
            )
        )
        self._connection = connection
        return connection


def _judge_failure(error: Exception, address: str) -> Answer:
    """Judge a request without an answer: TLS that is refused will stay refused."""
    refused = isinstance(error, ssl.SSLError) and not isinstance(error, PASSING)
    outcome = Outcome.PAUSE if refused else Outcome.RETRY
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
