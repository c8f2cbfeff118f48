"""The page as a part of the daemon: started, told of ticks, stopped."""

import socket
from collections.abc import Callable, Sequence
from typing import Any

from starlette.routing import Route

from zerometer.agent.page.app import create_app
from zerometer.agent.page.guard import LOOPBACK_NAMES
from zerometer.agent.page.updates import Updates
from zerometer.agent.web import WebServer
from zerometer.core.site import PageSettings


class Page:
    """Serves the page at the address that the site file gives."""

    def __init__(
        self,
        settings: PageSettings,
        snapshot: Callable[[], dict[str, Any]],
        writable: Sequence[Route] = (),
    ) -> None:
        # As it stands in an address, and in the Host of what asks there.
        self._host = f"[{settings.host}]" if ":" in settings.host else settings.host
        self._updates = Updates()
        names = {*LOOPBACK_NAMES, self._host, *_own_names(settings.host)}
        app = create_app(snapshot, self._updates, names, writable)
        self._server = WebServer(app, settings.host, settings.port)

    async def start(self) -> str:
        """Listen; return the page's address."""
        port = await self._server.start()
        return f"http://{self._host}:{port}/"

    def publish(self) -> None:
        """Let open pages know that a tick has happened."""
        self._updates.publish()

    async def stop(self) -> None:
        """End all streams and stop listening."""
        self._updates.close()
        await self._server.stop()


def _own_names(host: str) -> tuple[str, ...]:
    """Return the names by which others reach this machine, if they may at all."""
    if host in ("127.0.0.1", "::1", "localhost"):
        return ()
    name = socket.gethostname()
    return name, f"{name}.local"
