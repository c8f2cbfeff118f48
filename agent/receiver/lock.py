"""One receiver per database: two would tell their senders different troubles."""

import fcntl
import os
from pathlib import Path

from zerometer.agent.receiver.errors import StoreError


class Lock:
    """A lock file beside the database; who holds it is its receiver.

    Not a lock on the database itself: closing any descriptor of that file would
    drop the locks that SQLite holds on it.
    """

    def __init__(self, database: Path) -> None:
        # Through links, so that two names of one database are one lock.
        real = database.resolve()
        self._database = database
        self._path = real.with_name(f"{real.name}.lock")
        self._descriptor = -1

    def take(self) -> None:
        """Take the lock; StoreError when another receiver has it."""
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        try:
            self._descriptor = os.open(self._path, flags, 0o644)
        except OSError as error:
            where = self._path if self._path.parent.is_dir() else self._path.parent
            raise StoreError(f"receiver: {where}: {error.strerror}") from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            raise StoreError(
                f"receiver: {self._database}: is in use by another receiver; "
                "stop that one, or name another file"
            ) from None

    def release(self) -> None:
        """Let go of the lock; the file stays, as whoever waits for it may have it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
