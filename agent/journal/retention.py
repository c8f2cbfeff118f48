"""What goes for want of room, or of age: whole files, the least worth first.

Deleting rows of a full disk's database fails, for it writes first; deleting a file
does not.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from zerometer.agent.journal.book import Book
from zerometer.agent.journal.database import PAGE_SIZE
from zerometer.agent.journal.folder import MAIN, size_of
from zerometer.agent.journal.model import Commit
from zerometer.agent.journal.shelf import Shelf
from zerometer.agent.journal.stream_book import FileEntry
from zerometer.core.site import JournalSettings

#: For want of free space, which others may have taken, the journal does not shrink
#: below such a part of what it may have.
LEAST_PART = 8

#: Pages that a commit may take beside its data: trees grow, indices split.
_SPARE_PAGES = 8

#: Of what is acknowledged, and of what is not: the lowest goes first.
_RANKS = {
    ("readings", True): 0,
    ("state", True): 1,
    ("minutes", True): 1,
    ("readings", False): 2,
    ("minutes", False): 3,
    ("ledger", True): 4,
    # Little, and what explains all the rest.
    ("state", False): 4,
    ("ledger", False): 5,
}
_LAST_RANK = 5


@dataclass(frozen=True, slots=True)
class _Candidate:
    """The oldest file of a stream, and how little it is worth."""

    stream: str
    entry: FileEntry
    rank: int
    settled: bool


class Retention:
    """Keeps the journal within its bounds."""

    def __init__(
        self,
        folder: Path,
        settings: JournalSettings,
        free_bytes: Callable[[], int],
        wal_bytes: int,
    ) -> None:
        """*free_bytes* says how much the file system has left.

        *wal_bytes* is what a file may grow by when its WAL, which stays, goes into it.
        """
        self._folder = folder
        self._settings = settings
        self._free_bytes = free_bytes
        # In one commit, those of the main file and of a stream's file may.
        self._most_bytes = settings.max_bytes - 2 * wal_bytes

    def keep_ns(self, stream: str) -> int:
        """Return for how long what was acknowledged of *stream* is kept."""
        kept = {
            "minutes": self._settings.keep_minutes_ns,
            "readings": self._settings.keep_readings_ns,
        }
        return kept.get(stream, self._settings.keep_ledger_ns)

    def used_bytes(self, book: Book, shelf: Shelf) -> int:
        """Return the bytes of all files."""
        return size_of(self._folder / MAIN) + sum(
            file_bytes(shelf, name, entry)
            for name, stream in book.streams.items()
            for entry in stream.files
        )

    def free(self) -> int:
        """Return what the file system has left; 0 where it does not say."""
        try:
            return self._free_bytes()
        except OSError:
            return 0

    def make_room(self, book: Book, shelf: Shelf, commit: Commit, now_ms: int) -> None:
        """Delete what is old, then what is worth least until *commit* fits in.

        With nothing left to delete, the commit goes in whatever its size.
        """
        self._drop_old(book, shelf, now_ms)
        needed = _pages(commit) * PAGE_SIZE
        used = self.used_bytes(book, shelf) + needed
        free = self.free() - needed
        while candidates := _candidates(book):
            worst = min(candidates, key=lambda c: (c.rank, c.entry.t1_ms))
            if used <= self._most_bytes and not (
                self._is_short(free, used) and worst.rank < _LAST_RANK
            ):
                return
            size = file_bytes(shelf, worst.stream, worst.entry)
            _drop(book, shelf, worst)
            used -= size
            free += size

    def _is_short(self, free: int, used: int) -> bool:
        """Tell whether the journal should make way for others."""
        least = self._settings.max_bytes // LEAST_PART
        return free < self._settings.min_free_bytes and used > least

    def _drop_old(self, book: Book, shelf: Shelf, now_ms: int) -> None:
        for name in list(book.streams):
            too_old_ms = now_ms - self.keep_ns(name) // 1_000_000
            for entry in book.streams[name].files[:-1]:
                candidate = _candidate(book, name)
                if entry.t1_ms >= too_old_ms or not (candidate and candidate.settled):
                    break
                _drop(book, shelf, candidate)


def file_bytes(shelf: Shelf, stream: str, entry: FileEntry) -> int:
    """Return the size of a file."""
    return entry.bytes or size_of(shelf.path(stream, entry.number))


def _candidates(book: Book) -> list[_Candidate]:
    found = (_candidate(book, name) for name in book.streams)
    return [candidate for candidate in found if candidate]


def _candidate(book: Book, name: str) -> _Candidate | None:
    stream = book.streams[name]
    if not stream.files:
        return None
    entry = stream.files[0]
    wanted = book.cursors.unsent(name, entry.first, entry.last)
    dead = stream.dead()
    settled = all(
        not any(dead.absent(*span)) for span in wanted.present(entry.first, entry.last)
    )
    rank = _RANKS.get((name, settled), _RANKS["state", settled])
    return _Candidate(name, entry, rank, settled)


def _drop(book: Book, shelf: Shelf, candidate: _Candidate) -> None:
    shelf.remove(candidate.stream, candidate.entry.number)
    forget_file(book, candidate.stream, candidate.entry, "evicted")


def forget_file(book: Book, name: str, entry: FileEntry, reason: str) -> None:
    """Note that a file is gone: what somebody still wanted of it is lost.

    Where there is no uplink at all, it is lost to any later one.
    """
    stream = book.stream(name)
    span = entry.first, entry.last
    wanted = book.cursors.unsent(name, *span)
    if not book.cursors.uplinks():
        wanted.add(*span)
    stream.lose(wanted.present(*span), reason)
    stream.settle(wanted.absent(*span))
    book.cursors.forget(name, [span])
    stream.drop_file(entry)
    book.mark(name)


def _pages(commit: Commit) -> int:
    sizes = [len(batch.data) for batch in commit.sealed]
    sizes += [len(data) for _, data in (*commit.segments, *commit.shares)]
    sizes.append(len(commit.state))
    return sum(size // PAGE_SIZE + 2 for size in sizes) + _SPARE_PAGES
