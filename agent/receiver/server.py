"""The receiver as a whole: a database behind a port."""

from pathlib import Path

from zerometer.agent.receiver.app import create_app
from zerometer.agent.receiver.desk import Desk
from zerometer.agent.receiver.lock import Lock
from zerometer.agent.web import WebServer


class Receiver:
    """Takes batches on *host* and *port* into the SQLite file at *path*.

    ``start`` and ``stop`` belong to one running event loop.
    """

    def __init__(self, path: Path, host: str, port: int) -> None:
        self._lock = Lock(path)
        self._desk = Desk(path)
        self._server = WebServer(create_app(self._desk), host, port)

    async def start(self) -> int:
        """Open the database, then the port, and return it.

        StoreError or ConfigError when one of them cannot be had.
        """
        self._lock.take()
        try:
            await self._desk.open()
        except BaseException:
            self._lock.release()
            raise
        try:
            return await self._server.start()
        except BaseException:
            await self._close()
            raise

    async def stop(self, grace_s: float = 5.0) -> None:
        """Finish the requests in progress within *grace_s*, then close all."""
        await self._server.stop(grace_s)
        await self._close()

    async def _close(self) -> None:
        await self._desk.close()
        self._lock.release()
