"""Restates what was booked when factors are revised.

Each booked quarter hour is kept in the journal, with the commit that booked it.
When a factor changes, the quarters that it touches are folded again, and those
after them, through the storages, until these hold what they held before. A few
at each tick: metering goes on meanwhile. Rows of the minutes are provisional, and
stay as they are.
"""

import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import msgpack

from zerometer.agent.journal import Journal
from zerometer.core.accounting import Closing
from zerometer.core.alignment import QUARTER_NS
from zerometer.core.boundary import Boundary
from zerometer.core.errors import JournalError
from zerometer.core.holdings import Holdings
from zerometer.core.iso_time import format_time
from zerometer.core.ledger import Cell
from zerometer.core.network import Network
from zerometer.core.quarter_record import QuarterRecord
from zerometer.core.restate import Booked, Restater, agree, follows
from zerometer.core.series_book import HORIZON_NS, Change
from zerometer.core.site import Site, View
from zerometer.core.totals import Factors
from zerometer.core.windows import Window

#: Quarters that are folded again at each tick (about 2 ms each for 120 meters): a
#: hundred days take 40 minutes.
QUARTERS_PER_TICK = 4
#: Quarters that are read from the journal at once.
READ_AT_ONCE = 64
_LEVEL = 1


@dataclass(slots=True)
class Run:
    """What one restatement came to: its time, its rows, and kg by view."""

    start_ns: int
    end_ns: int
    rows: int = 0
    delta_kg: dict[View, float] = field(default_factory=dict)
    revision: int = 0
    revision_before: int = 0

    def __str__(self) -> str:
        """Say it in words."""
        changes = (f"{view} {kg:+.3f} kg" for view, kg in self.delta_kg.items())
        start, end = format_time(self.start_ns), format_time(self.end_ns)
        return (
            f"{start} to {end}: {self.rows} quarter hours, {', '.join(changes)}; "
            f"factors of revision {self.revision}"
        )

    def add(self, before: int, booked: Booked, delta_kg: Mapping[View, float]) -> None:
        """Take in a quarter whose row is put out again, by factors of *before*."""
        if not self.rows:
            self.start_ns = booked.record.start_ns
        self.end_ns = booked.record.end_ns
        self.rows += 1
        self.revision = max(self.revision, booked.record.revision)
        self.revision_before = max(self.revision_before, before)
        for view, kg in delta_kg.items():
            self.delta_kg[view] = self.delta_kg.get(view, 0.0) + kg


@dataclass(slots=True)
class Step:
    """What a step brought.

    ``windows``: rows to put out again; ``deltas``: by how much the site's totals of
    the quarter from a time changed. ``openings``: what the storages held when the
    present quarter began; ``ended``: what the restatement that ends here came to.
    """

    windows: list[Window] = field(default_factory=list)
    deltas: list[tuple[int, Mapping[View, float]]] = field(default_factory=list)
    openings: Holdings | None = None
    ended: Run | None = None


