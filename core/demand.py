"""Demand: the mean power over a quarter of an hour that a supplier bills.

Three ways of laying the quarters are in use: in *blocks*, one after the other;
*rolling*, a new one every 5 minutes; *sliding*, a new one every minute. All are made
of the energies of minutes (UTC; every zone in use today differs from it by whole
quarters, so blocks begin at quarters of local time too).
"""

from array import array
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import fsum
from typing import Literal

from zerometer.core.alignment import MINUTE_NS
from zerometer.core.network import Network
from zerometer.core.totals import Totals

#: Minutes that a demand is averaged over, and how many of them make an hour.
INTERVAL = 15
PER_HOUR = 60 / INTERVAL

Way = Literal["block", "rolling", "sliding"]
#: After how many minutes a new interval begins.
STEPS: Mapping[Way, int] = {"block": INTERVAL, "rolling": 5, "sliding": 1}


@dataclass(frozen=True, slots=True)
class Peak:
    """The highest demand, kW, and when its interval ended (Unix ns, UTC)."""

    kw: float
    end_ns: int


def minute_energies(
    start_ns: int,
    durations_ns: Sequence[int],
    energies: "array[float]",
    width: int,
    flows: Sequence[int],
) -> "array[float]":
    """Return what some *flows* brought in each minute that the steps touch.

    Steps follow each other from *start_ns*; *energies* are rows of *width*. Rates are
    steady within a step, so one that crosses an edge is divided by time.
    """
    first = start_ns // MINUTE_NS
    last = (start_ns + sum(durations_ns) - 1) // MINUTE_NS
    count = len(flows)
    minutes = array("d", bytes(8 * count * max(last - first + 1, 0)))
    t0, row = start_ns, 0
    for duration in durations_ns:
        t1 = t0 + duration
        at = t0
        while at < t1:
            minute = at // MINUTE_NS
            until = min(t1, (minute + 1) * MINUTE_NS)
            part, base = (until - at) / duration, (minute - first) * count
            for i, flow in enumerate(flows):
                minutes[base + i] += energies[row + flow] * part
            at = until
        t0, row = t1, row + width
    return minutes


def predicted_kw(energy_kwh: float, power_kw: float, left_ns: int) -> float:
    """Return the demand of a quarter if *power_kw* holds for the rest of it.

    *energy_kwh* is what it has had until *left_ns* before its end.
    """
    return (energy_kwh + power_kw * left_ns / (60 * MINUTE_NS)) * PER_HOUR


@dataclass(slots=True)
class _Line:
    """One source: its last minutes, the newest still filling, and its peaks."""

    minutes: deque[float] = field(default_factory=lambda: deque(maxlen=INTERVAL))
    filling: float = 0.0
    peaks: dict[Way, Peak] = field(default_factory=dict)
    window: dict[Way, Peak] = field(default_factory=dict)


class Demand:
    """Follows the demand of every bought source, in memory of a quarter hour.

    An interval counts once all of it has been accounted for; what nobody accounted
    for ends all intervals that it is in.
    """

    def __init__(self, network: Network) -> None:
        self._lines = {source: _Line() for source in network.demand}
        self._minute = -1
        self._end_ns = 0
        self._whole = False

    def add(self, totals: Totals) -> None:
        """Take in the next span; its energies by minute are all that is used."""
        if totals.start_ns != self._end_ns:
            self._begin(totals.start_ns)
        first = totals.start_ns // MINUTE_NS
        count = len(self._lines)
        for row in range(len(totals.minutes) // count if count else 0):
            self._go_to(first + row)
            base = row * count
            for i, line in enumerate(self._lines.values()):
                line.filling += totals.minutes[base + i]
        self._end_ns = totals.end_ns
        self._go_to(self._end_ns // MINUTE_NS)

    def _begin(self, start_ns: int) -> None:
        self._minute = start_ns // MINUTE_NS
        self._whole = start_ns % MINUTE_NS == 0
        for line in self._lines.values():
            line.minutes.clear()
            line.filling = 0.0

    def _go_to(self, minute: int) -> None:
        while self._minute < minute:
            self._minute += 1
            for line in self._lines.values():
                if self._whole:
                    line.minutes.append(line.filling)
                    if len(line.minutes) == INTERVAL:
                        self._note(line, fsum(line.minutes) * PER_HOUR)
                line.filling = 0.0
            self._whole = True

    def _note(self, line: _Line, kw: float) -> None:
        for way, step in STEPS.items():
            if self._minute % step == 0:
                for peaks in (line.peaks, line.window):
                    if way not in peaks or kw > peaks[way].kw:
                        peaks[way] = Peak(kw, self._minute * MINUTE_NS)

    def peaks(self) -> dict[str, dict[Way, Peak]]:
        """Return the highest demands so far, by source; a way that had none lacks."""
        return {source: dict(line.peaks) for source, line in self._lines.items()}

    def window(self) -> dict[str, dict[Way, Peak]]:
        """Return the highest demands since this was asked last.

        An interval belongs where it ends.
        """
        peaks = {source: line.window for source, line in self._lines.items()}
        for line in self._lines.values():
            line.window = {}
        return peaks

    def last_kw(self) -> dict[str, float | None]:
        """Return each source's mean power over its last 15 minutes; None: not known."""
        return {
            source: fsum(line.minutes) * PER_HOUR
            if len(line.minutes) == INTERVAL
            else None
            for source, line in self._lines.items()
        }

    def predicted_kw(self, powers_kw: Mapping[str, float]) -> dict[str, float]:
        """Return what each source's running block comes to if its power holds.

        What of the block has not been accounted for yet counts with that power.
        """
        if self._minute < 0:
            return dict(powers_kw)
        into = self._minute % INTERVAL
        left_ns = (self._minute - into + INTERVAL) * MINUTE_NS - self._end_ns
        found = {}
        for source, line in self._lines.items():
            recent = list(line.minutes)[-into:] if into else []
            had = fsum(recent) + line.filling
            # What of the block was before the beginning counts as the rest does.
            missing = (into - len(recent)) * MINUTE_NS
            found[source] = predicted_kw(had, powers_kw[source], left_ns + missing)
        return found
