"""Where every intake hands in its batches, and the one thread of the database.

What waits is committed together: a commit costs the disk the same for one batch as
for twenty.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from zerometer.agent.batch import peek
from zerometer.agent.receiver.continuity import Continuity
from zerometer.agent.receiver.errors import StoreBusyError
from zerometer.agent.receiver.group import Group, Job
from zerometer.agent.receiver.model import Receipt, Sender
from zerometer.agent.receiver.sources import Sources, anybody
from zerometer.agent.receiver.store import Store
from zerometer.core.errors import ZerometerError

#: Batches that may wait, and their bytes; beyond, senders come back later.
MAX_WAITING = 64
MAX_WAITING_BYTES = 32 << 20
OVERRUN_S = 2
#: Of whom the transport knows nothing.
NOBODY = Sender()

Result = TypeVar("Result")


class Desk:
    """Takes batches, many at a time, and answers when they are committed."""

    def __init__(
        self,
        open_store: Callable[[], Store],
        wall_ns: Callable[[], int] = time.time_ns,
        now_ns: Callable[[], int] = time.monotonic_ns,
        sources: Callable[[], Sources] = anybody,
    ) -> None:
        """*open_store* is called in the thread that will use the store.

        *sources* returns who may send, as it is now.
        """
        self._sources = sources
        self._open_store = open_store
        self._wall_ns = wall_ns
        self._now_ns = now_ns
        self._pool = ThreadPoolExecutor(1, "receiver-store")
        self._jobs: deque[Job] = deque()
        #: Batches that are not committed yet.
        self.waiting = 0
        self._waiting_bytes = 0

    async def open(self) -> None:
        """Open the store; StoreError or ConfigError when that fails."""
        self._loop = asyncio.get_running_loop()
        try:
            self._store = await self._loop.run_in_executor(self._pool, self._open_store)
        except BaseException:
            self._pool.shutdown()
            raise
        self._continuity = Continuity(self._store, self._now_ns)

    async def close(self) -> None:
        """Finish what was begun, then close the store."""
        await self._loop.run_in_executor(self._pool, self._store.close)
        self._pool.shutdown()

    def meet(self, sender: Sender) -> None:
        """Raise NotAllowedError when *sender* can be nobody who may send."""
        self._sources().meet(sender)

    async def take(self, data: bytes, sender: Sender = NOBODY) -> Receipt:
        """Check *data* and commit it; when this returns, it is on the disk.

        Raises FormatError when the bytes are no batch, NotAllowedError when they are
        not *sender*'s, IdentityConflictError when another batch has their identity,
        StoreBusyError or StoreError when they cannot be written. Then nothing of
        them is stored. A caller that is cancelled does not undo what was begun.
        """
        header = peek(data)
        self._sources().admit(header, sender)
        too_much = self._waiting_bytes + len(data) > MAX_WAITING_BYTES
        if self.waiting >= MAX_WAITING or (self.waiting and too_much):
            raise StoreBusyError(f"receiver: {self.waiting} batches wait", OVERRUN_S)
        self.waiting += 1
        self._waiting_bytes += len(data)
        job = Job(data, header, self._loop.create_future())
        self._jobs.append(job)
        self._loop.run_in_executor(self._pool, self._commit_waiting)
        return await job.done

    async def run(self, function: Callable[[Store], Result]) -> Result:
        """Return ``function(store)``, run in the store's thread."""
        return await self._loop.run_in_executor(self._pool, function, self._store)

    def _commit_waiting(self) -> None:
        """Commit a group of what waits; nothing if an earlier call took it along."""
        group = Group()
        group.fill(self._jobs, self._store, self._wall_ns() // 1_000_000)
        group.commit(self._store, self._continuity)
        self._loop.call_soon_threadsafe(self._settle, group.settled)

    def _settle(self, settled: list[tuple[Job, Receipt | ZerometerError]]) -> None:
        for job, outcome in settled:
            self.waiting -= 1
            self._waiting_bytes -= len(job.data)
            if job.done.done():
                continue  # its sender went away
            if isinstance(outcome, ZerometerError):
                job.done.set_exception(outcome)
            else:
                job.done.set_result(outcome)
