"""An application on a real port, served by a thread's own event loop."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.types import ASGIApp

from zerometer.agent.web import WebServer


@contextmanager
def served(app: ASGIApp, grace_s: float = 1.0) -> Iterator[str]:
    """Serve *app* on a free port of 127.0.0.1; yield its base address."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    try:
        server = WebServer(app, "127.0.0.1", 0)
        port = asyncio.run_coroutine_threadsafe(server.start(), loop).result(5)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            asyncio.run_coroutine_threadsafe(server.stop(grace_s), loop).result(5)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
