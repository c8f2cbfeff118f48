"""Files of a journal evicted by hand, while no agent has it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from zerometer.agent.journal.cursors import Cursors
from zerometer.agent.journal.folder import FolderLock
from zerometer.agent.journal.recovery import open_main
from zerometer.agent.journal.retention import forget_file
from zerometer.agent.journal.shelf import Shelf
from zerometer.agent.journal.stream_book import FileEntry
from zerometer.agent.journal_tools.contents import Contents, read_journal
from zerometer.core.errors import JournalError
from zerometer.core.site import JournalSettings

#: Of the WAL of the main file, to which one small change is written.
_WAL_PAGES = 16


@dataclass(frozen=True, slots=True)
class Doomed:
    """A file that would go: ``wanted`` are those of its batches that somebody lacks."""

    stream: str
    entry: FileEntry
    wanted: int
    uplinks: tuple[str, ...]


def plan(contents: Contents, streams: tuple[str, ...], before_ms: int) -> list[Doomed]:
    """Return the files all of whose batches end before a time (UTC), oldest first.

    The file that a stream is written to stays.
    """
    return [
        doomed
        for stream in streams
        if stream in contents.book.streams
        for doomed in _of_stream(contents, stream, before_ms)
    ]


def _of_stream(contents: Contents, stream: str, before_ms: int) -> Iterator[Doomed]:
    book, cursors = contents.book.streams[stream], contents.book.cursors
    dead = book.dead()
    for entry in book.files[:-1]:
        if entry.t1_ms >= before_ms:
            return  # only the oldest of a stream may go
        lacking = [
            uplink
            for uplink in cursors.uplinks()
            if cursors.wants(uplink, stream)
            and any(
                dead.union(cursors.acknowledged(uplink, stream)).absent(
                    entry.first, entry.last
                )
            )
        ]
        unsent = cursors.unsent(stream, entry.first, entry.last)
        wanted = sum(
            last - first + 1
            for span in unsent.present(entry.first, entry.last)
            for first, last in dead.absent(*span)
        )
        yield Doomed(stream, entry, wanted, tuple(lacking))


def prune(folder: Path, streams: tuple[str, ...], before_ms: int) -> list[Doomed]:
    """Delete what ``plan`` returns; what somebody lacks of it becomes a gap.

    JournalError while an agent has the journal.
    """
    lock = FolderLock(folder)
    try:
        doomed = plan(read_journal(folder), streams, before_ms)
        settings = JournalSettings(path=str(folder))
        opened = open_main(folder, settings, Cursors(None), _WAL_PAGES)
        shelf = Shelf(folder, opened.main.meta["source"], _WAL_PAGES)
        try:
            for file in doomed:
                shelf.remove(file.stream, file.entry.number)
                forget_file(opened.book, file.stream, file.entry, "evicted")
            opened.main.write(opened.book.unwritten({}))
        finally:
            shelf.close()
            opened.main.close()
    finally:
        lock.release()
    return doomed


def refuse(doomed: list[Doomed]) -> None:
    """Raise JournalError if somebody still lacks something."""
    lacked = sum(file.wanted for file in doomed)
    if lacked:
        uplinks = ", ".join(sorted({u for file in doomed for u in file.uplinks}))
        raise JournalError(
            f"journal: {lacked} batches were not acknowledged by {uplinks}: nothing "
            "was deleted; wait until they are sent, or give them up with --force"
        )
