"""The site's counters: which record of the bank is which point of which meter."""

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isnan, nan, prod
from typing import Any

from zerometer.core._counter import ACCEPTED, FIRST, CounterBank
from zerometer.core.errors import JournalError
from zerometer.core.site import Meter
from zerometer.core.units import unit

#: The bank's state begins with magic, version and, in the last four bytes, the count.
HEADER_BYTES = 12
#: Records of version 1 lack when the first held value was read, from this byte on;
#: those of version 2 the rates by which jumps are told.
FIRST_VERSION, SECOND_VERSION, HELD_SINCE = 1, 2, 48
#: No submeter of ours counts faster than this many base units of its dimension an
#: hour: 100 MW, 100 000 Nm3/h, 100 t/h.
MAX_BASE_PER_HOUR = 100_000.0
#: What is not read here may be as large as a grid: 10 GW.
MAX_BASE_PER_HOUR_ELSEWHERE = 1e7


@dataclass(frozen=True, slots=True)
class Change:
    """Another meter, or another ratio, in the place of a counter.

    ``final`` is what the old one read last, ``start`` what the new one reads first;
    NaN: not known.
    """

    time_ns: int
    final: float = nan
    start: float = nan


@dataclass(slots=True)
class Counted:
    """What a counter did over a column of values; see CounterBank.column."""

    times_ns: "array[int]"
    values: "array[float]"
    qualities: bytes
    gains: "array[float]"
    steps: "array[float]"
    since_ns: "array[int]"
    flags: bytearray
    #: The flags of all, or-ed.
    met: int = 0


def fastest(meter: Meter, unit_name: str) -> float:
    """Return how fast a meter of which nothing is stated can count, an hour."""
    base = MAX_BASE_PER_HOUR if meter.bus else MAX_BASE_PER_HOUR_ELSEWHERE
    return base / unit(unit_name).to_base


