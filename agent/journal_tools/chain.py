"""The proof that batches are those that were sealed: all of them, in their order.

Each batch names the hash of its stream's batch before. Who changes one must change
all that follow, up to the newest, which others have.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from zerometer.agent.batch import Gap, Header, batch_hash, decode, peek
from zerometer.core.errors import FormatError

Series = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with batches *first* to *last* of a series.

    ``kind``: unreadable (whose it is cannot be said), changed (it is not the one that
    was sealed), missing (it is not there, and no gap says so), misplaced (it stands
    where another one belongs), conflict (two different ones have its number).
    """

    kind: str
    source: str
    epoch: str
    stream: str
    first: int
    last: int
    text: str


@dataclass(slots=True)
class Proof:
    """What was found of one series: batches of one source, epoch and stream.

    ``declared`` are the gaps that batches, or the journal, tell of.
    """

    source: str
    epoch: str
    stream: str
    batches: int = 0
    bytes: int = 0
    first: int = 0
    last: int = 0
    t0_ms: int = 0
    t1_ms: int = 0
    declared: list[Gap] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Item:
    """A batch to be proved; what its place says that it is, where that is known.

    ``file`` is where it stands with others, one after the other; "": by itself.
    """

    name: str
    data: bytes
    intact: bool = True
    epoch: bytes | None = None
    stream: str | None = None
    seq: int | None = None
    file: str = ""


@dataclass(frozen=True, slots=True)
class _Link:
    """What is kept in memory of a batch: its number, its hash, the one before."""

    name: str
    seq: int
    hash: bytes
    prev: bytes | None
    file: str


