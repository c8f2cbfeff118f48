"""JSON over HTTP or HTTPS: one GET, one connection, one answer of limited size."""

import http.client
import json
import socket
import ssl
import threading
from contextlib import closing, suppress
from typing import Any
from urllib.parse import urlsplit

from zerometer.agent.factors.feed import FeedError
from zerometer.agent.uplink.answers import retry_after_s
from zerometer.agent.uplink.secrets import TokenFile
from zerometer.core.errors import ConfigError

#: A day of one zone in 5-minute steps has less than a tenth of it.
MAX_BODY = 2_000_000
#: Longest wait for a step on the network, and for the whole answer.
STEP_S = 10.0
ANSWER_S = 60.0


class JsonClient:
    """Fetches JSON; the token of a file, if there is one, goes into a header."""

    def __init__(self, header: str, token_file: str = "") -> None:
        self._header = header
        self._token = TokenFile(token_file) if token_file else None
        self._connection: http.client.HTTPConnection | None = None
        self._aborted = False

    def get(self, url: str) -> Any:
        """Return what *url* has; FeedError says why there is nothing."""
        parts = urlsplit(url)
        # A query may be a secret; it is sent, but not shown.
        shown = parts._replace(query="").geturl()
        try:
            headers = self._headers()
            with closing(_connection(parts.scheme, parts.netloc)) as connection:
                self._connection = connection
                target = parts._replace(scheme="", netloc="").geturl() or "/"
                return self._exchange(connection, target, headers)
        except ConfigError as error:
            raise FeedError(str(error)) from error
        except (OSError, http.client.HTTPException) as error:
            said = str(error) or type(error).__name__
            raise FeedError(f"no usable answer from {shown} ({said})") from error
        finally:
            self._connection = None

    def abort(self) -> None:
        """Cut the connection under a request in progress, which is the last one."""
        self._aborted = True
        connection = self._connection
        if connection is not None:
            _cut(connection)

    def _headers(self) -> dict[str, str]:
        headers = {"Accept": "application/json", "User-Agent": "zerometer"}
        if self._token is not None:
            token = self._token.read()
            bearer = self._header == "Authorization"
            headers[self._header] = f"Bearer {token}" if bearer else token
        return headers

    def _exchange(
        self,
        connection: http.client.HTTPConnection,
        target: str,
        headers: dict[str, str],
    ) -> Any:
        if self._aborted:
            raise FeedError("stopped")
        # Steps have a time-out each; a server that drips must not hold us for ever.
        limit = threading.Timer(ANSWER_S, _cut, (connection,))
        limit.daemon = True
        limit.start()
        try:
            connection.request("GET", target, headers=headers)
            response = connection.getresponse()
            body = response.read(MAX_BODY + 1)
        finally:
            limit.cancel()
        if response.length and len(body) <= MAX_BODY:
            raise http.client.IncompleteRead(body, response.length)
        return _judged(response, body)


def _connection(scheme: str, host: str) -> http.client.HTTPConnection:
    if scheme == "http":
        return http.client.HTTPConnection(host, timeout=STEP_S)
    context = ssl.create_default_context()
    return http.client.HTTPSConnection(host, timeout=STEP_S, context=context)


def _cut(connection: http.client.HTTPConnection) -> None:
    if connection.sock is not None:
        with suppress(OSError):
            connection.sock.shutdown(socket.SHUT_RDWR)


def _judged(response: http.client.HTTPResponse, body: bytes) -> Any:
    """Return the JSON of an answer; FeedError for any other."""
    if response.status != 200:
        said = body[:200].decode("utf-8", "replace").strip()
        reason = f"{response.status} {response.reason}: {said}".rstrip(": ")
        raise FeedError(reason, retry_after_s(response.headers))
    if len(body) > MAX_BODY:
        raise FeedError(f"answer: larger than {MAX_BODY} bytes")
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise FeedError(f"answer: not JSON: {body[:60]!r}") from error
