"""The other side of an uplink or a feed: the standard library's server, scripted."""

import http.server
import socket
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message


@dataclass
class Reply:
    """What one request is answered with.

    ``cut``: "before" closes without an answer, "within" after the headers and half
    of the body; ``held`` is waited for first. ``keep`` False closes afterwards,
    without saying so.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"
    cut: str = ""
    keep: bool = True
    held: threading.Event | None = None


@dataclass
class Request:
    """What arrived; ``client`` tells connections apart."""

    path: str
    headers: Message
    body: bytes
    client: tuple[str, int]


class Upstream(http.server.ThreadingHTTPServer):
    """Answers by ``script``, then with 200; keeps every request."""

    # A thread that hangs in a request must not hold up the end of the test.
    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script: deque[Reply] = deque()
        self.requests: list[Request] = []
        self.arrived = threading.Condition()
        self.sockets: set[socket.socket] = set()

    @property
    def url(self) -> str:
        """Where to post."""
        return f"http://127.0.0.1:{self.server_port}/v1/batches"

    def wait_for(self, count: int) -> list[Request]:
        """Return the requests as soon as there are *count*."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.requests) >= count, 5)
            return list(self.requests)

    def finish_request(self, request, client_address) -> None:  # type: ignore[no-untyped-def]
        """Serve one connection."""
        self.sockets.add(request)
        super().finish_request(request, client_address)

    def handle_error(self, request, client_address) -> None:  # type: ignore[no-untyped-def]
        """Say nothing of senders that went away; they are asked to in some tests."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Upstream

    def do_POST(self) -> None:
        self._serve(self.rfile.read(int(self.headers["Content-Length"])))

    def do_GET(self) -> None:
        self._serve(b"")

    def _serve(self, body: bytes) -> None:
        with self.server.arrived:
            self.server.requests.append(
                Request(self.path, self.headers, body, self.client_address)
            )
            script = self.server.script
            reply = script.popleft() if script else Reply()
            self.server.arrived.notify_all()
        if reply.held is not None:
            reply.held.wait(5)
        self._answer(reply)

    def _answer(self, reply: Reply) -> None:
        if reply.cut == "before":
            self.close_connection = True
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status != 204:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if reply.cut == "within":
            self.wfile.write(reply.body[: len(reply.body) // 2])
            self.close_connection = True
            return
        if reply.status != 204:
            self.wfile.write(reply.body)
        self.close_connection |= not reply.keep

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


@contextmanager
def upstream() -> Iterator[Upstream]:
    """Run a scripted server; yield it."""
    server = Upstream()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        for connection in server.sockets:
            connection.close()
