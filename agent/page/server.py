"""The page as a part of the daemon: started, told of ticks, stopped."""

from collections.abc import Callable
from typing import Any

from zerometer.agent.page.app import create_app
from zerometer.agent.page.guard import LOOPBACK_HOSTS
from zerometer.agent.page.updates import Updates
from zerometer.agent.web import WebServer
from zerometer.core.site import PageSettings


class Page:
    """Serves the page at the address that the site file gives."""

    def __init__(
        self, settings: PageSettings, snapshot: Callable[[], dict[str, Any]]
    ) -> None:
        self._host = settings.host
        self._updates = Updates()
        hosts = {*LOOPBACK_HOSTS, settings.host}
        app = create_app(snapshot, self._updates, hosts)
        self._server = WebServer(app, settings.host, settings.port)

    async def start(self) -> str:
        """Listen; return the page's address."""
        port = await self._server.start()
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{port}/"

    def publish(self) -> None:
        """Let open pages know that a tick has happened."""
        self._updates.publish()

    async def stop(self) -> None:
        """End all streams and stop listening."""
        self._updates.close()
        await self._server.stop()
