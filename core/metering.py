"""Readings to energy per step: counters give the total, powers give the shape.

Readings are kept until their time is booked. The rules are those of
``docs/accounting.md``, "Counters and powers"; the kernels ``_counter``, ``_profile``
and ``_combine`` follow them, value by value.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum, nan
from typing import Any

from zerometer.core._profile import ProfileBank
from zerometer.core.counters import Change, Counted, Counters, fastest
from zerometer.core.event import SiteEvent
from zerometer.core.first_state import unbooked
from zerometer.core.network import Network
from zerometer.core.notes import NOTED, Disagreement, Note
from zerometer.core.points import PolledPoint, Quality, Reading
from zerometer.core.site import Measure, Meter

#: A value older than this many of its periods says nothing of the present.
STALE_PERIODS = 3
#: Less than this part of the highest power ever seen is noise.
NOISE = 0.001
EXPORT = "active_energy_export"


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
class Metered:
    """What meters measured in a stretch of time.

    ``edges`` are those of its steps; ``energies`` by step and measure of the network,
    in the counters' units; ``totals`` by measure. ``estimated``: by flow, the part
    that no meter saw. ``unseen_ns``: by measure, how long its meter did not see it;
    ``seen_ns``: how long meters saw what they measure, as a mean over measures.
    """

    edges: "array[int]"
    energies: "array[float]"
    totals: "array[float]"
    estimated: "array[float]"
    unseen_ns: "array[int]"
    seen_ns: float
    disagreements: list[Disagreement]


@dataclass(frozen=True, slots=True)
class _Target:
    """What a point of a meter is for; -1: not for that."""

    point: str
    power: int
    counter: int
    ratio: bool


class Metering:
    """Counters, powers and the energies of all measured flows."""

    def __init__(self, meters: Sequence[Meter], network: Network) -> None:
        self.counters = Counters(meters)
        self.measures = network.measures
        self._network = network
        self._polled: dict[tuple[str, str], PolledPoint] = {
            (meter.id, polled.point.name): polled
            for meter in meters
            for polled in meter.points
        }
        self.powers: dict[tuple[str, str], int] = {}
        for measure in self.measures:
            if measure.power is not None:
                self.powers.setdefault((measure.meter, measure.power), len(self.powers))
        by_id = {meter.id: meter for meter in meters}
        self._highest = [
            fastest(by_id[key[0]], self._polled[key].point.unit) for key in self.powers
        ]
        self.bank = self._make_bank()
        self._targets = {meter.id: self._targets_of(meter) for meter in meters}
        self._points = {
            meter.id: {p.point.name: i for i, p in enumerate(meter.points)}
            for meter in meters
        }
        self._used = {self._slot(m) for m in self.measures if m.counter}
        self._unused = self._exports_that_nobody_counts()
        self._one_way = self._powers_of_one_direction()

    def _make_bank(self) -> ProfileBank:
        measures = self.measures
        points = (*self.counters.of, *self.powers)
        return ProfileBank(
            len(self.counters.of),
            len(self.powers),
            array("i", map(self._slot, measures)),
            array(
                "i",
                (
                    -1 if m.power is None else self.powers[m.meter, m.power]
                    for m in measures
                ),
            ),
            array("d", (m.sign * m.power_times for m in measures)),
            array("q", (STALE_PERIODS * self._polled[p].period_ns for p in points)),
        )

    def _slot(self, measure: Measure) -> int:
        """Return a measure's counter; -1: it stands on power alone."""
        if not measure.counter:
            return -1
        return self.counters.slot(measure.meter, measure.counter)

    def _targets_of(self, meter: Meter) -> list[_Target | None]:
        """Return what each point of a meter is for; None: for nothing here."""
        targets: list[_Target | None] = []
        for polled in meter.points:
            key = (meter.id, polled.point.name)
            target = _Target(
                polled.point.name,
                self.powers.get(key, -1),
                self.counters.of.get(key, -1),
                self.counters.is_ratio(*key),
            )
            useful = target.power >= 0 or target.counter >= 0 or target.ratio
            targets.append(target if useful else None)
        return targets

    def _exports_that_nobody_counts(self) -> dict[int, float]:
        """Return the export counters of metered flows that no flow uses: no gain."""
        meters = {measure.meter for measure in self.measures}
        slots = [self.counters.of.get((meter, EXPORT), -1) for meter in meters]
        return {slot: 0.0 for slot in slots if slot >= 0 and slot not in self._used}

    def _powers_of_one_direction(self) -> dict[int, int]:
        """Return the powers of which only one sign is used, and which."""
        signs: dict[int, set[int]] = {}
        for m in self.measures:
            if m.power is not None:
                signs.setdefault(self.powers[m.meter, m.power], set()).add(m.sign)
        return {power: min(of) for power, of in signs.items() if len(of) == 1}

    def read(self, reading: Reading, time_ns: int) -> list[Note]:
        """Take in a reading made at *time_ns*; return what was odd about it.

        Readings of one meter come in the order of their times.
        """
        targets = self._targets[reading.meter]
        notes: list[Note] = []
        times = array("q", [time_ns])
        found = [
            (target, value, quality)
            for index, value, quality in zip(
                reading.points, reading.values, reading.qualities, strict=True
            )
            if (target := targets[index]) is not None
        ]
        # Counters are worth what the ratios beside them say.
        for target, value, quality in sorted(found, key=lambda row: not row[0].ratio):
            column = array("d", [value])
            notes += self._take(reading.meter, target, times, column, bytes([quality]))
        return notes

    def feed(self, column: Column) -> list[Note]:
        """Take in many values of a point; return what was odd about them.

        All points of a meter are fed up to a time before that time is booked.
        """
        point = self._points[column.meter][column.point]
        target = self._targets[column.meter][point]
        if target is None or not column.times_ns:
            return []
        qualities = column.qualities or bytes(len(column.values))
        return self._take(
            column.meter, target, column.times_ns, column.values, qualities
        )

    def _take(
        self,
        meter: str,
        target: _Target,
        times_ns: "array[int]",
        values: "array[float]",
        qualities: bytes,
    ) -> list[Note]:
        notes: list[Note] = []
        if target.ratio:
            self._follow_ratio(meter, target, times_ns, values, qualities)
        if target.power >= 0:
            power = target.power
            self.bank.samples(power, times_ns, values, qualities, self._highest[power])
            if power in self._one_way:
                notes += self._against(power)
        if target.counter >= 0:
            for counted in self.counters.take(
                target.counter, times_ns, values, qualities
            ):
                notes += self._count(target.counter, counted)
        return notes

    def _follow_ratio(
        self,
        meter: str,
        target: _Target,
        times_ns: "array[int]",
        values: "array[float]",
        qualities: bytes,
    ) -> None:
        for time_ns, value, quality in zip(times_ns, values, qualities, strict=True):
            if quality < Quality.REJECTED:
                self.counters.follow_ratio(meter, target.point, time_ns, value)

    def _count(self, slot: int, counted: Counted) -> list[Note]:
        """Keep what a counter did; return what people should know of it."""
        if slot in self._used:
            self.bank.knots(
                slot, counted.times_ns, counted.gains, counted.steps,
                counted.since_ns, counted.qualities, counted.flags,
            )  # fmt: skip
        notes = []
        meter, point = self.counters.name(slot)
        for kind, bit in NOTED.items():
            if counted.met & bit:
                notes += [
                    Note(kind, meter, point, value)
                    for value, flag in zip(counted.values, counted.flags, strict=True)
                    if flag & bit
                ]
        if slot in self._unused:
            self._unused[slot] += fsum(counted.gains)
            if self._unused[slot] > 2 * counted.steps[-1]:
                del self._unused[slot]
                notes.append(Note("negative-flow", meter, point, counted.values[-1]))
        return notes

    def _against(self, power: int) -> list[Note]:
        """Say once when a power has gone against the only direction that is used."""
        lowest, highest = self.bank.extremes(power)
        extreme = lowest if self._one_way[power] > 0 else -highest
        if not extreme < -NOISE * max(abs(lowest), abs(highest)):
            return []
        value = extreme * self._one_way.pop(power)
        (key,) = (key for key, number in self.powers.items() if number == power)
        return [Note("negative-flow", *key, value)]

    def end(self) -> list[Note]:
        """Expect no more values; return what was odd about the last ones."""
        self.bank.end()
        return [
            Note("counter-jump", *key, self.counters.index(*key))
            for key, slot in self.counters.of.items()
            if self.counters.bank.jumps(slot)
        ]

    def change(self, event: SiteEvent) -> list[Note]:
        """Take in that a meter, or its ratio, was changed; say if it is too late.

        What the meters read at the change is that of its first counter.
        """
        notes = []
        known = (event.final, event.quantity)
        for (meter, point), slot in self.counters.of.items():
            if meter != event.subject:
                continue
            final, start = (nan if value is None else value for value in known)
            if not self.counters.change(slot, Change(event.time_ns, final, start)):
                notes.append(Note("event-late", meter, point, final))
            known = (None, None)
        return notes

    def watermark(self, now_ns: int, resumed_ns: int, wait_ns: int | None) -> int:
        """Return up to when all is known of the flows that still answer."""
        wait = -1 if wait_ns is None else wait_ns
        return self.bank.watermark(now_ns, resumed_ns, wait)

    def cut(self, start_ns: int, end_ns: int, tick_ns: int) -> Metered:
        """Take out what flowed from *start_ns*, where the last cut ended."""
        edges, energies, totals, guessed, unseen = self.bank.cut(
            start_ns, end_ns, tick_ns
        )
        estimated = self._network.estimated(guessed)
        return Metered(
            edges,
            energies,
            totals,
            estimated,
            unseen,
            end_ns - start_ns - (sum(unseen) / len(unseen) if unseen else 0.0),
            [Disagreement(*misfit) for misfit in self.bank.misfits()],
        )

    def flows(self, metered: Metered) -> tuple["array[float]", list[Note]]:
        """Return what flowed, by step and flow of the network, and what was odd."""
        names = self._network.flow_names
        short = array("d", bytes(8 * len(names)))
        energies = self._network.combined(metered.energies, short)
        return energies, [
            Note("virtual-negative", name, "", lack)
            for name, lack in zip(names, short, strict=True)
            if lack
        ]

    def rates(self, now_ns: int) -> "array[float]":
        """Return the rates of all flows of the network, an hour; NaN where unknown."""
        return self._network.combined(self.bank.rates(now_ns))

    def interrupted(self) -> None:
        """Expect counters to bring more than the powers of this moment tell."""
        self.bank.interrupt()

    def rebase(self, step_ns: int) -> None:
        """Follow a step of the wall clock: what was seen was seen *step* later."""
        self.counters.bank.rebase(step_ns)
        self.bank.rebase(step_ns)

    def state(self) -> dict[str, Any]:
        """Return counters, measures, and what was read and is not booked, by name."""
        return {
            "counters": self.counters.state(),
            "measures": [
                [*_name(measure), self.bank.flow_state(i)]
                for i, measure in enumerate(self.measures)
            ],
            "read": [self._read_state(of, at) for of, at in self._series],
        }

    @property
    def _series(self) -> tuple[tuple[dict[tuple[str, str], int], int], ...]:
        """The bank's series by meter and point: counters, powers, and their place."""
        return (self.counters.of, 0), (self.powers, len(self.counters.of))

    def _read_state(self, of: dict[tuple[str, str], int], at: int) -> list[list[Any]]:
        return [[*key, self.bank.series_state(at + i)] for key, i in of.items()]

    def restore(self, state: dict[str, Any]) -> None:
        """Take up counters, measures and what was read, by name."""
        self.counters.restore(state["counters"])
        numbers = {_name(measure): i for i, measure in enumerate(self.measures)}
        for (of, at), rows in zip(self._series, state["read"], strict=True):
            for meter, point, packed in rows:
                if (meter, point) in of:
                    self.bank.restore_series(at + of[meter, point], packed)
        for *name_of, packed in state["measures"]:
            if tuple(name_of) in numbers:
                self.bank.restore_flow(numbers[tuple(name_of)], packed)

    def restore_first(self, state: dict[str, Any], booked_ns: int) -> None:
        """Take up from release 0.1 counters, and what they gained after *booked_ns*."""
        self.counters.restore(state["counters"])
        for i, measure in enumerate(self.measures):
            for carry in unbooked(state, measure.meter, measure.counter):
                self.bank.begin(i, booked_ns, carry)


def _name(measure: Measure) -> tuple[Any, ...]:
    return measure.meter, measure.counter, measure.power, measure.sign
