"""Keeps the page served: metering neither waits for its address nor ends with it."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from starlette.routing import Route

from zerometer.agent.page.server import Page
from zerometer.agent.web import AddressError
from zerometer.core.errors import ConfigError
from zerometer.core.site import PageSettings

log = logging.getLogger("zerometer")

#: Between two attempts to have the page's address, at first and at most.
FIRST_RETRY_S = 2.0
LONGEST_RETRY_S = 60.0


class PageKeeper:
    """Serves the page from when its address can be had.

    *tell* is told once why that is not so yet. All belongs to one event loop.
    """

    def __init__(
        self,
        settings: PageSettings,
        snapshot: Callable[[], dict[str, Any]],
        tell: Callable[[str], None],
        writable: Sequence[Route] = (),
    ) -> None:
        self._settings = settings
        self._snapshot = snapshot
        self._tell = tell
        self._writable = writable
        self._page: Page | None = None
        self._later: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Serve now, or later when the address is taken or not there yet.

        ConfigError for one that can never be had.
        """
        try:
            await self._serve()
        except AddressError as error:
            self._tell(f"{error}; tries again, metering goes on")
            self._later = asyncio.create_task(self._serve_later())

    def publish(self) -> None:
        """Let open pages know that a tick has happened."""
        if self._page is not None:
            self._page.publish()

    async def stop(self) -> None:
        """Give up what is tried, end what is served."""
        if self._later is not None:
            self._later.cancel()
            await asyncio.wait([self._later])
        if self._page is not None:
            await self._page.stop()

    async def _serve(self) -> None:
        page = Page(self._settings, self._snapshot, self._writable)
        address = await page.start()
        self._page = page
        # The one line on standard output: scripts wait for it.
        print(address, flush=True)  # noqa: T201

    async def _serve_later(self) -> None:
        wait_s = FIRST_RETRY_S
        while self._page is None:
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, LONGEST_RETRY_S)
            try:
                await self._serve()
            except ConfigError as error:
                log.debug("page: %s", error)
