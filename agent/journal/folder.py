"""The journal's folder: its files' names, sizes and places, and its lock."""

import fcntl
import itertools
import os
import re
from datetime import UTC, datetime
from pathlib import Path

from zerometer.agent.journal.database import COMPANIONS
from zerometer.agent.journal.faults import unusable
from zerometer.core.errors import JournalError

MAIN = "journal.db"
#: The main file while it is made anew, until it takes the place of the other.
FRESH = "journal.db.new"
LOCK = "journal.lock"

_STREAM_FILE = re.compile(r"([a-z][a-z0-9_-]*)-(\d{6,})\.db")


def stream_path(folder: Path, stream: str, number: int) -> Path:
    """Return the path of a stream's file."""
    return folder / f"{stream}-{number:06d}.db"


def stream_files(folder: Path) -> list[tuple[str, int]]:
    """Return stream and number of each stream file in *folder*, in order."""
    found = (_STREAM_FILE.fullmatch(path.name) for path in folder.iterdir())
    return sorted((match[1], int(match[2])) for match in found if match)


def size_of(path: Path) -> int:
    """Return the bytes of a file with all that SQLite keeps beside it."""
    total = 0
    for suffix in ("", *COMPANIONS):
        try:
            total += path.with_name(path.name + suffix).stat().st_size
        except OSError:
            continue
    return total


def identity_of(path: Path) -> tuple[int, int] | None:
    """Return what tells the file at *path* from any other; None: there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def remove(path: Path) -> None:
    """Delete a file with all that SQLite keeps beside it; it may be gone already."""
    for suffix in (*COMPANIONS, ""):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def set_aside(path: Path) -> Path:
    """Rename a file, and its WAL with it, so that nothing reads it; return the path."""
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    bad = f"{path.name}.bad-{now}"
    # A clock may stand still or run back: never onto a file that is there.
    names = itertools.chain([bad], (f"{bad}.{n}" for n in itertools.count(2)))
    aside = next(p for p in map(path.with_name, names) if not p.exists())
    for suffix in (*COMPANIONS, ""):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    sync(path.parent)
    return aside


def sync(folder: Path) -> None:
    """Let names in *folder* be on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def free_bytes(folder: Path) -> int:
    """Return how much the file system of *folder* has left for its users."""
    state = os.statvfs(folder)
    return state.f_bavail * state.f_frsize


class FolderLock:
    """Keeps other agents out of a folder while it is held."""

    def __init__(self, folder: Path) -> None:
        """Take it, with the folder if need be; JournalError when that cannot be."""
        self._folder = folder
        self._descriptor = _lock(folder)

    def renew(self) -> None:
        """Take it again if its file was deleted."""
        path = self._folder / LOCK
        held = os.fstat(self._descriptor)
        if identity_of(path) != (held.st_dev, held.st_ino):
            fresh = _lock(self._folder)
            os.close(self._descriptor)
            self._descriptor = fresh

    def release(self) -> None:
        """Let go of it."""
        os.close(self._descriptor)


def _make(folder: Path) -> None:
    """Make a folder, and those above it, so that a cut does not take them away."""
    if not folder.is_dir():
        _make(folder.parent)
        folder.mkdir(exist_ok=True)
        sync(folder.parent)


def _lock(folder: Path) -> int:
    try:
        _make(folder)
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise JournalError(f"journal: {folder}: {unusable(error)}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise JournalError(f"journal: {folder}: is in use by another agent") from None
    return lock
