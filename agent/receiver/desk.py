"""The one thread that touches the receiver's database, and the queue before it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from zerometer.agent.receiver.errors import StoreBusyError
from zerometer.agent.receiver.store import Store

#: Jobs that may wait, each with a batch in memory; beyond, senders come back later.
MAX_WAITING = 16
OVERRUN_S = 2

Result = TypeVar("Result")


class Desk:
    """Runs functions of the store on a thread of its own, one after the other."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pool = ThreadPoolExecutor(1, "receiver-store")
        self._waiting = 0

    async def open(self) -> None:
        """Open the store; StoreError when that fails."""
        loop = asyncio.get_running_loop()
        try:
            self._store = await loop.run_in_executor(self._pool, Store, self._path)
        except BaseException:
            self._pool.shutdown()
            raise

    async def run(self, function: Callable[..., Result], *arguments: object) -> Result:
        """Return ``function(store, *arguments)``; StoreBusyError when too many wait.

        A caller that is cancelled does not undo what was begun.
        """
        if self._waiting >= MAX_WAITING:
            raise StoreBusyError(f"receiver: {MAX_WAITING} requests wait", OVERRUN_S)
        self._waiting += 1
        try:
            return await self._submit(function, *arguments)
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        """Finish what was begun, then close the store."""
        await self._submit(Store.close)
        self._pool.shutdown()

    def _submit(
        self, function: Callable[..., Result], *arguments: object
    ) -> asyncio.Future[Result]:
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(self._pool, function, self._store, *arguments)