class Chains:
    """Takes batches in the order in which they are kept, then tells what they prove."""

    def __init__(self) -> None:
        self._links: dict[Series, list[_Link]] = defaultdict(list)
        self._proofs: dict[Series, Proof] = {}
        self._spans: dict[Series, tuple[int, int, bytes]] = {}
        self.belonging_to_none: list[Finding] = []
        self._last: Series | None = None

    def add(self, item: Item) -> None:
        """Take in the next batch."""
        try:
            decode(item.data)
            header = peek(item.data)
        except FormatError as error:
            self._changed(item, f"{error.code}: {error}")
            return
        if not item.intact:
            self._changed(item, "its row is not as it was written")
            return
        if item.seq is not None and (item.seq, item.epoch) != (
            header.seq,
            header.epoch,
        ):
            self._misplaced(item, header)
        series = (header.source.hex(), header.epoch.hex(), header.stream)
        self._count(series, header, len(item.data))
        self._links[series].append(
            _Link(item.name, header.seq, batch_hash(item.data), header.prev, item.file)
        )
        self._last = series

    def declare(self, series: Series, gap: Gap) -> None:
        """Note a gap that no batch tells of, but the journal."""
        self._proof(series).declared.append(gap)

    def expect(self, series: Series, first: int, last: int, digest: bytes) -> None:
        """Note which batches should be there, and the hash of the last if known."""
        self._proof(series)
        self._spans[series] = first, last, digest

    def proofs(self) -> Iterator[Proof]:
        """Yield what is proved of each series."""
        for series in sorted(self._proofs):
            proof = self._proofs[series]
            self._prove(series)
            proof.findings.sort(key=lambda finding: (finding.first, finding.kind))
            yield proof

    def unreadable(self, text: str) -> None:
        """Note what cannot be said to belong to a series, in words."""
        self.belonging_to_none.append(Finding("unreadable", "", "", "", 0, 0, text))

    def _proof(self, series: Series) -> Proof:
        return self._proofs.setdefault(series, Proof(*series))

    def _count(self, series: Series, header: Header, size: int) -> None:
        proof = self._proof(series)
        known = proof.batches > 0
        proof.first = min(proof.first, header.seq) if known else header.seq
        proof.t0_ms = min(proof.t0_ms, header.t0_ms) if known else header.t0_ms
        proof.last = max(proof.last, header.seq)
        proof.t1_ms = max(proof.t1_ms, header.t1_ms)
        proof.batches += 1
        proof.bytes += size
        proof.declared += header.gaps

    def _changed(self, item: Item, why: str) -> None:
        """Tell of bytes that are no batch any more."""
        text = f"{item.name}: {why}"
        if item.stream is None or item.seq is None:
            self.unreadable(text)
            return
        epoch = (item.epoch or b"").hex()
        series = next((s for s in self._proofs if s[1:] == (epoch, item.stream)), None)
        if series is None:
            source = self._last[0] if self._last else ""
            series = (source, epoch, item.stream)
        self._tell(series, "changed", item.seq, item.seq, text)
        # Its number is there; what stood in it is not known.
        self._links[series].append(_Link(item.name, item.seq, b"", b"", ""))

    def _misplaced(self, item: Item, header: Header) -> None:
        series = (header.source.hex(), header.epoch.hex(), header.stream)
        text = f"{item.name}: holds batch {header.seq} of {header.epoch.hex()}"
        self._tell(series, "misplaced", header.seq, header.seq, text)

    def _tell(self, series: Series, kind: str, first: int, last: int, why: str) -> None:
        self._proof(series).findings.append(Finding(kind, *series, first, last, why))

    def _prove(self, series: Series) -> None:
        links = self._links[series]
        self._check_order(series, links)
        ordered = self._once(series, sorted(links, key=lambda link: link.seq))
        for before, link in pairwise(ordered):
            if link.seq > before.seq + 1:
                self._missing(series, before.seq + 1, link.seq - 1)
            elif before.hash and link.hash and link.prev != before.hash:
                text = f"{before.name}: batch {link.seq} was sealed after another one"
                self._tell(series, "changed", before.seq, before.seq, text)
        if ordered and ordered[0].seq == 1 and ordered[0].prev:
            text = f"{ordered[0].name}: is the first, but names one before it"
            self._tell(series, "changed", 1, 1, text)
        self._check_span(series, ordered)

    def _check_order(self, series: Series, links: list[_Link]) -> None:
        """Tell of batches that follow a later one, where only the order says so."""
        highest, file = 0, ""
        for link in links:
            if not link.file or link.file != file:
                highest, file = 0, link.file
            if link.seq < highest:
                text = f"{link.name}: stands after batch {highest}"
                self._tell(series, "misplaced", link.seq, link.seq, text)
            highest = max(highest, link.seq)

    def _once(self, series: Series, links: list[_Link]) -> list[_Link]:
        """Return *links* without repetitions."""
        kept: list[_Link] = []
        for link in links:
            if not kept or kept[-1].seq != link.seq:
                kept.append(link)
            elif link.hash != kept[-1].hash:
                text = f"{link.name}: differs from {kept[-1].name}"
                self._tell(series, "conflict", link.seq, link.seq, text)
        return kept

    def _check_span(self, series: Series, ordered: list[_Link]) -> None:
        if series not in self._spans:
            return
        first, last, digest = self._spans[series]
        if not ordered:
            self._missing(series, first, last)
            return
        if ordered[0].seq > first:
            self._missing(series, first, ordered[0].seq - 1)
        end = ordered[-1]
        if end.seq < last:
            self._missing(series, end.seq + 1, last)
        elif end.hash and digest and end.seq == last and end.hash != digest:
            text = f"{end.name}: the journal ends with another one"
            self._tell(series, "changed", last, last, text)

    def _missing(self, series: Series, first: int, last: int) -> None:
        """Tell of numbers that are not there, but for those that gaps declare."""
        gaps = sorted(self._proofs[series].declared, key=lambda gap: gap.first)
        for gap in gaps:
            if gap.last < first or gap.first > last:
                continue
            if gap.first > first:
                self._tell_missing(series, first, gap.first - 1)
            first = gap.last + 1
        if first <= last:
            self._tell_missing(series, first, last)

    def _tell_missing(self, series: Series, first: int, last: int) -> None:
        numbers = f"batch {first}" if first == last else f"batches {first} to {last}"
        text = f"{series[2]}: {numbers} not there, and no gap says so"
        self._tell(series, "missing", first, last, text)