class Restatement:
    """Keeps booked quarters, and restates them; owned by the thread of the ticks."""

    def __init__(
        self,
        site: Site,
        network: Network,
        cells: Sequence[Cell],
        factors: Factors,
        journal: Journal,
    ) -> None:
        self._restater = Restater(site, network, cells)
        self._boundary = Boundary(site, network)
        self._factors = factors
        self._journal = journal
        self._graph = zlib.crc32(msgpack.packb([cell.name for cell in cells]))
        #: Totals of the quarters that have not ended.
        self._open_kg: dict[int, dict[View, float]] = {}
        #: Quarters that are not durable yet.
        self._unsaved: dict[int, bytes] = {}
        self._booked_until_ns = 0
        self._last_part_ns = 0
        #: Times, without overlap and in order, whose factors have changed.
        self._dirty: list[tuple[int, int]] = []
        #: Where the next quarter is looked for, while there is work.
        self._cursor_ns: int | None = None
        self._carry: Holdings | None = None
        self._run: Run | None = None
        self._read: Future[list[tuple[int, bytes]]] | None = None
        self._meanwhile: dict[int, bytes] = {}
        self._ahead: list[tuple[int, bytes]] = []

    def booked(
        self, closing: Closing, records: Sequence[tuple[QuarterRecord, Holdings]]
    ) -> None:
        """Take in what was booked, and the quarters that ended by it."""
        for totals in closing.totals:
            quarter_ns = totals.start_ns // QUARTER_NS * QUARTER_NS
            kg = self._open_kg.setdefault(quarter_ns, {})
            for view, value in self._boundary.emissions_kg(totals).items():
                kg[view] = kg.get(view, 0.0) + value
        rows = {w.start_ns: w for w in closing.windows if w.length_ns == QUARTER_NS}
        for record, openings in records:
            quarter_ns = record.start_ns // QUARTER_NS * QUARTER_NS
            end_ns = quarter_ns + QUARTER_NS
            window = rows.get(quarter_ns)
            if record.end_ns != end_ns or self._last_part_ns == quarter_ns:
                window = None  # one row, but several records
            self._last_part_ns = quarter_ns
            kg = self._open_kg.pop(quarter_ns, {})
            self._keep(Booked(record, openings, kg, window))
            self._booked_until_ns = record.end_ns
        for quarter_ns in [q for q in self._open_kg if q < self._booked_until_ns]:
            del self._open_kg[quarter_ns]

    def _keep(self, booked: Booked) -> None:
        packed = msgpack.packb([self._graph, booked.packed()])
        self._unsaved[booked.record.start_ns] = zlib.compress(packed, _LEVEL)

    def dirty(self, changes: Sequence[Change]) -> None:
        """Note that factors have changed."""
        for change in changes:
            self._mark(change.t0_ns, change.t1_ns)

    def _mark(self, start_ns: int, end_ns: int) -> None:
        joined: list[tuple[int, int]] = []
        for one in sorted([*self._dirty, (start_ns, end_ns)]):
            if joined and one[0] <= joined[-1][1]:
                joined[-1] = joined[-1][0], max(joined[-1][1], one[1])
            else:
                joined.append(one)
        self._dirty = joined
        if self._cursor_ns is not None and start_ns < self._cursor_ns:
            # What is behind is gone through again, from there on.
            self._begin(start_ns)

    @property
    def idle(self) -> bool:
        """Whether nothing that is booked waits to be restated."""
        return self._cursor_ns is None and not self._due()

    def _due(self) -> bool:
        return bool(self._dirty) and self._dirty[0][0] < self._booked_until_ns

    def _begin(self, start_ns: int) -> None:
        self._cursor_ns, self._carry = start_ns, None
        self._read, self._ahead = None, []

    def step(self) -> Step:
        """Restate a few quarters, if there is anything to restate."""
        step = Step()
        if self._cursor_ns is None and self._due():
            self._begin(self._dirty[0][0])
        for _ in range(QUARTERS_PER_TICK):
            if self._cursor_ns is None or not self._look_ahead():
                break
            if not self._ahead:
                self._end(step)
                break
            self._next(step)
        return step

    def _next(self, step: Step) -> None:
        """Go on with the next quarter: restate it, or leave it out."""
        start_ns, packed = self._ahead.pop(0)
        self._cursor_ns = start_ns + 1
        booked = self._unpacked(packed)
        if booked is None:
            self._carry = None
            return
        self._follow(booked)
        dirty = any(t0 <= start_ns < t1 for t0, t1 in self._dirty)
        if not dirty and self._carry is None:
            self._skip(start_ns, step)
            return
        restated = self._restater.restate(
            booked,
            self._factors.at(start_ns),
            self._carry.kg if self._carry else None,
        )
        self._carry = restated.closings
        self._keep(restated.booked)
        if restated.differs and restated.booked.window:
            step.windows.append(restated.booked.window)
            step.deltas.append((start_ns, restated.delta_kg))
            self._run = self._run or Run(start_ns, start_ns)
            self._run.add(booked.record.revision, restated.booked, restated.delta_kg)

    def _follow(self, booked: Booked) -> None:
        """Let go of what storages held if that is what the books have already."""
        if self._carry is not None and (
            not follows(self._carry, booked.openings)
            or agree(self._carry.kg, booked.openings.kg)
        ):
            self._carry = None

    def _skip(self, start_ns: int, step: Step) -> None:
        """Go on with the next quarter that has other factors."""
        later = [t0 for t0, t1 in self._dirty if t0 > start_ns]
        if later and later[0] < self._booked_until_ns:
            self._begin(later[0])
        else:
            self._end(step)

    def _end(self, step: Step) -> None:
        """Nothing that is booked is left: the present goes on from here."""
        step.openings = self._carry
        until_ns = self._booked_until_ns
        self._dirty = [(max(a, until_ns), b) for a, b in self._dirty if b > until_ns]
        self._cursor_ns = self._carry = None
        self._read, self._ahead = None, []
        if step.openings is not None:
            # Minutes of the present quarter were booked with what was held before.
            self._mark(until_ns, until_ns // QUARTER_NS * QUARTER_NS + QUARTER_NS)
        step.ended, self._run = self._run, None

    def _look_ahead(self) -> bool:
        """Have the next quarters at hand, or know that there are none; else False."""
        if self._ahead:
            return True
        assert self._cursor_ns is not None
        if self._read is None:
            # What becomes durable while it is read might be in neither.
            self._meanwhile = dict(self._unsaved)
            self._read = self._journal.shares(self._cursor_ns, READ_AT_ONCE)
        if not self._read.done():
            return False
        try:
            found = self._read.result()
        except JournalError:
            found = []  # what is not durable yet is still there
        self._read = None
        limit_ns = found[-1][0] if len(found) == READ_AT_ONCE else self._booked_until_ns
        known = dict(found)
        for start_ns, packed in {**self._meanwhile, **self._unsaved}.items():
            if self._cursor_ns <= start_ns <= limit_ns:
                known[start_ns] = packed
        self._ahead = sorted(known.items())
        return True

    def _unpacked(self, packed: bytes) -> Booked | None:
        """Return a booked quarter; None for one of another graph."""
        graph, values = msgpack.unpackb(zlib.decompress(packed))
        return Booked.unpacked(values) if graph == self._graph else None

    def recent(self, since_ns: int) -> list[QuarterRecord]:
        """Return what was booked since a time; it waits for the disk."""
        limit = (self._booked_until_ns - since_ns) // QUARTER_NS + READ_AT_ONCE
        found = self._journal.shares(since_ns, limit).result()
        booked = [self._unpacked(packed) for _, packed in found]
        return [one.record for one in booked if one is not None]

    @property
    def unsaved(self) -> list[tuple[int, bytes]]:
        """What the next commit has to keep."""
        return list(self._unsaved.items())

    @property
    def kept_from_ns(self) -> int:
        """Quarters that began before are not restated any more."""
        return self._booked_until_ns - HORIZON_NS

    def saved(self, shares: Sequence[tuple[int, bytes]]) -> None:
        """Forget what a commit made durable."""
        for start_ns, packed in shares:
            if self._unsaved.get(start_ns) is packed:
                del self._unsaved[start_ns]

    def state(self) -> dict[str, Any]:
        """Return where the work stands, as plain values."""
        run = self._run
        return {
            "open_kg": list(self._open_kg.items()),
            "booked_until_ns": self._booked_until_ns,
            "last_part_ns": self._last_part_ns,
            "dirty": self._dirty,
            "cursor_ns": self._cursor_ns,
            "carry": self._carry and self._carry.packed(),
            "graph": self._graph,
            "run": run
            and [
                run.start_ns,
                run.end_ns,
                run.rows,
                run.delta_kg,
                run.revision,
                run.revision_before,
            ],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up the work; what storages hold in another graph is another matter."""
        self._open_kg = dict(state["open_kg"])
        self._booked_until_ns = state["booked_until_ns"]
        self._last_part_ns = state["last_part_ns"]
        self._dirty = [(t0, t1) for t0, t1 in state["dirty"]]
        self._cursor_ns = state["cursor_ns"]
        if state["carry"] and state["graph"] == self._graph:
            self._carry = Holdings.unpacked(state["carry"])
        self._run = Run(*state["run"]) if state["run"] else None
