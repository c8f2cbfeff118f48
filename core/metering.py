"""Readings to energy per tick: counters give the total, powers give the shape.

Each measured flow has a counter and, mostly, a power. Between ticks the power
is integrated; when a window closes, the span since the last close is *settled*:
its ticks are scaled (or, where there was no power, filled) so that the energy
booked up to the counter's last reading equals what the counter gained. The
rules are those of ``docs/accounting.md``, "Counters and powers".
"""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isnan, nan
from typing import Any

from zerometer.core._counter import ACCEPTED, HELD, RESET, ROLLOVER
from zerometer.core.counters import MAX_BASE_PER_HOUR, Counters
from zerometer.core.points import Reading
from zerometer.core.site import Measure, Meter
from zerometer.core.spans import Spans, spread
from zerometer.core.units import unit

#: What a counter can do that people should know of.
NOTED = {"counter-held": HELD, "counter-reset": RESET, "counter-rollover": ROLLOVER}
NS_PER_HOUR = 3_600_000_000_000
#: A value older than this many of its periods says nothing of the present.
STALE_PERIODS = 3
#: Ticks are scaled to the counter once it moved this many of its steps.
SETTLE_STEPS = 50
#: Power and counter agree when their ratio lies within these bounds.
AGREEMENT = (0.9, 1.1)


@dataclass(slots=True)
class _Flow:
    """What is known of one measured flow; energies are in the flow's unit.

    ``promised`` is what its power said since the value that was last settled to,
    ``after`` the part of it since the counter's last value.
    """

    measure: Measure
    counter: int
    power: int
    stale_ns: int
    step: float = 0.0
    target_offset: float = nan
    counter_total: float = 0.0
    counter_time_ns: int = -1
    rate: float = nan
    rate_time_ns: int = -1
    after: float = 0.0
    booked: float = 0.0
    settled_total: float = nan
    promised: float = 0.0


@dataclass(frozen=True, slots=True)
class Note:
    """Something odd about a counter: of which kind, where, and what it read."""

    kind: str
    meter: str
    point: str
    value: float


@dataclass(frozen=True, slots=True)
class Column:
    """Values of one point of one meter, in the order of their times (Unix ns, UTC).

    ``times_ns`` ('q') and ``values`` ('d', in the point's unit) run beside each
    other; so do ``qualities`` (Quality numbers), where all are not MEASURED.
    """

    meter: str
    point: str
    times_ns: "array[int]"
    values: "array[float]"
    qualities: bytes | None = None


@dataclass(slots=True)
class Disagreement:
    """A flow whose power and counter tell different stories."""

    flow: int
    ratio: float