class Counters:
    """Which counter of the bank belongs to which point of which meter.

    A counter's step, the smallest gain it can show, is its register's step (for
    a float32 at least the spacing of such floats at its value) times the ratios
    that the meter itself multiplies with; those are only known once they were read.
    """

    def __init__(self, meters: Sequence[Meter]) -> None:
        self._counters = [
            (meter.id, polled.point)
            for meter in meters
            for polled in meter.points
            if polled.point.kind == "counter"
        ]
        self.of = {(m, point.name): i for i, (m, point) in enumerate(self._counters)}
        self.bank = CounterBank(len(self._counters))
        self._meters = {meter.id: meter for meter in meters}
        self._changes: dict[int, list[Change]] = {}
        #: From when on anything is known; a change before that brought nothing.
        self.begins_ns = 0
        self._ratios: dict[tuple[str, str], float] = {}
        for slot in range(len(self._counters)):
            self._configure(slot)

    def slot(self, meter: str, point: str) -> int:
        """Return the counter of a point; KeyError when it is not polled."""
        return self.of[meter, point]

    def name(self, slot: int) -> tuple[str, str]:
        """Return the meter and the point of a counter."""
        meter, point = self._counters[slot]
        return meter, point.name

    def index(self, meter: str, point: str) -> float:
        """Return the stitched index of a counter, NaN before its first value."""
        return self.bank.index(self.of[meter, point])

    def is_ratio(self, meter: str, point: str) -> bool:
        """Say whether a point multiplies counters."""
        return (meter, point) in self._dependent

    def follow_ratio(self, meter: str, point: str, time_ns: int, value: float) -> None:
        """Let counters follow a ratio that the meter has just told.

        Another one than before makes other counters of them, from their next value on.
        """
        before = self._ratios.get((meter, point))
        if isnan(value) or before == value:
            return
        self._ratios[meter, point] = value
        for slot in self._dependent[meter, point]:
            self._configure(slot)
            if before is not None and time_ns > self.bank.last_time_ns(slot):
                self.bank.change(slot, time_ns)

    def change(self, slot: int, change: Change) -> bool:
        """Expect a change of a counter; False if its time is over."""
        if change.time_ns <= self.bank.last_time_ns(slot):
            return False
        changes = self._changes.setdefault(slot, [])
        changes.append(change)
        changes.sort(key=lambda change: change.time_ns)
        return True

    def take(
        self,
        slot: int,
        times_ns: "array[int]",
        values: "array[float]",
        qualities: bytes,
    ) -> Iterator[Counted]:
        """Let a counter take values; yield what it did, cut where it was changed."""
        while due := self._due(slot, times_ns[-1]):
            at = bisect_left(times_ns, due.time_ns)
            unseen = self.bank.last_time_ns(slot) < 0
            if unseen and not at and due.time_ns < self.begins_ns:
                continue
            if at:
                yield self._column(slot, times_ns[:at], values[:at], qualities[:at])
            yield from self._changed(slot, due)
            times_ns, values, qualities = times_ns[at:], values[at:], qualities[at:]
        yield self._column(slot, times_ns, values, qualities)

    def _due(self, slot: int, until_ns: int) -> Change | None:
        changes = self._changes.get(slot)
        if changes and changes[0].time_ns <= until_ns:
            return changes.pop(0)
        return None

    def _column(
        self,
        slot: int,
        times_ns: "array[int]",
        values: "array[float]",
        qualities: bytes,
    ) -> Counted:
        size = len(values)
        zeros = bytes(8 * size)
        counted = Counted(
            times_ns, values, qualities,
            array("d", zeros), array("d", zeros), array("q", zeros), bytearray(size),
        )  # fmt: skip
        counted.met = self.bank.column(
            slot, times_ns, values, qualities,
            counted.gains, counted.steps, counted.since_ns, counted.flags,
        )  # fmt: skip
        return counted

    def _changed(self, slot: int, change: Change) -> Iterator[Counted]:
        """Change a counter; yield what is known of the moment."""
        gain = self.bank.change(slot, change.time_ns, change.final, change.start)
        times, step = array("q", [change.time_ns]), array("d", [self.bank.step(slot)])
        known = not isnan(gain)
        if known:
            yield Counted(
                times, array("d", [change.final]), bytes(1), array("d", [gain]), step,
                times, bytearray([ACCEPTED]), ACCEPTED,
            )  # fmt: skip
        if not known and not isnan(change.start):
            yield Counted(
                times, array("d", [change.start]), bytes(1), array("d", [0.0]), step,
                times, bytearray([ACCEPTED | FIRST]), ACCEPTED,
            )  # fmt: skip

    @cached_property
    def _dependent(self) -> dict[tuple[str, str], list[int]]:
        """The counters that each ratio register multiplies."""
        dependent: dict[tuple[str, str], list[int]] = {}
        for slot, (meter, point) in enumerate(self._counters):
            for name in point.times:
                dependent.setdefault((meter, name), []).append(slot)
        return dependent

    def _ratio(self, slot: int) -> float:
        meter, point = self._counters[slot]
        return prod(self._ratios.get((meter, name), 1.0) for name in point.times)

    def _configure(self, slot: int) -> None:
        meter, point = self._counters[slot]
        ratio = self._ratio(slot)
        stated = self._meters[meter].max_rate.get(point.name)
        hourly = stated or fastest(self._meters[meter], point.unit)
        self.bank.configure(
            slot,
            (point.resolution or point.step) * ratio,
            (point.modulus or 0.0) * ratio,
            hourly / 3600.0,
            ratio * abs(point.scale) if point.type == "f32" else 0.0,
            stated is None,
        )

    def state(self) -> dict[str, Any]:
        """Return each counter's record of the bank, by meter and point.

        With it goes in what its values were read, and changes to come.
        """
        packed = self.bank.state()
        size = (len(packed) - HEADER_BYTES) // max(len(self._counters), 1)
        records = [
            [
                meter,
                point,
                packed[HEADER_BYTES + slot * size :][:size],
                self._reading_of(slot),
                [[c.time_ns, c.final, c.start] for c in self._changes.get(slot, ())],
            ]
            for (meter, point), slot in self.of.items()
        ]
        ratios = [[*key, value] for key, value in self._ratios.items()]
        return {"header": packed[:HEADER_BYTES], "records": records, "ratios": ratios}

    def _reading_of(self, slot: int) -> list[Any]:
        """Return by what a counter's raw values are multiplied, and their unit."""
        meter, point = self._counters[slot]
        ratios: list[Any] = []
        if point.ratio != "primary":
            ratios = [
                list(self._meters[meter].ct or ()),
                list(self._meters[meter].pt or ()),
            ]
        return [point.unit, point.scale, ratios]

    def restore(self, state: dict[str, Any]) -> None:
        """Take up the counters that still exist; new ones begin.

        One that is read with another ratio or in another unit than before goes on
        as another meter would.
        """
        packed = bytearray(self.bank.state())
        version = _version(state["header"])
        if version not in (FIRST_VERSION, SECOND_VERSION, _version(packed)):
            raise JournalError(
                "journal: the counters were written by another version of zerometer: "
                "install that version"
            )
        changed = []
        for meter, point, record, *more in state["records"]:
            slot = self.of.get((meter, point))
            if slot is None:
                continue
            size = (len(packed) - HEADER_BYTES) // len(self._counters)
            start = HEADER_BYTES + slot * size
            packed[start : start + size] = _as_now(record, version, size)
            if more:
                reading, changes = more
                self._changes[slot] = [Change(*change) for change in changes]
                if reading != self._reading_of(slot):
                    changed.append(slot)
        self.bank.restore(bytes(packed))
        for meter, point, value in state.get("ratios", ()):
            if (meter, point) in self._dependent:
                self.follow_ratio(meter, point, 0, value)
        for slot in changed:
            self.bank.change(slot, self.bank.last_time_ns(slot))


def _version(header: bytes | bytearray) -> int:
    return int.from_bytes(header[4:6], "little") if header[:4] == b"ZMcn" else 0


def _as_now(record: bytes, version: int, size: int) -> bytes:
    """Return a record of a former version as one of this version, of *size* bytes."""
    if version == FIRST_VERSION:
        since = record[HELD_SINCE : HELD_SINCE + 8]
        record = record[:HELD_SINCE] + since + record[HELD_SINCE:]
    return record if version > SECOND_VERSION else record.ljust(size, b"\0")
