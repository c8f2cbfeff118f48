"""The journal's operations, for the one thread that has its files."""

import sqlite3
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import msgpack

from zerometer.agent.batch import Missing, batch_hash
from zerometer.agent.journal.book import NUMBER
from zerometer.agent.journal.cursors import Cursors
from zerometer.agent.journal.database import PAGE_SIZE, is_damage, is_sync_fault
from zerometer.agent.journal.figures import figures, uplink_figures
from zerometer.agent.journal.filing import FileRule, file_rows
from zerometer.agent.journal.folder import stream_files
from zerometer.agent.journal.main_file import STATE, MainFile
from zerometer.agent.journal.model import (
    Commit,
    KnownBatch,
    Resume,
    SealedBatch,
    StoredBatch,
)
from zerometer.agent.journal.recovery import new_epoch, open_main, renew_main
from zerometer.agent.journal.retention import Retention, file_bytes, forget_file
from zerometer.agent.journal.sending import Sending
from zerometer.agent.journal.shelf import Shelf, StreamFileError
from zerometer.agent.journal.stream_book import QUARANTINED, FileEntry, StreamBook
from zerometer.agent.journal.stream_file import Row
from zerometer.core.errors import JournalError, UsageError
from zerometer.core.site import JournalSettings

#: Pages that a WAL may have: many where there is room, as then each is written to
#: the file more seldom.
_MOST_WAL_PAGES = 4000
_LEAST_WAL_PAGES = 16
_WALS_PER_JOURNAL = 64
#: A commit is tried again as often when what it failed of could be mended.
_MENDS = 8
_GONE = "is gone"
#: Batches that are copied in one transaction.
_COPIED_TOGETHER = 64


