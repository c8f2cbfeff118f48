"""Batches into a stream's files: one after the other, begun anew now and then."""

from dataclasses import dataclass, replace

from zerometer.agent.journal.folder import size_of
from zerometer.agent.journal.shelf import Shelf
from zerometer.agent.journal.stream_book import FileEntry, StreamBook
from zerometer.agent.journal.stream_file import Row
from zerometer.core.alignment import MINUTE_NS
from zerometer.core.site import JournalSettings

#: A file is not much larger, for it goes as a whole.
FILE_BYTES = 64 * 1024 * 1024
#: Nor is it more than such a part of all that may be kept,
FILES_PER_JOURNAL = 16
#: nor does it hold more than a month, or such a part of the time to keep.
MONTH_MS = 30 * 86_400_000
FILES_PER_AGE = 4
_HOUR_MS = 60 * MINUTE_NS // 1_000_000


@dataclass(frozen=True, slots=True)
class FileRule:
    """When a stream begins another file, and what time it is."""

    bytes: int
    age_ms: int
    now_ms: int

    @classmethod
    def of(cls, settings: JournalSettings, keep_ns: int, now_ms: int) -> "FileRule":
        """Return the rule for what is kept for *keep_ns*."""
        return cls(
            min(FILE_BYTES, settings.max_bytes // FILES_PER_JOURNAL),
            max(min(MONTH_MS, keep_ns // 1_000_000 // FILES_PER_AGE), _HOUR_MS),
            now_ms,
        )


def file_rows(
    shelf: Shelf,
    stream: str,
    book: StreamBook,
    rows: list[Row],
    rule: FileRule,
    *,
    commit: int = 0,
) -> None:
    """Write *rows* of a *commit*, one after the other, durably; note in *book* where.

    Raises StreamFileError; then *book* is of no use any more.
    """
    if not book.files or _is_over(shelf, stream, book.files[-1], rule):
        _begin(shelf, stream, book, rows[0].position, rule.now_ms)
    entry = book.files[-1]
    shelf.write(stream, entry.number, rows, rows[0].position - 1, commit)
    times = [row.t0_ms for row in rows], [row.t1_ms for row in rows]
    if entry.last >= entry.first:
        times[0].append(entry.t0_ms)
        times[1].append(entry.t1_ms)
    book.files[-1] = replace(
        entry, last=rows[-1].position, t0_ms=min(times[0]), t1_ms=max(times[1])
    )


def _is_over(shelf: Shelf, stream: str, entry: FileEntry, rule: FileRule) -> bool:
    if entry.last < entry.first:
        return False
    path = shelf.path(stream, entry.number)
    size = path.stat().st_size if path.exists() else 0
    return size >= rule.bytes or rule.now_ms - entry.begun_ms >= rule.age_ms


def _begin(
    shelf: Shelf, stream: str, book: StreamBook, first: int, now_ms: int
) -> None:
    """Begin the next file, the one before being finished."""
    number = book.next_file
    shelf.begin(stream, number)
    if book.files:
        before = book.files[-1]
        shelf.finish(stream, before.number)
        size = size_of(shelf.path(stream, before.number))
        book.files[-1] = replace(before, bytes=size)
    book.next_file = number + 1
    book.files.append(FileEntry(number, first, first - 1, 0, 0, now_ms))
