"""What was odd: of the readings, of the counters, of what was accounted."""

from collections.abc import Iterable, Iterator
from math import isnan

from zerometer.agent.factors.table import Bad
from zerometer.agent.replay.blocks import Count
from zerometer.agent.replay.reads import Reads
from zerometer.core.accounting import Closing
from zerometer.core.metering import Column
from zerometer.core.network import Network
from zerometer.core.notes import Disagreement, Note
from zerometer.core.site import Measure
from zerometer.core.totals import FactorSet, Totals

Flag = dict[str, str]

#: What a kind that the accounting itself tells of a span means.
_TEXTS = {
    "circular": "energy flows in a circle without an exit: check directions",
    "negative-burden": "its power's bonus is more than the whole burden",
    "unmeasured": "{} more went out than came in",
    "unknown-start": "holds, or gave, what it had before: {} more than is known",
}


class Flags:
    """Collects what is told once for everything; a window has flags of its own."""

    def __init__(self, network: Network, rejected: Iterable[Bad] = ()) -> None:
        """*rejected* are rows of factors that do not hold."""
        self._network = network
        self._told: dict[tuple[str, str, str], tuple[str, int]] = {}
        self._reads = Reads()
        self._unseen_ns: dict[int, int] = {}
        self._fallback: set[str] = set()
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
        for number, unseen_ns in closing.unseen_ns.items():
            self._unseen_ns[number] = self._unseen_ns.get(number, 0) + unseen_ns

    def add_factors(self, factors: FactorSet) -> None:
        """Note which series had no value."""
        self._fallback |= factors.fallback

    def add_column(self, column: Column) -> None:
        """Note when a point was read."""
        self._reads.add(column.meter, column.point, column.times_ns)

    def add_count(self, count: Count) -> None:
        """Take in what became of the readings."""
        for (meter, point), times in count.repeated.items():
            text = f"{point}: {times} rows of a time that it had: the first counts"
            self._tell("repeated", meter, point, text)
        for (meter, point), rows in count.disordered.items():
            text = f"{point}: {rows} rows before ones that came earlier: left out"
            self._tell("disordered", meter, point, text)
        for number, measure in enumerate(self._network.measures):
            self._add_unseen(number, measure)

    def _add_unseen(self, number: int, measure: Measure) -> None:
        """Tell of what is not known of a measure, and what counts for it."""
        meter, point, power = measure.meter, measure.point, measure.power or ""
        seen = self._reads.count(meter, point)
        unseen_s = self._unseen_ns.get(number, 0) / 1e9
        terms = ((flow.name, flow.terms) for flow in self._network.flows)
        names = [name for name, of in terms if number in dict(of)]
        on_power = measure.counter and (meter, power) in self._reads
        how = f"stands on {power} alone" if on_power else "counts as 0"
        what = f"{how} in {', '.join(names)}"
        if seen < 2:
            kind = "one-reading" if seen else "no-reading"
            text = f"{point}: {kind.replace('-', ' ')}: what flowed {what}"
            self._tell(kind, meter, point, text)
        elif unseen_s:
            text = f"{point}: no value in {unseen_s:g} s: what flowed then {what}"
            self._tell("unseen", meter, point, text)

    def window(self, totals: Totals) -> list[Flag]:
        """Return the flags of a window."""
        return [*self._of(totals)]

    def whole(self, totals: Totals) -> list[Flag]:
        """Return the flags of everything."""
        flags = [*self._of(totals)]
        measures = self._network.measures
        for m, when in self._reads.partly(measures, totals.start_ns, totals.end_ns):
            text = f"{m.counter}: read {when} only: what flowed else counts as 0"
            flags.append(_flag("unseen", m.meter, text))
        for (kind, subject, _), (text, times) in self._told.items():
            more = f" ({times} times)" if times > 1 else ""
            flags.append(_flag(kind, subject, text + more))
        for series in sorted(self._fallback):
            text = "no value for some or all of the time: the constant beside it counts"
            flags.append(_flag("factor-fallback", series, text))
        return flags

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
