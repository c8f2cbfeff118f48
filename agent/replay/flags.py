"""What was odd: of the readings, of the counters, of what was accounted."""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import isnan

from zerometer.agent.factors.table import Bad
from zerometer.agent.replay.blocks import Count
from zerometer.core.accounting import Closing
from zerometer.core.iso_time import format_time
from zerometer.core.network import Network
from zerometer.core.notes import Disagreement, Note
from zerometer.core.totals import FactorSet, Totals

Flag = dict[str, str]

#: What a kind that the accounting itself tells of a span means.
_TEXTS = {
    "circular": "energy flows in a circle without an exit: check directions",
    "negative-burden": "its power's bonus is more than the whole burden",
    "unmeasured": "{} more went out than came in",
    "unknown-start": "holds, or gave, what it had before: {} more than is known",
}


@dataclass(frozen=True, slots=True)
class _Read:
    """When a point was read first and last, and how often."""

    first_ns: int
    last_ns: int
    count: int

    def with_(self, later: "_Read") -> "_Read":
        return _Read(self.first_ns, later.last_ns, self.count + later.count)

    @property
    def usual_ns(self) -> int:
        """How far its readings lie apart, in the mean."""
        return (self.last_ns - self.first_ns) // (self.count - 1)


class Flags:
    """Collects what is told once for everything; a window has flags of its own."""

    def __init__(self, network: Network, rejected: Iterable[Bad] = ()) -> None:
        """*rejected* are rows of factors that do not hold."""
        self._network = network
        self._told: dict[tuple[str, str, str], tuple[str, int]] = {}
        self._seen: dict[tuple[str, str], _Read] = {}
        self._fallback: set[str] = set()
        self._needed = dict.fromkeys((m.meter, m.point) for m in network.measures)
        for bad in rejected:
            self._tell("factor-rejected", bad.text, bad.reason, bad.reason)

    def add_notes(self, notes: Iterable[Note]) -> None:
        """Take in what was odd about counters: the first of a kind, and how many."""
        for note in notes:
            self._tell(note.kind, note.meter, note.point, note.text)

    def add_closing(self, closing: Closing, network: Network) -> None:
        """Take in what an advance of time found."""
        self.add_notes(closing.notes)
        for disagreement in closing.disagreements:
            self._disagreement(disagreement, network)

    def add_factors(self, factors: FactorSet) -> None:
        """Note which series had no value."""
        self._fallback |= factors.fallback

    def add_column(self, meter: str, point: str, times_ns: "array[int]") -> None:
        """Note when a point was read, in the order of time."""
        if times_ns:
            new = _Read(times_ns[0], times_ns[-1], len(times_ns))
            old = self._seen.get((meter, point))
            self._seen[meter, point] = old.with_(new) if old else new

    def add_count(self, count: Count) -> None:
        """Take in what became of the readings."""
        for (meter, point), times in count.repeated.items():
            text = f"{point}: {times} rows of a time that it had: the first counts"
            self._tell("repeated", meter, point, text)
        for (meter, point), rows in count.disordered.items():
            text = f"{point}: {rows} rows before ones that came earlier: left out"
            self._tell("disordered", meter, point, text)
        for meter, point in self._needed:
            seen = self._seen.get((meter, point))
            if seen is None:
                text = f"{point}: no reading: what flowed is not known"
                self._tell("no-reading", meter, point, text)
            elif seen.count == 1:
                text = f"{point}: one reading: what flowed is not known"
                self._tell("one-reading", meter, point, text)

    def window(self, totals: Totals) -> list[Flag]:
        """Return the flags of a window."""
        return [*self._of(totals)]

    def whole(self, totals: Totals) -> list[Flag]:
        """Return the flags of everything."""
        flags = [*self._of(totals), *self._partly(totals)]
        for (kind, subject, _), (text, times) in self._told.items():
            more = f" ({times} times)" if times > 1 else ""
            flags.append(_flag(kind, subject, text + more))
        for series in sorted(self._fallback):
            text = "no value for some or all of the time: the constant beside it counts"
            flags.append(_flag("factor-fallback", series, text))
        return flags

    def _partly(self, totals: Totals) -> Iterator[Flag]:
        """Yield what was not read at the beginning, or at the end."""
        told = set()
        for measure in self._network.measures:
            points = (measure.counter, measure.power or "")
            reads = [self._seen.get((measure.meter, point)) for point in points]
            known = [read for read in reads if read is not None]
            if not known or max(read.count for read in known) < 2:
                continue
            first_ns = min(read.first_ns for read in known)
            last_ns = max(read.last_ns for read in known)
            usual_ns = min(read.usual_ns for read in known if read.count > 1)
            lacks_ns = max(first_ns - totals.start_ns, totals.end_ns - last_ns)
            if lacks_ns > usual_ns and (measure.meter, measure.point) not in told:
                told.add((measure.meter, measure.point))
                text = (
                    f"{measure.point}: read from {format_time(first_ns)} to "
                    f"{format_time(last_ns)} only: what flowed else counts as 0"
                )
                yield _flag("partly-read", measure.meter, text)

    def _of(self, totals: Totals) -> Iterator[Flag]:
        entered = {
            origin.name: f"{amount:g} {origin.unit}"
            for origin, amount in zip(
                self._network.origins, totals.entered, strict=True
            )
        }
        for told in sorted(totals.flags):
            kind, _, subject = told.partition(":")
            amount = entered.get(f"{kind}.{subject}", "")
            yield _flag(kind, subject, _TEXTS.get(kind, "").format(amount))

    def _disagreement(self, found: Disagreement, network: Network) -> None:
        measure = network.measures[found.measure]
        ratio = "nothing" if isnan(found.ratio) else f"{found.ratio:.3f} times as much"
        text = f"{measure.counter} gained {ratio} as {measure.power} promised"
        self._tell("disagreement", measure.meter, measure.counter, text)

    def _tell(self, kind: str, subject: str, detail: str, text: str) -> None:
        first, times = self._told.get((kind, subject, detail), (text, 0))
        self._told[kind, subject, detail] = first, times + 1


def _flag(kind: str, subject: str, text: str) -> Flag:
    return {"kind": kind, "subject": subject, "text": text}
