"""An application on a real port, served by a thread's own event loop."""

from collections.abc import Iterator
from contextlib import contextmanager

from harness.loop import LoopThread
from starlette.types import ASGIApp

from zerometer.agent.web import WebServer


@contextmanager
def served(app: ASGIApp, grace_s: float = 1.0) -> Iterator[str]:
    """Serve *app* on a free port of 127.0.0.1; yield its base address."""
    with LoopThread() as loop:
        server = WebServer(app, "127.0.0.1", 0)
        port = loop.run(server.start())
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            loop.run(server.stop(grace_s))
