"""What is wrong with the journal's file or folder, and what to do, in one line."""

import os
import sqlite3
from pathlib import Path

_FULL = "disk is full: free space there or set [journal] max lower"
_DENIED = "permission denied: let the agent's user write there"
_NO_FOLDER = "a file is in the way: name a folder in [journal] path, or move it"
_READ_ONLY = "cannot be written: mount its disk for writing, or check its permissions"


def explain(error: Exception, path: Path) -> str:
    """Return in words why the file at *path* failed with *error*."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    kind = code & 0xFF
    if code == sqlite3.SQLITE_IOERR_WRITE and _disk_is_full(path):
        kind = sqlite3.SQLITE_FULL
    known = {
        sqlite3.SQLITE_FULL: _FULL,
        sqlite3.SQLITE_READONLY: _READ_ONLY,
        sqlite3.SQLITE_IOERR: f"{error}: check its disk",
        sqlite3.SQLITE_CANTOPEN: f"{error}: {_obstacle(path)}",
    }
    return known.get(kind, str(error))


def _obstacle(path: Path) -> str:
    if path.is_dir():
        return "a folder is in its place: move it away"
    return "let the agent's user read and write it and its folder"


def unusable(error: OSError) -> str:
    """Return in words why a folder cannot be the journal's."""
    if isinstance(error, (FileExistsError, NotADirectoryError)):
        return _NO_FOLDER
    if isinstance(error, PermissionError):
        return _DENIED
    known = {"No space left on device": _FULL, "Read-only file system": _READ_ONLY}
    text = error.strerror or str(error)
    return known.get(text, f"{text}: check [journal] path")


def _disk_is_full(path: Path) -> bool:
    try:
        state = os.statvfs(path)
    except OSError:
        return False
    return state.f_bavail == 0