class Metering:
    """Counters, powers and the energies of all measured flows."""

    def __init__(
        self,
        meters: Sequence[Meter],
        measures: Sequence[Measure],
        names: Sequence[str],
    ) -> None:
        """*names* are those of the flows, one for each measure."""
        self.counters = Counters(meters)
        self._powers: dict[tuple[str, str], int] = {}
        self._highest = array("d")
        self._polled = {
            (meter.id, polled.point.name): polled
            for meter in meters
            for polled in meter.points
        }
        self._names = {m.id: [p.point.name for p in m.points] for m in meters}
        self.flows = [self._flow(measure) for measure in measures]
        self._flow_names = tuple(names)
        self.spans = Spans(len(self.flows))
        self._power_value = array("d", [nan]) * len(self._powers)
        self._power_time = array("q", [-1]) * len(self._powers)
        self._interrupted = False
        self._flows_of: dict[int, list[_Flow]] = {}
        for flow in self.flows:
            self._flows_of.setdefault(flow.counter, []).append(flow)

    def _flow(self, measure: Measure) -> _Flow:
        counter = self.counters.slot(measure.meter, measure.counter)
        power = -1
        period = self._polled[measure.meter, measure.counter].period_ns
        if measure.power is not None:
            power = self._power((measure.meter, measure.power))
            period = self._polled[measure.meter, measure.power].period_ns
        return _Flow(
            measure=measure,
            counter=counter,
            power=power,
            stale_ns=STALE_PERIODS * period,
        )

    def _power(self, key: tuple[str, str]) -> int:
        if key not in self._powers:
            self._powers[key] = len(self._powers)
            self._highest.append(
                MAX_BASE_PER_HOUR / unit(self._polled[key].point.unit).to_base
            )
        return self._powers[key]

    def read(self, reading: Reading, time_ns: int) -> list[Note]:
        """Take in a reading made at *time_ns*; return what was odd about counters.

        Readings of one meter come in the order of their times, and none is later
        than the end of the tick that follows.
        """
        names = self._names[reading.meter]
        self.counters.follow_ratios(reading, names)
        slots, values, qualities = array("i"), array("d"), bytearray()
        for index, value, quality in zip(
            reading.points, reading.values, reading.qualities, strict=True
        ):
            key = (reading.meter, names[index])
            power = self._powers.get(key)
            # What is no number, or none that a counter could follow, is not seen.
            if power is not None and abs(value) <= self._highest[power]:
                self._power_value[power] = value
                self._power_time[power] = time_ns
            slot = self.counters.of.get(key)
            if slot is not None:
                slots.append(slot)
                values.append(value)
                qualities.append(quality)
        if not slots:
            return []
        deltas, flags = array("d", bytes(8 * len(slots))), bytearray(len(slots))
        self.counters.bank.update(
            slots, values, bytes(qualities), time_ns, deltas, flags
        )
        for slot, flag in zip(slots, flags, strict=True):
            if flag & ACCEPTED:
                self.counters.grown(slot)
                self._counted(slot, time_ns, reset=bool(flag & RESET))
        return self._notes(slots, values, flags)

    def _notes(
        self, slots: "array[int]", values: "array[float]", flags: bytearray
    ) -> list[Note]:
        """Return what the flags say that people should know."""
        notes = []
        for slot, value, flag in zip(slots, values, flags, strict=True):
            for kind, bit in NOTED.items():
                if flag & bit:
                    notes.append(Note(kind, *self.counters.name(slot), value))
        return notes

    def _counted(self, slot: int, time_ns: int, *, reset: bool) -> None:
        """Let the flows of a counter know what it says by now."""
        for flow in self._flows_of.get(slot, ()):
            total = self.counters.bank.index(slot) * flow.measure.times
            flow.step = self.counters.steps[slot] * flow.measure.times
            if flow.counter_time_ns < 0 or reset:
                # What lies before stands on power alone: nothing is made up for.
                flow.target_offset = nan
                flow.settled_total = total
            elif flow.power < 0 and time_ns > flow.counter_time_ns:
                elapsed = time_ns - flow.counter_time_ns
                flow.rate = (total - flow.counter_total) * NS_PER_HOUR / elapsed
                flow.rate_time_ns = time_ns
            flow.counter_total = total
            flow.counter_time_ns = time_ns
            flow.after = 0.0

    def rate(self, flow: _Flow, time_ns: int) -> float:
        """Return a flow's rate (unit per hour) as last seen, NaN when that is stale."""
        if flow.power < 0:
            value, seen = flow.rate, flow.rate_time_ns
        else:
            value, seen = self._power_value[flow.power], self._power_time[flow.power]
            value = max(value * flow.measure.sign, 0.0) * flow.measure.power_times
        if seen < 0 or time_ns - seen > flow.stale_ns:
            return nan
        return value

    def rates(self, time_ns: int) -> "array[float]":
        """Return the rates of all flows at *time_ns*, NaN where unknown."""
        return array("d", (self.rate(flow, time_ns) for flow in self.flows))

    def tick(self, t0_ns: int, t1_ns: int) -> None:
        """Integrate the powers over [t0, t1)."""
        hours = (t1_ns - t0_ns) / NS_PER_HOUR
        energies = array("d", (rate * hours for rate in self.rates(t1_ns)))
        self.spans.add(t0_ns, t1_ns, energies)
        for flow, energy in zip(self.flows, energies, strict=True):
            if not isnan(energy) and t1_ns > flow.counter_time_ns:
                since = max(t0_ns, flow.counter_time_ns)
                flow.after += energy * (t1_ns - since) / (t1_ns - t0_ns)
        self._anchor()

    def _anchor(self) -> None:
        """Tie what is booked to counters that were read for the first time.

        What was booked before the first count stands on power alone.
        """
        for number, flow in enumerate(self.flows):
            if isnan(flow.target_offset) and flow.counter_time_ns >= 0:
                flow.promised = flow.after - sum(self.spans.column(number))
                flow.target_offset = flow.booked - flow.promised - flow.counter_total

    def skip(self, t0_ns: int, t1_ns: int) -> None:
        """Add a span that nobody saw: the agent was not running."""
        self._anchor()
        self.spans.add(t0_ns, t1_ns, [nan] * len(self.flows))

    def interrupted(self) -> None:
        """Expect counters to bring more than the ticks have time for."""
        self._interrupted = True

    def settle(self) -> Iterator[Disagreement]:
        """Make the open spans agree with the counters; yield what does not fit."""
        if not self.spans.times:
            return  # time stood still: there is nothing to book on
        for number, flow in enumerate(self.flows):
            column = self.spans.column(number)
            estimate = sum(column)
            flow.promised += estimate
            difference = self._difference(flow, estimate)
            if difference:
                unseen = self.spans.unseen_ns(number)
                settled = spread(column, difference, unseen, self.spans.times)
                self.spans.replace(number, settled)
                promised = flow.promised - flow.after
                ratio = (promised + difference) / promised if promised > 0 else nan
                comparable = not any(unseen) and not self._interrupted
                if comparable and not AGREEMENT[0] <= ratio <= AGREEMENT[1]:
                    yield Disagreement(number, ratio)
                estimate = sum(settled)
            if difference is not None:
                flow.promised = flow.after
            flow.booked += estimate
        self._interrupted = False

    @staticmethod
    def _difference(flow: _Flow, estimate: float) -> float | None:
        """Return what the counter gained more than was booked, None to wait."""
        if isnan(flow.target_offset):
            return None
        booked = flow.booked + estimate - flow.after
        difference = flow.counter_total + flow.target_offset - booked
        moved = flow.counter_total - flow.settled_total
        if moved < SETTLE_STEPS * flow.step and abs(difference) <= flow.step:
            return None
        flow.settled_total = flow.counter_total
        return difference

    def rebase(self, step_ns: int) -> None:
        """Follow a step of the wall clock: what was seen was seen *step* later."""
        self.interrupted()
        self.counters.bank.rebase(step_ns)
        for index, seen in enumerate(self._power_time):
            self._power_time[index] = seen + step_ns if seen >= 0 else seen
        for flow in self.flows:
            if flow.counter_time_ns >= 0:
                flow.counter_time_ns += step_ns
            if flow.rate_time_ns >= 0:
                flow.rate_time_ns += step_ns

    def state(self) -> dict[str, Any]:
        """Return counters and flows by name, and the open spans."""
        return {
            "counters": self.counters.state(),
            "flows": [
                [name, *_saved(flow)]
                for name, flow in zip(self._flow_names, self.flows, strict=True)
            ],
            "spans": self.spans.state(),
        }

    def restore(self, state: dict[str, Any], *, with_spans: bool) -> None:
        """Take up counters and flows by counter, and the open spans if they still fit.

        Spans that do not fit are energy that the counters will bring again: it
        is not booked yet.
        """
        self.counters.restore(state["counters"])
        saved: dict[tuple[str, str], tuple[int, list[Any]]] = {}
        for column, (_, *values) in enumerate(state["flows"]):
            saved.setdefault((values[0], values[1]), (column, values))
        columns = []
        for flow in self.flows:
            key = (flow.measure.meter, flow.measure.counter)
            if key in saved:
                column, values = saved[key]
                _restore(flow, *values)
                columns.append((column, flow.measure.times / values[2]))
        if with_spans and len(columns) == len(self.flows):
            self.spans.restore(state["spans"], len(state["flows"]), columns)


def _saved(flow: _Flow) -> list[Any]:
    """Return what a flow must know after a restart."""
    return [
        flow.measure.meter,
        flow.measure.counter,
        flow.measure.times,
        flow.counter_time_ns,
        *(getattr(flow, name) for name in _AMOUNTS),
    ]


def _restore(
    flow: _Flow, meter: str, counter: str, times: float, time_ns: int, *amounts: float
) -> None:
    """Take up what a flow knew; one of another counter begins anew.

    Where only ``times`` has changed, what the counter gained meanwhile counts as
    the site file says now.
    """
    if (meter, counter) != (flow.measure.meter, flow.measure.counter):
        return
    flow.counter_time_ns = time_ns
    for name, amount in zip(_AMOUNTS, amounts, strict=True):
        setattr(flow, name, amount * (flow.measure.times / times))


#: A flow's amounts, all in its unit.
_AMOUNTS = (
    "target_offset",
    "counter_total",
    "after",
    "booked",
    "settled_total",
    "promised",
)
