"""The batches that are committed together, opened and checked one by one."""

import asyncio
from collections import deque
from dataclasses import dataclass, field

from zerometer.agent.batch import Header, batch_hash, decode
from zerometer.agent.receiver.model import Incoming, Receipt
from zerometer.agent.receiver.store import Store
from zerometer.core.errors import ZerometerError

#: A group that holds as many values takes no further batch: it is kept in memory.
GROUP_VALUES = 1 << 20


@dataclass(frozen=True, slots=True)
class Job:
    """A batch that waits to be committed."""

    data: bytes
    header: Header
    done: "asyncio.Future[Receipt]"


@dataclass(slots=True)
class Group:
    """Jobs taken together: what is to be committed, and what came of the others."""

    opened: list[tuple[Job, Incoming]] = field(default_factory=list)
    settled: list[tuple[Job, Receipt | ZerometerError]] = field(default_factory=list)

    def fill(self, jobs: deque[Job], store: Store, now_ms: int) -> None:
        """Take the first of *jobs* in; a duplicate is not unpacked again."""
        values = 0
        while jobs and values < GROUP_VALUES:
            job = jobs.popleft()
            try:
                digest = batch_hash(job.data)
                if store.holds(job.header, digest, now_ms):
                    self.settled.append((job, Receipt(job.header, "duplicate")))
                    continue
                batch = decode(job.data)
            except ZerometerError as error:
                self.settled.append((job, error))
                continue
            self.opened.append((job, Incoming(batch, digest, now_ms)))
            values += sum(len(t.columns) * t.rows for t in batch.tables)

    def commit(self, store: Store) -> None:
        """Commit what is opened."""
        if self.opened:
            outcomes = store.commit([incoming for _, incoming in self.opened])
            jobs = [job for job, _ in self.opened]
            self.settled.extend(zip(jobs, outcomes, strict=True))
