"""TCP connections to device servers and gateways."""

import contextlib
import errno
import os
import socket

from zerometer.core.errors import LineError

#: How long a connection may take to come about.
CONNECT_TIMEOUT_S = 3.0

#: A connection on which this long nothing was said is asked for a sign of life, then
#: this often, so many times. What was sent must be acknowledged within the last one.
_KEEPALIVE_AFTER_S = 30
_KEEPALIVE_SPACING_S = 10
_KEEPALIVE_ATTEMPTS = 3
_UNACKNOWLEDGED_MS = 20_000

#: A line whose units are all silent for this long is connected to anew: of device
#: servers some forget their connections while they still acknowledge what is sent.
DEAF_AFTER_NS = 30_000_000_000

_HINTS = {
    errno.ECONNREFUSED: "refused; is the TCP port right, and does the device serve it?",
    errno.EHOSTUNREACH: "no way to this host; is it on, and the address right?",
    errno.ENETUNREACH: "no way to this network; is the address right?",
    errno.ECONNRESET: "closed by the device; are all its connections taken?",
}


def connect(port: str, host: str, tcp_port: int) -> socket.socket:
    """Connect to *tcp_port* of *host*; *port* names it in errors.

    The socket does not block. LineError when there is no connection.
    """
    try:
        connection = socket.create_connection((host, tcp_port), CONNECT_TIMEOUT_S)
    except OSError as error:
        raise LineError(
            f"port {port}: cannot be connected to: {_reason(error)}"
        ) from error
    try:
        _set_up(connection)
    except OSError as error:
        connection.close()
        raise LineError(f"port {port}: lost at once: {_reason(error)}") from error
    return connection


def _set_up(connection: socket.socket) -> None:
    connection.setblocking(False)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (
        (socket.TCP_KEEPIDLE, _KEEPALIVE_AFTER_S),
        (socket.TCP_KEEPINTVL, _KEEPALIVE_SPACING_S),
        (socket.TCP_KEEPCNT, _KEEPALIVE_ATTEMPTS),
        (socket.TCP_USER_TIMEOUT, _UNACKNOWLEDGED_MS),
    ):
        connection.setsockopt(socket.IPPROTO_TCP, option, value)


def hang_up(connection: socket.socket) -> None:
    """Close *connection*; may be called again."""
    with contextlib.suppress(OSError):
        connection.close()


def _reason(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        waited = f"no answer within {CONNECT_TIMEOUT_S:g} s"
        return f"{waited}; is the device on, and the address right?"
    if isinstance(error, socket.gaierror):
        return f"no address for this name: {error.strerror}"
    number = error.errno or 0
    return _HINTS.get(number) or os.strerror(number).lower()
