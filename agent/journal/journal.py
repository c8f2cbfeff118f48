"""The journal as the agent sees it: calls from any thread, work in its own."""

import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from logging import getLogger
from pathlib import Path
from typing import TypeVar

from zerometer.agent.batch import Gap
from zerometer.agent.journal.faults import explain, unusable
from zerometer.agent.journal.model import Commit, JournalInfo, Resume, StoredBatch
from zerometer.agent.journal.recovery import open_store
from zerometer.agent.journal.schema import DamagedError
from zerometer.core.errors import JournalError, ZerometerError

FILE = "journal.db"

_log = getLogger(__name__)
T = TypeVar("T")


class Journal:
    """Sealed batches, rows of open ones and the accounting state, in one file.

    All methods may be called from any thread and raise JournalError; all but
    ``append``, ``shares``, ``info`` and ``gaps`` wait for the disk. ``source`` (16
    bytes) is the gateway, ``epoch`` (8 bytes) this journal. ``notices`` say what was
    damaged when it was opened and resumed.
    """

    source: bytes
    epoch: bytes
    notices: list[str]

    @classmethod
    def open(
        cls, folder: Path, *, max_bytes: int, uplinks: Collection[str] | None = None
    ) -> "Journal":
        """Open the journal in *folder*, making both if need be.

        It keeps batches while *max_bytes* suffice. *uplinks* are the only ones that
        still want batches; None leaves those that ever asked.
        """
        return cls(folder, max_bytes, uplinks)

    def __init__(
        self, folder: Path, max_bytes: int, uplinks: Collection[str] | None
    ) -> None:
        self._lock = _lock_folder(folder)
        self._listeners: list[Callable[[], None]] = []
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="journal")
        path = self._path = folder / FILE
        try:
            self._store = self._submit(
                lambda: open_store(path, max_bytes=max_bytes, uplinks=uplinks)
            ).result()
        except BaseException:
            self._executor.shutdown()
            os.close(self._lock)
            raise
        self.source, self.epoch = self._store.source, self._store.epoch
        self.notices = self._store.notices
        self._commits = 0
        self._last_commit_ms: int | None = None
        self._last_error = ""

    def resume(self) -> Resume:
        """Return what the last commit left."""
        return self._submit(self._store.resume).result()

    def append(self, commit: Commit) -> "Future[None]":
        """Make *commit* durable in one transaction.

        The future raises JournalError when nothing of it was written: keep it and
        append it again.
        """
        return self._submit(lambda: self._append(commit))

    def shares(self, start_ns: int, limit: int) -> "Future[list[tuple[int, bytes]]]":
        """Return at most *limit* quarter hours from *start_ns* on: start, data."""
        return self._submit(lambda: self._store.shares(start_ns, limit))

    def pending(self, uplink: str, limit: int = 8) -> list[StoredBatch]:
        """Return the oldest batches after the uplink's cursor, at most *limit*.

        An uplink that never asked before begins with the oldest batch there is.
        """
        return self._submit(lambda: self._store.pending(uplink, limit)).result()

    def acknowledge(self, uplink: str, batch_id: int) -> None:
        """Move the uplink's cursor forward to *batch_id*, durably; delete nothing."""
        self._submit(lambda: self._store.acknowledge(uplink, batch_id)).result()

    def gaps(self, stream: str) -> tuple[Gap, ...]:
        """Return the numbers of *stream* that are lost, to declare in its batches."""
        return self._store.gaps.get(stream, ())

    def info(self) -> JournalInfo:
        """Return the figures as of the last write."""
        return replace(
            self._store.info,
            commits=self._commits,
            last_commit_ms=self._last_commit_ms,
            last_error=self._last_error,
        )

    @property
    def fault(self) -> str:
        """Why nothing more is written until it is opened anew; usually empty."""
        return self._store.sync_fault

    def on_durable(self, callback: Callable[[], None]) -> None:
        """Call *callback*, in the journal's thread, when sealed batches are durable."""
        self._listeners.append(callback)

    def close(self) -> None:
        """Finish what is queued, then close the file; further calls do nothing."""
        if self._lock >= 0:
            self._submit(self._store.close).result()
            self._executor.shutdown()
            os.close(self._lock)
            self._lock = -1

    def _append(self, commit: Commit) -> None:
        try:
            self._store.append(commit)
        except Exception as error:
            self._last_error = self._message(error)
            raise
        self._commits += 1
        self._last_commit_ms = time.time_ns() // 1_000_000
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
            except (sqlite3.Error, DamagedError) as error:
                raise JournalError(self._message(error)) from error

        try:
            return self._executor.submit(guarded)
        except RuntimeError:
            raise JournalError("journal: is closed") from None

    def _message(self, error: Exception) -> str:
        if isinstance(error, ZerometerError):
            return str(error)
        return f"journal: {self._path}: {explain(error, self._path)}"


def _lock_folder(folder: Path) -> int:
    """Return a descriptor that keeps other agents out of *folder* while it is open."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / "journal.lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise JournalError(f"journal: {folder}: {unusable(error)}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise JournalError(f"journal: {folder}: is in use by another agent") from None
    return lock