class Store:
    """An open journal. Any method may raise sqlite3.Error, OSError or JournalError.

    A write that raises has changed nothing that ``resume`` or an uplink could see,
    unless a flush failed: then the number of the last commit tells.
    """

    def __init__(
        self,
        folder: Path,
        settings: JournalSettings,
        *,
        uplinks: Mapping[str, tuple[str, ...]] | None,
        hardware: bytes,
        free_bytes: Callable[[], int],
        wall_ns: Callable[[], int],
    ) -> None:
        """Open or make the journal in *folder*."""
        self._folder = folder
        self._settings = settings
        self._wall_ns = wall_ns
        wanted = settings.max_bytes // _WALS_PER_JOURNAL // PAGE_SIZE
        self._wal_pages = max(_LEAST_WAL_PAGES, min(wanted, _MOST_WAL_PAGES))
        opened = open_main(folder, settings, Cursors(uplinks), self._wal_pages)
        self._main, self._book = opened.main, opened.book
        self._distrusted = ""  # why the main file must be made anew
        self.source = self._main.meta["source"]
        self.notices = deque(opened.notices)
        self._shelf = Shelf(folder, self.source, self._wal_pages)
        self._retention = Retention(
            folder, settings, free_bytes, self._wal_pages * PAGE_SIZE
        )
        self._sending = Sending(self._book, self._shelf)
        self._suspect: set[tuple[str, int]] = set()
        self._discarded: list[tuple[str, int]] = []
        try:
            self._take_stock()
            self._know_hardware(hardware)
        except BaseException:
            self.close()
            raise
        self._publish()

    @property
    def epoch(self) -> bytes:
        """The epoch that batches are sealed in."""
        return self._book.epoch

    def close(self) -> None:
        """Write what changed since the last commit, if that can be; close all files."""
        if self._book.dirty and not self._distrusted:
            with suppress(sqlite3.Error):  # what is lost of it is found out again
                self._main.write(self._book.unwritten({}))
        self._shelf.close()
        self._main.close()

    def resume(self) -> Resume:
        """Return what the last commit left."""
        contents = self._main.contents()
        streams = self._book.streams.items()
        return Resume(
            number=self._book.number,
            state=contents.parts.get(STATE),
            segments=contents.segments,
            next_seq={n: s.seq + 1 for n, s in streams if s.seq},
            last_hash={n: s.hash for n, s in streams if s.hash},
        )

    def append(self, commit: Commit) -> None:
        """Make *commit* durable; UsageError when a seq does not follow the last."""
        try:
            self._append(commit)
        except BaseException:
            self._publish()  # files may have gone, and others may fill the disk
            raise

    def _append(self, commit: Commit) -> None:
        for _ in range(_MENDS):
            trusted = not self._distrusted
            try:
                self._try(commit)
                return
            except StreamFileError as fault:
                self._mend(fault)
            except sqlite3.Error:
                if not (trusted and self._distrusted):
                    raise
        self._try(commit)

    def _try(self, commit: Commit) -> None:
        main = self._sound_main()
        if 0 < commit.number <= self._book.number:
            return
        self._check(commit)
        self._find_missing("damaged")
        now_ms = self._wall_ns() // 1_000_000
        self._retention.make_room(self._book, self._shelf, commit, now_ms)
        draft, rows = self._drafted(commit)
        for name, added in rows.items():
            self._file(name, draft[name], added, commit.number, now_ms)
        with self._trusting():
            parts = self._book.unwritten(draft)
            if commit.number:
                parts[NUMBER] = msgpack.packb(commit.number)
            main.commit(commit, parts, self._settings.max_bytes)
        self._book.number = commit.number or self._book.number
        self._settle(draft)

    def _settle(self, draft: Mapping[str, StreamBook]) -> None:
        """Take over what has become durable, and what follows from that."""
        self._book.written(draft)
        while self._discarded:
            self._shelf.set_aside(*self._discarded.pop())
        self._publish()

    def _check(self, commit: Commit) -> None:
        """Raise UsageError unless sealed batches follow those that are there."""
        ends: dict[str, int] = {}
        for batch in commit.sealed:
            name = batch.stream
            seq = ends.get(name, self._book.stream(name).seq) + 1
            while (name, seq) in commit.lost:
                seq += 1
            if batch.seq != seq:
                raise UsageError(
                    f"journal: stream {name}: seq is {batch.seq}, expected {seq}"
                )
            ends[name] = seq

    def _drafted(
        self, commit: Commit
    ) -> tuple[dict[str, StreamBook], dict[str, list[Row]]]:
        """Return the streams as *commit* leaves them, and the rows of their files."""
        draft: dict[str, StreamBook] = {}
        rows: dict[str, list[Row]] = {}
        for name, position in commit.reissued:
            stream = draft.setdefault(name, self._book.stream(name).copy())
            stream.lose([(position, position)], "reissued")
        ordinal = self._book.next_ordinal()
        for count, batch in enumerate(commit.sealed):
            stream = draft.setdefault(
                batch.stream, self._book.stream(batch.stream).copy()
            )
            row = _added(stream, batch, ordinal + count)
            rows.setdefault(batch.stream, []).append(row)
        return draft, rows

    def _file(
        self, name: str, stream: StreamBook, rows: list[Row], commit: int, now_ms: int
    ) -> None:
        if stream.files and (name, stream.files[-1].number) in self._suspect:
            raise StreamFileError(name, stream.files[-1].number, _lost_flush())
        rule = FileRule.of(self._settings, self._retention.keep_ns(name), now_ms)
        file_rows(self._shelf, name, stream, rows, rule, commit=commit)

    def newest(self, uplink: str) -> list[StoredBatch]:
        """Return of each stream the newest batch, unless that was acknowledged."""
        return self._mended(lambda: self._sending.newest(uplink))

    def oldest(self, uplink: str, limit: int) -> list[StoredBatch]:
        """Return the oldest batches that are not acknowledged, as they were sealed."""
        return self._mended(lambda: self._sending.oldest(uplink, limit))

    def acknowledge(self, uplink: str, stream: str, position: int) -> None:
        """Note that *uplink* needs a batch no more; durable with the next commit."""
        self._sending.acknowledge(uplink, stream, position)
        self._publish_uplinks()

    def resend(self, uplink: str, missing: Missing) -> None:
        """Forget that numbers were acknowledged; durable with the next commit."""
        self._sending.resend(uplink, missing)
        self._publish()

    def quarantine(
        self, uplink: str, batch: KnownBatch, code: str, message: str
    ) -> None:
        """Keep a copy of a batch that is refused for good, and let it be."""
        main = self._sound_main()
        now_ms = self._wall_ns() // 1_000_000
        draft = {batch.stream: self._book.stream(batch.stream).copy()}
        draft[batch.stream].lose([(batch.position, batch.position)], QUARANTINED)
        row = (
            uplink, batch.stream, batch.position, batch.epoch, batch.seq, now_ms,
            code, message, batch.data,
        )  # fmt: skip
        with self._trusting():
            parts = self._book.unwritten(draft)
            main.quarantine(row, parts, self._settings.max_bytes)
        self._settle(draft)
        self.acknowledge(uplink, batch.stream, batch.position)

    def begin_epoch(self, reason: str) -> bytes:
        """Let numbers begin with 1 again, under a new epoch; return that."""
        main = self._sound_main()
        epoch = new_epoch(self._book.epoch)
        draft = {name: stream.copy() for name, stream in self._book.streams.items()}
        for stream in draft.values():
            stream.begin_epoch(epoch)
        with self._trusting():
            main.write(self._book.unwritten(draft), {"epoch": epoch})
        self._book.epoch = epoch
        self.notices.append(f"journal: {reason}: a new epoch was begun")
        self._settle(draft)
        return epoch

    def shares(self, start_ns: int, limit: int) -> list[tuple[int, bytes]]:
        """Return at most *limit* quarter hours from *start_ns* on: start, data."""
        return self._sound_main().shares(start_ns, limit)

    def _know_hardware(self, hardware: bytes) -> None:
        """Begin an epoch if the journal was brought here from another machine."""
        known = self._main.meta.get("hardware", hardware)
        if known != hardware and hardware:
            self.begin_epoch("it was written on other hardware")
        if hardware and self._main.meta.get("hardware") != hardware:
            self._main.write({}, {"hardware": hardware})

    def _take_stock(self) -> None:
        """Delete files that no commit knows of; note which of the others are gone."""
        for name, number in stream_files(self._folder):
            files = self._book.stream(name).files
            if number not in {entry.number for entry in files}:
                self._shelf.remove(name, number)
        self._find_missing("evicted")

    def _find_missing(self, reason: str) -> None:
        """Note which files are gone.

        *reason* is why if they were their stream's oldest ones.
        """
        for name, stream in self._book.streams.items():
            why = reason
            for entry in stream.files[:]:
                if self._shelf.path(name, entry.number).exists():
                    why = "damaged"
                    continue
                self._shelf.let_go(name, entry.number)
                forget_file(self._book, name, entry, why)
                if why == "damaged":
                    path = self._shelf.path(name, entry.number)
                    self.notices.append(
                        f"journal: {path}: is gone, its batches are lost"
                    )

    def _mended(self, work: Callable[[], list[StoredBatch]]) -> list[StoredBatch]:
        """Do *work* again and again until no file is in its way."""
        while True:
            try:
                found = work()
            except StreamFileError as fault:
                self._mend(fault)
            else:
                self._publish()
                return found

    def _mend(self, fault: StreamFileError) -> None:
        """Go on without the file that failed, or raise what it failed of."""
        name, number = fault.stream, fault.number
        path = self._shelf.path(name, number)
        stream = self._book.stream(name)
        entry = next((e for e in stream.files if e.number == number), None)
        if is_sync_fault(fault.error) and entry is not None:
            self._suspect.add((name, number))
            try:
                self._copy(name, stream, entry)
            except StreamFileError as another:
                raise another.error from another
            return
        if path.exists() and not is_damage(fault.error):
            raise fault.error
        aside = self._shelf.set_aside(name, number)
        if entry is not None:
            forget_file(self._book, name, entry, "damaged")
        words = f"set aside as {aside.name}" if aside else "is gone"
        self.notices.append(f"journal: {path}: {fault.error}; {words}")

    def _copy(self, name: str, stream: StreamBook, entry: FileEntry) -> None:
        """Write what can be read of a file into a new one, which takes its place."""
        number = stream.next_file
        self._shelf.begin(name, number)
        lost = []
        for first in range(entry.first, entry.last + 1, _COPIED_TOGETHER):
            places = range(first, min(first + _COPIED_TOGETHER, entry.last + 1))
            found = [self._readable(name, entry.number, n) for n in places]
            rows = [row for row in found if row is not None]
            lost += [n for n, row in zip(places, found, strict=True) if row is None]
            self._shelf.write(name, number, rows, first - 1)
        stream.next_file = number + 1
        place = stream.files.index(entry)
        stream.files[place] = replace(entry, number=number)
        stream.lose([(n, n) for n in lost], "damaged")
        self._book.mark(name)
        # Until a commit knows the new file, a start would need this one.
        self._discarded.append((name, entry.number))
        path = self._shelf.path(name, entry.number)
        self.notices.append(
            f"journal: {path}: a flush to the disk failed; written anew, and set aside"
        )

    def _readable(self, name: str, number: int, position: int) -> Row | None:
        with suppress(StreamFileError):
            return self._shelf.read(name, number, position)
        return None

    def _sound_main(self) -> MainFile:
        """Return the main file, made anew if it cannot be relied on."""
        if not self._main.in_place:
            self._distrusted = _GONE
        if self._distrusted:
            try:
                self._main, words = renew_main(self._main, self._book, self._wal_pages)
            except (sqlite3.Error, OSError) as error:
                raise JournalError(
                    f"journal: {self._main.path}: {self._distrusted}, and cannot be "
                    f"made anew: {error}"
                ) from error
            self.notices.append(
                f"journal: {self._main.path}: {self._distrusted}; {words}, made anew"
            )
            self._find_missing("damaged" if self._distrusted == _GONE else "evicted")
            self._distrusted = ""
        return self._main

    @contextmanager
    def _trusting(self) -> Iterator[None]:
        """Trust the main file no more if what fails within says so."""
        try:
            yield
        except sqlite3.Error as error:
            if is_sync_fault(error) or is_damage(error):
                self._distrusted = str(error)
            raise

    def _publish(self) -> None:
        """Let others see what has changed."""
        book = self._book
        self.gaps = {name: stream.gaps() for name, stream in book.streams.items()}
        used = self._retention.used_bytes(book, self._shelf)
        found = figures(
            book, lambda name, entry: file_bytes(self._shelf, name, entry), used
        )
        self.info = replace(found, free_bytes=self._retention.free())

    def _publish_uplinks(self) -> None:
        self.info = replace(self.info, uplinks=uplink_figures(self._book))


def _added(stream: StreamBook, batch: SealedBatch, ordinal: int) -> Row:
    """Let *batch* follow in *stream*; return it as a row."""
    position = stream.base + batch.seq
    if stream.position + 1 < position:
        stream.lose([(stream.position + 1, position - 1)], "overflow")
    stream.position = position
    stream.hash = batch_hash(batch.data)
    stream.samples += batch.samples
    stream.tell(batch.gaps, position)
    epoch = stream.bases[-1][0]
    return Row(
        position, ordinal, epoch, batch.seq, batch.t0_ms, batch.t1_ms, batch.samples,
        batch.data,
    )  # fmt: skip


def _lost_flush() -> sqlite3.Error:
    error = sqlite3.OperationalError("a flush to the disk failed before")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
    return error
