"""What every answer of the page carries, and which requests get none."""

from collections.abc import Collection
from ipaddress import ip_address
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: The name under which a browser on this machine reaches the page; addresses go
#: without saying.
LOOPBACK_NAMES: Final = frozenset({"localhost"})

CONTENT_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)

_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Guard:
    """Lets reading requests to an address, or to one of *names*, through to *app*.

    A web site whose name was rebound to this machine's address sends its own name
    as Host: it gets 421, and so never reads what belongs to the page's visitors.
    To the paths in *writable* a program on this machine may also POST, a web site
    that somebody visits here may not.
    """

    def __init__(
        self, app: ASGIApp, names: Collection[str], writable: Collection[str] = ()
    ) -> None:
        self._app = app
        self._names = frozenset(name.lower() for name in names)
        self._writable = frozenset(writable)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        app = self._app
        name = host_name(Headers(scope=scope).get("host", ""))
        if name not in self._names and not is_address(name):
            app = PlainTextResponse("This host is not served here.\n", 421)
        elif scope["method"] == "POST" and scope["path"] in self._writable:
            if not _is_own_program(scope):
                app = PlainTextResponse("Only from this machine.\n", 403)
        elif scope["method"] not in ("GET", "HEAD"):
            app = PlainTextResponse("Only reading.\n", 405, {"Allow": "GET, HEAD"})
        await app(scope, receive, send_guarded)


def _is_own_program(scope: Scope) -> bool:
    """Whether a request comes from this machine, and not out of a browser's page."""
    client = scope.get("client")
    return (
        client is not None
        and ip_address(client[0]).is_loopback
        and "origin" not in Headers(scope=scope)
    )


def host_name(host: str) -> str:
    """Return the Host header without its port, in lower case."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()


def is_address(name: str) -> bool:
    """Whether a host is an IP address, in brackets if it is one of version 6."""
    try:
        version = ip_address(name.strip("[]")).version
    except ValueError:
        return False
    return name.startswith("[") == (version == 6)
