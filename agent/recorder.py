"""Readings, windows and events become rows, rows become sealed batches.

Four streams leave a gateway, by worth: ``ledger`` (windows of 15 minutes, events),
``minutes`` (windows of a minute), ``state`` (what explains the others) and
``readings`` (raw detail). Each commit to the journal carries the accounting state
together with the segments and sealed batches that led to it: after a kill the state
and what was forwarded agree to the row.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from zerometer.agent.batch import Gap, Header, Table, batch_hash, encode, peek
from zerometer.agent.batch.signature import Signer
from zerometer.agent.clock import Stamp
from zerometer.agent.gather import Field, OpenBatch, Value
from zerometer.agent.journal import Commit, Resume, SealedBatch
from zerometer.agent.reissue import span_ms
from zerometer.core.alignment import MINUTE_NS
from zerometer.core.ledger import Cell
from zerometer.core.site import STREAMS
from zerometer.core.windows import Window

LEDGER, MINUTES, STATE, READINGS = STREAMS
#: As many bytes of sealed batches wait for a journal that cannot be written.
WAITING_BYTES = 16 * 1024 * 1024

EVENT_FIELDS = (
    Field("kind", "", None, "text"),
    Field("subject", "", None, "text"),
    Field("text", "", None, "text"),
)
#: What every window row says of itself, before its cells.
WINDOW_FIELDS = (
    Field("revision", "", 0, "integer"),
    Field("covered", "s", -3, "integer"),
    Field("measured_share", "", -4, "integer"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What every header of this run has in common."""

    source: bytes
    epoch: bytes
    site: str
    config: str
    sign: Signer | None = None


@dataclass(slots=True)
class _Stream:
    """A stream's open batch and the place of the next sealed one in its chain."""

    name: str
    next_seq: int
    last_hash: bytes | None
    open: OpenBatch
    #: Gaps in sealed batches that the journal does not have yet.
    declared: set[Gap] = field(default_factory=set)
    #: Since when there is a gap to declare, and no row to go with it.
    owes_since_ms: int | None = None


