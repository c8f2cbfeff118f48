"""The batches that are committed together, opened and checked one by one."""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from zerometer.agent.batch import Header, batch_hash, decode
from zerometer.agent.batch.errors import TooLargeError
from zerometer.agent.receiver.continuity import Continuity
from zerometer.agent.receiver.errors import StoreError
from zerometer.agent.receiver.model import Incoming, Receipt
from zerometer.agent.receiver.store import Store
from zerometer.core.errors import ZerometerError

log = logging.getLogger(__name__)

#: Values of one batch: a few bytes can stand for millions, each a row for ever.
MAX_VALUES = 1 << 20
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
        """Take the first of *jobs* in; a duplicate is not unpacked again.

        Each job ends up opened or settled, whatever is wrong with it.
        """
        values = 0
        while jobs and values < GROUP_VALUES:
            job = jobs.popleft()
            try:
                digest = batch_hash(job.data)
                if store.holds(job.header, digest, now_ms):
                    self.settled.append((job, Receipt(job.header, "duplicate")))
                    continue
                batch = decode(job.data)
                held = sum(len(t.columns) * t.rows for t in batch.tables)
                _check_size(held)
            except ZerometerError as error:
                self.settled.append((job, error))
                continue
            except Exception as error:
                self.settled.append((job, unforeseen(error)))
                continue
            self.opened.append((job, Incoming(batch, digest, now_ms)))
            values += held

    def commit(self, store: Store, continuity: Continuity) -> None:
        """Commit what is opened, and see what to ask the senders for."""
        outcomes: Sequence[Receipt | ZerometerError]
        try:
            outcomes = store.commit([i for _, i in self.opened]) if self.opened else []
        except Exception as error:
            outcomes = [unforeseen(error)] * len(self.opened)
        jobs = [job for job, _ in self.opened]
        self.settled.extend(zip(jobs, outcomes, strict=True))
        self.settled = [(job, _asking(o, continuity)) for job, o in self.settled]


def _check_size(values: int) -> None:
    if values > MAX_VALUES:
        raise TooLargeError(f"batch: has {values} values, allowed are {MAX_VALUES}")


def _asking(
    outcome: Receipt | ZerometerError, continuity: Continuity
) -> Receipt | ZerometerError:
    """Return *outcome*, asking for what is missing if it is time to."""
    if isinstance(outcome, ZerometerError):
        return outcome
    try:
        return replace(outcome, resend=continuity.after(outcome.header))
    except StoreError:
        return outcome  # it is committed, whatever happened since


def unforeseen(error: Exception) -> StoreError:
    """Return a fault of ours as what a sender can be told; the log has the rest."""
    log.error("a batch could not be taken", exc_info=error)
    return StoreError(f"receiver: {type(error).__name__}: see its log")
