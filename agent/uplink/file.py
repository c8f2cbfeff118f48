"""Batches into a folder, for sites with no network: a file each, durable when told.

``FOLDER/SOURCE/DAY/TIME-STREAM-SEQ-EPOCH.batch``: SOURCE and EPOCH in hex, DAY and
TIME of the last value in it, UTC. So names sort by time within a gateway, several
gateways may share a folder, and no folder grows beyond what FAT can hold.
"""

import errno
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

from zerometer.agent.uplink.base import Answer, Batch, Outcome
from zerometer.core.site import UplinkSettings

SUFFIX = ".batch"
#: The last second of the calendar; a clock may say anything.
LAST_MS = 253_402_300_799_000
#: What somebody must mend; the rest, such as a disk that is full or not there, passes.
LASTING = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG})
UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def open_sender(settings: UplinkSettings, source: bytes) -> "FileSender":
    """Return who writes batches of *source* into the folder in *settings*."""
    return FileSender(Path(unquote(urlsplit(settings.url).path)), source)


class FileSender:
    """Writes batches into a folder that must be there: it may be a disk's."""

    def __init__(self, folder: Path, source: bytes) -> None:
        self.address = folder.as_uri()
        self._folder = folder
        self._source = source.hex()

    def send(self, batch: Batch, timeout_s: float) -> Answer:  # noqa: ARG002
        """Write *batch*; a file system knows no time-out."""
        # Never made: below an empty mount point it would fill the wrong disk.
        if not self._folder.is_dir():
            return Answer(
                Outcome.RETRY,
                f"folder {self._folder} is not there: mount its disk, or make it",
            )
        path = self._path(batch)
        try:
            _make_folders(self._folder, path.parent)
            if path.exists():
                return self._judge(path, batch)
            _write(path, batch.data)
        except OSError as error:
            lasting = error.errno in LASTING
            outcome = Outcome.PAUSE if lasting else Outcome.RETRY
            return Answer(outcome, f"folder {self._folder}: {error.strerror}")
        return Answer(Outcome.ACCEPTED)

    def abort(self) -> None:
        """Nothing is waited for but the disk."""

    def close(self) -> None:
        """Nothing is kept open."""

    def _path(self, batch: Batch) -> Path:
        time = UNIX_EPOCH + timedelta(milliseconds=min(batch.t1_ms, LAST_MS))
        name = (
            f"{time:%Y%m%dT%H%M%S}.{time.microsecond // 1000:03d}Z-"
            f"{batch.stream}-{batch.seq:08d}-{batch.epoch.hex()}{SUFFIX}"
        )
        return self._folder / self._source / f"{time:%Y-%m-%d}" / name

    def _judge(self, path: Path, batch: Batch) -> Answer:
        """Judge a batch whose file is there: written before, or by a copy of us."""
        if path.read_bytes() == batch.data:
            _sync_folder(path.parent)
            return Answer(Outcome.ACCEPTED)
        return Answer(
            Outcome.CONFLICT,
            f"file {path}: holds another batch of this identity",
            code="identity-conflict",
        )


def _make_folders(root: Path, folder: Path) -> None:
    """Make *folder* and what is above it below *root*, each durably."""
    for one in reversed([folder, *folder.parents]):
        if one.is_relative_to(root) and one != root and not one.is_dir():
            one.mkdir(exist_ok=True)
            _sync_folder(one.parent)


def _write(path: Path, data: bytes) -> None:
    """Write a file that is there as a whole, durably, or not at all."""
    unfinished = path.with_name(f".{path.name}.tmp")
    with unfinished.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems cannot, and make names durable at once.
        if error.errno != errno.EINVAL:
            raise
    finally:
        os.close(descriptor)