class Recorder:
    """Gathers rows and cuts them into commits.

    ``stamp`` says by which clock the rows of open batches are timed, ``factors``
    which revisions of factors are in use. A batch has at most ``seal_samples``; one
    that has half as many is sealed with the next commit.
    """

    def __init__(
        self,
        identity: Identity,
        resume: Resume,
        gaps: Callable[[str], tuple[Gap, ...]],
        stamp: Stamp,
        *,
        seal_ns: int,
        seal_samples: int,
    ) -> None:
        """*stamp*: of the clock that timed the open rows of *resume*."""
        self._identity = identity
        self._gaps = gaps
        self._seal_ms = seal_ns // 1_000_000
        self.seal_samples = seal_samples
        self.stamp = stamp
        self.factors: tuple[str, ...] = ()
        self._streams = {
            name: _Stream(
                name,
                resume.next_seq.get(name, 1),
                resume.last_hash.get(name),
                OpenBatch(),
            )
            for name in STREAMS
        }
        for name, segment in resume.segments:
            self._streams[name].open.restore(segment)
        self._sealed: list[SealedBatch] = []
        self._segments: list[tuple[str, bytes]] = []
        self._lost: set[tuple[str, int]] = set()
        self._reissued: list[tuple[str, int]] = []
        self._number = resume.number
        self._offered: Commit | None = None

    def timed_by(self, stamp: Stamp) -> None:
        """Let the rows that follow be timed by a clock as *stamp* says.

        A batch holds only rows of one.
        """
        if stamp != self.stamp:
            self.seal_all()
            self.stamp = stamp

    def distrust(self) -> None:
        """Let what is open be timed by a clock that turned out to be wrong."""
        self.stamp = replace(self.stamp, synchronised=False)

    def begin_epoch(self, epoch: bytes) -> None:
        """Number batches anew; all that was sealed before is durable."""
        self._identity = replace(self._identity, epoch=epoch)
        for stream in self._streams.values():
            stream.next_seq, stream.last_hash = 1, None
            stream.declared.clear()

    def add_row(
        self, table: str, fields: tuple[Field, ...], time_ms: int, row: Sequence[float]
    ) -> None:
        """Add a row of readings."""
        self._add(READINGS, table, fields, time_ms, row)

    def add_window(self, window: Window, cells: Sequence[Cell]) -> None:
        """Add a closed window whose numbers are *cells*."""
        fields = self._window_fields(cells)
        row = [
            window.revision,
            round(window.covered_ns / 1e6),
            round(window.measured_share * 1e4),
            *window.cells,
        ]
        name = f"ledger/{window.length_ns // MINUTE_NS}min"
        stream = MINUTES if window.length_ns == MINUTE_NS else LEDGER
        self._add(stream, name, fields, window.start_ns // 1_000_000, row)

    def _window_fields(self, cells: Sequence[Cell]) -> tuple[Field, ...]:
        return WINDOW_FIELDS + tuple(
            Field(cell.name, cell.unit, cell.exponent, "integer") for cell in cells
        )

    def add_state(
        self, table: str, fields: tuple[Field, ...], time_ms: int, row: Sequence[Value]
    ) -> None:
        """Add a row of what explains the others."""
        self._add(STATE, table, fields, time_ms, row)

    def add_record(
        self, table: str, fields: tuple[Field, ...], time_ms: int, row: Sequence[Value]
    ) -> None:
        """Add a row that is kept as long as the ledger."""
        self._add(LEDGER, table, fields, time_ms, row)

    def add_event(self, time_ms: int, kind: str, subject: str, text: str) -> None:
        """Add an event."""
        self._add(LEDGER, "events", EVENT_FIELDS, time_ms, (kind, subject, text))

    def _add(
        self,
        stream_name: str,
        table: str,
        fields: tuple[Field, ...],
        time_ms: int,
        row: Sequence[Value],
    ) -> None:
        """Add a row; what is full, or cannot take it, is sealed at once.

        A whole week of windows may come between two ticks.
        """
        stream = self._streams[stream_name]
        if not stream.open.fits(table, fields):
            self._seal(stream)
        stream.open.add(table, fields, time_ms, row)
        if stream.open.samples >= self.seal_samples:
            self._seal(stream)

    def seal_due(self, now_ms: int) -> None:
        """Seal the open batches that are old enough.

        Where nothing comes any more, a batch without rows brings what was lost.
        """
        for stream in self._streams.values():
            if stream.open and stream.open.age_ms(now_ms) >= self._seal_ms:
                self._seal(stream)
            elif not stream.open and self._owes(stream, now_ms):
                self._seal(stream, now_ms)

    def _owes(self, stream: _Stream, now_ms: int) -> bool:
        """Tell whether lost numbers have waited for a batch for long enough."""
        if not self._undeclared(stream):
            stream.owes_since_ms = None
            return False
        if stream.owes_since_ms is None:
            stream.owes_since_ms = now_ms
        return not 0 <= now_ms - stream.owes_since_ms < self._seal_ms

    def _undeclared(self, stream: _Stream) -> tuple[Gap, ...]:
        """Return the gaps that no batch declares, not even one that waits."""
        gaps = self._gaps(stream.name)
        return tuple(gap for gap in gaps if gap not in stream.declared)

    def seal_all(self) -> None:
        """Seal the open batches."""
        for name in STREAMS:
            self.seal(name)

    def seal(self, stream_name: str) -> None:
        """Seal the open batch of a stream, if it has one."""
        stream = self._streams[stream_name]
        if stream.open:
            self._seal(stream)

    def reissue(
        self, position: int, header: Header, parts: Sequence[list[Table]]
    ) -> None:
        """Seal what the batch with *header*, at *position*, holds anew, in *parts*.

        It is told of by the clock of its time, under numbers of the present.
        """
        stream = self._streams[header.stream]
        for tables in parts:
            t0_ms, t1_ms = span_ms(tables)
            self._append(stream, replace(header, t0_ms=t0_ms, t1_ms=t1_ms), tables)
        self._reissued.append((header.stream, position))

    def commit(
        self,
        state: bytes,
        shares: Sequence[tuple[int, bytes]] = (),
        shares_from_ns: int = 0,
    ) -> Commit:
        """Return everything that is not durable yet, with the state it led to.

        Until ``committed`` says that it is durable, the same comes again: nobody
        knows what became of a commit that failed. *shares* are quarters that can be
        restated.
        """
        if self._offered is not None:
            return self._offered
        for stream in self._streams.values():
            if 2 * stream.open.samples >= self.seal_samples:
                self._seal(stream)  # so its last rows are written once, not twice
            segment = stream.open.segment()
            if segment is not None:
                self._segments.append((stream.name, segment))
        self._offered = Commit(
            number=self._number + 1,
            state=state,
            segments=self._segments[:],
            sealed=self._sealed[:],
            lost=frozenset(self._lost),
            reissued=self._reissued[:],
            shares=list(shares),
            shares_from_ns=shares_from_ns,
        )
        return self._offered

    def committed(self, commit: Commit) -> None:
        """Forget what *commit* made durable."""
        self._number, self._offered = commit.number, None
        durable = {id(part) for part in (*commit.segments, *commit.sealed)}
        self._segments = [s for s in self._segments if id(s) not in durable]
        self._sealed = [s for s in self._sealed if id(s) not in durable]
        self._lost -= commit.lost
        self._reissued = self._reissued[len(commit.reissued) :]
        for batch in commit.sealed:
            self._streams[batch.stream].declared.difference_update(batch.gaps)

    def _seal(self, stream: _Stream, now_ms: int = 0) -> None:
        """Seal the open batch; one without rows is of *now_ms*."""
        open_batch, stream.open = stream.open, OpenBatch()
        first_ms, last_ms = open_batch.span_ms() if open_batch else (now_ms, now_ms)
        booked = stream.name in (LEDGER, MINUTES)
        header = Header(
            source=self._identity.source,
            epoch=self._identity.epoch,
            site=self._identity.site,
            stream=stream.name,
            seq=stream.next_seq,
            t0_ms=first_ms,
            t1_ms=last_ms,
            boot=self.stamp.boot,
            clock="synced" if self.stamp.synchronised else "unsynced",
            offset_ms=self.stamp.offset_ms,
            config=self._identity.config,
            factors=self.factors if booked else (),
        )
        self._append(stream, header, open_batch.tables())
        # Segments of this batch that are not durable yet live on inside it.
        self._segments = [s for s in self._segments if s[0] != stream.name]
        self._give_up()

    def _append(self, stream: _Stream, header: Header, tables: list[Table]) -> None:
        """Let *tables* be the stream's next batch, otherwise as *header* says."""
        lost = self._undeclared(stream)
        stream.declared.update(lost)
        stream.owes_since_ms = None
        data = encode(
            replace(
                header,
                epoch=self._identity.epoch,
                seq=stream.next_seq,
                prev=stream.last_hash,
                gaps=lost,
            ),
            tables,
            self._identity.sign,
        )
        self._sealed.append(
            SealedBatch(
                stream=stream.name,
                seq=stream.next_seq,
                data=data,
                t0_ms=header.t0_ms,
                t1_ms=header.t1_ms,
                samples=peek(data).samples,
                gaps=lost,
            )
        )
        stream.next_seq += 1
        stream.last_hash = batch_hash(data)

    def _give_up(self) -> None:
        """Let go of the oldest readings when too much waits for the journal.

        Then of the oldest minutes. The newest batch of each stream stays: the next
        commit must end with it. So do those of a commit that may be durable.
        """
        offered = {id(batch) for batch in (self._offered or Commit(state=b"")).sealed}
        surplus = sum(len(batch.data) for batch in self._sealed) - WAITING_BYTES
        for stream in (READINGS, MINUTES):
            waiting = [
                batch
                for batch in self._sealed
                if batch.stream == stream and id(batch) not in offered
            ]
            for batch in waiting[:-1]:
                if surplus <= 0:
                    return
                surplus -= len(batch.data)
                self._sealed.remove(batch)
                self._lost.add((batch.stream, batch.seq))
                self._streams[stream].declared.difference_update(batch.gaps)
