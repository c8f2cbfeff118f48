"""The journal as the agent sees it: calls from any thread, work in its own."""

import sqlite3
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from logging import getLogger
from pathlib import Path
from typing import TypeVar

from zerometer.agent.batch import Gap, Missing
from zerometer.agent.journal import folder as places
from zerometer.agent.journal.faults import explain, unusable
from zerometer.agent.journal.model import (
    Commit,
    JournalInfo,
    KnownBatch,
    Resume,
    StoredBatch,
)
from zerometer.agent.journal.schema import DamagedError
from zerometer.agent.journal.shelf import StreamFileError
from zerometer.agent.journal.store import Store
from zerometer.core.errors import JournalError, ZerometerError
from zerometer.core.site import JournalSettings

_log = getLogger(__name__)
T = TypeVar("T")


class Journal:
    """Sealed batches, rows of open ones and the accounting state, in one folder.

    All methods may be called from any thread and raise JournalError; all but
    ``append``, ``begin_epoch``, ``shares``, ``info``, ``gaps`` and ``take_notices``
    wait for the disk. ``source`` (16 bytes) is the gateway.
    """

    source: bytes

    @classmethod
    def open(
        cls,
        folder: Path,
        settings: JournalSettings,
        *,
        uplinks: Mapping[str, tuple[str, ...]] | None,
        hardware: bytes = b"",
        free_bytes: Callable[[], int] | None = None,
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> "Journal":
        """Open the journal in *folder*, making both if need be.

        *uplinks* are the only ones that still want batches, each with the streams
        that it wants; None leaves those that ever asked, and those that ask.
        *hardware* tells this machine from others: a journal of another begins a new
        epoch. *free_bytes* says how much its file system has left.
        """
        return cls(
            folder,
            lambda: Store(
                folder,
                settings,
                uplinks=uplinks,
                hardware=hardware,
                free_bytes=free_bytes or (lambda: places.free_bytes(folder)),
                wall_ns=wall_ns,
            ),
            settings,
            wall_ns,
        )

    def __init__(
        self,
        folder: Path,
        open_store: Callable[[], Store],
        settings: JournalSettings,
        wall_ns: Callable[[], int],
    ) -> None:
        self._lock: places.FolderLock | None = places.FolderLock(folder)
        self._listeners: list[Callable[[], None]] = []
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._path = folder / places.MAIN
        self._settings = settings
        self._wall_ns = wall_ns
        try:
            self._store = self._submit(open_store).result()
        except BaseException:
            self._executor.shutdown()
            self._lock.release()
            raise
        self.source = self._store.source
        self._commits = 0
        self._last_commit_ms: int | None = None
        self._last_error = ""

    @property
    def epoch(self) -> bytes:
        """The epoch (8 bytes) that batches are to be sealed in."""
        return self._store.epoch

    @property
    def notices(self) -> list[str]:
        """What was damaged or had to be made anew, and was not taken yet."""
        return list(self._store.notices)

    def take_notices(self) -> list[str]:
        """Return the notices, each once."""
        taken = self.notices
        for _ in taken:
            self._store.notices.popleft()
        return taken

    def resume(self) -> Resume:
        """Return what the last commit left."""
        return self._submit(self._store.resume).result()

    def append(self, commit: Commit) -> "Future[None]":
        """Make *commit* durable as a whole.

        The future raises JournalError when that is not known to have worked: keep
        it, and append the same again.
        """
        return self._submit(lambda: self._append(commit))

    def begin_epoch(self, reason: str) -> "Future[bytes]":
        """Begin a new epoch and return it: each stream's numbers begin with 1 again.

        What was sealed before, and not appended yet, has no place any more.
        """
        return self._submit(lambda: self._store.begin_epoch(reason))

    def shares(self, start_ns: int, limit: int) -> "Future[list[tuple[int, bytes]]]":
        """Return at most *limit* quarter hours from *start_ns* on: start, data."""
        return self._submit(lambda: self._store.shares(start_ns, limit))

    def newest(self, uplink: str) -> list[StoredBatch]:
        """Return of each stream the newest batch, unless *uplink* has acknowledged it.

        An uplink that never asked before wants everything there is.
        """
        return self._submit(lambda: self._store.newest(uplink)).result()

    def oldest(self, uplink: str, limit: int = 8) -> list[StoredBatch]:
        """Return what *uplink* has not acknowledged, at most *limit* batches.

        The oldest come first, in the order in which they were sealed.
        """
        return self._submit(lambda: self._store.oldest(uplink, limit)).result()

    def acknowledge(self, uplink: str, batch: KnownBatch) -> None:
        """Note that *uplink* needs *batch* no more; delete nothing.

        It becomes durable with the next commit: after a kill the batch may be sent
        once more.
        """
        stream, position = batch.stream, batch.position
        self._submit(lambda: self._store.acknowledge(uplink, stream, position)).result()

    def quarantine(
        self, uplink: str, batch: KnownBatch, code: str, message: str
    ) -> None:
        """Put a batch aside that *uplink*'s receiver will never take, and say why.

        *uplink* needs it no more; its number is declared as a gap.
        """
        self._submit(
            lambda: self._store.quarantine(uplink, batch, code, message)
        ).result()

    def resend(self, uplink: str, missing: Missing) -> None:
        """Send again what *uplink*'s receiver lacks, though it was acknowledged.

        What is kept no more is declared as a gap by the stream's next batch.
        """
        self._submit(lambda: self._store.resend(uplink, missing)).result()

    def gaps(self, stream: str) -> tuple[Gap, ...]:
        """Return the numbers that are lost and that no batch declares yet."""
        return self._store.gaps.get(stream, ())

    def info(self) -> JournalInfo:
        """Return the figures as of the last write."""
        return replace(
            self._store.info,
            max_bytes=self._settings.max_bytes,
            commits=self._commits,
            last_commit_ms=self._last_commit_ms,
            last_error=self._last_error,
        )

    def on_durable(self, callback: Callable[[], None]) -> None:
        """Call *callback*, in the journal's thread, when sealed batches are durable."""
        self._listeners.append(callback)

    def close(self) -> None:
        """Finish what is queued, then close the file; further calls do nothing."""
        if self._lock is not None:
            self._submit(self._store.close).result()
            self._executor.shutdown()
            self._lock.release()
            self._lock = None

    def _append(self, commit: Commit) -> None:
        try:
            assert self._lock is not None
            self._lock.renew()
            self._store.append(commit)
        except Exception as error:
            self._last_error = self._message(error)
            raise
        self._commits += 1
        self._last_commit_ms = self._wall_ns() // 1_000_000
        self._last_error = ""
        if commit.sealed:
            self._announce()

    def _announce(self) -> None:
        for callback in self._listeners:
            try:
                callback()
            except Exception:
                _log.exception("journal: a listener failed")

    def _submit(self, work: Callable[[], T]) -> "Future[T]":
        def guarded() -> T:
            try:
                return work()
            except StreamFileError as fault:
                raise JournalError(self._message(fault.error)) from fault
            except (sqlite3.Error, DamagedError, OSError) as error:
                raise JournalError(self._message(error)) from error

        try:
            return self._executor.submit(guarded)
        except RuntimeError:
            raise JournalError("journal: is closed") from None

    def _message(self, error: Exception) -> str:
        if isinstance(error, ZerometerError):
            return str(error)
        if isinstance(error, OSError):
            return f"journal: {self._path}: {unusable(error)}"
        return f"journal: {self._path}: {explain(error, self._path)}"
