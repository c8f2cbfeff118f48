"""The receiver as a whole: a database behind a port."""

from collections.abc import Sequence
from contextlib import AsyncExitStack

from zerometer.agent.receiver.app import create_app
from zerometer.agent.receiver.desk import Desk
from zerometer.agent.receiver.intakes import open_intake
from zerometer.agent.receiver.stores import store_opener
from zerometer.agent.web import WebServer
from zerometer.core.site import UplinkSettings

#: What requests in progress have to end.
GRACE_S = 5.0


class Receiver:
    """Takes batches on *host* and *port*, and from brokers, into the store *to*.

    Each of *brokers* has its address and what we are known by there. ``start`` and
    ``stop`` belong to one running event loop.
    """

    def __init__(
        self, to: str, host: str, port: int, brokers: Sequence[UplinkSettings] = ()
    ) -> None:
        self.desk = Desk(store_opener(to))
        self._server = WebServer(create_app(self.desk), host, port)
        self._intakes = [open_intake(each.url, self.desk, each) for each in brokers]

    async def start(self) -> int:
        """Open the database, then the port and the intakes; return the port.

        StoreError or ConfigError when one of them cannot be had.
        """
        async with AsyncExitStack() as opened:
            await self.desk.open()
            opened.push_async_callback(self.desk.close)
            port = await self._server.start()
            opened.push_async_callback(self._server.stop, GRACE_S)
            for intake in self._intakes:
                await intake.start()
                opened.push_async_callback(intake.stop)
            self._opened = opened.pop_all()
        return port

    async def stop(self) -> None:
        """Finish the requests in progress within a grace, then close all."""
        await self._opened.aclose()
