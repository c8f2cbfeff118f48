"""Readings, windows and events become rows, rows become sealed batches.

Four streams leave a gateway, by worth: ``ledger`` (windows of 15 minutes, events),
``minutes`` (windows of a minute), ``state`` (what explains the others) and
``readings`` (raw detail). Each commit to the journal carries the accounting state
together with the segments and sealed batches that led to it: after a kill the state
and what was forwarded agree to the row.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from zerometer.agent.batch import Gap, Header, batch_hash, encode, peek
from zerometer.agent.gather import Field, OpenBatch, Value
from zerometer.agent.journal import Commit, Resume, SealedBatch
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
    boot: bytes
    config: str
    factors: tuple[str, ...]


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

    ``synchronised`` says whether the clock by which rows are timed can be believed.
    """

    def __init__(
        self,
        identity: Identity,
        resume: Resume,
        gaps: Callable[[str], tuple[Gap, ...]],
        *,
        seal_ns: int,
        seal_samples: int,
    ) -> None:
        self._identity = identity
        self._gaps = gaps
        self._seal_ms = seal_ns // 1_000_000
        self._seal_samples = seal_samples
        self.synchronised = True
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
        self._number = resume.number
        self._offered: Commit | None = None

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
        if stream.open.samples >= self._seal_samples:
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
        for stream in self._streams.values():
            if stream.open:
                self._seal(stream)

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
            segment = stream.open.segment()
            if segment is not None:
                self._segments.append((stream.name, segment))
        self._offered = Commit(
            number=self._number + 1,
            state=state,
            segments=self._segments[:],
            sealed=self._sealed[:],
            lost=frozenset(self._lost),
            shares=list(shares),
            shares_from_ns=shares_from_ns,
        )
        return self._offered

    @property
    def waits(self) -> bool:
        """Whether there is a commit that is not known to be durable."""
        return self._offered is not None

    def committed(self, commit: Commit) -> None:
        """Forget what *commit* made durable."""
        self._number, self._offered = commit.number, None
        durable = {id(part) for part in (*commit.segments, *commit.sealed)}
        self._segments = [s for s in self._segments if id(s) not in durable]
        self._sealed = [s for s in self._sealed if id(s) not in durable]
        self._lost -= commit.lost
        for batch in commit.sealed:
            self._streams[batch.stream].declared.difference_update(batch.gaps)

    def _seal(self, stream: _Stream, now_ms: int = 0) -> None:
        """Seal the open batch; one without rows is of *now_ms*."""
        open_batch, stream.open = stream.open, OpenBatch()
        first_ms, last_ms = open_batch.span_ms() if open_batch else (now_ms, now_ms)
        who = self._identity
        lost = self._undeclared(stream)
        stream.declared.update(lost)
        stream.owes_since_ms = None
        data = encode(
            Header(
                source=who.source,
                epoch=who.epoch,
                site=who.site,
                stream=stream.name,
                seq=stream.next_seq,
                t0_ms=first_ms,
                t1_ms=last_ms,
                boot=who.boot,
                clock="synced" if self.synchronised else "unsynced",
                prev=stream.last_hash,
                config=who.config,
                factors=who.factors,
                gaps=lost,
            ),
            open_batch.tables(),
        )
        samples = peek(data).samples
        self._sealed.append(
            SealedBatch(
                stream=stream.name,
                seq=stream.next_seq,
                data=data,
                t0_ms=first_ms,
                t1_ms=last_ms,
                samples=samples,
                gaps=lost,
            )
        )
        stream.next_seq += 1
        stream.last_hash = batch_hash(data)
        # Segments of this batch that are not durable yet live on inside it.
        self._segments = [s for s in self._segments if s[0] != stream.name]
        self._give_up()

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
