"""Which numbers of a stream are there, and when to ask for those that are not.

A gateway sends what is new first, so numbers may well be missing for hours while its
backlog comes. Only when nothing that was missing has come for a while it is asked:
then it believes that we have them, as after our database was restored from a copy.
"""

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from zerometer.agent.batch import Header, Missing
from zerometer.agent.receiver.rows import printable
from zerometer.agent.receiver.store import Store

#: How long nothing that was missing may come before it is asked for, and again.
GRACE_NS = 600 * 1_000_000_000
#: Ranges asked for in one answer.
MAX_RANGES = 16
#: Streams remembered; of others it is read again what is there.
MAX_STREAMS = 20_000

Range = tuple[int, int]

_COVERED = """
SELECT min(seq) AS first, max(seq) AS last, max(seq) AS seen FROM (
    SELECT seq, seq - row_number() OVER (ORDER BY seq) AS run
    FROM batch JOIN source ON source.id = batch.source
    WHERE uuid = ? AND epoch = ? AND stream = ?
) AS numbered GROUP BY run
UNION ALL
SELECT first, last, 0 FROM gap
JOIN batch ON batch.id = gap.batch JOIN source ON source.id = batch.source
WHERE uuid = ? AND epoch = ? AND stream = ?
"""


@dataclass(slots=True)
class _Stream:
    """What is there or declared lost, and the last number that is there.

    ``looked`` was missing at ``since_ns``, and as far as we saw nothing of it has come
    since. Other receivers may have more.
    """

    covered: list[Range]
    last: int
    since_ns: int
    looked: list[Range] = field(default_factory=list)

    @property
    def missing(self) -> list[Range]:
        """What is missing below the last; a gap may be declared above it."""
        found = missing_ranges(self.covered)
        return [(a, min(b, self.last)) for a, b in found if a <= self.last]

    def look(self, now_ns: int) -> None:
        """Begin to wait for what is missing now."""
        self.looked, self.since_ns = self.missing, now_ns


class Continuity:
    """Watches the streams of all sources; used by the store's thread."""

    def __init__(self, store: Store, now_ns: Callable[[], int]) -> None:
        self._store = store
        self._now_ns = now_ns
        self._streams: OrderedDict[tuple[bytes, bytes, str], _Stream] = OrderedDict()

    def after(self, header: Header) -> tuple[Missing, ...]:
        """Return what to ask the sender of a batch for, now that it is committed."""
        key = (header.source, header.epoch, header.stream)
        now_ns = self._now_ns()
        stream = self._streams.pop(key, None)
        if stream is None:
            stream = _Stream(*self._covered(header), now_ns)
            stream.look(now_ns)
        elif self._take_in(stream, header) or not stream.looked:
            stream.look(now_ns)
        self._streams[key] = stream
        if len(self._streams) > MAX_STREAMS:
            self._streams.popitem(last=False)
        if not stream.looked or now_ns - stream.since_ns < GRACE_NS:
            return ()
        return self._ask(stream, header, now_ns)

    def _take_in(self, stream: _Stream, header: Header) -> bool:
        """Tell whether a batch, or what it declares lost, was missing."""
        news = [(gap.first, gap.last) for gap in header.gaps]
        filled = [add(stream.covered, new) for new in (*news, (header.seq, header.seq))]
        stream.last = max(stream.last, header.seq)
        return any(filled)

    def _ask(self, stream: _Stream, header: Header, now_ns: int) -> tuple[Missing, ...]:
        """Ask, unless another receiver has got some of it meanwhile."""
        waited = stream.looked
        stream.covered, stream.last = self._covered(header)
        stream.look(now_ns)
        if not all(_is_within(one, stream.looked) for one in waited):
            return ()
        return tuple(
            Missing(header.epoch, header.stream, first, last)
            for first, last in waited[:MAX_RANGES]
        )

    def _covered(self, header: Header) -> tuple[list[Range], int]:
        which = (header.source.hex(), header.epoch.hex(), printable(header.stream))
        covered: list[Range] = []
        rows = self._store.query(_COVERED, which + which)
        for row in rows:
            add(covered, (row["first"], row["last"]))
        return covered, max((row["seen"] for row in rows), default=0)


def _is_within(inner: Range, ranges: Iterable[Range]) -> bool:
    return any(a <= inner[0] and inner[1] <= b for a, b in ranges)


def add(covered: list[Range], new: Range) -> bool:
    """Take *new* into ranges in order; tell whether it fills what was missing."""
    first, last = new
    highest = covered[-1][1] if covered else 0
    start = bisect_left(covered, first - 1, key=lambda item: item[1])
    end = start
    while end < len(covered) and covered[end][0] <= last + 1:
        end += 1
    touched = covered[start:end]
    if touched and touched[0][0] <= first and last <= touched[0][1]:
        return False
    joined = [new, *touched]
    covered[start:end] = [(min(a for a, _ in joined), max(b for _, b in joined))]
    return first <= highest


def missing_ranges(covered: Iterable[Range]) -> list[Range]:
    """Return what *covered* leaves out between 1 and its highest number."""
    missing: list[Range] = []
    reached = 0
    for first, last in sorted(covered):
        if first > reached + 1:
            missing.append((reached + 1, first - 1))
        reached = max(reached, last)
    return missing
