"""The file of a database that one process writes: locked, and still in its place."""

import os
from pathlib import Path

from zerometer.agent.receiver.errors import StoreGoneError
from zerometer.agent.receiver.lock import Lock


class DatabaseFile:
    """Keeps other receivers from the file at *path*, and notices when it is gone."""

    def __init__(self, path: Path) -> None:
        """Take the lock; StoreError when another receiver has it."""
        self._path = path
        self._place: tuple[int, int] | None = None
        self._lock = Lock(path)
        self._lock.take()

    def opened(self) -> None:
        """Remember the file, now that it is there."""
        self._place = self._found()

    def check(self) -> None:
        """Raise StoreGoneError when the file has left its place.

        What nobody will find again must not be acknowledged.
        """
        if self._found() != self._place:
            raise StoreGoneError(
                f"receiver: {self._path}: was deleted or replaced; start again"
            )

    def release(self) -> None:
        """Let others have the file."""
        self._lock.release()

    def _found(self) -> tuple[int, int] | None:
        try:
            status = os.stat(self._path)  # noqa: PTH116
        except OSError:
            return None
        return status.st_dev, status.st_ino
